"""Who listens is looked up as the API does it, for many at once."""

from datetime import timedelta

import pytest
from sqlalchemy import text

import loops
from app.config import Settings
from app.core import clock
from app.core.db import Database
from app.identity.permissions import Acting, Role
from app.live.access import Access
from district import District, found
from geo.validity import local_day


def looked_up(settings: Settings, *sessions):
    async def look():
        access = Access(settings.database_url)
        try:
            return await access.actors(sessions, clock.now())
        finally:
            await access.close()

    return loops.run(look())


@pytest.fixture
def people(committed: Database):
    """An officer of An who is also chair of Bình, and a resident; the district they live in."""
    with committed.unit_of_work() as session:
        district: District = found(session)
        officer, resident = district.staff(Role.OFFICER, "90001"), district.resident()
        session.execute(
            text(
                "insert into memberships (person_id, role, unit_id, valid_from) values (:person, 'chair', :unit, :day)"
            ),
            {"person": officer.person_id, "unit": district.units["90002"], "day": local_day(clock.now())},
        )
    return district, officer, resident


def changes(committed: Database, sql: str, **values) -> None:
    with committed.unit_of_work() as session:
        session.execute(text(sql), values)


def test_with_the_memberships_of_today(settings, people):
    district, officer, resident = people

    known = looked_up(settings, officer.session_id, resident.session_id)

    assert set(known) == {officer.session_id, resident.session_id}
    assert known[resident.session_id] == resident
    assert set(known[officer.session_id].memberships) == {
        Acting(Role.OFFICER, district.units["90001"]),
        Acting(Role.CHAIR, district.units["90002"]),
    }


def test_a_membership_that_is_over_counts_no_more_but_the_session_does(settings, committed, people):
    _, officer, _ = people
    today = local_day(clock.now())

    changes(committed, "update memberships set valid_to = :day where role = 'officer'", day=today)
    changes(committed, "update memberships set valid_from = :day where role = 'chair'", day=today + timedelta(days=1))

    assert looked_up(settings, officer.session_id)[officer.session_id].memberships == ()


@pytest.mark.parametrize(
    "sql",
    [
        "update sessions set ended_at = now() where id = :session_id",
        "update people set disabled_at = now() where id = :person_id",
    ],
)
def test_who_is_signed_out_or_disabled_is_nobody(settings, committed, people, sql):
    _, officer, resident = people

    values = {"session_id": officer.session_id, "person_id": officer.person_id}
    changes(committed, sql, **{name: value for name, value in values.items() if f":{name}" in sql})

    assert set(looked_up(settings, officer.session_id, resident.session_id)) == {resident.session_id}
