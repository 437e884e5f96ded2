"""The reads of duplicates: what may be of one incident, what a report repeats, who else reported it, how it ended."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from geoalchemy2 import Geography
from sqlalchemy import (
    ColumnElement,
    Row,
    RowMapping,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.orm import Session, aliased

from app.reports.duplicates import (
    ALIKE_WITHIN,
    JOINED_FROM,
    NEARBY_WITHIN,
    SAME_INCIDENT_M,
    SAME_SPOT_M,
    Pictures,
    show_the_same,
)
from app.reports.models import Report, ReportAuthor, TimelineEntry, TimelineText
from app.reports.queries import PHOTOS, Asker, written_by
from app.reports.workflow import State

# So many cases that may be the same are shown, and so many reports of one incident; nobody reads more.
MOST_ALIKE: Final = 20
MOST_JOINED: Final = 200

# The photos of so many reports around a place are compared, the nearest in time first.
MOST_COMPARED: Final = 300

# A degree is more than 100 km at the latitudes of Viet Nam, so that these boxes are always larger than their circles.
_BOUNDS: Final = {"spot_m": SAME_SPOT_M, "incident_m": SAME_INCIDENT_M, "box_degrees": SAME_INCIDENT_M / 100_000}

_OPEN: Final = "('received', 'accepted', 'on_site', 'awaiting_resident', 'contested')"

# What a report showed when it was sent, as far as the bytes are here: `names` and `hashes` of `duplicates.Pictures`.
_PICTURES: Final = """
    array(select p.sha256 from photos p
          where p.report_id = r.id and p.role = 'before' and p.received_at is not null) as names,
    array(select p.dhash from photos p
          where p.report_id = r.id and p.role = 'before' and p.received_at is not null and p.dhash is not null) as hashes"""


@dataclass(frozen=True)
class Nearby:
    """What was reported already, at a spot or with a photo: how many of one kind at the spot, and the one to follow.

    `how` it was found is `place` or `photo`; `received_at` is of the one to follow, which is `is_mine` if the asker sent it.
    """

    count: int
    how: str | None = None
    received_at: datetime | None = None
    follow: UUID | None = None
    is_mine: bool = False


_AROUND = f"""
    from reports r, (select st_setsrid(st_makepoint(:lon, :lat), 4326) as point) spot
    where r.state in {_OPEN} and r.received_at > :since and not r.about_unit
        -- The box uses the index; the geography decides, in metres.
        and r.point && st_expand(spot.point, :box_degrees)
"""
_AT_THE_SPOT = text(f"""
    select count(*) as number, (array_agg(r.id order by r.received_at, r.id))[1] as id, min(r.received_at) as received_at
    {_AROUND} and r.kind_code = :kind and st_dwithin(r.point::geography, spot.point::geography, :spot_m)
""")
_PICTURED = text(f"""
    select * from (
        select r.id, r.received_at, {_PICTURES}
        {_AROUND} and st_dwithin(r.point::geography, spot.point::geography, :incident_m)
        order by r.received_at desc, r.id desc limit :most
    ) latest order by received_at, id
