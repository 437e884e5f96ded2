"""The reads of reports: one by one, mine, a unit's queue, the course. Nothing here changes anything."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Label,
    RowMapping,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    union,
)
from sqlalchemy.orm import Session, aliased

from app.core.errors import NotFound
from app.identity.models import Staff
from app.photos.models import Photo
from app.reports.models import Report, ReportAuthor, ReportFollower, TimelineEntry, TimelineText
from app.reports.workflow import OPEN, State


class ReportNotFound(NotFound):
    """No such report, or one that the asker may not know of."""

    code = "report_not_found"
    vi = "Không tìm thấy tin báo này."
    en = "This report was not found."


@dataclass(frozen=True)
class Asker:
    """Who asks, as reports know people: by id, and by the tag that stands for them when they reported anonymously."""

    person_id: UUID | None
    tag: bytes | None


# What no answer about a report shows: a queue reads fifty rows of it, so they are left where they are.
_NOT_SHOWN = frozenset({
    "point", "as_sent", "city_id", "about_unit", "target_s", "rungs", "warned", "rungs_if_unanswered",
    "due_corrections", "refusals", "overdue_unit_id", "updated_at",
})  # fmt: skip
# Made once: to make one takes longer than the whole question.
_ROOT, _FILED = aliased(Report), aliased(Report)
_COLUMNS = tuple(column for column in Report.__table__.columns if column.name not in _NOT_SHOWN)

# Each photo as text: its hash, role, state, refusal, placeholder, duration in ms, whether its full size is there (null if
# not, see `photos.actions.has_full_copy`), and hints. JSON would say it with names, and take as long as the rest of the row.
PHOTOS: Label[Any] = literal_column("""
    array(select array[p.sha256, p.role, p.state, p.refusal, p.placeholder, p.duration_ms::text,
                       case when p.state = 'ready' then p.blurred_at when p.state = 'kept' then p.ready_at end::text,
                       nullif(p.hints, '{}')::text]
          from photos p where p.report_id = reports.id order by p.added_at, p.sha256)
""").label("photos")

# Written out, not bound, as is the length of a page: the index of open reports names these states, and planning once
# for all values of these parameters would not find it, so that every page would be planned anew.
_IS_OPEN = Report.state.in_(
    bindparam("open", [state.value for state in sorted(OPEN)], expanding=True, literal_execute=True)
)


# What a report that is shown by itself tells of its root and its duplicates hangs on all of these.
_OTHERS: Label[Any] = literal_column("""
    (select md5(string_agg(concat_ws(' ', other.id, other.version, (
            select string_agg(left(p.state, 3), '' order by p.added_at, p.sha256) from photos p where p.report_id = other.id
        )), ',' order by other.id))
     from reports other where other.original_id = reports.id or other.id = reports.original_id)
""").label("others")


def one(session: Session, report_id: UUID, asker: Asker) -> RowMapping:
    """A report as it stands. Raises ReportNotFound. Whether the asker may read it is the caller's question."""
    which = {"report_id": report_id, "person_id": asker.person_id, "tag": asker.tag}
    row = session.execute(_one(), which).mappings().one_or_none()
    if row is None:
        raise ReportNotFound
    return row


@cache
def _one() -> Select[Any]:
    """The question of `one`, put together once: every act on a report asks it, some of them twice."""
    named = ReportAuthor.person_id == bindparam("person_id")
    anonymous = ReportAuthor.tag == bindparam("tag")
    is_author = exists().where(ReportAuthor.report_id == Report.id, or_(named, anonymous))
    return _with_root(_view(is_author)).add_columns(_OTHERS).where(Report.id == bindparam("report_id"))


def locked(session: Session, report_id: UUID, asker: Asker) -> tuple[Report, bool]:
    """A report, locked until the transaction ends, and whether the asker is its author. Raises ReportNotFound."""
    report = session.get(Report, report_id, with_for_update=True, populate_existing=True)
    if report is None:
        raise ReportNotFound
    authored = select(ReportAuthor.report_id).where(ReportAuthor.report_id == report_id, written_by(asker))
    return report, asker.person_id is not None and session.execute(authored).first() is not None


def mine(
    session: Session,
    asker: Asker,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
    updated_since: datetime | None = None,
) -> Sequence[RowMapping]:
    """What the asker reported or filed for others, newest first, after the position `before` (received_at, id)."""
    # Two index look-ups; as one condition with "or" it would be looked for among all reports there are.
    own = union(
        select(ReportAuthor.report_id).where(written_by(asker)),
        select(_FILED.id).where(_FILED.filed_by == asker.person_id),
    )
    wanted = (
        _with_root(_view(_authored_by(asker)))
        .where(Report.id.in_(own))
        .order_by(Report.received_at.desc(), Report.id.desc())
        .limit(limit)
    )
    if before is not None:
        wanted = wanted.where(tuple_(Report.received_at, Report.id) < before)
    if updated_since is not None:
        arrived = exists().where(
            Photo.report_id == Report.id, or_(Photo.received_at >= updated_since, Photo.ready_at >= updated_since)
        )
        # How the report ended with which this one counts is told of this one.
        wanted = wanted.where(or_(Report.updated_at >= updated_since, arrived, _ROOT.updated_at >= updated_since))
    return session.execute(wanted).mappings().all()


