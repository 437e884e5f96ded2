"""Whatever changes a report after it was taken in: the only writer. Load and lock, ask the rules, change, leave a trace.

Each change, its timeline entry and its promise to the outside are one transaction, which the caller opens and commits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import audit, outbox
from app.core.errors import Conflict, Invalid, NotSignedIn, Stale
from app.identity import permissions
from app.identity import queries as people
from app.identity.permissions import Actor, Do, Role
from app.photos import actions as photos
from app.reports import entries, handling, intake, queries, timeline, workflow
from app.reports.intake import Author, Submission
from app.reports.models import Report, ReportAuthor, ReportFollower
from app.reports.queries import Asker, ReportNotFound
from app.reports.rulebook import Rulebook, RulebookCache
from app.reports.timeline import Request, Step, Writer
from app.reports.workflow import By, Move, Outcome, State
from geo.validity import local_day

log = structlog.get_logger("reports")

# Whose permission a row of the table of moves asks for.
DO = {By.OFFICER: Do.HANDLE, By.AUTHOR: Do.SPEAK, By.REVIEWER: Do.REVIEW}

# How long an answer that was lost on its way is given again to somebody who may no longer read the report.
LOST_ANSWER = timedelta(hours=1)


class OwnReport(Conflict):
    """Whoever sent a report hears of it anyway."""

    code = "own_report"
    vi = "Đây là tin của chính bạn; bạn sẽ được thông báo mà không cần theo dõi."
    en = "This is your own report; you are told of it without following it."


@dataclass(frozen=True)
class Submitted:
    """The answer to a submission: the columns of a report just written, or None when it was known already."""

    report_id: UUID
    number: str | None
    columns: Mapping[str, Any] | None
    book: Rulebook


@dataclass(frozen=True)
class Person:
    """The actor as reports know them: with the tag that stands for them where they reported anonymously."""

    actor: Actor
    tag: bytes

    @property
    def asker(self) -> Asker:
        """The person as the reads know them."""
        return Asker(self.actor.person_id, self.tag)


def submit(
    session: Session,
    sent: Submission,
    author: Author,
    *,
    session_id: UUID | None,
    cache: RulebookCache,
    spend: Callable[[], None],
    now: datetime,
) -> Submitted:
    """Take a report in, once, however often and from however many threads it is sent: two statements.

    `spend` counts the report against the limits of whoever sends it; it is called for new reports only, so that an
    old retry is never refused. `session_id` is the sign-in to confirm, None when the caller has done so.

    Raises NotSignedIn, ReportIdTaken, KindUnknown, TooManyPhotos, what `spend` raises, and geo.errors.GeoError.
    """
    known = intake.look_up(session, sent.id, session_id)
    if not known.session_lives:
        raise NotSignedIn
    book = cache.current(session, known.revision)
    if not known.is_taken:
        spend()
        columns = intake.decide(sent, author, book, now)
        number = intake.write(session, columns, author, sent.photos, book.number_prefix)
        if number is not None:
            return Submitted(sent.id, number, columns, book)
        # Another thread was faster by a hair; its report is what there is to compare with.
    if not intake.is_the_same(session, sent, author):
        raise intake.ReportIdTaken(at="id")
    photos.await_before(session, sent.id, sent.photos, now)
    return Submitted(sent.id, None, None, book)


@dataclass(frozen=True)
class Act:
    """One attempt to change a report: whose, as which request, by which rules, when."""

    by: Person
    request: Request
    book: Rulebook
    now: datetime


def move(session: Session, report_id: UUID, given: Mapping[str, Any], act: Act) -> None:
    """Carry out one row of the table of moves, or find that it was carried out already.

    Raises ReportNotFound, NotPermitted, Stale, EntryIdTaken, MoveNotAllowed, and what `handling.decide` raises.
    """
    opened = _opened(session, report_id, act)
    if opened is None:
        return
    report, subject = opened
    before = _concerned(report, act.book)
    row = workflow.find(State(report.state), State(given["to"]))
    permissions.require(act.by.actor, DO[row.by], subject)
    facts = replace(_facts(session, row, report, given, act), calendar=act.book.calendar(report.calendar_code))
    change = handling.decide(row, report, given, facts, act.now)
    entry_id = _carry_out(session, report, change, change.step(row.name), subject=subject, act=act)
    if row.to is State.CONCLUDED and report.original_id is not None:
        _point_at_the_root(session, report, act.now)
    units = sorted(before | _concerned(report, act.book))
    payload = {"report_id": str(report.id), "entry_id": str(entry_id), "move": row.name, "units": units}
    outbox.emit(session, "report.moved", payload, at=act.now)


def enter(session: Session, report_id: UUID, given: Mapping[str, Any], act: Act) -> None:
    """Add an entry that changes no state, or find that it was added already.

    Raises ReportNotFound, NotPermitted, Stale, EntryIdTaken, EntryNotAllowed, NeededMissing, and what the rule raises.
    """
    opened = _opened(session, report_id, act)
    if opened is None:
        return
    report, subject = opened
    before = _concerned(report, act.book)
    standing = entries.Standing(State(report.state), report.assignee_id, subject, report.withheld)
    rule = entries.require(given["type"], given, act.by.actor, standing)
    change = rule.decide(session, report, given, entries.Context(act.by.actor, act.book, act.now))
    step = change.step(given["type"], rule.shown_to)
    entry_id = _carry_out(session, report, change, step, subject=subject, act=act)
    units = sorted(before | _concerned(report, act.book))
    payload = {"report_id": str(report.id), "entry_id": str(entry_id), "type": given["type"], "units": units}
    outbox.emit(session, "report.entry", payload, at=act.now)


def _concerned(report: Report, book: Rulebook) -> set[int]:
    """The units in whose queue a report stands now: its own, and the desk while the desk reviews it."""
    return {report.unit_id, book.desk.id} if report.review_by_desk else {report.unit_id}


def _point_at_the_root(session: Session, report: Report, now: datetime) -> None:
    """Let the duplicates of a report that turned out to be one itself point at its original, each with its trace."""
    followers = select(Report).where(Report.original_id == report.id).order_by(Report.id).with_for_update()
    for duplicate in session.scalars(followers).all():
        duplicate.change({"original_id": report.original_id}, now)
        step = Step("original_moved", {"original": str(report.original_id)})
        timeline.record(session, duplicate, step, by=timeline.SYSTEM, now=now)


def _opened(session: Session, report_id: UUID, act: Act) -> tuple[Report, "ReportSubject"] | None:
    """The locked report of an act, None when this very act was carried out before."""
    report, is_author, repeated = open_for(session, report_id, act.by, act.request, now=act.now)
    if repeated:
        return None
    if act.request.expected_version not in {None, report.version}:
        raise Stale
    return report, subject_of(report, is_author=is_author)


def _carry_out(
    session: Session, report: Report, change: handling.Change, step: Step, *, subject: "ReportSubject", act: Act
) -> UUID:
    """Change the report and put the step on its timeline, as the act of the unit that held it; return the entry's id.

    Says loudly where its clock could not go by its calendar.
    """
    if change.lack is not None:
        calendar_code, year = change.lack
        log.error("calendar lacks a year", calendar=calendar_code, year=year, report=str(report.id))
    from_state, from_unit = report.state, report.unit_id
    report.change(change.columns, act.now)
    return timeline.record(
        session,
        report,
        step,
        by=writer(act.by.actor, subject),
        now=act.now,
        from_state=from_state if "state" in change.columns else None,
        request=act.request,
        unit_id=from_unit,
    )


def open_for(
    session: Session, report_id: UUID, by: Person, request: Request | None = None, *, now: datetime
) -> tuple[Report, bool, bool]:
    """The locked report, whether the person is its author, and whether they made this very request before.

    Another unit's report does not exist for them; but whoever handed it over and lost the answer may ask again, for
    an hour: longer, and a hand-over would be a window on what the other unit does.

    Raises ReportNotFound, EntryIdTaken.
    """
    report, is_author = queries.locked(session, report_id, by.asker)
    readable = permissions.may(by.actor, Do.READ_REPORT, subject_of(report, is_author=is_author))
    earlier = timeline.earlier(session, report_id, request, since=None if readable else now - LOST_ANSWER)
    if earlier is timeline.Earlier.SAME:
        return report, is_author, True
    if not readable:
        raise ReportNotFound
    if earlier is timeline.Earlier.OTHER:
        raise timeline.EntryIdTaken(at="id")
    return report, is_author, False


@dataclass(frozen=True)
class ReportSubject:
    """What permissions look at in a report."""

    unit_id: int
    filed_by: UUID | None
    is_author: bool
    concluded_by: UUID | None
    desk_reviews: bool
    anonymous: bool


def subject_of(report: Any, *, is_author: bool) -> ReportSubject:
    """A report, or a row of one, as permissions see it."""
    return ReportSubject(
        unit_id=report.unit_id,
        filed_by=report.filed_by,
        is_author=is_author,
        concluded_by=report.concluded_by,
        desk_reviews=report.review_by_desk and report.state == State.CONTESTED.value,
        anonymous=report.anonymous,
    )


def writer(actor: Actor, subject: ReportSubject) -> Writer:
    """How the timeline names the actor: the author as nobody in particular, staff by role and id."""
    if subject.is_author:
        return Writer("resident")
    for role in (Role.CHAIR, Role.DISPATCHER, Role.OFFICER):
        if subject.unit_id in actor.units(role) or (role is Role.DISPATCHER and subject.desk_reviews):
            return Writer(role.value, actor.person_id)
    if subject.filed_by == actor.person_id:
        return Writer("filer", actor.person_id)
    return Writer((actor.role or Role.RESIDENT).value, actor.person_id)


def photo_refused(session: Session, report_id: UUID, sha256: str, refusal: str, now: datetime) -> None:
    """Put on the course of a report that a photo named in it cannot be opened: a conclusion may rest on it."""
    report = session.get_one(Report, report_id, with_for_update=True, populate_existing=True)
    report.change({}, now)
    step = Step("photo_refused", {"sha256": sha256, "refusal": refusal})
    timeline.record(session, report, step, by=timeline.SYSTEM, now=now)


def warn_again(session: Session, report_id: UUID, unit_id: int, rung: int) -> None:
    """Take back that a unit was told of a rung, as its warning found the case over or stopped: when it goes on, it is.

    No effect on a case that another unit holds meanwhile, or that another rung was told of: those are told anyway.
    """
    report = session.get_one(Report, report_id, with_for_update=True, populate_existing=True)
    if (report.unit_id, report.warned) == (unit_id, rung):
        report.warned = rung - 1


def nobody_on_duty(session: Session, report_id: UUID, unit_id: int, rung: int, now: datetime) -> None:
    """Put on the course of a case that a warning found nobody on duty in a unit; once for a unit, rung and due time.

    The entry's id is of version 5, which no request may carry.
    """
    report = session.get_one(Report, report_id, with_for_update=True, populate_existing=True)
    told = (unit_id, rung, *([report.due_corrections] if report.due_corrections else ()))
    entry_id = uuid5(report_id, f"nobody_on_duty:{':'.join(str(part) for part in told)}")
    if timeline.earlier(session, report_id, Request(entry_id)) is not timeline.Earlier.NEVER:
        return
    step = Step("nobody_on_duty", {"rung": rung, "unit": unit_id}, shown_to="unit")
    timeline.record(session, report, step, by=timeline.SYSTEM, now=now, request=Request(entry_id), unit_id=unit_id)


def follow(session: Session, report_id: UUID, by: Person, now: datetime) -> None:
    """Hear how an open report ends that somebody else sent. Repeated with no effect.

    Raises ReportNotFound, OwnReport: to be among its followers would tell who sent an anonymous one.
    """
    report = session.get(Report, report_id)
    if report is None or State(report.state) not in workflow.OPEN or report.about_unit:
        raise ReportNotFound
    author = session.get(ReportAuthor, report_id)
    if author is not None and (author.person_id == by.actor.person_id or author.tag == by.tag):
        raise OwnReport
    session.execute(
        insert(ReportFollower)
        .values(report_id=report_id, person_id=by.actor.person_id, since=now)
        .on_conflict_do_nothing(index_elements=["report_id", "person_id"])
    )


def unfollow(session: Session, report_id: UUID, person_id: UUID) -> None:
    """Hear no more of a report. Repeated with no effect."""
    session.execute(
        delete(ReportFollower).where(ReportFollower.report_id == report_id, ReportFollower.person_id == person_id)
    )


def reveal_author(session: Session, report_id: UUID, *, by: Person, reason: str, now: datetime) -> UUID | None:
    """Who reported, for a dispatcher who gives a reason, on record; None when it was filed without a person.

    Raises ReportNotFound, NotPermitted; of an anonymous report nobody can be told.
    """
    report, is_author = queries.locked(session, report_id, by.asker)
    permissions.require(by.actor, Do.SEE_AUTHOR, subject_of(report, is_author=is_author))
    author = session.get(ReportAuthor, report_id)
    step = Step("author_seen", texts={"reason": reason}, shown_to="unit")
    timeline.record(session, report, step, by=Writer("dispatcher", by.actor.person_id), now=now)
    audit.record(session, by=by.actor.person_id, action="author:see", subject=f"report/{report_id}", at=now)
    return None if author is None else author.person_id


def _facts(session: Session, row: Move, report: Report, given: Mapping[str, Any], act: Act) -> handling.Facts:
    """Look up what the decision about this row needs, and no more."""
    actor_id, book, now = act.by.actor.person_id, act.book, act.now
    if row.name == "hand_over":
        return _hand_over_facts(report, given, book, now)
    if row.name in {"conclude", "uphold"}:
        return handling.Facts(
            photo_required=_photo_required(report, book),
            after_photos=queries.after_photos(session, report.id),
            original_id=_original(session, report, given),
            body_known=given.get("body") in book.bodies,
            actor_id=actor_id,
        )
    if row.name == "contest":
        concluder, day = report.concluded_by, local_day(now)
        working = people.members(session, report.unit_id, on=day)
        return handling.Facts(
            concluder_is_chair=concluder is not None
            and people.works_for(session, concluder, report.unit_id, Role.CHAIR, on=day),
            unit_reviews=any(
                roles & {Role.CHAIR, Role.DISPATCHER} for person, roles in working.items() if person != concluder
            ),
        )
    return handling.Facts(actor_id=actor_id)


def _photo_required(report: Report, book: Rulebook) -> bool:
    """Whether the kind asks for a photo, or did before it was corrected: a correction proves nothing."""
    kinds = {report.kind_code, (report.as_sent or {}).get("kind", report.kind_code)}
    return any(book.kind(kind, local_day(report.received_at)).photo_required for kind in kinds)


def _hand_over_facts(report: Report, given: Mapping[str, Any], book: Rulebook, now: datetime) -> handling.Facts:
    day = local_day(now)
    unit = book.units.get(given["unit"]) if given.get("unit") else None
    if unit is None and given.get("ward"):
        unit = book.unit_of_ward(given["ward"], day)
    if unit is None and (given.get("unit") or given.get("ward")):
        raise handling.UnitNotSuitable(at="unit", why_vi="không có đơn vị này", why_en="there is no such unit")
    return handling.Facts(
        unit=unit,
        desk=book.desk,
        holder=book.units[report.unit_id],
        unit_acts=unit is not None and book.acts_on(unit.id, day),
        ward_unit_id=book.unit_of_version.get(report.ward_version_id),
    )


class OriginalUnknown(Invalid):
    """A duplicate names the report that it repeats."""

    code = "original_unknown"
    vi = "Không có tin gốc nào như vậy: phải cùng lĩnh vực, gửi trước, ở gần và chưa xử lý xong từ hôm trước."
    en = "There is no such original: it must be of the same field, earlier, near, and not over since the day before."


def _original(session: Session, report: Report, given: Mapping[str, Any]) -> UUID | None:
    if given.get("outcome") != Outcome.DUPLICATE.value or not given.get("original"):
        return None
    original = queries.original_of(session, report, given["original"])
    if original is None:
        raise OriginalUnknown(at="original")
    return original
