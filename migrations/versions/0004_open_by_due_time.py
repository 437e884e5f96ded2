"""Open cases of every unit by due time, for whoever watches the city. Built while reports are written."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # Outside a transaction. One that was broken off leaves an index that is not valid: the next attempt begins anew.
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists reports_open_due_idx")
        op.execute("""
            create index concurrently reports_open_due_idx on reports (due_at, id)
            where state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested')
        """)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists reports_open_due_idx")
