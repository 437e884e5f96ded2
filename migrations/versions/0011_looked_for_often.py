"""What is looked for every minute or hour, however big its table; a constraint that was promised is checked.

Validating lets everybody read and write; in the migration that added the constraint it would have kept that one's lock.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

# Their last refresh token was deleted while they still counted as open: nobody can go on with them.
ENDED = """
update sessions s set ended_at = now(), lapsed = true
where ended_at is null and not exists (select from refresh_tokens t where t.session_id = s.id)
"""
INDEXES = {
    "outbox_done_idx": "outbox (done_at) where done_at is not null",
    "refresh_tokens_expires_at_idx": "refresh_tokens (expires_at)",
}


def upgrade() -> None:
    op.execute("alter table people validate constraint people_quiet_check")
    op.execute(ENDED)
    # Outside a transaction. One that was broken off leaves an index that is not valid: the next attempt begins anew.
    with op.get_context().autocommit_block():
        for name, what in INDEXES.items():
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create index concurrently {name} on {what}")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"drop index concurrently if exists {name}")
