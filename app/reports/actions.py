"""Whatever changes a report after it was taken in: the only writer. Load and lock, ask the rules, change, leave a trace.

Each change, its timeline entry and its promise to the outside are one transaction, which the caller opens and commits. What
an act does to other reports of the same incident is in `joining.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import structlog
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import audit, outbox
from app.core.errors import Conflict, NotSignedIn, Stale
from app.identity import permissions
from app.identity.permissions import Actor, Do, Role
from app.photos import actions as photos
from app.reports import alike, duplicates, entries, facts, handling, intake, joining, queries, timeline, workflow
from app.reports.duplicates import Left
from app.reports.intake import Author, Submission
from app.reports.models import Report, ReportAuthor, ReportFollower
from app.reports.queries import Asker, ReportNotFound
from app.reports.rulebook import Rulebook, RulebookCache
from app.reports.timeline import Request, Step, Writer
from app.reports.workflow import By, Move, Outcome, State

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
    if joining.may_concern_others(given):
        joining.one_at_a_time(session)
    opened = _opened(session, report_id, act)
    if opened is None:
        return
    report, subject = opened
    row = workflow.find(State(report.state), State(given["to"]))
    permissions.require(act.by.actor, DO[row.by], subject)
    root = alike.root_of(session, report) if row.name == "contest" else None
    if root is not None and duplicates.contests_the_root(State(root.state)):
        _contest_root(session, report, root, given, subject=subject, act=act)
    else:
        _take(session, report, row, given, subject=subject, act=act)


def join(session: Session, report_id: UUID, given: Mapping[str, Any], act: Act) -> None:
    """Conclude a report as a duplicate of the root of `given["original"]`, accepting it first where nobody has.

    Its `note` is what its resident reads; without one there is a standing sentence. Repeated with no effect.

    Raises ReportNotFound, NotPermitted, Stale, EntryIdTaken, MoveNotAllowed, OriginalUnknown.
    """
    joining.one_at_a_time(session)
    opened = _opened(session, report_id, act)
    if opened is None:
        return
    report, subject = opened
    permissions.require(act.by.actor, Do.HANDLE, subject)
    if State(report.state) not in duplicates.JOINED_FROM:  # a contested case, above all, is its reviewer's to end
        raise workflow.MoveNotAllowed(state=report.state, to=State.CONCLUDED.value)
    if State(report.state) is State.RECEIVED:
        accept = workflow.find(State.RECEIVED, State.ACCEPTED)
        change = handling.decide(accept, report, {}, handling.Facts(actor_id=act.by.actor.person_id), act.now)
        # One act is told once: by its conclusion.
        _carry_out(
            session, report, change, change.step(accept.name), subject=subject, act=replace(act, request=Request())
        )
    said = {
        "to": State.CONCLUDED.value,
        "outcome": Outcome.DUPLICATE.value,
        "original": given["original"],
        "note": given.get("note") or joining.NOTE,
    }
    _take(session, report, workflow.find(State(report.state), State.CONCLUDED), said, subject=subject, act=act)


def _take(
    session: Session, report: Report, row: Move, given: Mapping[str, Any], *, subject: "ReportSubject", act: Act
) -> None:
    """Carry out a row for a locked report, with what it does to others of its incident."""
    before = _concerned(report, act.book)
    left = Left(State(report.state), report.unit_id, report.assignee_id)
    heir = joining.heir_of(session, report) if row.to is State.WITHDRAWN else None
    known = facts.of_move(session, row, report, given, book=act.book, actor_id=act.by.actor.person_id, now=act.now)
    change = handling.decide(row, report, given, known, act.now)
    if heir is not None:
        change = replace(change, data={**change.data, "taken_over": True})
    entry_id = _carry_out(session, report, change, change.step(row.name), subject=subject, act=act)
    if row.to is State.CONCLUDED and report.original_id is not None:
        joining.point_at_the_root(session, report, act.now)
    if heir is not None:
        joining.hand_on(session, report, heir, left, book=act.book, now=act.now)
    _promise_move(session, report, entry_id, row.name, before=before, act=act)


def _contest_root(
    session: Session, report: Report, root: Report, given: Mapping[str, Any], *, subject: "ReportSubject", act: Act
) -> None:
    """Contest how the root ended, as the resident of a duplicate: whose words stay with their own report."""
    # Nobody contests in a resident's name what they deal with themselves, be it under another number.
    permissions.require(act.by.actor, Do.SPEAK, replace(subject, unit_id=root.unit_id))
    duplicates.require_contestable(report, root)
    before = _concerned(root, act.book)
    row = workflow.find(State(root.state), State.CONTESTED)
    known = facts.of_move(session, row, root, given, book=act.book, actor_id=act.by.actor.person_id, now=act.now)
    change = handling.decide(row, root, given, known, act.now)
    step = Step(row.name, {**change.data, "by_duplicate": True})
    entry_id = _carry_out(session, root, change, step, subject=subject, act=replace(act, request=Request()))
    _promise_move(session, root, entry_id, row.name, before=before, act=act)
    counted = handling.Change({"contests": report.contests + 1})
    said = Step("contest_original", {"original": str(root.id)}, change.texts)
    own_id = _carry_out(session, report, counted, said, subject=subject, act=act)
    _promise_entry(session, report, own_id, "contest_original", before=_concerned(report, act.book), act=act)


def _promise_move(session: Session, report: Report, entry_id: UUID, name: str, *, before: set[int], act: Act) -> None:
    """Promise that a move is told. `before` are the units that it concerned until now."""
    units = sorted(before | _concerned(report, act.book))
    payload = {"report_id": str(report.id), "entry_id": str(entry_id), "move": name, "units": units}
    outbox.emit(session, "report.moved", payload, at=act.now)


def _promise_entry(session: Session, report: Report, entry_id: UUID, type_: str, *, before: set[int], act: Act) -> None:
    """Promise that an entry is told, likewise."""
    units = sorted(before | _concerned(report, act.book))
    payload = {"report_id": str(report.id), "entry_id": str(entry_id), "type": type_, "units": units}
    outbox.emit(session, "report.entry", payload, at=act.now)


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
    _promise_entry(session, report, entry_id, given["type"], before=before, act=act)


def _concerned(report: Report, book: Rulebook) -> set[int]:
    """The units in whose queue a report stands now: its own, and the desk while the desk reviews it."""
    return {report.unit_id, book.desk.id} if report.review_by_desk else {report.unit_id}


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