""")


def nearby(
    session: Session,
    kind: str,
    *,
    lat: float,
    lon: float,
    asker: Asker,
    pictures: Pictures,
    now: datetime,
) -> Nearby:
    """Open reports of the last 24 hours: of `kind` within 30 m of a place (degrees, WGS 84), or that show the same.

    Those that show what the asker's pictures do, within 200 m of the place, whatever their kind. Reports about a unit are
    in no answer.
    """
    values = {"kind": kind, "lat": lat, "lon": lon, "since": now - NEARBY_WITHIN, "most": MOST_COMPARED, **_BOUNDS}
    here = session.execute(_AT_THE_SPOT, values).one()
    how, found = "place", here if here.id is not None else None
    if pictures.names or pictures.hashes:
        around = session.execute(_PICTURED, values).all()
        shown = next((row for row in around if show_the_same(pictures, _pictures(row))), None)
        how, found = ("photo", shown) if shown is not None else (how, found)
    if found is None:
        return Nearby(0)
    mine = exists().where(ReportAuthor.report_id == found.id, written_by(asker))
    return Nearby(here.number, how, found.received_at, found.id, bool(session.scalar(select(mine))))


def _pictures(row: Row[Any]) -> Pictures:
    return Pictures(frozenset(row.names), row.hashes)


def original_of(session: Session, report: Report, named: str) -> UUID | None:
    """The report that `report` repeats, by id or number: always the root, never another duplicate.

    The same incident is of the same field, at most 200 m away (two phones, each wrong by up to 100 m), received
    earlier, and was still being dealt with in the day before `report` came. What was over by then is a recurrence. What
    is about a unit goes with nothing else: it would show the unit what is said about it.
    """
    other, root = aliased(Report), aliased(Report)
    try:
        which: ColumnElement[bool] = other.id == UUID(named)
    except ValueError:
        which = other.number == named
    found = session.execute(
        select(root.id)
        .join(other, root.id == func.coalesce(other.original_id, other.id))
        .where(
            which,
            root.id != report.id,
            root.original_id.is_(None),
            root.city_id == report.city_id,
            root.field == report.field,
            root.about_unit == report.about_unit,
            root.state != State.WITHDRAWN.value,
            tuple_(root.received_at, root.id) < (report.received_at, report.id),
            or_(root.ended_at.is_(None), root.ended_at > report.received_at - NEARBY_WITHIN),
            func.ST_DWithin(
                cast(root.point, Geography),
                cast(func.ST_SetSRID(func.ST_MakePoint(report.lon, report.lat), 4326), Geography),
                SAME_INCIDENT_M,
            ),
        )
        # What becomes of it meanwhile waits, and then knows of this duplicate.
        .with_for_update(read=True, of=root)
    )
    return found.scalar_one_or_none()


_ITSELF = text(
    f"select r.unit_id, r.kind_code, r.lat, r.lon, r.received_at, {_PICTURES} from reports r where r.id = :id"
)

# What a unit holds around a spot, open or of late, and what counts with it. Each of them stands for its root.
_HELD_AROUND = text(f"""
    with spot as (select st_setsrid(st_makepoint(:lon, :lat), 4326) as point),
    held as (
        select id from reports, spot
        where unit_id = :unit_id and state in {_OPEN} and reports.point && st_expand(spot.point, :box_degrees)
        union
        select id from reports, spot
        where unit_id = :unit_id and received_at > :since and reports.point && st_expand(spot.point, :box_degrees)
    ), around as (
        select id from held union select d.id from held join reports d on d.original_id = held.id
    )
    select coalesce(r.original_id, r.id) as root_id,
        r.kind_code = :kind and st_dwithin(r.point::geography, spot.point::geography, :spot_m) as here, {_PICTURES}
    from around join reports r on r.id = around.id, spot
    where r.id <> :id and r.state <> 'withdrawn' and st_dwithin(r.point::geography, spot.point::geography, :incident_m)
    order by r.received_at desc, r.id desc limit :most
""")

# Of these roots those that `original_of` would take for the report, or it for them; but for what had ended before the
# report came: that is a recurrence, unless an officer who knows better names it.
_JOINABLE = text("""
    select r.id, r.number, r.kind_code, r.state, r.received_at, r.unit_id, r.id = any(:shown) as shown,
        st_distance(r.point::geography, me.point::geography) as metres,
        (r.received_at, r.id) < (me.received_at, me.id) as is_earlier,
        (select count(*) from reports d where d.original_id = r.id and d.state <> 'withdrawn') as duplicates
    from reports r, (select * from reports where id = :id) me
    where r.id = any(:roots) and r.id <> me.id and r.original_id is null and r.state <> 'withdrawn'
        and r.city_id = me.city_id and r.field = me.field and r.about_unit = me.about_unit
        and st_dwithin(r.point::geography, me.point::geography, :incident_m)
        and case when (r.received_at, r.id) < (me.received_at, me.id)
            then r.ended_at is null or r.ended_at > me.received_at
            else r.state = any(:joined_from) and r.unit_id = me.unit_id end
    order by r.id = any(:shown) desc, metres, r.received_at, r.id
    limit :limit
