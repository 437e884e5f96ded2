"""What a start needs, in one process: a Python that imports everything once, or nothing when nothing is to do."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.commands.place import MIGRATIONS, OWNER_URL, Place, Refused, step, timed

CATALOGUE = Path(__file__).parents[1] / "reports" / "catalogue.json"
CALENDARS = Path(__file__).parents[1] / "targets" / "calendars.toml"


@dataclass(frozen=True)
class Wanted:
    """What is to be there: boundary files (none: the sketch), demo accounts (None: no demo at all), demo reports."""

    wards: Sequence[Path]
    accounts: Path | None
    reports: bool


def prepare(place: Place, wanted: Wanted) -> None:
    """Bring everything wanted in that is not there yet, a line for each step.

    Raises:
        Refused, SettingsError, GeoError, DomainError: a step cannot be done; those before it stay.
    """
    with timed("Prepared") as done:
        if _is_there(place, wanted):
            done("everything is there")
            return
        done("something is to do")
    from app.commands import catalogue, photos, schema, targets, wards  # noqa: PLC0415 -- seconds of imports, needed only from here on

    step("Schema", schema.migrate)
    step("Wards", lambda: wards.ensure_wards(place, wanted.wards))
    step("Calendars", lambda: targets.ensure_calendars(place))
    step("Retention", lambda: photos.ensure_retention(place))
    step("Catalogue", lambda: catalogue.load(place, None))
    if wanted.accounts is not None:
        _demo(place, wanted.accounts, reports=wanted.reports)


def _demo(place: Place, accounts: Path, *, reports: bool) -> None:
    from app.commands.demo import steps  # noqa: PLC0415 -- as above

    step("Staff", lambda: steps.staff(place, accounts))
    if reports:
        step("History", lambda: _if_possible(lambda: steps.history(place)))
        step("Live cases", lambda: _if_possible(lambda: steps.live(place)))


def _if_possible(work: Callable[[], str]) -> str:
    """A city whose boundaries begin later than the demo's history has none, and everything else."""
    try:
        return work()
    except Refused as refusal:
        return f"left out: {refusal}"


# Asked with the bare driver: SQLAlchemy and the geometry libraries alone would take longer to import than a start may.
_IS_THERE = """
    select (select version_num from alembic_version) = %(revision)s
       and (case when cardinality(%(wards)s::text[]) = 0
            then exists (select from ward_versions where city_id = %(city)s)
            else not exists (select from unnest(%(wards)s::text[]) wanted
                             where not exists (select from ward_imports where ward_imports.sha256 = wanted)) end)
       and (select data->>'sha256' from audit where subject = %(catalogue_subject)s and action = 'catalogue:load'
            order by id desc limit 1) = %(catalogue)s
       and exists (select from audit where subject = %(calendars_subject)s and action = 'calendars:load'
                   and data->>'sha256' = %(calendars)s)
       and (select count(*) from staff where username = any(%(usernames)s)) = cardinality(%(usernames)s::text[])
       and (not %(demo)s or not exists (
            select from ward_versions v join unit_coverage c on c.ward_version_id = v.id
            where v.city_id = %(city)s
              and daterange(v.valid_from, v.valid_to) @> (now() at time zone 'Asia/Ho_Chi_Minh')::date
              and not exists (select from memberships m where m.unit_id = c.unit_id and m.role = 'chair')))
       and (select count(distinct subject) from audit where subject = any(%(marks)s)) = cardinality(%(marks)s::text[])
"""


def _is_there(place: Place, wanted: Wanted) -> bool:
    """Whether nothing is to do. In doubt no: every step finds out by itself what is there."""
    import psycopg  # noqa: PLC0415 -- as above

    accounts = _accounts(wanted.accounts)
    url = os.environ.get(OWNER_URL)
    if accounts is None or not url:
        return False
    city = place.settings.city_id
    asked = {
        "revision": max(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py")),
        "wards": [_sha256(file) for file in wanted.wards],
        "catalogue": _sha256(CATALOGUE),
        "catalogue_subject": f"catalogue:{city}",
        "calendars": _sha256(CALENDARS),
        "calendars_subject": f"calendars:{city}",
        "city": city,
        "usernames": [account["username"] for account in accounts],
        "demo": wanted.accounts is not None,
        "marks": [f"demo:{part}/{city}" for part in ("history", "live") if wanted.reports and wanted.accounts],
    }
    try:
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), connect_timeout=5) as connection:
            row = connection.execute(_IS_THERE, asked).fetchone()
    except psycopg.Error:
        return False
    return row is not None and row[0] is True


def _accounts(file: Path | None) -> list[dict[str, Any]] | None:
    """The accounts in the file; none when no demo is wanted, None when the file is not there or not readable."""
    if file is None:
        return []
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, list) else None


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
