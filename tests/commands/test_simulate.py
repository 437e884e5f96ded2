"""A simulated district, hour by hour, in no time."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from app.commands.demo import staff
from app.commands.demo.hands import Hands
from app.commands.demo.simulate import District
from app.commands.place import Refused
from app.commands.wards import SKETCH
from app.photos.storage import PhotoStore
from app.reports import catalogue
from app.reports.models import Report
from app.reports.rulebook import RulebookCache
from app.routing.actions import cover_wards
from geo.boundaries import import_files

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)


@pytest.fixture
def city(session):
    import_files(session, 1, [SKETCH], NOW)
    cover_wards(session, 1, NOW)
    catalogue.load(session, 1, catalogue.shipped(), NOW)


@pytest.fixture
def hands(tmp_path):
    return Hands(RulebookCache(1), PhotoStore(tmp_path / "photos"), b"key" * 11)


@pytest.mark.usefixtures("city")
def test_a_district_works_through_what_comes_in(database, session, hands, tmp_path):
    staff.ensure(session, 1, tmp_path / "accounts.json", NOW)
    session.flush()
    district = District(database, 1, hands, per_minute=1, speed=1, now=NOW)
    for minute in range(12):
        district.step(NOW + timedelta(minutes=minute))
    for minute in range(12, 400, 5):
        district._next_report = NOW + timedelta(days=1)  # nobody reports any more
        district.step(NOW + timedelta(minutes=minute))
    states = Counter(session.scalars(select(Report.state)))
    assert states.keys() == {"concluded"}
    assert 3 <= states.total() == district.tally.reports
    assert (district.tally.moves, district.tally.refused) == (3 * states.total(), 0)
    orders = session.scalars(
        text("select string_agg(type, ' ' order by id) from timeline where type <> 'recurred' group by report_id")
    )
    assert set(orders) == {"received accept arrive conclude"}


@pytest.mark.usefixtures("city")
def test_another_start_goes_on_with_what_is_open(database, session, hands, tmp_path):
    staff.ensure(session, 1, tmp_path / "accounts.json", NOW)
    session.flush()
    first = District(database, 1, hands, per_minute=1, speed=1, now=NOW)
    first.step(NOW)
    assert (first.tally.reports, first.tally.moves) == (1, 0)
    second = District(database, 1, hands, per_minute=1, speed=1, now=NOW + timedelta(minutes=1))
    second._next_report = NOW + timedelta(days=1)
    for minute in range(1, 400, 5):
        second.step(NOW + timedelta(minutes=minute))
    assert (second.tally.reports, second.tally.moves) == (0, 3)


@pytest.mark.usefixtures("city")
def test_nobody_simulates_a_district_without_officers(database, hands):
    with pytest.raises(Refused, match="demo staff"):
        District(database, 1, hands, per_minute=1, speed=1, now=NOW)
