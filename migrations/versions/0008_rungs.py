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
    add column rungs_if_unanswered timestamptz[],
    -- How often a correction moved the due time: each is a new promise, whose rungs are told anew.
    add column due_corrections smallint not null default 0;
alter table reports add constraint reports_warned_check check (warned between 0 and 3) not valid;
"""

DOWN = """
alter table reports drop column calendar_code, drop column rungs, drop column warned, drop column rungs_if_unanswered,
    drop column due_corrections;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
