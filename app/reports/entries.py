"""What happens to a report without a change of state: from assign and correct to what the public may see."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid, NotPermitted
from app.identity import permissions
from app.identity import queries as people
from app.identity.permissions import Actor, Do, Role, Subject
from app.photos import actions as photo_actions
from app.reports.handling import Change, Lack, clock_columns, moved_to, needed, stopwatch
from app.reports.models import Report
from app.reports.rulebook import Rulebook
from app.reports.workflow import OPEN, State
from app.targets.calendar import YearMissing
from app.targets.policies import Case, Due, due, target
from geo.validity import local_day


class EntryNotAllowed(Conflict):
    """The report is in a state in which this entry makes no sense."""

    code = "entry_not_allowed"
    vi = "Không thể thêm mục này khi tin ở trạng thái “{state}”."
    en = "This cannot be added to a report that is {state}."


class AssigneeNotSuitable(Invalid):
    """The person does not work for the unit that holds the case."""

    code = "assignee_not_suitable"
    vi = "Người được phân công không thuộc đơn vị đang xử lý tin."
    en = "The assignee does not work for the unit that holds the report."


class NothingGiven(Invalid):
    """An entry that says nothing."""

    code = "nothing_given"
    vi = "Chưa có nội dung nào để ghi nhận."
    en = "There is nothing to record."


class Standing(NamedTuple):
    """What decides which entries somebody could add: the report's state, who works on it, how they stand to it.

    `withheld`: an officer keeps it from the public.
    """

    state: State
    assignee_id: UUID | None
    subject: Subject
    withheld: bool = False


@dataclass(frozen=True)
class Rule:
    """One kind of entry: who may add it, to whom it is shown, in which states of the report, what must be given."""

    do: Do
    shown_to: str
    states: frozenset[State]
    needs: tuple[str, ...]
    decide: "Callable[[Session, Report, Mapping[str, Any], Context], Change]"
    # Who of those that may do this may not do it after all.
    unless: Callable[[Actor, Standing], bool] = lambda _actor, _standing: False
    # What is so already cannot be made so.
    fits: Callable[[Standing], bool] = lambda _standing: True


@dataclass(frozen=True)
class Context:
    """What deciding about an entry may need."""

    actor: Actor
    book: Rulebook
    now: datetime


def is_chair_of(actor: Actor, unit_id: int) -> bool:
    """Whether the actor is the unit's chair."""
    return unit_id in actor.units(Role.CHAIR)


def _is_a_colleagues(actor: Actor, standing: Standing) -> bool:
    """Nobody's case and one's own may be assigned to whomever; the chair alone takes one from a colleague."""
    free = standing.assignee_id in {None, actor.person_id}
    return not free and not is_chair_of(actor, standing.subject.unit_id)


def _assign(session: Session, report: Report, given: Mapping[str, Any], context: Context) -> Change:
    assignee: UUID = given["assignee"]
    if assignee not in people.members(session, report.unit_id, on=local_day(context.now)):
        raise AssigneeNotSuitable(at="assignee")
    return Change({"assignee_id": assignee}, {"assignee": str(assignee)})


