"""Promises that are kept later, and those that were given up and wait for a person.

The columns are empty and rewrite nothing. What the relay must look at stays apart in an index of its own from what is to
come and from what was given up, however much of either lies there. Built while rows are written.

The index by which relays of the release before look (`outbox_waiting_idx`) stays until none of them can be running:
without it each of their questions would read the whole table. The next release drops it.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

# Broken off half-way, this migration begins anew: each step may find that it was done.
COLUMNS = """
alter table outbox add column if not exists not_before timestamptz, add column if not exists given_up_at timestamptz;
-- Until now this could only be read from the text of the last failure.
update outbox set given_up_at = now()
where done_at is null and given_up_at is null and sends >= 8 and failed like 'send ' || sends || ': %';
"""
INDEXES = {
    "outbox_due_idx": """(sent_at nulls first, id)
        where done_at is null and given_up_at is null and (not_before is null or sent_at is not null)""",
    "outbox_later_idx": """(not_before, id)
        where done_at is null and given_up_at is null and sent_at is null and not_before is not null""",
    "outbox_given_up_idx": "(given_up_at, id) where done_at is null and given_up_at is not null",
}


def upgrade() -> None:
    op.execute(COLUMNS)
    with op.get_context().autocommit_block():
        for name, what in INDEXES.items():
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create index concurrently {name} on outbox {what}")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"drop index concurrently if exists {name}")
    op.execute("alter table outbox drop column not_before, drop column given_up_at")
