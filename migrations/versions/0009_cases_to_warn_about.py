"""The rungs of cases that are open now; the next one of each whose clock runs, for the sweep; indexes for both.

And who was alone with a warning, for the figures.
"""

from alembic import op

revision = "0009"
down_revision = "0008"


# Of open cases there are few, and their time runs round the clock. Once more they are left as they are.
FILL = """
update reports set
    rungs = array[due_at - target_s * interval '0.5 s', due_at - target_s * interval '0.2 s', due_at]
where state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested') and rungs = '{}';
update reports set rungs_if_unanswered = array[rungs[1] + interval '24 h', rungs[2] + interval '24 h',
    rungs[3] + interval '24 h']
where state = 'awaiting_resident' and rungs_if_unanswered is null;
"""


def upgrade() -> None:
    op.execute("alter table reports validate constraint reports_warned_check")
    op.execute(FILL)
    # Outside a transaction. One that was broken off leaves an index that is not valid: the next attempt begins anew.
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists reports_to_warn_idx")
        op.execute(
            "create index concurrently reports_to_warn_idx on reports ((rungs[warned + 1])) "
            "where state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested') "
            "and stopped_at is null and warned < 3"
        )
        op.execute("drop index concurrently if exists reports_rungs_astray_idx")
        op.execute(
            "create index concurrently reports_rungs_astray_idx on reports (id) "
            "where state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested') "
            "and rungs[3] is distinct from due_at"
        )
        op.execute("drop index concurrently if exists timeline_nobody_on_duty_idx")
        op.execute(
            "create index concurrently timeline_nobody_on_duty_idx on timeline (report_id) "
            "where type = 'nobody_on_duty'"
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists timeline_nobody_on_duty_idx")
        op.execute("drop index concurrently if exists reports_rungs_astray_idx")
        op.execute("drop index concurrently if exists reports_to_warn_idx")
