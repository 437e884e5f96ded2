"""The demo's verbs: each opens its own unit of work and says what it did."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from app.commands.demo import history as past
from app.commands.demo import live as present
from app.commands.demo import simulate as future
from app.commands.demo import staff as people
from app.commands.demo.hands import Hands
from app.commands.place import Place
from app.core import clock
from app.photos.storage import PhotoStore
from app.reports.rulebook import RulebookCache


def staff(place: Place, accounts: Path) -> str:
    """Demo accounts, their passwords in a file that only its owner reads."""
    with place.database.unit_of_work() as session:
        return people.ensure(session, place.settings.city_id, accounts, clock.now())


def history(place: Place) -> str:
    """Two years of closed reports."""
    with place.database.unit_of_work() as session:
        return past.load(session, place.settings.city_id, clock.now())


def live(place: Place) -> str:
    """Cases as they stand now."""
    with place.database.unit_of_work() as session:
        return present.load(session, place.settings.city_id, _hands(place), clock.now())


def simulate(place: Place, *, per_minute: float, minutes: float | None, speed: float) -> Iterator[str]:
    """A district at work; a line about once a minute."""
    begun = clock.now()
    district = future.District(
        place.database, place.settings.city_id, _hands(place), per_minute=per_minute, speed=speed, now=begun
    )
    until = None if minutes is None else begun + timedelta(minutes=minutes)
    for tally in future.run(district, clock.now, until):
        yield str(tally)


def _hands(place: Place) -> Hands:
    settings = place.settings
    return Hands(RulebookCache(settings.city_id), PhotoStore(settings.photos), settings.key("author"))
