"""Telling people: the inbox, devices, webhooks, digests; when somebody wants to be left in peace."""

from alembic import op

revision = "0010"
down_revision = "0009"

UP = """
create table notifications (
    id uuid primary key,
    -- One of them: an anonymous author is known by the tag of their report alone.
    person_id uuid references people (id),
    tag bytea,
    -- What makes it one: the same news of the same thing is told to nobody twice.
    key text not null,
    topic text not null,
    report_id uuid references reports (id),
    entry_id uuid,
    data jsonb not null,
    at timestamptz not null,
    read_at timestamptz,
    constraint notifications_one_check check (num_nonnulls(person_id, tag) = 1)
);
create unique index notifications_person_key on notifications (person_id, key) where person_id is not null;
create unique index notifications_tag_key on notifications (tag, key) where tag is not null;
create index notifications_person_idx on notifications (person_id, at, id) where person_id is not null;
create index notifications_tag_idx on notifications (tag, at, id) where tag is not null;

create table devices (
    id uuid primary key,
    person_id uuid not null references people (id),
    -- A phone that is handed on is signed out of first: what was registered under a sign-in goes with it.
    session_id uuid not null references sessions (id),
    platform text not null constraint devices_platform_check check (platform in ('web', 'fcm', 'apns')),
    token text not null,
    token_hash bytea not null unique,
    app_version text,
    added_at timestamptz not null,
    seen_at timestamptz not null
);
create index devices_person_id_idx on devices (person_id);
create index devices_session_id_idx on devices (session_id);

create table webhooks (
    id uuid primary key,
    url text not null,
    topics text[] not null,
    unit_id integer references units (id),
    created_by uuid references people (id),
    created_at timestamptz not null,
    disabled_at timestamptz
);

-- One digest an hour at most, however many schedules run; the next one has what is overdue and was in none yet.
create table digests (
    city_id smallint not null references cities (id),
    hour timestamptz not null,
    until timestamptz not null,
    reports uuid[] not null default '{}',
    primary key (city_id, hour)
);

-- Local times of the day, between which nothing rings; the second may be of the next morning.
alter table people add column quiet_from time, add column quiet_to time;
alter table people add constraint people_quiet_check
    check (num_nonnulls(quiet_from, quiet_to) <> 1 and quiet_from <> quiet_to) not valid;
alter table staff add column email text;
-- It ran out, and nobody ended it: its device rings on for a while.
alter table sessions add column lapsed boolean not null default false;

grant select, insert, delete on notifications to haigio_app;
grant update (read_at) on notifications to haigio_app;
grant select, insert, update, delete on devices to haigio_app;
grant select, insert on webhooks, digests to haigio_app;
grant update (disabled_at) on webhooks to haigio_app;
"""

DOWN = """
alter table sessions drop column lapsed;
alter table staff drop column email;
alter table people drop column quiet_from, drop column quiet_to;
drop table digests, webhooks, devices, notifications;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
