"""Photos at a terminal: the store read again, how long photos are kept, what goes when."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from app.commands.place import Place, Refused
from app.core import clock
from app.photos import blurring, erasing, queries
from app.photos.scrub import Found, Names, Scrub
from app.photos.storage import PhotoStore
from app.reports import custody
from geo.validity import local_day

SHOWN = 20

# How many copies are promised in one transaction.
BATCH = 500


def scrub(place: Place, *, delete_strays: bool, older_than: timedelta) -> Iterator[str]:
    """Read the whole store, a line for each sort of what was found.

    Raises:
        Refused: an original is damaged or missing.
        app.core.errors.Unavailable: the store does not answer.
    """
    now, begun = clock.now(), time.monotonic()
    work, store = place.database.unit_of_work, PhotoStore(place.settings.photos)
    found = Scrub(work, store, before=now - older_than, delete_strays=delete_strays).run()
    seconds = time.monotonic() - begun
    sorts = _sorts(found)
    numbers = {name: names.number for name, names in sorts.items()}
    with work() as session:
        erasing.scrubbed(
            session, {"originals": found.originals, "bytes": found.bytes, **numbers, "deleted": found.deleted}, now
        )
    yield f"{found.originals} originals, {_size(found.bytes)} read in {seconds:.1f} s ({_size(found.bytes / max(seconds, 0.001))}/s)"
    for name, names in sorts.items():
        yield f"{name:<10}{names.number:>10}  {_MEANING[name]}"
        yield from (f"{'':<22}{one}" for one in names.first)
        if names.number > len(names.first):
            yield f"{'':<22}... and {names.number - len(names.first)} more"
    if found.deleted:
        yield f"{found.deleted} strays deleted"
    if not found.is_well:
        raise Refused("originals are damaged or missing: see `What to do` in docs/operations.md")


_MEANING = {
    "rotten": "bytes are not those of their name, or cannot be read",
    "missized": "whole, but the row says another size",
    "missing": "a row names it, and it is not there",
    "strays": "originals that no row names",
    "copies": "copies of no photo",
    "odd": "named like nothing of ours; never deleted",
}


def _sorts(found: Found) -> dict[str, Names]:
    return {name: getattr(found, name) for name in _MEANING}


def listed(place: Place) -> Iterator[str]:
    """The policies that hold or will, a line each."""
    with place.database.unit_of_work() as session:
        policies = queries.retention_policies(session, place.settings.city_id, since=clock.now())
    if not policies:
        yield "no policy holds: every photo is kept"
    for policy in policies:
        until = "" if policy.valid_to is None else f" until {policy.valid_to}"
        yield f"{_sort(policy.recorded):<16}{_days(policy.days):<26}cases that end from {policy.valid_from}{until}"


def set_retention(place: Place, *, recorded: bool, days: int | None, starts: str) -> str:
    """Let a policy hold from a day, and say what that ends and whose photos are due by it.

    Raises:
        Refused: `starts` is no day.
        app.photos.errors.RetentionInThePast: it is not to come.
    """
    now, city_id = clock.now(), place.settings.city_id
    try:
        day = date.fromisoformat(starts)
    except ValueError as wrong:
        raise Refused(f"{starts!r} is no day, as in 2027-01-01") from wrong
    with place.database.unit_of_work() as session:
        done = erasing.set_retention(session, city_id, recorded=recorded, days=days, starts=day, now=now)
        due = custody.due(session, city_id, now) if day <= local_day(now) else []
    said = f"{_sort(recorded)}: {_days(days)}, for cases that end from {day}"
    said += f" until {done.until}, when another begins" if done.until else ""
    said += "; what held for the same cases ends then" if done.ends_another else ""
    if due:
        said += f"\n{sum(case.photos for case in due)} photos of {len(due)} cases are due by it, and go within the hour"
    return said


def expire(place: Place, *, dry_run: bool) -> Iterator[str]:
    """Erase what is due, a batch at a time, or only say what would go."""
    now, city_id = clock.now(), place.settings.city_id
    with place.database.unit_of_work() as session:
        due = custody.due(session, city_id, now)
    photos, size = sum(case.photos for case in due), sum(case.bytes for case in due)
    yield f"{photos} photos of {len(due)} cases, {_size(size)} of originals, {'are due' if dry_run else 'go'}"
    if dry_run:
        yield from (f"{case.number}  {case.photos} photos, {_size(case.bytes)}" for case in due[:SHOWN])
        if len(due) > SHOWN:
            yield f"... and {len(due) - SHOWN} cases more"
        return
    store, cases, files = PhotoStore(place.settings.photos), 0, 0
    more = True
    while more:
        with place.database.unit_of_work() as session:
            batch = custody.expire(session, city_id, now)
        with place.database.unit_of_work() as session:
            gone = erasing.delete_files(session, store, now)
        cases, files, more = cases + batch, files + gone, bool(batch or gone)
    yield f"photos of {cases} cases erased, the files of {files} photos deleted"


def remake(place: Place) -> str:
    """Have the copies in full size and for the public made of photos that have none, a batch of promises at a time."""
    number, after = 0, (UUID(int=0), "")
    while True:
        with place.database.unit_of_work() as session:
            promised = blurring.promise_missing(session, after, BATCH, clock.now())
        if not promised:
            return f"copies of {number} photos will be made; the queue `blur` takes about a second for each"
        number, after = number + len(promised), promised[-1]


def ensure_retention(place: Place) -> str:
    """Give a new city its first policies."""
    with place.database.unit_of_work() as session:
        if not erasing.ensure_retention(session, place.settings.city_id, clock.now()):
            return "nothing new"
    return "; ".join(f"{_sort(recorded)}: {_days(days)}" for recorded, days in erasing.FIRST_RETENTION.items())


def _sort(recorded: bool) -> str:
    return "recorded" if recorded else "not recorded"


def _days(days: int | None) -> str:
    return "photos are kept" if days is None else f"photos go after {days} days"


def _size(size: float) -> str:
    """So many bytes for people, in decimal units."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
