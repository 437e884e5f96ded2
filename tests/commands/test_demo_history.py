"""The demo's history on the shipped sketch, loaded once for all of these tests."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.commands.demo import history
from app.commands.demo.course import courses
from app.commands.wards import SKETCH
from app.reports import catalogue, recurrence
from app.routing.actions import cover_wards
from app.statistics.queries import By, Period, response_times, summary
from geo.boundaries import import_files

CITY = 1
NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
TWO_YEARS = Period(date(2024, 11, 1), date(2026, 11, 1))


@pytest.fixture(scope="module")
def story(engine):
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            import_files(session, CITY, [SKETCH], NOW)
            cover_wards(session, CITY, NOW)
            catalogue.load(session, CITY, catalogue.shipped(), NOW)
            # Somebody reported in the first month of the history before it was loaded.
            session.execute(text("insert into report_numbers (city_id, month, last) values (1, '2024-11-01', 7)"))
            history.load(session, CITY, NOW)
            yield session
        outer.rollback()


def test_the_summary_shows_exactly_the_totals(story):
    figures = summary(story, CITY, TWO_YEARS, NOW)
    assert figures.reports == 13_300
    assert figures.by_field == {"sidewalk": 10_000, "environment": 2_500, "construction": 800}
    assert figures.concluded_share == 1
    assert figures.true_share == 0.95
    assert figures.sanctioned == 12_000
    assert figures.fines_vnd == 7_000_000_000
    assert (figures.open, figures.overdue) == (0, 0)
    assert figures.conclusion.p50_s < 3600
    assert 0.9 < figures.on_time_share < 1
    assert summary(story, CITY, Period(), NOW).reports == 13_300


def test_outcomes(story):
    found = Counter(dict(story.execute(text("select outcome, count(*) from reports group by outcome")).all()))
    assert found["recorded"] == 12_000
    assert found["remedied"] + found["gone"] == 635
    assert found["no_violation"] + found["unfounded"] == 665
    assert found.total() == 13_300


def test_every_ward_has_its_share_and_every_point_lies_in_its_ward(story):
    items = response_times(story, CITY, TWO_YEARS, [By.WARD], NOW)
    assert len(items) == 5
    assert all(item.reports > 400 for item in items)
    outside = story.scalar(
        text(
            "select count(*) from reports r join ward_versions v on v.id = r.ward_version_id "
            "where not st_covers(v.geom, r.point)"
        )
    )
    assert outside == 0


def test_each_recorded_case_has_one_decision_of_the_unit_that_holds_it(story):
    found = story.execute(
        text(
            "select count(*), count(distinct d.report_id), bool_and(r.outcome = 'recorded'), "
            "bool_and(d.unit_id = r.unit_id), bool_and(d.entered_at > r.concluded_at), "
            "bool_and(d.decided_on >= (r.concluded_at at time zone 'Asia/Ho_Chi_Minh')::date) "
            "from decisions d join reports r on r.id = d.report_id"
        )
    ).one()
    assert found == (12_000, 12_000, True, True, True, True)


def test_the_timeline_tells_what_the_columns_say(story):
    found = story.execute(
        text(
            "select count(*), bool_and(got.received = r.received_at and got.accepted = r.first_response_at "
            "and got.arrived = r.on_site_at and got.concluded = r.concluded_at and got.last_state = r.state "
            "and got.stood = r.stopped_s and got.in_order and got.entries = r.version) from reports r join ("
            " select report_id, min(at) filter (where type = 'received') as received,"
            " min(at) filter (where type = 'accept') as accepted, min(at) filter (where type = 'arrive') as arrived,"
            " min(at) filter (where type = 'conclude') as concluded, (array_agg(to_state order by id))[count(*)] as last_state,"
            " floor(extract(epoch from coalesce(min(at) filter (where type = 'answer') -"
            "   min(at) filter (where type = 'ask'), interval '0'))) as stood,"
            " array_agg(id order by at, id) = array_agg(id order by id) as in_order, count(*) as entries"
            " from timeline group by report_id) got on got.report_id = r.id"
        )
    ).one()
    assert found == (13_300, True)


def test_numbers_are_counted_by_month_after_those_given_before(story):
    first = story.scalars(text("select number from reports order by received_at limit 1")).one()
    assert first == "BT-2411-0008"
    wrong = text(
        "select count(*) from (select (received_at at time zone 'Asia/Ho_Chi_Minh')::date as day, number, "
        "row_number() over (partition by date_trunc('month', received_at at time zone 'Asia/Ho_Chi_Minh') "
        "order by received_at) as place from reports) n "
        "where number <> 'BT-' || to_char(day, 'YYMM') || '-' || "
        "lpad((place + case when day < '2024-12-01' then 7 else 0 end)::text, 4, '0')"
    )
    assert story.scalar(wrong) == 0
    lasts = text(
        "select count(*) from report_numbers n where last <> (select max(right(number, 4)::int) from reports "
        "where number like 'BT-' || to_char(n.month, 'YYMM') || '-%')"
    )
    assert story.scalar(lasts) == 0


def test_spots_recur_as_the_rule_for_real_reports_finds_them(story):
    rows = story.execute(text("select id, recurrence_of from reports order by number limit 120 offset 6000")).all()
    assert sum(earlier is not None for _, earlier in rows) > 10
    for report, earlier in rows:
        with story.begin_nested() as undone:
            assert recurrence.mark(story, report) == earlier
            undone.rollback()


def test_no_photo_no_promise_and_only_demo_people(story):
    counts = text(
        "select (select count(*) from photos), (select count(*) from outbox), (select count(*) from residents), "
        "(select count(*) from reports where channel <> 'demo'), (select count(*) from report_authors), "
        "(select count(*) from people where is_staff)"
    )
    assert story.execute(counts).one() == (0, 0, 0, 0, 13_300, 0)


def test_loading_again_does_nothing(story):
    assert "as they were" in history.load(story, CITY, NOW)
    assert story.scalar(text("select count(*) from reports")) == 13_300


def test_the_same_story_every_time():
    first, second = courses(), courses()
    assert first == second
    assert sum(course.fine_vnd for course in first) == 7_000_000_000
    assert all(course.received_at < course.accepted_at < course.on_site_at < course.concluded_at for course in first)
    middle = sorted(course.concluded_at - course.received_at for course in first)[6650]
    assert timedelta(minutes=30) < middle < timedelta(minutes=75)
