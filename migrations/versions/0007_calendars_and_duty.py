"""Calendars of working time, and who is on duty when."""

from alembic import op

revision = "0007"
down_revision = "0006"

UP = """
-- Opening hours by weekday. They never change: what they judged is judged by them for ever, new hours are a new row.
create table calendars (
    city_id smallint not null references cities (id),
    code text not null,
    name_vi text not null,
    name_en text not null,
    hours jsonb not null,
    primary key (city_id, code)
);
-- A year is loaded or it is not: nobody reckons with days of which nobody said whether they are free.
create table calendar_years (
    city_id smallint not null references cities (id),
    year smallint not null constraint calendar_years_year_check check (year between 2020 and 2100),
    source text not null,
    loaded_at timestamptz not null,
    primary key (city_id, year)
);
create table holidays (
    city_id smallint not null references cities (id),
    day date not null,
    kind text not null constraint holidays_kind_check check (kind in ('off', 'working')),
    -- A make-up day has the hours of this weekday.
    like_weekday smallint constraint holidays_like_weekday_check check (like_weekday between 1 and 7),
    name_vi text not null,
    name_en text not null,
    primary key (city_id, day),
    constraint holidays_hours_check check ((kind = 'working') = (like_weekday is not null))
);
create trigger calendars_count after insert or update or delete on calendars
    for each statement execute function count_rulebook();
create trigger calendar_years_count after insert or update or delete on calendar_years
    for each statement execute function count_rulebook();
create trigger holidays_count after insert or update or delete on holidays
    for each statement execute function count_rulebook();
grant select, insert, update (name_vi, name_en) on calendars to haigio_app;
grant select, insert, update on calendar_years to haigio_app;
grant select, insert, update, delete on holidays to haigio_app;

-- Null: minutes of any time.
alter table target_policies
    add column calendar_code text,
    add constraint target_policies_calendar_fkey foreign key (city_id, calendar_code) references calendars (city_id, code);

create table duty_shifts (
    id integer generated always as identity primary key,
    unit_id integer not null references units (id),
    person_id uuid not null references people (id),
    weekdays smallint[] not null constraint duty_shifts_weekdays_check
        check (cardinality(weekdays) between 1 and 7 and weekdays <@ '{1,2,3,4,5,6,7}'),
    starts time not null,
    ends time not null,
    valid_from date not null,
    valid_to date,
    constraint duty_shifts_days_check check (valid_from < valid_to)
);
create index duty_shifts_unit_id_idx on duty_shifts (unit_id, valid_from);
create index duty_shifts_person_id_idx on duty_shifts (person_id);
-- What was in force on a day that is over is given its end; only what was not is deleted.
grant select, insert, update (valid_to), delete on duty_shifts to haigio_app;
"""

DOWN = """
drop table duty_shifts;
alter table target_policies drop column calendar_code;
drop table holidays, calendar_years, calendars;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
