"""What the end of photos needs: cases that are over by when they ended, and the right to forget what was hidden in them."""

from alembic import op

revision = "0014"
down_revision = "0013"

INDEX = """
create index concurrently reports_over_idx on reports (ended_at)
    where state in ('closed', 'withdrawn') and outcome is distinct from 'recorded'
"""


def upgrade() -> None:
    op.execute("grant delete on photo_blurs to haigio_app")
    # Outside a transaction. One that was broken off leaves an index that is not valid: the next attempt begins anew.
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists reports_over_idx")
        op.execute(INDEX)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists reports_over_idx")
    op.execute("revoke delete on photo_blurs from haigio_app")