def queue(
    session: Session,
    unit_ids: Collection[int],
    *,
    limit: int,
    desk: bool = False,
    states: Collection[State] = OPEN,
    after: tuple[datetime, UUID] | None = None,
    overdue_at: datetime | None = None,
) -> Sequence[RowMapping]:
    """Open cases of the units in the order of their due time, after the position `after` (due_at, id).

    With `desk`, also the contested cases that the city's desk reviews. With `overdue_at`, only
    those past due and not stopped at that instant.
    """
    held: ColumnElement[bool] = Report.unit_id.in_(sorted(unit_ids))
    if desk:
        held = or_(held, and_(Report.state == State.CONTESTED.value, Report.review_by_desk))
    return _by_due_time(session, held, limit=limit, states=states, after=after, overdue_at=overdue_at)


def queue_of_city(
    session: Session,
    city_id: int,
    *,
    limit: int,
    states: Collection[State] = OPEN,
    after: tuple[datetime, UUID] | None = None,
    overdue_at: datetime | None = None,
) -> Sequence[RowMapping]:
    """Open cases of every unit of a city; otherwise as `queue`."""
    in_city = Report.city_id == city_id
    return _by_due_time(session, in_city, limit=limit, states=states, after=after, overdue_at=overdue_at)


def _by_due_time(
    session: Session,
    which: ColumnElement[bool],
    *,
    limit: int,
    states: Collection[State],
    after: tuple[datetime, UUID] | None,
    overdue_at: datetime | None,
) -> Sequence[RowMapping]:
    """A page of open cases. It is read by staff, who are the authors of nothing: `is_author` is false without a look."""
    wanted = _view(false()).where(_IS_OPEN, which).order_by(Report.due_at, Report.id).limit(_written_out(limit))
    if frozenset(states) != OPEN:
        wanted = wanted.where(Report.state.in_([state.value for state in sorted(states)]))
    if after is not None:
        wanted = wanted.where(tuple_(Report.due_at, Report.id) > after)
    if overdue_at is not None:
        # The due instant itself is still on time; a clock that stands still has not run out (design 3.8).
        wanted = wanted.where(Report.due_at < overdue_at, Report.stopped_at.is_(None))
    return session.execute(wanted).mappings().all()


def cases(
    session: Session,
    city_id: int,
    unit_ids: Collection[int] | None,
    *,
    limit: int,
    which: ColumnElement[bool],
    oldest_first: bool = False,
    after: tuple[datetime, UUID] | None = None,
) -> Sequence[RowMapping]:
    """Cases that the units hold, open and over (of every unit of the city if None), that `which` is true of.

    In the order of receipt, newest first unless told otherwise, after the position `after` (received_at, id).
    """
    position = tuple_(Report.received_at, Report.id)
    order = (Report.received_at, Report.id) if oldest_first else (Report.received_at.desc(), Report.id.desc())
    wanted = _view(false()).where(which).order_by(*order).limit(_written_out(limit))
    held = Report.city_id == city_id if unit_ids is None else Report.unit_id.in_(sorted(unit_ids))
    if after is not None:
        wanted = wanted.where(position > after if oldest_first else position < after)
    return session.execute(wanted.where(held)).mappings().all()


def count_open(session: Session) -> Mapping[str, int]:
    """How many reports are open, by state."""
    counted = session.execute(select(Report.state, func.count()).where(_IS_OPEN).group_by(Report.state))
    return {state: number for state, number in counted}  # noqa: C416 -- a Row is no pair to dict()


def count_overdue(session: Session, now: datetime) -> int:
    """How many open reports are past due, their clock running."""
    late = select(func.count()).where(_IS_OPEN, Report.due_at < now, Report.stopped_at.is_(None))
    return session.execute(late).scalar_one()


def count_unwarned(session: Session, *, before: datetime) -> int:
    """How many open reports, their clock running, reached their next rung before `before` and were not warned about."""
    late = text("""
        select count(*) from reports
        where state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested')
            and stopped_at is null and warned < 3 and rungs[warned + 1] < :before
    """)
    return int(session.execute(late, {"before": before}).scalar_one())


def count_stopped(session: Session, *, before: datetime) -> int:
    """How many reports wait for their resident since before `before`."""
    waits = select(func.count()).where(Report.state == "awaiting_resident", Report.stopped_at < before)
    return session.execute(waits).scalar_one()


