"""The outbox, the audit, cities and ward versions."""

from alembic import op

revision = "0001"
down_revision = None

UP = """
create extension if not exists postgis;
create extension if not exists btree_gist;
grant usage on schema public to haigio_app;

create table outbox (
    id bigint generated always as identity primary key,
    topic text not null,
    payload jsonb not null,
    at timestamptz not null,
    sent_at timestamptz,
    sends integer not null default 0,
    done_at timestamptz,
    failed text
);
-- The relay looks only for what is not done: a few rows among millions.
create index outbox_waiting_idx on outbox (sent_at nulls first, id) where done_at is null;
grant select, insert, update, delete on outbox to haigio_app;

-- Wakes the relay at commit; one notification a statement, however many rows.
create function wake_relay() returns trigger language plpgsql as $$
begin
    perform pg_notify('outbox', '');
    return null;
end $$;
create trigger outbox_wakes_relay after insert on outbox for each statement execute function wake_relay();

create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    actor_id uuid,
    action text not null,
    subject text not null,
    data jsonb not null
);
create index audit_subject_idx on audit (subject, id);
grant select, insert on audit to haigio_app;

create table cities (
    id smallint primary key,
    code text not null unique,
    name text not null,
    number_prefix text not null
);
insert into cities (id, code, name, number_prefix) values (1, '79', 'Thành phố Hồ Chí Minh', 'BT');
grant select on cities to haigio_app;

create table ward_imports (
    id integer generated always as identity primary key,
    at timestamptz not null,
    file text not null,
    sha256 text not null,
    summary jsonb not null
);
create table ward_versions (
    id integer generated always as identity primary key,
    city_id smallint not null references cities (id),
    code text not null,
    name text not null,
    type text not null,
    parent text,
    parent_code text,
    valid_from date,
    valid_to date,
    geom geometry(MultiPolygon, 4326) not null,
    area_m2 double precision not null,
    source text,
    note text,
    import_id integer not null references ward_imports (id),
    constraint ward_versions_days_check check (valid_from < valid_to),
    -- Ward codes are re-used, but on one day a code is one ward.
    constraint ward_versions_one_a_day
        exclude using gist (city_id with =, code with =, daterange(valid_from, valid_to) with &&)
);
create table ward_successions (
    predecessor_id integer not null references ward_versions (id),
    successor_id integer not null references ward_versions (id),
    share real not null,
    primary key (predecessor_id, successor_id)
);
grant select, insert on ward_imports, ward_successions to haigio_app;
grant select, insert, update (valid_to) on ward_versions to haigio_app;

-- What every process holds in memory (wards, units, kinds, targets) is as old as this number says. A trigger counts,
-- so that no change, not even one made by hand, is missed.
create table rulebook_revision (
    one boolean default true primary key constraint rulebook_revision_one_check check (one),
    revision bigint not null
);
insert into rulebook_revision (revision) values (1);
grant select, update on rulebook_revision to haigio_app;
create function count_rulebook() returns trigger language plpgsql as $$
begin
    update rulebook_revision set revision = revision + 1;
    return null;
end $$;
create trigger ward_versions_count after insert or update or delete on ward_versions
    for each statement execute function count_rulebook();
"""

DOWN = """
drop table rulebook_revision, ward_successions, ward_versions, ward_imports, cities, audit, outbox cascade;
drop function count_rulebook;
drop function wake_relay;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
