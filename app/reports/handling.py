"""What each move and entry asks for and changes: decided here from facts, carried out in `actions.py`. Pure.

Every function takes the report as it stands, what was given, the facts that were looked up for it, and now; it
returns what becomes of the report, or raises what is wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from app.core.errors import Conflict, Invalid
from app.reports.models import Report
from app.reports.timeline import Step
from app.reports.workflow import (
    CONTEST_WITHIN,
    NEEDED_BY_OUTCOME,
    WITHOUT_PHOTO,
    Move,
    Outcome,
    State,
)
from app.routing.rules import Acting
from app.targets import ladder
from app.targets.calendar import ROUND_THE_CLOCK, Calendar
from app.targets.stopwatch import LONGEST_STOP, Stopwatch


class NeededMissing(Invalid):
    """A move or entry lacks something it needs."""

    code = "required"
    vi = "Cần có mục này ({member})."
    en = "This is needed ({member})."


class PhotoMissing(Conflict):
    """A conclusion needs an after-photo, or names one whose bytes never came."""

    code = "photo_missing"
    vi = "Cần ít nhất một ảnh chụp sau xử lý, và ảnh phải được gửi xong."
    en = "A photo taken afterwards is needed, and it must have arrived."


class LateReasonMissing(Invalid):
    """A conclusion after the due time says why."""

    code = "late_reason_missing"
    vi = "Đã quá hạn: cần nêu lý do xử lý trễ."
    en = "The time was up: please say why it took longer."


class StopUsed(Conflict):
    """A unit may stop the clock of a case once."""

    code = "stop_used"
    vi = "Đơn vị đã hỏi người dân một lần và không thể dừng đồng hồ lần nữa."
    en = "This unit has stopped the clock of this case once already."


class StopAfterDue(Conflict):
    """A clock that has run out cannot be stopped."""

    code = "stop_after_due"
    vi = "Đã quá hạn nên không thể dừng đồng hồ."
    en = "The time is up, so the clock can no longer be stopped."


class ContestTooLate(Conflict):
    """A conclusion can be contested for seven days."""

    code = "contest_too_late"
    vi = "Chỉ có thể phản hồi không đồng ý trong 7 ngày kể từ khi có kết quả."
    en = "A result can be contested within seven days only."


class ContestedAlready(Conflict):
    """A report can be contested once."""

    code = "contested_already"
    vi = "Tin này đã được phản hồi không đồng ý một lần."
    en = "This report has been contested once already."


class UnitNotSuitable(Invalid):
    """The unit cannot take the case over."""

    code = "unit_not_suitable"
    vi = "Không thể chuyển tin đến đơn vị này: {why_vi}."
    en = "The report cannot be handed to this unit: {why_en}."


class BodyUnknown(Invalid):
    """A case is referred to a body of the catalogue."""

    code = "body_unknown"
    vi = "Cơ quan chuyển đến không có trong danh mục."
    en = "This body is not in the catalogue."


@dataclass(frozen=True)
class Facts:
    """What was looked up for a decision. `after_photos` are those whose bytes are here.

    `calendar` is the one by which the time of the case runs. `unit_reviews`: somebody other than the concluder may
    review in the unit that holds the case, a chair or a dispatcher.
    """

    calendar: Calendar = ROUND_THE_CLOCK
    photo_required: bool = True
    after_photos: frozenset[str] = frozenset()
    original_id: UUID | None = None
    body_known: bool = False
    unit: Acting | None = None
    desk: Acting | None = None
    holder: Acting | None = None
    unit_acts: bool = True
    ward_unit_id: int | None = None
    concluder_is_chair: bool = False
    unit_reviews: bool = True
    actor_id: UUID | None = None


class Lack(NamedTuple):
    """A calendar that lacks a year, so that time on the wall stood in for it. Somebody must be told."""

    calendar_code: str
    year: int


@dataclass(frozen=True)
class Change:
    """What becomes of the report's columns, and the step that goes on its timeline; what its clock could not go by."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    lack: Lack | None = None

    def step(self, type_: str, shown_to: str = "all") -> Step:
        """The entry for the timeline."""
        return Step(type_, self.data, self.texts, shown_to)


def stopwatch(report: Report, calendar: Calendar) -> Stopwatch:
    """The clock of a report, whose time runs by `calendar`."""
    return Stopwatch(report.due_at, report.stopped_at, report.stopped_s, report.ended_at, calendar)