def course(session: Session, report_id: UUID, *, all_entries: bool) -> Sequence[RowMapping]:
    """The timeline of a report, oldest first, with names of staff; without `all_entries`, what the resident sees."""
    columns = (column for column in TimelineEntry.__table__.columns if column.name != "request_digest")
    wanted = (
        select(*columns, Staff.name.label("by_name"), TimelineText.texts, TimelineText.erased_at)
        .outerjoin(Staff, Staff.person_id == TimelineEntry.by_id)
        .outerjoin(TimelineText, _is_text_of_entry())
        .where(TimelineEntry.report_id == report_id)
        .order_by(TimelineEntry.id)
    )
    if not all_entries:
        wanted = wanted.where(TimelineEntry.shown_to == "all")
    return session.execute(wanted).mappings().all()


def for_the_public(session: Session, report_id: UUID) -> tuple[RowMapping | None, Sequence[RowMapping]]:
    """What the public may know of a report, if it is public, with its photos: those from before first. None of an unknown one.

    Of the photos those that were here when it was concluded: what somebody adds afterwards nobody has looked at.
    """
    columns = (Report.kind_code, Report.field, Report.ward_version_id, Report.received_at, Report.lat, Report.lon)
    standing = (Report.state, Report.outcome, Report.concluded_at, Report.withheld)
    row = session.execute(select(*columns, *standing).where(Report.id == report_id)).mappings().one_or_none()
    if row is None or row["concluded_at"] is None:
        return row, ()
    photos = (
        select(Photo.sha256, Photo.role, Photo.state, Photo.blurred_at)
        .where(Photo.report_id == report_id, Photo.received_at <= row["concluded_at"])
        .order_by(Photo.role.desc(), Photo.added_at, Photo.sha256)
    )
    return row, session.execute(photos).mappings().all()


def number_of(session: Session, report_id: UUID) -> str | None:
    """The number by which people know a report."""
    return session.scalar(select(Report.number).where(Report.id == report_id))


@dataclass(frozen=True)
class Rating:
    """What somebody thought of how their report was dealt with; the words may be missing, or erased since."""

    stars: int
    text: str | None
    at: datetime


def latest_rating(session: Session, report_id: UUID) -> Rating | None:
    """The rating that holds: whoever rated again meant the later one."""
    found = session.execute(
        select(TimelineEntry.data, TimelineEntry.at, TimelineText.texts)
        .outerjoin(TimelineText, _is_text_of_entry())
        .where(TimelineEntry.report_id == report_id, TimelineEntry.type == "rate")
        .order_by(TimelineEntry.id.desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else Rating(found.data["stars"], (found.texts or {}).get("text"), found.at)


def _is_text_of_entry() -> ColumnElement[bool]:
    return and_(TimelineText.report_id == TimelineEntry.report_id, TimelineText.entry_id == TimelineEntry.entry_id)


def after_photos(session: Session, report_id: UUID) -> frozenset[str]:
    """The after-photos of a report whose bytes are here, and which nothing found to be unreadable.

    A video is none: neither the resident nor the public sees it, and a result has to be seen. Once the case was reopened only those count that came since: the earlier ones showed what was contested.
    """
    reopened = (
        select(func.max(TimelineEntry.at))
        .where(TimelineEntry.report_id == report_id, TimelineEntry.type == "reopen")
        .scalar_subquery()
    )
    here = select(Photo.sha256).where(
        Photo.report_id == report_id,
        Photo.role == "after",
        Photo.state.in_(["received", "ready"]),
        Photo.received_at > func.coalesce(reopened, text("'-infinity'::timestamptz")),
    )
    return frozenset(session.scalars(here))


def follows(session: Session, report_id: UUID, person_id: UUID) -> bool:
    """Whether the person follows the report."""
    following = select(ReportFollower.report_id).where(
        ReportFollower.report_id == report_id, ReportFollower.person_id == person_id
    )
    return session.execute(following).first() is not None


def _view(is_author: ColumnElement[bool]) -> Select[Any]:
    """Everything that an answer about a report needs, in one row; `is_author` is for whoever asks."""
    return select(*_COLUMNS, Staff.name.label("assignee_name"), PHOTOS, is_author.label("is_author")).outerjoin(
        Staff, Staff.person_id == Report.assignee_id
    )


def _with_root(view: Select[Any]) -> Select[Any]:
    """With what decides whether the resident of a duplicate may contest how its root ended."""
    return view.outerjoin(_ROOT, _ROOT.id == Report.original_id).add_columns(
        _ROOT.state.label("root_state"),
        _ROOT.outcome.label("root_outcome"),
        _ROOT.concluded_at.label("root_concluded_at"),
        _ROOT.contests.label("root_contests"),
    )


def _written_out(number: int) -> BindParameter[int]:
    return bindparam("page", number, Integer, literal_execute=True)


def _authored_by(asker: Asker) -> ColumnElement[bool]:
    return exists().where(ReportAuthor.report_id == Report.id, written_by(asker))


def written_by(asker: Asker) -> ColumnElement[bool]:
    """Whether a row of `report_authors` names the asker, or has the tag that stands for them."""
    if asker.person_id is None:
        return false()
    return or_(ReportAuthor.person_id == asker.person_id, ReportAuthor.tag == asker.tag)
