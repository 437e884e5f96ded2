"""How a report is shown to whoever asks: the `report` of the contract (design 5)."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property, partial
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from app.core.errors import Language
from app.enforcement.actions import can_have_decision
from app.enforcement.models import Decision
from app.identity import permissions
from app.identity.permissions import Actor, Do, Role
from app.photos.errors import REFUSALS
from app.reports import entries, workflow
from app.reports.actions import DO, ReportSubject
from app.reports.duplicates import JOINED_FROM, contests_the_root
from app.reports.evidence import has_record
from app.reports.queries import Rating
from app.reports.rulebook import Rulebook
from app.reports.workflow import CONTEST_WITHIN, OPEN, State
from app.targets.stopwatch import Running, Stopwatch
from geo.validity import local_day

PhotoUrls = Callable[[str], Mapping[str, str]]
Rights = Callable[[Do], bool]


@dataclass(frozen=True)
class Viewer:
    """Who looks, in which language, when; `photo_urls` makes the short-lived links of a photo."""

    actor: Actor
    language: Language
    now: datetime
    photo_urls: PhotoUrls
    _rights: dict[ReportSubject, Rights] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def mark(self) -> str:
        """What tells this viewer's answers from others': a report shows each what they may do, in their language."""
        who = f"{self.actor.person_id} {sorted(self.actor.acting, key=str)} {self.language}"
        return sha256(who.encode()).hexdigest()[:10]

    def rights(self, subject: ReportSubject) -> Rights:
        """What they may do to a report, looked up once: most cases of a page stand to whoever reads it alike."""
        known = self._rights.get(subject)
        if known is None:
            known = self._rights[subject] = cache(partial(self._may, subject))
        return known

    def _may(self, subject: ReportSubject, do: Do) -> bool:
        return permissions.may(self.actor, do, subject)


# What a report has before anything happened to it: the answer to a submission needs no second look at the database.
FRESH: Mapping[str, Any] = {
    "stopped_at": None,
    "stopped_s": 0,
    "first_response_at": None,
    "on_site_at": None,
    "concluded_at": None,
    "ended_at": None,
    "outcome": None,
    "assignee_id": None,
    "assignee_name": None,
    "concluded_by": None,
    "original_id": None,
    "recurrence_of": None,
    "body_code": None,
    "late_reason": None,
    "left_state": None,
    "stopped_units": (),
    "contests": 0,
    "review_by_desk": False,
    "withheld": False,
    "version": 1,
}


def present(
    row: Mapping[Any, Any], viewer: Viewer, book: Rulebook, decisions: Sequence[Decision] = ()
) -> dict[str, Any]:
    """The report as `viewer` may see it, ready to become JSON. The caller has made sure that they may."""
    ward, unit = book.refs[row["ward_version_id"]], book.units[row["unit_id"]]
    clock = _clock(row, book)
    subject = subject_of(row)
    may = viewer.rights(subject)
    routing = row["routing"]
    return {
        "id": str(row["id"]),
        "number": row["number"],
        "state": row["state"],
        "kind": row["kind_code"],
        "field": row["field"],
        "location": {"lat": row["lat"], "lon": row["lon"], "accuracy_m": row["accuracy_m"]},
        "address": row["address"],
        "note": row["note"],
        "anonymous": row["anonymous"],
        "ward": {"code": ward.code, "name": ward.name, "valid_from": ward.valid_from and ward.valid_from.isoformat()},
        "unit": {"id": unit.id, "name": unit.name},
        "routing": {
            "how": routing["how"],
            "border_m": routing["border_m"],
            "neighbours": routing["neighbours"],
            "reason": routing["reason"][viewer.language],
        },
        "captured_at": _instant(row["captured_at"]),
        "captured_mark": row["captured_mark"],
        "received_at": _instant(row["received_at"]),
        "due_at": _instant(row["due_at"]),
        "clock": clock.running.value,
        "seconds_left": clock.seconds_left(viewer.now),
        "calendar": row["calendar_code"],
        "first_response_at": _instant(row["first_response_at"]),
        "on_site_at": _instant(row["on_site_at"]),
        "concluded_at": _instant(row["concluded_at"]),
        "outcome": row["outcome"],
        "late_reason": row["late_reason"],
        "original": row["original_id"] and str(row["original_id"]),
        "recurrence_of": row["recurrence_of"] and str(row["recurrence_of"]),
        "body": row["body_code"],
        "decisions": [_decision(decision) for decision in decisions],
        "fine_vnd": sum(decision.fine_vnd for decision in decisions),
        "channel": row["channel"],
        "urgent": row["urgent"],
        "assignee": _assignee(row, viewer, may),
        "photos": [shown_photo(viewer, photo, report_id=row["id"], may=may) for photo in row["photos"]],
        "moves": [{"to": to, "needs": needs} for to, needs in moves_for(row, may, clock, viewer, book)],
        "entries": [{"type": type_, "needs": needs} for type_, needs in entries_for(row, subject, viewer)],
        "version": row["version"],
        "links": _links(row, may),
    }


@dataclass(frozen=True)
class Besides:
    """What a report that is shown by itself has besides: what a list would have to look up for each of its rows.

    `result` is how the one that it repeats ended, `joined` who else reported the incident; None of what the asker may not know.
    """

    original_number: str | None = None
    rating: Rating | None = None
    result: Mapping[Any, Any] | None = None
    joined: Sequence[Mapping[Any, Any]] | None = None


def alone(shown: Mapping[str, Any], besides: Besides, viewer: Viewer, book: Rulebook) -> dict[str, Any]:
    """A report that is shown by itself."""
    rating, result, joined = besides.rating, besides.result, besides.joined
    return {
        **shown,
        "original_number": besides.original_number,
        "original_result": result and _result(result, viewer, book),
        "joined": None if joined is None else [_joined(row, viewer) for row in joined],
        "rating": rating and {"stars": rating.stars, "text": rating.text, "at": _instant(rating.at)},
    }


def _result(row: Mapping[Any, Any], viewer: Viewer, book: Rulebook) -> dict[str, Any]:
    """How an incident stands that somebody else reported first: nothing that they said or showed."""
    unit, is_over = book.units[row["unit_id"]], _is_over(row)
    return {
        "state": row["state"],
        "unit": {"id": unit.id, "name": unit.name},
        "outcome": row["outcome"] if is_over else None,
        "concluded_at": _instant(row["concluded_at"]) if is_over else None,
        "photos": [shown_photo(viewer, photo) for photo in result_photos(row)],
    }


def result_photos(row: Mapping[Any, Any]) -> Sequence[Any]:
    """The photos by which an incident was concluded; none while it is open."""
    photos: Sequence[Any] = row["photos"] if _is_over(row) else ()
    return photos


def _is_over(row: Mapping[Any, Any]) -> bool:
    return row["state"] in {State.CONCLUDED.value, State.CLOSED.value}


def _joined(row: Mapping[Any, Any], viewer: Viewer) -> dict[str, Any]:
    """One more report of an incident, for whoever handles it: never who sent it."""
    contest = {"at": _instant(row["contested_at"]), "reason": (row["contest_texts"] or {}).get("reason")}
    return {
        "id": str(row["id"]),
        "number": row["number"],
        "received_at": _instant(row["received_at"]),
        "note": row["note"],
        "photos": [shown_photo(viewer, photo) for photo in row["photos"]],
        "contest": contest if row["contested_at"] else None,
    }


def shown_alike(row: Mapping[Any, Any], report: Mapping[Any, Any], viewer: Viewer, book: Rulebook) -> dict[str, Any]:
    """A case that may be the same as `report`, and how the two are joined where the asker may: the later to the earlier."""
    unit = book.units[row["unit_id"]]
    later, earlier = (report, row) if row["is_earlier"] else (row, report)
    may = viewer.rights(subject_of(report))(Do.HANDLE) and later["state"] in JOINED_FROM
    return {
        "id": str(row["id"]),
        "number": row["number"],
        "kind": row["kind_code"],
        "state": row["state"],
        "unit": {"id": unit.id, "name": unit.name},
        "received_at": _instant(row["received_at"]),
        "age_s": int((viewer.now - row["received_at"]).total_seconds()),
        "how": "photo" if row["shown"] else "place",
        "distance_m": round(row["metres"]),
        "is_earlier": row["is_earlier"],
        "duplicates": row["duplicates"],
        "join": {"to": f"/api/v1/reports/{later['id']}/join", "original": earlier["number"]} if may else None,
    }


def nothing_more(_do: Do) -> bool:
    """The rights of whoever sees a photo apart from its case."""
    return False


class PhotoColumns(NamedTuple):
    """A photo as `queries` reads it, in text; a list of news knows the first four. `full`: its full size is there."""

    sha256: str
    role: str
    state: str
    refusal: str | None
    placeholder: str | None = None
    duration_ms: str | None = None
    full: str | None = None
    hints: str | None = None


def shown_photo(
    viewer: Viewer, columns: Iterable[Any], *, report_id: UUID | None = None, may: Rights = nothing_more
) -> dict[str, Any]:
    """A photo of a report: with links once its copies are made, with the reason when none can be.

    Who works on the case is given its hints, and where to ask for its full size once that is there.
    """
    photo = PhotoColumns(*columns)
    refused = REFUSALS.get(photo.refusal or "")
    looks = photo.full is not None and report_id is not None and may(Do.LOOK_CLOSELY)
    return {
        "sha256": photo.sha256,
        "role": photo.role,
        "state": photo.state,
        "urls": dict(viewer.photo_urls(photo.sha256)) if photo.state == "ready" else None,
        "placeholder": photo.placeholder,
        "duration_ms": photo.duration_ms and int(photo.duration_ms),
        "refusal": refused and {"code": refused.code, "detail": refused().detail(viewer.language)},
        "hints": _hints(photo.hints) if may(Do.READ_UNIT_NOTES) else None,
        "look": f"/api/v1/reports/{report_id}/photos/{photo.sha256}/look" if looks else None,
    }


def _hints(stored: str | None) -> dict[str, Any] | None:
    """What a photo says against its report; which other report used it is looked up for one that is shown by itself."""
    if stored is None:
        return None
    hints: dict[str, Any] = json.loads(stored)
    used = hints.get("used")
    return {**hints, "used": used and {"how": used["how"], "report": None}}


def etag(row: Mapping[Any, Any], viewer: Viewer) -> str:
    """The tag of a report as somebody sees it: version, how far its photos are, what time has done, and who looks.

    A countdown changes nothing of it; that the time is up, or that a result can no longer be contested, does. It begins
    with the version, by which If-Match goes.
    """
    others = f"-{row['others'][:8]}" if row.get("others") else ""
    states = "".join(f"{state[:3]}{'+' if full else ''}" for _, _, state, _, _, _, full, _ in row["photos"])
    overdue = Stopwatch(row["due_at"], row["stopped_at"], row["stopped_s"], row["ended_at"]).is_overdue(viewer.now)
    settled = row["concluded_at"] is not None and not _may_be_contested(row, viewer.now)
    return f"{row['version']}-{states}{overdue:d}{settled:d}{others}-{viewer.mark}"


def subject_of(row: Mapping[Any, Any]) -> ReportSubject:
    """A row of a report as permissions see it."""
    return ReportSubject(
        unit_id=row["unit_id"],
        filed_by=row["filed_by"],
        is_author=row["is_author"],
        concluded_by=row["concluded_by"],
        desk_reviews=row["review_by_desk"] and row["state"] == State.CONTESTED.value,
        anonymous=row["anonymous"],
    )


def moves_for(
    row: Mapping[Any, Any], may: Rights, clock: Stopwatch, viewer: Viewer, book: Rulebook
) -> Iterable[tuple[str, list[str]]]:
    """The moves that the viewer could make now, each with what must be given."""
    overdue = clock.is_overdue(viewer.now)
    photo_required = book.kind(row["kind_code"], local_day(row["received_at"])).photo_required
    for move in workflow.moves_from(State(row["state"])):
        if not may(DO[move.by]):
            continue
        if move.name == "ask" and (overdue or row["unit_id"] in row["stopped_units"]):
            continue
        if move.name == "contest" and not _may_be_contested(row, viewer.now):
            continue
        needs = [need for need in move.needs if need != "photos" or photo_required]
        if "outcome" in needs and overdue and clock.running is Running.RUNS:
            needs.append("late_reason")
        yield (move.to or State(row["left_state"])).value, needs


def _may_be_contested(row: Mapping[Any, Any], now: datetime) -> bool:
    """Whether a result can be contested: of a duplicate, how its root ended, once that has."""
    root = row.get("root_state")
    if row["contests"]:
        return False
    if root is not None and contests_the_root(State(root)):
        return root == State.CONCLUDED and not row["root_contests"] and now < row["root_concluded_at"] + CONTEST_WITHIN
    return bool(now < row["concluded_at"] + CONTEST_WITHIN)


def entries_for(
    row: Mapping[Any, Any], subject: ReportSubject, viewer: Viewer
) -> Iterable[tuple[str, tuple[str, ...]]]:
    """The entries that the viewer could add now, each with what must be given."""
    standing = entries.Standing(State(row["state"]), row["assignee_id"], subject, row["withheld"])
    return entries.possible(viewer.actor, standing, viewer.rights(subject))


def entry(row: Mapping[Any, Any], book: Rulebook, *, names: bool) -> dict[str, Any]:
    """An entry of the timeline; `names` shows which colleague it was, to those who work on the case."""
    unit, data = book.units.get(row["unit_id"]), row["data"]
    if "to_unit" in data:  # people know units by their names
        to_unit = book.units.get(data["to_unit"])
        data = {**data, "to_unit_name": to_unit and to_unit.name}
    by = {"role": row["by_role"]}
    if names and row["by_name"]:
        by["name"] = row["by_name"]
    return {
        "id": str(row["entry_id"]),
        "at": _instant(row["at"]),
        "done_at": _instant(row["done_at"]),
        "type": row["type"],
        "by": by,
        "unit": unit and {"id": unit.id, "name": unit.name},
        "from": row["from_state"],
        "to": row["to_state"],
        "data": data,
        "texts": row["texts"] or {},
        "erased": row["erased_at"] is not None,
    }


def _links(row: Mapping[Any, Any], may: Rights) -> dict[str, str | None]:
    """Where to go from here; null where the asker may not, or not now."""
    itself = f"/api/v1/reports/{row['id']}"
    decides = may(Do.DECIDE) and can_have_decision(row["outcome"])
    proves = may(Do.MAKE_EVIDENCE) and has_record(
        row["state"], row["outcome"], (row.get("root_state") or "", row.get("root_outcome"))
    )
    return {
        "self": itself,
        "timeline": f"{itself}/timeline",
        "moves": f"{itself}/moves",
        "entries": f"{itself}/entries",
        "decisions": f"{itself}/decisions" if decides else None,
        "evidence": f"{itself}/evidence" if proves else None,
        "blurs": f"{itself}/photos/{{sha256}}/blurs" if may(Do.READ_BLURS) else None,
        "members": f"/api/v1/units/{row['unit_id']}/members" if may(Do.READ_MEMBERS) else None,
        "author": f"{itself}/author" if may(Do.SEE_AUTHOR) else None,
        "alike": f"{itself}/alike" if may(Do.READ_UNIT_NOTES) and row["state"] in OPEN else None,
        "join": f"{itself}/join" if may(Do.HANDLE) and row["state"] in JOINED_FROM else None,
        "looks": f"{itself}/looks" if may(Do.READ_LOOKS) else None,
    }


def _clock(row: Mapping[Any, Any], book: Rulebook) -> Stopwatch:
    calendar = book.calendar(row["calendar_code"])
    return Stopwatch(row["due_at"], row["stopped_at"], row["stopped_s"], row["ended_at"], calendar)


def _assignee(row: Mapping[Any, Any], viewer: Viewer, may: Rights) -> dict[str, str] | None:
    """Who works on it, for colleagues and leaders; a resident deals with a unit, not with a name."""
    knows = Role.LEADER in viewer.actor.roles or may(Do.READ_UNIT_NOTES)
    if row["assignee_id"] is None or not knows:
        return None
    return {"id": str(row["assignee_id"]), "name": row["assignee_name"]}


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "number": decision.number,
        "decided_on": decision.decided_on.isoformat(),
        "fine_vnd": decision.fine_vnd,
        "paid_on": decision.paid_on and decision.paid_on.isoformat(),
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