def decide(move: Move, report: Report, given: Mapping[str, Any], facts: Facts, now: datetime) -> Change:
    """What the move makes of the report."""
    change = _DECIDERS[move.name](report, given, facts, now)
    state = move.to or State(report.left_state or State.ACCEPTED)
    return replace(change, columns={"state": state.value, **change.columns})


def _accept(report: Report, _given: Mapping[str, Any], facts: Facts, now: datetime) -> Change:
    return Change(
        {
            "first_response_at": report.first_response_at or now,
            "assignee_id": report.assignee_id or facts.actor_id,
        }
    )


def _hand_over(report: Report, given: Mapping[str, Any], facts: Facts, now: datetime) -> Change:
    reason = needed(given, "reason")
    if facts.unit is None or facts.desk is None or facts.holder is None:
        raise NeededMissing(at="unit", member="unit")
    from_ward = facts.holder.kind != "desk"
    refusals = report.refusals + from_ward
    # Nobody plays ball with a case: whoever is second to refuse it sends it to the city's desk.
    unit = facts.desk if from_ward and refusals >= 2 else facts.unit
    if unit.id == report.unit_id:
        raise UnitNotSuitable(at="unit", why_vi="tin đang ở đơn vị này", why_en="it holds the report already")
    if not facts.unit_acts and unit is facts.unit:
        raise UnitNotSuitable(at="unit", why_vi="đơn vị không còn hoạt động", why_en="it no longer acts")
    if report.about_unit and unit.id == facts.ward_unit_id:
        raise UnitNotSuitable(at="unit", why_vi="tin phản ánh về chính đơn vị này", why_en="the report is about it")
    return Change(
        {"refusals": refusals, **moved_to(report, unit.id, now)},
        {"from_unit": report.unit_id, "to_unit": unit.id, "asked_unit": facts.unit.id},
        {"reason": reason},
    )


def moved_to(report: Report, unit_id: int, now: datetime) -> dict[str, Any]:
    """The columns of a case that another unit takes over. Overdue, it stays with who held it when the time was up.

    The new unit was warned of nothing yet: it hears of the highest rung that is due.
    """
    overdue_unit = report.overdue_unit_id
    if overdue_unit is None and stopwatch(report, ROUND_THE_CLOCK).is_overdue(now):
        overdue_unit = report.unit_id
    return {"unit_id": unit_id, "assignee_id": None, "overdue_unit_id": overdue_unit, "warned": 0}


def _arrive(report: Report, _given: Mapping[str, Any], _facts: Facts, now: datetime) -> Change:
    return Change({"on_site_at": report.on_site_at or now})


def _ask(report: Report, given: Mapping[str, Any], facts: Facts, now: datetime) -> Change:
    question = needed(given, "question")
    clock = stopwatch(report, facts.calendar)
    if report.unit_id in report.stopped_units:
        raise StopUsed
    if clock.is_overdue(now):
        raise StopAfterDue
    stopped = clock.stop(now)
    unanswered = stopped.resume(now + LONGEST_STOP)
    columns = {
        **clock_columns(stopped, report.target_s),
        "rungs_if_unanswered": rungs(unanswered, report.target_s),
        "left_state": report.state,
        "stopped_units": [*report.stopped_units, report.unit_id],
    }
    return Change(columns, texts={"question": question}, lack=lack_of(unanswered))


def _answer(report: Report, given: Mapping[str, Any], facts: Facts, now: datetime) -> Change:
    answer = needed(given, "answer")
    clock = stopwatch(report, facts.calendar).resume(now)
    columns = {**clock_columns(clock, report.target_s), "left_state": None}
    return Change(columns, texts={"answer": answer}, lack=lack_of(clock))


