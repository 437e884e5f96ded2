"""Photos as evidence: uploads that go on where they broke off, copies for the public, what a photo says of itself, its end."""

from alembic import op

revision = "0012"
down_revision = "0011"

UP = """
-- Four numbers of 16 bits, each marked with its place: one index finds whose hash shares any of them.
create function dhash_bands(dhash bigint) returns integer[] language sql immutable parallel safe strict
return array[(dhash & 65535)::integer, (65536 + ((dhash >> 16) & 65535))::integer,
    (131072 + ((dhash >> 32) & 65535))::integer, (196608 + ((dhash >> 48) & 65535))::integer];

-- A file on its way. Who may go on with it is asked of the report each time, so that no name stands here.
create table uploads (
    id uuid primary key,
    report_id uuid not null references reports (id),
    role text not null constraint uploads_role_check check (role in ('before', 'after')),
    sha256 text not null constraint uploads_sha256_check check (sha256 ~ '^[0-9a-f]{64}$'),
    metadata text not null,
    length_bytes integer not null,
    offset_bytes integer not null default 0,
    -- Where in the store the bytes lie that came so far, in their order.
    pieces text[] not null default '{}',
    created_at timestamptz not null,
    expires_at timestamptz not null,
    done_at timestamptz,
    constraint uploads_bytes_check check (offset_bytes between 0 and length_bytes)
);
create index uploads_report_id_idx on uploads (report_id);
create index uploads_expires_at_idx on uploads (expires_at);

alter table photos
    add column duration_ms integer,
    -- What it looks like, in 64 bits of which two near-same photos share most.
    add column dhash bigint,
    add column placeholder text,
    add column hints jsonb not null default '{}',
    -- The second pair of copies is there: in full size for the unit, blurred for the public.
    add column blurred_at timestamptz,
    add column erased_at timestamptz,
    -- Set when nothing of an erased photo lies in the store any more.
    add column gone_at timestamptz;
alter table photos drop constraint photos_state_check;
alter table photos add constraint photos_state_check
    check (state in ('awaited', 'received', 'ready', 'refused', 'kept', 'erased')) not valid;

-- What is hidden from the public in a photo: in parts of the upright picture's width and height.
create table photo_blurs (
    id uuid primary key,
    report_id uuid not null,
    sha256 text not null,
    what text not null constraint photo_blurs_what_check check (what in ('face', 'plate', 'other')),
    "left" real not null,
    top real not null,
    width real not null,
    height real not null,
    score real,
    added_at timestamptz not null,
    added_by uuid references people (id),
    released_at timestamptz,
    released_by uuid references people (id),
    foreign key (report_id, sha256) references photos (report_id, sha256),
    constraint photo_blurs_place_check check ("left" >= 0 and top >= 0 and width > 0 and height > 0
        and "left" + width <= 1.0001 and top + height <= 1.0001)
);
create index photo_blurs_photo_idx on photo_blurs (report_id, sha256);

-- Who asked to look at a photo in full size, and when the link was first opened.
create table photo_looks (
    id uuid primary key,
    report_id uuid not null,
    sha256 text not null,
    person_id uuid not null references people (id),
    at timestamptz not null,
    opened_at timestamptz,
    foreign key (report_id, sha256) references photos (report_id, sha256)
);
create index photo_looks_photo_idx on photo_looks (report_id, sha256);

-- How many days after a report ended its photos go; null is never. `recorded` is for cases with a record of a violation.
create table retention_policies (
    id integer generated always as identity primary key,
    city_id smallint not null references cities (id),
    recorded boolean not null,
    days integer constraint retention_policies_days_check check (days between 1 and 36500),
    valid_from date not null,
    valid_to date,
    constraint retention_policies_valid_check check (valid_from < valid_to),
    constraint retention_policies_one_a_day exclude using gist
        (city_id with =, recorded with =, daterange(valid_from, valid_to) with &&)
);

-- An officer keeps a report from the public.
alter table reports add column withheld boolean not null default false;

grant select, insert, update, delete on uploads to haigio_app;
grant select, insert on photo_blurs, photo_looks to haigio_app;
grant update (released_at, released_by) on photo_blurs to haigio_app;
grant update (opened_at) on photo_looks to haigio_app;
grant select, insert, update on retention_policies to haigio_app;
"""

DOWN = """
alter table reports drop column withheld;
drop table retention_policies, photo_looks, photo_blurs, uploads;
update photos set state = 'received' where state = 'kept';
update photos set state = 'refused' where state = 'erased';
alter table photos drop constraint photos_state_check;
alter table photos add constraint photos_state_check check (state in ('awaited', 'received', 'ready', 'refused')) not valid;
alter table photos
    drop column duration_ms, drop column dhash, drop column placeholder, drop column hints,
    drop column blurred_at, drop column erased_at, drop column gone_at;
drop function dhash_bands;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