def _correct(_session: Session, report: Report, given: Mapping[str, Any], context: Context) -> Change:
    """Kind, place or address as they really are. Routes again; due never gets later without the chair."""
    location = given.get("location") or {}
    sent = {
        "kind": (report.kind_code, given.get("kind")),
        "lat": (report.lat, location.get("lat")),
        "lon": (report.lon, location.get("lon")),
        "accuracy_m": (report.accuracy_m, location.get("accuracy_m")),
    }
    changed = {member: (old, new) for member, (old, new) in sent.items() if new is not None and new != old}
    if given.get("address", report.address) != report.address:  # an empty one takes a wrong one away
        changed["address"] = (report.address, given["address"])
    if not changed:
        raise NothingGiven
    columns: dict[str, Any] = {
        ("kind_code" if member == "kind" else member): new for member, (_, new) in changed.items()
    }
    # A retry of what the resident first sent must still be recognised as the same.
    columns["as_sent"] = {**{member: old for member, (old, _) in changed.items()}, **(report.as_sent or {})}
    routed, lack = _routed_again(report, columns, context)
    columns |= routed
    data: dict[str, Any] = {
        "from": {member: old for member, (old, _) in changed.items()},
        "to": {m: new for m, (_, new) in changed.items()},
    }
    if "unit_id" in columns:
        data |= {"from_unit": report.unit_id, "to_unit": columns["unit_id"]}
    if "address" in changed:  # an address is free text: it goes where it can be erased
        texts = {"reason": given["reason"], "address": changed["address"][1]}
        data["from"].pop("address")
        data["to"].pop("address")
        return Change(columns, data, texts, lack)
    return Change(columns, data, {"reason": given["reason"]}, lack)


def _routed_again(report: Report, columns: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], Lack | None]:
    book, day = context.book, local_day(report.received_at)
    kind = book.kind(columns.get("kind_code", report.kind_code), day)
    became: dict[str, Any] = {"field": kind.field}
    unit_id = report.unit_id
    if {"lat", "lon", "accuracy_m"} & columns.keys():
        accuracy = columns.get("accuracy_m", report.accuracy_m)
        place = columns.get("lat", report.lat), columns.get("lon", report.lon)
        route = book.route(*place, day, accuracy, about_unit=report.about_unit)
        became |= {"ward_version_id": route.ward_version_id, "routing": route.explanation}
        if book.unit_of_version.get(route.ward_version_id) != book.unit_of_version.get(report.ward_version_id):
            unit_id = route.unit.id
        if report.unit_id not in {unit_id, book.desk.id}:
            # Moving the pin to be rid of a case is a refusal like any other: the second one goes to the desk.
            became["refusals"] = report.refusals + 1
            unit_id = book.desk.id if report.refusals else unit_id
        if unit_id != report.unit_id:
            became |= {"state": State.RECEIVED.value, **moved_to(report, unit_id, context.now)}
    warned = became.get("warned", report.warned)
    judged, lack = _judged_again(report, Case(kind.field, kind.code, unit_id, report.urgent), warned, context)
    return became | judged, lack


def _judged_again(report: Report, case: Case, warned: int, context: Context) -> tuple[dict[str, Any], Lack | None]:
    """The clock by the target that the corrected case would have had at receipt; a later due time is the chair's to give.

    By another calendar the time that stood still is added as it was on the wall. Of the `warned` rungs those that are
    still to come by the new clock will be told again; one that has come by it alone is told now.
    """
    book = context.book
    wanted = target(case, book.policies, report.received_at)
    judged = due(report.received_at, wanted, book.calendars)
    target_s = int(wanted.allowed.total_seconds())
    if (target_s, judged.calendar_code) == (report.target_s, report.calendar_code):
        return {}, None
    due_at, missing_year = _moved_due(report, judged, timedelta(seconds=target_s - report.target_s), book)
    if due_at > report.due_at and not is_chair_of(context.actor, report.unit_id):
        return {}, None
    clock = replace(stopwatch(report, book.calendar(judged.calendar_code)), due_at=due_at)
    columns = clock_columns(clock, target_s)
    columns |= {
        "target_s": target_s,
        "calendar_code": judged.calendar_code,
        "warned": min(warned, sum(rung <= context.now for rung in columns["rungs"])),
        "due_corrections": report.due_corrections + 1,
    }
    asked_for = wanted.calendar_code
    return columns, None if missing_year is None or asked_for is None else Lack(asked_for, missing_year)


def _moved_due(report: Report, judged: Due, longer: timedelta, book: Rulebook) -> tuple[datetime, int | None]:
    """When the corrected case is due, and the year that a calendar lacked for it: time on the wall stands in for it."""
    if judged.calendar_code != report.calendar_code:
        return judged.due_at + timedelta(seconds=report.stopped_s), judged.missing_year
    try:
        return book.calendar(judged.calendar_code).add(report.due_at, longer), judged.missing_year
    except YearMissing as missing:
        return report.due_at + longer, missing.year