def _conclude(report: Report, given: Mapping[str, Any], facts: Facts, now: datetime) -> Change:
    outcome = Outcome(needed(given, "outcome"))
    texts = {"note": needed(given, "note")}
    wanted = NEEDED_BY_OUTCOME.get(outcome)
    if wanted is not None:
        needed(given, wanted)
    if outcome is Outcome.OUT_OF_SCOPE:
        texts["reason"] = given["reason"]
    if outcome is Outcome.REFERRED and not facts.body_known:
        raise BodyUnknown(at="body")
    photos = _after_photos(given, facts, asked_for=facts.photo_required and outcome not in WITHOUT_PHOTO)
    ended = stopwatch(report, facts.calendar).end(now)
    late_reason = given.get("late_reason") if ended.is_overdue(now) else None
    # A duplicate is judged by no clock (design 3.8): how long the incident took, its root answers for.
    if ended.is_overdue(now) and not late_reason and outcome is not Outcome.DUPLICATE:
        raise LateReasonMissing(at="late_reason")
    if late_reason:
        texts["late_reason"] = late_reason
    columns = {
        **clock_columns(ended, report.target_s),
        "concluded_at": now,
        "outcome": outcome.value,
        "concluded_by": facts.actor_id,
        "first_response_at": report.first_response_at or now,
        "original_id": facts.original_id if outcome is Outcome.DUPLICATE else None,
        "body_code": given["body"] if outcome is Outcome.REFERRED else None,
        "late_reason": late_reason,
        "review_by_desk": False,
    }
    data = {"outcome": outcome.value, "photos": sorted(photos), "late": ended.is_overdue(now)}
    if outcome is Outcome.DUPLICATE:
        data["original"] = str(facts.original_id)
    if outcome is Outcome.REFERRED:
        data["body"] = given["body"]
    return Change(columns, data, texts)


def _after_photos(given: Mapping[str, Any], facts: Facts, *, asked_for: bool) -> frozenset[str]:
    named = frozenset(given.get("photos") or ())
    absent = named - facts.after_photos
    if absent:
        raise PhotoMissing(at="photos", absent=", ".join(sorted(absent)))
    if asked_for and not named:
        raise PhotoMissing(at="photos", absent="")
    return named


def _contest(report: Report, given: Mapping[str, Any], facts: Facts, now: datetime) -> Change:
    reason = needed(given, "reason")
    if report.contests:
        raise ContestedAlready
    if report.concluded_at is None or now >= report.concluded_at + CONTEST_WITHIN:
        raise ContestTooLate
    clock = stopwatch(report, facts.calendar).go_on(now)
    columns = {
        **clock_columns(clock, report.target_s),
        "contests": report.contests + 1,
        # Nobody reviews what they concluded themselves, and a case without a reviewer waits for ever.
        "review_by_desk": facts.concluder_is_chair or not facts.unit_reviews,
        "concluded_at": None,
        "outcome": None,
        "original_id": None,
        "body_code": None,
        "late_reason": None,
    }
    return Change(columns, {"outcome": report.outcome}, {"reason": reason}, lack_of(clock))


def _reopen(report: Report, given: Mapping[str, Any], _facts: Facts, _now: datetime) -> Change:
    # What the desk was told of while it reviewed, the unit that takes the work up again was not.
    warned = 0 if report.review_by_desk else report.warned
    return Change({"review_by_desk": False, "warned": warned}, texts={"reason": needed(given, "reason")})


def _withdraw(report: Report, _given: Mapping[str, Any], facts: Facts, now: datetime) -> Change:
    ended = stopwatch(report, facts.calendar).end(now)
    columns = {**clock_columns(ended, report.target_s), "left_state": None}
    return Change(columns, {"late": ended.is_overdue(now)}, lack=lack_of(ended))


def needed(given: Mapping[str, Any], member: str) -> Any:
    """The member that was given. Raises NeededMissing when it is absent or empty."""
    value = given.get(member)
    if value is None or value in ("", []):
        raise NeededMissing(at=member, member=member)
    return value


def clock_columns(clock: Stopwatch, target_s: int) -> dict[str, Any]:
    """The columns in which a clock is kept, of a case that may take `target_s` seconds of its calendar."""
    return {
        "due_at": clock.due_at,
        "stopped_at": clock.stopped_at,
        "stopped_s": clock.stopped_s,
        "ended_at": clock.ended_at,
        "rungs": rungs(clock, target_s),
        "rungs_if_unanswered": None,
    }


def lack_of(clock: Stopwatch) -> Lack | None:
    """The calendar that lacked a year when the clock was moved, if it did."""
    return None if clock.missing_year is None else Lack(clock.calendar.code, clock.missing_year)


def rungs(clock: Stopwatch, target_s: int) -> list[datetime]:
    """The instants at which a case is warned about, the last of them its due time."""
    return [*ladder.instants(clock.due_at, timedelta(seconds=target_s), clock.calendar), clock.due_at]


_DECIDERS: Mapping[str, Callable[[Report, Mapping[str, Any], Facts, datetime], Change]] = {
    "accept": _accept,
    "hand_over": _hand_over,
    "arrive": _arrive,
    "ask": _ask,
    "answer": _answer,
    "conclude": _conclude,
    "contest": _contest,
    "reopen": _reopen,
    "uphold": _conclude,
    "withdraw": _withdraw,
}
