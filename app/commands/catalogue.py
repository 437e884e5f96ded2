"""Bring a catalogue in."""

from pathlib import Path

from app.commands.place import Place
from app.core import clock
from app.reports import catalogue


def load(place: Place, file: Path | None) -> str:
    """Bring in the edition of a file, or the shipped one, and say what changed."""
    edition = catalogue.shipped() if file is None else catalogue.read(file)
    with place.database.unit_of_work() as session:
        return str(catalogue.load(session, place.settings.city_id, edition, clock.now()))
