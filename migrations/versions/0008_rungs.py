"""When a case is warned about, and by which calendar its time runs."""

from alembic import op

revision = "0008"
down_revision = "0007"

UP = """
alter table reports
    -- Working hours by which the target of the case counts; null is round the clock.
    add column calendar_code text,
    -- The instants at which 50, 80 and 100 % of the time are used. A stopped clock's are moved when it runs again.
    add column rungs timestamptz[] not null default '{}',
    -- How many of them the unit that holds the case was told of.
    add column warned smallint not null default 0,
    -- What the rungs become when a question stays unanswered for 24 hours.
    add column rungs_if_unanswered timestamptz[];
alter table reports add constraint reports_warned_check check (warned between 0 and 3) not valid;
-- Cases that are open now, of which there are few: their time runs round the clock.
update reports set
    rungs = array[due_at - target_s * interval '0.5 s', due_at - target_s * interval '0.2 s', due_at]
where state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested');
update reports set rungs_if_unanswered = array[rungs[1] + interval '24 h', rungs[2] + interval '24 h',
    rungs[3] + interval '24 h']
where state = 'awaiting_resident';
"""

DOWN = """
alter table reports drop column calendar_code, drop column rungs, drop column warned, drop column rungs_if_unanswered;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
