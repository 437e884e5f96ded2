"""The course of a report, entry by entry: the one place that writes it. Its free text lies apart (design 4)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.core.db import new_id
from app.core.errors import Conflict
from app.reports.models import Report, TimelineEntry, TimelineText


class EntryIdTaken(Conflict):
    """The id that came with a move or entry names another one on this report."""

    code = "entry_id_taken"
    vi = "Mã thao tác này đã được dùng cho một thao tác khác của tin này."
    en = "This id is already used for another move or entry of this report."


@dataclass(frozen=True)
class Writer:
    """Who writes an entry, as it is kept: residents as nobody in particular, staff by their id."""

    role: str
    person_id: UUID | None = None


SYSTEM = Writer("system")


@dataclass(frozen=True)
class Request:
    """What makes a repeated request the same one: the id it carried, if any, and the digest of all it said.

    `done_at` is when the asker says it was done; `expected_version` the version they believed the report to have.
    """

    entry_id: UUID | None = None
    digest: bytes | None = None
    done_at: datetime | None = None
    expected_version: int | None = None


@dataclass(frozen=True)
class Step:
    """One thing that happened. `texts` is what people wrote, by name; `data` is facts without free text."""

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    shown_to: str = "all"


def digest_of(said: Mapping[str, Any]) -> bytes:
    """SHA-256 of a request, whatever the order of its members."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False, default=str).encode()).digest()


class Earlier(Enum):
    """What is known of the id that a request carries."""

    NEVER = 0
    SAME = 1
    OTHER = 2


def earlier(session: Session, report_id: UUID, request: Request | None, *, since: datetime | None = None) -> Earlier:
    """Whether this very request was carried out already (since an instant, if one is given), or another under its id."""
    if request is None or request.entry_id is None:
        return Earlier.NEVER
    known = session.execute(
        select(TimelineEntry.request_digest, TimelineEntry.at).where(
            TimelineEntry.report_id == report_id, TimelineEntry.entry_id == request.entry_id
        )
    ).one_or_none()
    if known is None or (since is not None and known.at < since):
        return Earlier.NEVER
    return Earlier.SAME if known.request_digest == request.digest else Earlier.OTHER


def record(
    session: Session,
    report: Report,
    step: Step,
    *,
    by: Writer,
    now: datetime,
    from_state: str | None = None,
    request: Request | None = None,
    unit_id: int | None = None,
) -> UUID:
    """Add an entry to the course of a report that the caller has locked and changed; return the entry's id.

    `unit_id` is the unit that acted: the holding one unless said otherwise (a hand-over is the old unit's act).
    """
    request = request or Request()
    entry_id = request.entry_id or new_id()
    session.execute(
        insert(TimelineEntry).values(
            report_id=report.id,
            entry_id=entry_id,
            at=now,
            done_at=request.done_at,
            type=step.type,
            by_role=by.role,
            by_id=by.person_id,
            unit_id=unit_id or report.unit_id,
            from_state=from_state,
            to_state=report.state if from_state is not None else None,
            shown_to=step.shown_to,
            data=dict(step.data),
            text_digest=digest_of(step.texts) if step.texts else None,
            request_digest=request.digest,
        )
    )
    if step.texts:
        session.execute(insert(TimelineText).values(report_id=report.id, entry_id=entry_id, texts=dict(step.texts)))
    return entry_id
