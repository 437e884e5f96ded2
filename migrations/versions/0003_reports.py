"""Kinds, targets, reports, the timeline, photos, decisions."""

from alembic import op

revision = "0003"
down_revision = "0002"

UP = """
create table kinds (
    city_id smallint not null references cities (id),
    code text not null,
    field text not null constraint kinds_field_check check (field in ('sidewalk', 'environment', 'construction')),
    name_vi text not null,
    name_en text not null,
    photo_required boolean not null,
    position integer not null,
    valid_from date not null,
    valid_to date,
    primary key (city_id, code, valid_from),
    constraint kinds_days_check check (valid_from < valid_to),
    constraint kinds_one_a_day exclude using gist (city_id with =, code with =, daterange(valid_from, valid_to) with &&)
);
-- Decrees move: what a kind rests on is dated data, shown and never computed with.
create table legal_bases (
    city_id smallint not null references cities (id),
    kind_code text not null,
    decree text not null,
    article text not null,
    fine_min_vnd bigint,
    fine_max_vnd bigint,
    valid_from date not null,
    valid_to date,
    primary key (city_id, kind_code, decree, article, valid_from),
    constraint legal_bases_days_check check (valid_from < valid_to),
    constraint legal_bases_fines_check check (fine_min_vnd <= fine_max_vnd)
);
create table bodies (
    city_id smallint not null references cities (id),
    code text not null,
    name_vi text not null,
    name_en text not null,
    primary key (city_id, code)
);
create table questions (
    city_id smallint not null references cities (id),
    position integer not null,
    question_vi text not null,
    question_en text not null,
    answer_vi text not null,
    answer_en text not null,
    primary key (city_id, position)
);
-- How long a case may take; the most specific row in force at receipt judges the case for ever.
create table target_policies (
    id integer generated always as identity primary key,
    city_id smallint not null references cities (id),
    field text,
    kind_code text,
    unit_id integer references units (id),
    urgent boolean,
    minutes integer not null constraint target_policies_minutes_check check (minutes between 1 and 525600),
    valid_from timestamptz not null,
    valid_to timestamptz,
    constraint target_policies_times_check check (valid_from < valid_to)
);
create trigger kinds_count after insert or update or delete on kinds
    for each statement execute function count_rulebook();
create trigger target_policies_count after insert or update or delete on target_policies
    for each statement execute function count_rulebook();
create trigger bodies_count after insert or update or delete on bodies
    for each statement execute function count_rulebook();
grant select, insert, update on kinds, legal_bases, bodies, target_policies to haigio_app;
grant select, insert, update, delete on questions to haigio_app;

-- BT-2611-0047: prefix of the city, year and month of receipt (local), count within the month.
create table report_numbers (
    city_id smallint not null references cities (id),
    month date not null,
    last integer not null,
    primary key (city_id, month)
);

create table reports (
    id uuid primary key,
    city_id smallint not null references cities (id),
    number text not null unique,
    channel text not null constraint reports_channel_check
        check (channel in ('app', 'web', 'assisted', 'hotline', 'open311', 'demo')),
    filed_by uuid references people (id),
    kind_code text not null,
    field text not null,
    lat double precision not null,
    lon double precision not null,
    point geometry(Point, 4326) not null generated always as (st_setsrid(st_makepoint(lon, lat), 4326)) stored,
    accuracy_m double precision,
    address text,
    note text,
    captured_at timestamptz,
    captured_mark text constraint reports_captured_mark_check check (captured_mark in ('ahead', 'old')),
    anonymous boolean not null,
    urgent boolean not null,
    about_unit boolean not null,
    received_at timestamptz not null,
    ward_version_id integer not null references ward_versions (id),
    routing jsonb not null,

    unit_id integer not null references units (id),
    state text not null constraint reports_state_check check (state in ('received', 'accepted', 'on_site',
        'awaiting_resident', 'concluded', 'contested', 'closed', 'withdrawn')),
    target_s integer not null,
    due_at timestamptz not null,
    stopped_at timestamptz,
    stopped_s integer not null default 0,
    first_response_at timestamptz,
    on_site_at timestamptz,
    concluded_at timestamptz,
    outcome text constraint reports_outcome_check check (outcome in ('recorded', 'remedied', 'gone', 'no_violation',
        'unfounded', 'duplicate', 'referred', 'out_of_scope')),
    ended_at timestamptz,

    assignee_id uuid references people (id),
    concluded_by uuid references people (id),
    original_id uuid references reports (id),
    body_code text,
    late_reason text,
    left_state text,
    stopped_units integer[] not null default '{}',
    refusals smallint not null default 0,
    contests smallint not null default 0,
    review_by_desk boolean not null default false,
    -- What the resident first said, member by member, of whatever was corrected since: a retry of it is still the same.
    as_sent jsonb,
    overdue_unit_id integer references units (id),
    recurrence_of uuid references reports (id),
    version integer not null default 1,
    updated_at timestamptz not null
);
-- The queue: of millions of reports only the open ones, by unit and due time.
create index reports_queue_idx on reports (unit_id, due_at, id)
    where state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested');
create index reports_desk_reviews_idx on reports (due_at, id) where state = 'contested' and review_by_desk;
create index reports_open_point_idx on reports using gist (point)
    where state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested');
create index reports_awaiting_idx on reports (stopped_at) where state = 'awaiting_resident';
create index reports_to_close_idx on reports (concluded_at) where state = 'concluded';
create index reports_received_at_idx on reports (received_at);
create index reports_original_idx on reports (original_id) where original_id is not null;
create index reports_filed_by_idx on reports (filed_by) where filed_by is not null;
-- Recurrence looks for true conclusions near a point.
create index reports_true_point_idx on reports using gist (point) where outcome in ('recorded', 'remedied', 'gone');

-- Who reported, apart from the report and joined by no queue. An anonymous author is only a keyed tag.
create table report_authors (
    report_id uuid primary key references reports (id),
    person_id uuid references people (id),
    tag bytea,
    constraint report_authors_one_check check (num_nonnulls(person_id, tag) = 1)
);
create index report_authors_person_id_idx on report_authors (person_id, report_id) where person_id is not null;
create index report_authors_tag_idx on report_authors (tag, report_id) where tag is not null;
create table report_followers (
    report_id uuid not null references reports (id),
    person_id uuid not null references people (id),
    since timestamptz not null,
    primary key (report_id, person_id)
);
create index report_followers_person_id_idx on report_followers (person_id);

-- The course of every report. Insert-only by privilege; its free text lies apart, so that it can be erased.
create table timeline (
    id bigint generated always as identity,
    report_id uuid not null references reports (id),
    entry_id uuid not null,
    at timestamptz not null,
    done_at timestamptz,
    type text not null,
    by_role text not null,
    by_id uuid,
    unit_id integer,
    from_state text,
    to_state text,
    shown_to text not null constraint timeline_shown_to_check check (shown_to in ('all', 'unit')),
    data jsonb not null,
    text_digest bytea,
    request_digest bytea,
    primary key (report_id, id)
);
-- The same entry again gives the same result.
create unique index timeline_entry_key on timeline (report_id, entry_id);
create table timeline_texts (
    report_id uuid not null,
    entry_id uuid not null,
    texts jsonb,
    erased_at timestamptz,
    primary key (report_id, entry_id)
);

create table photos (
    report_id uuid not null references reports (id),
    sha256 text not null constraint photos_sha256_check check (sha256 ~ '^[0-9a-f]{64}$'),
    role text not null constraint photos_role_check check (role in ('before', 'after')),
    state text not null constraint photos_state_check check (state in ('awaited', 'received', 'ready', 'refused')),
    media_type text,
    bytes integer,
    width integer,
    height integer,
    added_at timestamptz not null,
    received_at timestamptz,
    ready_at timestamptz,
    refusal text,
    primary key (report_id, sha256)
);
create index photos_sha256_idx on photos (sha256);

create table decisions (
    id uuid primary key,
    report_id uuid not null references reports (id),
    unit_id integer not null references units (id),
    number text not null,
    decided_on date not null,
    decided_year smallint not null generated always as (extract(year from decided_on)) stored,
    fine_vnd bigint not null constraint decisions_fine_vnd_check check (fine_vnd between 0 and 100000000000),
    paid_on date,
    signed_by uuid references people (id),
    entered_at timestamptz not null,
    -- A unit counts its decisions anew each year.
    constraint decisions_number_key unique (unit_id, decided_year, number)
);
create index decisions_report_id_idx on decisions (report_id);

grant select, insert, update on report_numbers, reports, photos, timeline_texts to haigio_app;
grant select, insert, update (paid_on) on decisions to haigio_app;
grant select, insert, update, delete on report_authors, report_followers to haigio_app;
grant select, insert on timeline to haigio_app;
"""

DOWN = """
drop table decisions, photos, timeline_texts, timeline, report_followers, report_authors, reports, report_numbers,
    target_policies, questions, bodies, legal_bases, kinds cascade;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
