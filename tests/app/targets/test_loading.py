"""Bringing calendars in: what changes, what is refused, what a start leaves alone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from weeks import here, shown

from app.core.audit import AuditEntry
from app.reports.rulebook import RulebookCache
from app.targets import actions, queries
from app.targets.actions import CalendarInUse
from app.targets.calendar import ROUND_THE_CLOCK
from app.targets.calendar_file import Day, Edition, Named, Year

CITY = 1
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # a Tuesday, 10:00 in Viet Nam


def load(session, edition=None, **how):
    return actions.load_calendars(session, CITY, edition or actions.shipped(), NOW, **how)


def traces(session, action):
    return session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)).all()


def changed(year, day, said):
    """The shipped edition with one day otherwise; None takes it out."""
    shipped = actions.shipped()
    known = dict(shipped.years[year].days)
    known.pop(day, None)
    if said is not None:
        known[day] = said
    return replace(shipped, sha256="changed", years={**shipped.years, year: Year("changed", known)})


SWAPPED = Day(None, "Nghỉ", "Free")


def test_the_shipped_file_is_loaded_once(session):
    first, again = load(session), load(session)

    assert (first.calendars, first.years) == (["office"], [2026, 2027])
    assert (str(first), str(again)) == ("office, 2026, 2027 loaded", "nothing new")
    assert len(traces(session, "calendars:load")) == 1
    office = queries.calendars(session, CITY)["office"]
    assert shown(office.add(here("2026-02-13 16:30"), timedelta(hours=2))) == "2026-02-23 09:00"
    assert shown(office.add(here("2026-08-21 16:30"), timedelta(hours=2))) == "2026-08-22 09:00"


def test_days_to_come_may_change(session):
    load(session)

    done = load(session, changed(2027, date(2027, 9, 3), SWAPPED))

    assert done.years == [2027]
    assert date(2027, 9, 3) in queries.calendars(session, CITY)["office"].off
    assert len(traces(session, "calendars:load")) == 2


def test_a_day_that_is_left_out_is_no_holiday_any_more(session):
    load(session)

    load(session, changed(2027, date(2027, 2, 10), None))

    assert date(2027, 2, 10) not in queries.calendars(session, CITY)["office"].off


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 24), SWAPPED),  # today has begun
        (date(2026, 9, 3), SWAPPED),
        (date(2026, 9, 2), None),
        (date(2026, 8, 22), Day(2, "Làm bù", "Made up")),
    ],
)
def test_days_that_have_begun_stay_as_they_were_loaded(session, day, said):
    load(session)

    with pytest.raises(CalendarInUse, match="calendar_in_use") as refused:
        load(session, changed(2026, day, said))
    assert str(day) in refused.value.detail("en")


def test_the_name_of_a_day_that_has_begun_is_only_a_word(session):
    load(session)

    done = load(session, changed(2026, date(2026, 9, 2), Day(None, "Quốc khánh 2/9", "National Day")))

    assert done.years == [2026]


def test_hours_of_a_calendar_never_change(session):
    load(session)
    office = actions.shipped().calendars["office"]
    wider = office._replace(hours={**office.hours, "6": ["07:30-11:30"]})

    with pytest.raises(CalendarInUse):
        load(session, Edition("wider", {"office": wider}, {}))
    done = load(session, Edition("another", {"office-2027": wider}, {}))
    assert done.calendars == ["office-2027"]


def test_its_name_may(session):
    load(session)
    office = actions.shipped().calendars["office"]._replace(name_en="Hours")

    assert load(session, Edition("named", {"office": office}, {})).calendars == ["office"]
    assert session.execute(text("select name_en from calendars")).scalar_one() == "Hours"


def test_a_start_brings_in_what_is_missing_and_replaces_nothing(session):
    load(session, changed(2027, date(2027, 9, 3), SWAPPED))

    done = load(session, only_missing=True)

    assert (done.calendars, done.years, done.left) == ([], [], [2027])
    assert "2027 left as it stands" in str(done)
    assert date(2027, 9, 3) in queries.calendars(session, CITY)["office"].off
    # That the shipped file was looked at is on record, so that the next start need not look again.
    assert [trace.data["sha256"] for trace in traces(session, "calendars:load")] == [
        "changed",
        actions.shipped().sha256,
    ]


@pytest.mark.usefixtures("district")
def test_a_snapshot_learns_of_new_days_and_new_calendars(session):
    cache = RulebookCache(CITY)
    before = cache.current(session)
    assert before.calendar(None) is ROUND_THE_CLOCK
    assert dict(before.calendars) == {}

    load(session)

    book = cache.current(session)
    assert book.revision > before.revision
    assert book.calendar("office").years == {2026, 2027}


def test_two_calendars_have_the_same_free_days(session):
    load(session)
    load(session, Edition("two", {"market": Named("Chợ", "Market", {"7": ["04:00-10:00"]})}, {}))

    known = queries.calendars(session, CITY)
    assert known["market"].off == known["office"].off
    assert shown(known["market"].add(here("2026-11-24 09:00"), timedelta(hours=1))) == "2026-11-29 05:00"


def test_two_who_load_the_same_calendars_at_once_load_them_once(committed):
    ready = threading.Barrier(2)

    def bring(_):
        with committed.unit_of_work() as session:
            ready.wait()
            return str(load(session))

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(bring, range(2)))

    assert said == ["nothing new", "office, 2026, 2027 loaded"]