def _note(_session: Session, _report: Report, given: Mapping[str, Any], _context: Context) -> Change:
    answers = given.get("answers")
    return Change({}, {"answers": str(answers)} if answers else {}, {"text": given["text"]})


def _message(_session: Session, _report: Report, given: Mapping[str, Any], _context: Context) -> Change:
    return Change({}, {}, {"text": given["text"]})


def _add(session: Session, report: Report, given: Mapping[str, Any], context: Context) -> Change:
    photos, said = given.get("photos") or [], given.get("text")
    if not photos and not said:
        raise NothingGiven
    photo_actions.await_before(session, report.id, photos, context.now)
    return Change({}, {"photos": sorted(photos)} if photos else {}, {"text": said} if said else {})


def _rate(_session: Session, _report: Report, given: Mapping[str, Any], _context: Context) -> Change:
    said = given.get("text")
    return Change({}, {"stars": given["stars"]}, {"text": said} if said else {})


def _withhold(_session: Session, _report: Report, given: Mapping[str, Any], _context: Context) -> Change:
    return Change({"withheld": True}, texts={"reason": given["reason"]})


def _publish(_session: Session, _report: Report, _given: Mapping[str, Any], _context: Context) -> Change:
    """Take it back that the case is kept from the public; what else is asked for (`publicity`) is asked for as ever."""
    return Change({"withheld": False})


_WORKED_ON = OPEN - {State.CONTESTED}
_NOT_WITHDRAWN = frozenset(State) - {State.WITHDRAWN}
# Before that nothing is public anyway, and for a day after.
_OVER = frozenset({State.CONCLUDED, State.CLOSED})

# fmt: off
RULES: Mapping[str, Rule] = {
    "assign":   Rule(Do.HANDLE,   "unit", OPEN, ("assignee",), _assign, unless=_is_a_colleagues),
    "correct":  Rule(Do.HANDLE,   "all",  _WORKED_ON - {State.AWAITING_RESIDENT}, ("reason",), _correct),
    "note":     Rule(Do.HANDLE,   "unit", _NOT_WITHDRAWN, ("text",), _note),
    "message":  Rule(Do.HANDLE,   "all",  _NOT_WITHDRAWN, ("text",), _message),
    "add":      Rule(Do.SPEAK,    "all",  OPEN, (), _add),
    "instruct": Rule(Do.INSTRUCT, "unit", _NOT_WITHDRAWN, ("text",), _note),
    "rate":     Rule(Do.SPEAK,    "all",  _OVER, ("stars",), _rate),
    "withhold": Rule(Do.HANDLE,   "unit", _OVER, ("reason",), _withhold, fits=lambda standing: not standing.withheld),
    "publish":  Rule(Do.HANDLE,   "unit", _OVER, (), _publish, fits=lambda standing: standing.withheld),
}
# fmt: on


def possible(actor: Actor, standing: Standing, may: Callable[[Do], bool]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The entries that the actor could add now, each with what must be given. `may` knows their permissions."""
    for type_, rule in RULES.items():
        is_possible = standing.state in rule.states and rule.fits(standing)
        if is_possible and may(rule.do) and not rule.unless(actor, standing):
            yield type_, rule.needs


def require(type_: str, given: Mapping[str, Any], actor: Actor, standing: Standing) -> Rule:
    """The rule of an entry that is possible, and for which everything was given.

    Raises NotSignedIn, NotPermitted, EntryNotAllowed, NeededMissing.
    """
    rule = RULES[type_]
    permissions.require(actor, rule.do, standing.subject)
    if standing.state not in rule.states or not rule.fits(standing):
        raise EntryNotAllowed(state=standing.state.value)
    if rule.unless(actor, standing):
        raise NotPermitted
    for member in rule.needs:
        needed(given, member)
    return rule