""")


def alike(session: Session, report_id: UUID) -> Sequence[RowMapping]:
    """The cases that an open report may repeat (`is_earlier`) or that may repeat it: by photo (`shown`), or by place.

    Only what could be joined: see `original_of`. Only what the unit of the report holds, or what counts with that.
    """
    itself = session.execute(_ITSELF, {"id": report_id}).one()
    around = {
        "id": report_id, "unit_id": itself.unit_id, "kind": itself.kind_code, "lat": itself.lat, "lon": itself.lon,
        "since": itself.received_at - ALIKE_WITHIN, "most": MOST_COMPARED, **_BOUNDS,
    }  # fmt: skip
    rows = session.execute(_HELD_AROUND, around).all()
    if not rows:
        return ()
    pictures = _pictures(itself)
    shown = {row.root_id for row in rows if show_the_same(pictures, _pictures(row))}
    values = {
        "id": report_id,
        "roots": list(shown | {row.root_id for row in rows if row.here}),
        "shown": list(shown),
        "day": NEARBY_WITHIN,
        "joined_from": [state.value for state in JOINED_FROM],
        "limit": MOST_ALIKE,
        **_BOUNDS,
    }
    return session.execute(_JOINABLE, values).mappings().all()


def root_of(session: Session, report: Report) -> Report | None:
    """The locked root of a duplicate; None of a report that is none."""
    if report.original_id is None:
        return None
    return session.get_one(Report, report.original_id, with_for_update=True, populate_existing=True)


def duplicates_of(session: Session, root_id: UUID) -> Sequence[Report]:
    """What counts with a report, the oldest first, locked. Also what was withdrawn and taken over by it is."""
    found = (
        select(Report)
        .where(Report.original_id == root_id)
        .order_by(Report.received_at, Report.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.scalars(found).all()


def joined(session: Session, root_id: UUID) -> Sequence[RowMapping]:
    """Who else reported an incident, the oldest first: each with its photos, and why its resident does not agree, if so."""
    contest = (
        select(TimelineEntry.at, TimelineText.texts)
        .outerjoin(
            TimelineText,
            (TimelineText.report_id == TimelineEntry.report_id) & (TimelineText.entry_id == TimelineEntry.entry_id),
        )
        .where(TimelineEntry.report_id == Report.id, TimelineEntry.type == "contest_original")
        .order_by(TimelineEntry.id.desc())
        .limit(1)
        .lateral("contest")
    )
    found = (
        select(
            Report.id,
            Report.number,
            Report.received_at,
            Report.note,
            PHOTOS,
            contest.c.at.label("contested_at"),
            contest.c.texts.label("contest_texts"),
        )
        .outerjoin(contest, true())
        .where(Report.original_id == root_id, Report.state != State.WITHDRAWN.value)
        .order_by(Report.received_at, Report.id)
        .limit(MOST_JOINED)
    )
    return session.execute(found).mappings().all()


# The photos that its last conclusion named, and no other of the report.
_AFTERWARDS: Any = literal_column("""
    array(select array[p.sha256, p.role, p.state, p.refusal] from photos p
          where p.report_id = reports.id and p.role = 'after' and p.sha256 in (
              select jsonb_array_elements_text(ended.data->'photos') from (
                  select t.data from timeline t
                  where t.report_id = reports.id and t.type in ('conclude', 'uphold') order by t.id desc limit 1
              ) ended)
          order by p.added_at, p.sha256)
""").label("photos")


def roots_of(session: Session, report_ids: Collection[UUID]) -> Mapping[UUID, UUID]:
    """With which report each of these counts; those that stand for themselves are left out."""
    found = select(Report.id, Report.original_id).where(Report.id.in_(report_ids), Report.original_id.is_not(None))
    return {report_id: root_id for report_id, root_id in session.execute(found) if root_id is not None}


def result_of(session: Session, root_id: UUID) -> RowMapping:
    """How an incident stands and ended, as one who reported it too may know: nothing of what the first one said."""
    found = select(
        Report.state, Report.outcome, Report.concluded_at, Report.contests, Report.unit_id, _AFTERWARDS
    ).where(Report.id == root_id)
    return session.execute(found).mappings().one()
