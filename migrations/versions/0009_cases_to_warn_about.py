"""The next rung of every open case whose clock runs, for the sweep; who was alone with a warning, for the figures."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("alter table reports validate constraint reports_warned_check")
    # Outside a transaction. One that was broken off leaves an index that is not valid: the next attempt begins anew.
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists reports_to_warn_idx")
        op.execute(
            "create index concurrently reports_to_warn_idx on reports ((rungs[warned + 1])) "
            "where state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested') "
            "and stopped_at is null and warned < 3"
        )
        op.execute("drop index concurrently if exists timeline_nobody_on_duty_idx")
        op.execute(
            "create index concurrently timeline_nobody_on_duty_idx on timeline (report_id) "
            "where type = 'nobody_on_duty'"
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists timeline_nobody_on_duty_idx")
        op.execute("drop index concurrently if exists reports_to_warn_idx")
