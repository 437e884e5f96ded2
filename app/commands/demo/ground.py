"""Which ward and unit a demo case belongs to, on whatever boundaries the city has."""

# ruff: noqa: S311 -- scenery, not a secret

import random
from dataclasses import replace
from datetime import date
from functools import cache

import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.commands.demo.course import SEED, Course, place_of
from app.commands.demo.streets import STREETS, Place, somewhere
from app.commands.place import Refused
from app.reports import rulebook
from app.routing.rules import Route
from geo.index import How, OutsideArea, WardRef
from geo.validity import local_day
from geo.wards import WardVersion

# So many spots of the streets are tried before a point is taken anywhere in the wards of the day.
ATTEMPTS = 6
STREET_ATTEMPTS = 120


class Ground:
    """The city as the demo needs it: its rules, and points inside its wards on any day."""

    def __init__(self, session: Session, city_id: int) -> None:
        self.book = rulebook.load(session, city_id)
        self.city_id = city_id
        versions = session.scalars(select(WardVersion).where(WardVersion.city_id == city_id))
        self._polygons = {version.id: to_shape(version.geom) for version in versions}
        self._wards_on = cache(self.wards_on)

    def find(self, number: int, course: Course, accuracy_m: float) -> tuple[Place, Route]:
        """Where the case with this place in the history is, inside a ward of its day, and who must act there.

        Raises:
            Refused: the city has no ward on that day.
            KindUnknown: the catalogue has no such kind on that day.
        """
        day = local_day(course.received_at)
        self.book.kind(course.kind.code, day)
        for attempt in range(ATTEMPTS):
            place = course.place if attempt == 0 else place_of(number, course.field, attempt)
            try:
                route = self.book.route(place.lat, place.lon, day, accuracy_m, about_unit=False)
            except OutsideArea:
                break
            if route.how != How.NEAREST:
                return place, route
        place = self._anywhere(number, course.place, day)
        return place, self.book.route(place.lat, place.lon, day, accuracy_m, about_unit=False)

    def in_ward(self, ward: WardRef, rng: random.Random, day: date, spread_m: float) -> Place:
        """A place well inside a ward on a day: at one of the demo's spots, if the ward has any."""
        for _ in range(STREET_ATTEMPTS):
            place = somewhere(rng, spread_m)
            try:
                route = self.book.route(place.lat, place.lon, day, None, about_unit=False)
            except OutsideArea:
                break
            if route.ward_version_id == ward.id and route.how == How.INSIDE:
                return place
        return _inside(self._polygons[ward.id], ward.name, rng)

    def has_street(self, ward: WardRef) -> bool:
        """Whether one of the demo's streets runs through the ward."""
        middles = (street.along(street.length_m / 2) for street in STREETS)
        return any(shapely.contains_xy(self._polygons[ward.id], lon, lat) for lat, lon in middles)

    def wards_on(self, day: date) -> list[WardRef]:
        """The wards of a day, in the order of their codes."""
        return sorted((ref for ref in self.book.refs.values() if ref.days.contains(day)), key=lambda ref: ref.code)

    def _anywhere(self, number: int, place: Place, day: date) -> Place:
        """A point in a ward of the day: the streets of the demo lie in Bình Thạnh, and the city may be another."""
        wards = self._wards_on(day)
        if not wards:
            raise Refused(f"the demo's history begins on 2024-11-01, but there is no ward on {day}")
        rng = random.Random(f"{SEED}/{number}/anywhere")
        ward = rng.choice(wards)
        return replace(_inside(self._polygons[ward.id], ward.name, rng), slowness=place.slowness)


def _inside(polygon: shapely.Geometry, name: str, rng: random.Random) -> Place:
    west, south, east, north = shapely.bounds(polygon)
    while True:
        lon, lat = round(rng.uniform(west, east), 6), round(rng.uniform(south, north), 6)
        if shapely.contains_xy(polygon, lon, lat):
            return Place(lat, lon, name, 1.0)
