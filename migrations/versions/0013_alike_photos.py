"""What photos are looked up by, and the constraint that was promised."""

from alembic import op

revision = "0013"
down_revision = "0012"

INDEXES = {
    "photos_dhash_bands_idx": "photos using gin (dhash_bands(dhash)) where dhash is not null",
    "photos_to_erase_idx": "photos (erased_at) where state = 'erased' and gone_at is null",
}


def upgrade() -> None:
    op.execute("alter table photos validate constraint photos_state_check")
    # Outside a transaction. One that was broken off leaves an index that is not valid: the next attempt begins anew.
    with op.get_context().autocommit_block():
        for name, what in INDEXES.items():
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create index concurrently {name} on {what}")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"drop index concurrently if exists {name}")
