"""A unit's cases by receipt, open and over: to find one again. Built while reports are written."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    # Outside a transaction. One that was broken off leaves an index that is not valid: the next attempt begins anew.
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists reports_unit_received_idx")
        op.execute("create index concurrently reports_unit_received_idx on reports (unit_id, received_at, id)")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists reports_unit_received_idx")
