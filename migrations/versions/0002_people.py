"""Units, residents, staff, memberships, codes, sessions."""

from alembic import op

revision = "0002"
down_revision = "0001"

UP = """
create table units (
    id integer generated always as identity primary key,
    city_id smallint not null references cities (id),
    kind text not null constraint units_kind_check check (kind in ('ward', 'team', 'desk')),
    code text not null,
    name text not null
);
create unique index units_one_desk_key on units (city_id) where kind = 'desk';
-- A unit lives as long as it covers a ward version; a reformed ward with the same code and name keeps its unit.
create table unit_coverage (
    ward_version_id integer not null primary key references ward_versions (id),
    unit_id integer not null references units (id)
);
create index unit_coverage_unit_id_idx on unit_coverage (unit_id);
insert into units (city_id, kind, code, name) values (1, 'desk', 'desk', 'Tổ điều phối thành phố');
grant select, insert, update on units to haigio_app;
grant select, insert on unit_coverage to haigio_app;
create trigger units_count after insert or update or delete on units
    for each statement execute function count_rulebook();
create trigger unit_coverage_count after insert or update or delete on unit_coverage
    for each statement execute function count_rulebook();

create table people (
    id uuid primary key,
    is_staff boolean not null,
    language text not null default 'vi' constraint people_language_check check (language in ('vi', 'en')),
    channels jsonb not null default '[]',
    created_at timestamptz not null,
    disabled_at timestamptz
);
create table residents (
    person_id uuid primary key references people (id),
    phone text not null unique
);
create table staff (
    person_id uuid primary key references people (id),
    username text not null unique,
    name text not null,
    password_hash text not null,
    totp_secret text,
    failures integer not null default 0,
    locked_until timestamptz
);
create table consents (
    person_id uuid not null references people (id),
    purpose text not null,
    version text not null,
    given_at timestamptz not null,
    withdrawn_at timestamptz,
    primary key (person_id, purpose, given_at)
);
-- A staff member acts for a unit, in a role, on days. City-wide roles name no unit.
create table memberships (
    id integer generated always as identity primary key,
    person_id uuid not null references people (id),
    role text not null constraint memberships_role_check
        check (role in ('officer', 'chair', 'dispatcher', 'leader', 'admin', 'volunteer')),
    unit_id integer references units (id),
    valid_from date not null,
    valid_to date,
    constraint memberships_unit_check
        check ((role in ('officer', 'chair', 'dispatcher')) = (unit_id is not null)),
    constraint memberships_days_check check (valid_from < valid_to)
);
create index memberships_person_id_idx on memberships (person_id);
create index memberships_unit_id_idx on memberships (unit_id);

create table otp_challenges (
    id uuid primary key,
    phone text not null,
    address_tag bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    tries integer not null default 0,
    used_at timestamptz
);
create index otp_challenges_phone_idx on otp_challenges (phone, created_at);
create index otp_challenges_address_tag_idx on otp_challenges (address_tag, created_at);
create table sessions (
    id uuid primary key,
    person_id uuid not null references people (id),
    created_at timestamptz not null,
    ended_at timestamptz
);
create index sessions_person_id_idx on sessions (person_id);
create table refresh_tokens (
    token_hash bytea primary key,
    session_id uuid not null references sessions (id),
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    -- What the phone called its attempt: a repeated one lost its answer, any other use is somebody else's.
    attempt uuid
);
create index refresh_tokens_session_id_idx on refresh_tokens (session_id);
-- Wrong passwords from one address, counted where no restart forgets them.
create table sign_in_failures (
    address_tag bytea not null,
    at timestamptz not null
);
create index sign_in_failures_address_tag_idx on sign_in_failures (address_tag, at);

grant select, insert, update on people, residents, staff, consents, memberships, sessions to haigio_app;
grant select, insert, update, delete on otp_challenges, refresh_tokens, sign_in_failures to haigio_app;
grant delete on residents, sessions to haigio_app;
"""

DOWN = """
drop table sign_in_failures, refresh_tokens, sessions, otp_challenges, memberships, consents, staff, residents, people,
    unit_coverage, units cascade;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
