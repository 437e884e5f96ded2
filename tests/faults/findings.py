"""What the database, the store and the gateway hold in the end, against what was acknowledged.

Every expected value comes from the ledger and from the rules as they are written in the design, not from the code.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from gateway import Gateway
from phones import SHORT, SHORT_S, USUAL_S, Case, Ledger
from sqlalchemy import Connection, Engine, text
from town import Kill

from app.photos.links import public_name

# From which states each step may be taken, and to which it leads (design 3.5). None: it changes no state.
LEGAL = {
    "received": ({None}, {"received"}),
    "accept": ({"received"}, {"accepted"}),
    "hand_over": ({"received", "accepted", "on_site"}, {"received"}),
    "arrive": ({"accepted"}, {"on_site"}),
    "ask": ({"accepted", "on_site"}, {"awaiting_resident"}),
    "answer": ({"awaiting_resident"}, {"accepted", "on_site"}),
    "resume": ({"awaiting_resident"}, {"accepted", "on_site"}),
    "conclude": ({"accepted", "on_site"}, {"concluded"}),
}
OPEN = {"received", "accepted", "on_site", "awaiting_resident", "contested"}

# Parts of the allowed time at which each rung falls due (50 %, 80 %, 100 %).
RUNGS = {1: 0.5, 2: 0.8, 3: 1.0}
# The sweep of due cases comes every few seconds; a rung that fell due this long before the end must have been told.
SWEEP_S = 25


@dataclass
class Found:
    """What was looked at, and what was not as it must be."""

    looked_at: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def must(self, holds: object, what: str) -> None:
        if not holds:
            self.wrong.append(what)


def waiting(engine: Engine) -> int:
    """Promises that are neither kept nor given up. Those to a gateway that never answers are not ours to keep."""
    with engine.connect() as connection:
        given_up = "and given_up_at is null" if has(connection, "outbox", "given_up_at") else ""
        return int(
            connection.execute(
                text(f"select count(*) from outbox where done_at is null {given_up} and topic <> 'code.wanted'")
            ).scalar_one()
        )


def has(connection: Connection, table: str, column: str | None = None) -> bool:
    """Whether the schema has a table, or a column of it."""
    asked = "select count(*) from information_schema.columns where table_name = :table"
    asked += " and column_name = :column" if column else ""
    return bool(connection.execute(text(asked), {"table": table, "column": column}).scalar_one())


def look(engine: Engine, ledger: Ledger, gateway: Gateway, photos: Path, since: datetime) -> Found:
    """Everything that was acknowledged is there once, with the same clock, and nothing else is."""
    found = Found()
    # All is read as of one moment.
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        # Other tests have reports of their own in this town, from before.
        sent_since = "select * from reports where received_at >= :since"
        reports = {str(row["id"]): row for row in rows(connection, sent_since, since=since)}
        course = defaultdict(list)
        for entry in rows(connection, "select * from timeline order by report_id, id"):
            course[str(entry["report_id"])].append(entry)
        _each_once(found, ledger, reports)
        for case in ledger.cases:
            if case.id in reports:
                _history(found, case, reports[case.id], course[case.id])
                _clock(found, case, reports[case.id], course[case.id])
        _photos(found, connection, ledger, photos)
        _promises(found, connection, ledger)
        _warnings(found, connection, ledger, reports, course)
    _codes(found, ledger, gateway)
    return found


def rows(connection: Connection, sql: str, **values: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(sql), values).mappings()]


def _each_once(found: Found, ledger: Ledger, reports: dict[str, dict[str, Any]]) -> None:
    sent = {case.id for case in ledger.cases}
    found.looked_at["reports"] += len(sent)
    found.must(len(sent) == len(ledger.cases), "an id stands twice in the ledger")
    found.must(not sent - set(reports), f"acknowledged and lost: {sorted(sent - set(reports))[:5]}")
    found.must(not set(reports) - sent, f"there, and never acknowledged: {sorted(set(reports) - sent)[:5]}")
    numbers = Counter(row["number"] for row in reports.values())
    found.must(max(numbers.values(), default=1) == 1, "two reports bear one number")
    for case in ledger.cases:
        if case.id in reports:
            found.must(reports[case.id]["number"] == case.number, f"{case.id} was told to be {case.number}")


def _history(found: Found, case: Case, report: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    types = Counter(entry["type"] for entry in entries)
    found.must(types["received"] == 1, f"{case.id} was received {types['received']} times")
    by_people = [entry for entry in entries if entry["by_role"] != "system" and entry["type"] != "received"]
    there = Counter(str(entry["entry_id"]) for entry in by_people)
    found.looked_at["moves and entries"] += len(case.entries)
    kinds = {str(entry["entry_id"]): entry["type"] for entry in by_people}
    for entry_id, kind in case.entries.items():
        found.must(there[entry_id] == 1, f"{case.id}: {kind} {entry_id} is there {there[entry_id]} times")
        found.must(kinds.get(entry_id, kind) == kind, f"{case.id}: {entry_id} is {kinds.get(entry_id)}, not {kind}")
    found.must(not set(there) - set(case.entries), f"{case.id} has entries that nobody sent")
    state = None
    for before, entry in zip([None, *entries], entries, strict=False):
        if entry["type"] in LEGAL:
            sources, targets = LEGAL[entry["type"]]
            legal = (
                state in sources and entry["to_state"] in targets and (state is None or entry["from_state"] == state)
            )
            found.must(legal, f"{case.id}: {entry['type']} from {state} to {entry['to_state']}")
            state = entry["to_state"]
        found.must(before is None or before["at"] <= entry["at"] + timedelta(seconds=1), f"{case.id}: time ran back")
    found.must(report["state"] == state, f"{case.id} is {report['state']}, its course says {state}")
    found.must(report["state"] == case.state, f"{case.id} is {report['state']}, its officer was told {case.state}")


def _clock(found: Found, case: Case, report: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    """Due is receipt, what the case is allowed, and what it stood still: to the microsecond."""
    found.looked_at["clocks"] += 1
    due = due_of(case.kind, entries)
    found.must(report["due_at"] == due, f"{case.id} is due {report['due_at']}, by its course {due}")
    found.must(datetime.fromisoformat(case.due_at) == due, f"{case.id} was told to be due {case.due_at}, not {due}")


def due_of(kind: str, entries: list[dict[str, Any]]) -> datetime:
    """When a case is due, from its course alone."""
    due = entries[0]["at"] + timedelta(seconds=SHORT_S if kind == SHORT else USUAL_S)
    stopped_at = None
    for entry in entries:
        if entry["type"] == "ask":
            stopped_at = entry["at"]
        if entry["type"] in {"answer", "resume"} and stopped_at is not None:
            due += entry["at"] - stopped_at
    return due


def _photos(found: Found, connection: Connection, ledger: Ledger, folder: Path) -> None:
    there = {(str(row["report_id"]), row["sha256"]): row for row in rows(connection, "select * from photos")}
    for case in ledger.cases:
        for sha256, role in case.photos.items():
            found.looked_at["photos"] += 1
            row = there.get((case.id, sha256), {"role": None, "state": "lost", "blurred_at": None})
            found.must(
                row["role"] == role and row["state"] == "ready", f"photo {sha256[:8]} of {case.id}: {row['state']}"
            )
            place = Path(sha256[:2], sha256[2:4], sha256)
            original = folder / "originals" / place
            kept = original.is_file() and hashlib.sha256(original.read_bytes()).hexdigest() == sha256
            found.must(kept, f"the original of {sha256[:8]} is not there as it came")
            for copy in ("display", "thumb", "full"):
                found.must((folder / "copies" / copy / place).is_file(), f"{copy} of {sha256[:8]} is not there")
            name = public_name(UUID(case.id), sha256)
            public = folder / "copies/public" / name[:2] / name[2:4] / name
            found.must(public.is_file() and row["blurred_at"], f"the public copy of {sha256[:8]} is not there")


def _promises(found: Found, connection: Connection, ledger: Ledger) -> None:
    outbox = rows(connection, "select * from outbox order by id")
    found.looked_at["promises"] += len(outbox)
    made = Counter((row["topic"], row["payload"].get("report_id"), row["payload"].get("sha256")) for row in outbox)
    for case in ledger.cases:
        found.must(made["report.received", case.id, None] == 1, f"{case.id} is promised to be told other than once")
        moves = sum(kind not in {"message", "add"} for kind in case.entries.values())
        found.must(made["report.moved", case.id, None] == moves, f"{case.id} has other than {moves} promises of moves")
        for sha256 in case.photos:
            found.must(made["photo.received", case.id, sha256] == 1, f"copies of {sha256[:8]}: other than one promise")
    # The sweep goes on while we look: what it has just promised is on its way.
    young = connection.execute(text("select now()")).scalar_one() - timedelta(seconds=SWEEP_S)
    for row in outbox:
        on_its_way = row["topic"] == "report.warned" and row["sends"] <= 1 and row["at"] > young
        if row["topic"] != "code.wanted" and row["done_at"] is None and not on_its_way:
            found.wrong.append(f"{row['topic']} {row['id']} waits: sent {row['sends']} times, {row['failed']}")


def slowest_job(engine: Engine, kills: Sequence[Kill]) -> tuple[float, float]:
    """How long the slowest job took to be done after the last kill that may have orphaned it, and since its promise."""
    after_kill = whole = 0.0
    with engine.connect() as connection:
        for row in rows(
            connection,
            "select at, done_at from outbox where done_at is not null and sent_at is not null and topic <> 'code.wanted'",
        ):
            disturbed = max([row["at"], *(kill.at for kill in kills if row["at"] <= kill.at <= row["done_at"])])
            after_kill = max(after_kill, (row["done_at"] - disturbed).total_seconds())
            whole = max(whole, (row["done_at"] - row["at"]).total_seconds())
    return after_kill, whole


def _warnings(
    found: Found,
    connection: Connection,
    ledger: Ledger,
    reports: dict[str, Any],
    course: dict[str, list[dict[str, Any]]],
) -> None:
    """The rungs that fell due, told once each and none too early; after an outage the highest due one is enough."""
    if not has(connection, "reports", "warned"):
        found.left_out.append("warnings (this schema has none yet)")
        return
    now = connection.execute(text("select now()")).scalar_one()
    for case in ledger.cases:
        report = reports.get(case.id)
        if report is None or case.kind != SHORT:
            continue
        told = [
            (entry["data"]["rung"], entry["at"])
            for entry in course[case.id]
            if entry["type"] == "warned" and entry["data"]["unit"] == report["unit_id"]
        ]
        found.looked_at["cases with warnings"] += 1
        found.looked_at["warnings"] += len(told)
        names = [rung for rung, _ in told]
        found.must(len(names) == len(set(names)), f"{case.id} was warned twice of one rung: {names}")
        start, allowed = course[case.id][0]["at"], due_of(case.kind, course[case.id]) - course[case.id][0]["at"]
        for rung, at in told:
            found.must(at >= start + allowed * RUNGS[rung], f"{case.id} was warned of rung {rung} too early: {at}")
        owed = [rung for rung, part in RUNGS.items() if start + allowed * part <= now - timedelta(seconds=SWEEP_S)]
        if owed and report["state"] in OPEN:
            found.must(max(names, default=0) >= max(owed), f"{case.id} owes a warning of rung {max(owed)}: {names}")
    if has(connection, "notifications"):
        _inboxes(found, connection, reports, course)


def _inboxes(
    found: Found, connection: Connection, reports: dict[str, Any], course: dict[str, list[dict[str, Any]]]
) -> None:
    """Each warning is in an inbox once its promise was kept, and never twice.

    One that came to a case over, stopped, handed on or warned of more meanwhile has nothing to tell.
    """
    keys = {row["key"] for row in rows(connection, "select key from notifications")}
    kept: dict[tuple[str, int, int], datetime | None] = {}
    for promise in rows(connection, "select payload, done_at from outbox where topic = 'report.warned' order by id"):
        report_id, unit, rung = (promise["payload"][part] for part in ("report_id", "unit_id", "rung"))
        kept[report_id, unit, rung] = promise["done_at"]
    for (report_id, unit, rung), kept_at in kept.items():
        report = reports.get(report_id)
        if report is None or kept_at is None:
            continue
        place = next(
            place
            for place, entry in enumerate(course[report_id])
            if entry["type"] == "warned" and (entry["data"]["unit"], entry["data"]["rung"]) == (unit, rung)
        )
        until = kept_at + timedelta(seconds=2)  # a job looks at the clock before it looks at the case
        since = [entry for entry in course[report_id][place + 1 :] if entry["at"] <= until]
        overtaken = any(entry["type"] in {*LEGAL, "warned"} for entry in since)
        lasts = (report["unit_id"], report["warned"]) == (unit, rung) and report["state"] in OPEN - {
            "awaiting_resident"
        }
        key = f"warned:{report_id}:{unit}:{rung}"
        found.looked_at["warnings with nothing to tell any more"] += key not in keys
        found.must(
            key in keys or (overtaken and not lasts),
            f"nobody has {key} in their inbox, kept {kept_at}, the case went "
            f"{[(entry['type'], str(entry['at'])) for entry in course[report_id]]}",
        )
    twice = "select person_id, key from notifications where person_id is not null group by 1, 2 having count(*) > 1"
    found.must(not rows(connection, twice), "an inbox has one thing twice")


def _codes(found: Found, ledger: Ledger, gateway: Gateway) -> None:
    """A code came at least once, and each time under the same key with the same words."""
    for challenge, number in ledger.codes.items():
        found.looked_at["codes"] += 1
        texts = gateway.texts(challenge)
        found.looked_at["texts sent again"] += max(len(texts) - 1, 0)
        found.must(texts, f"the code of {challenge} was never sent")
        found.must(len({(to, words) for to, words, _ in texts}) <= 1, f"{challenge} was texted with different words")
        found.must(all(to.endswith(number[1:]) for to, *_ in texts), f"{challenge} went to another number")
