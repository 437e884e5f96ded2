"""The reads of telling: what happened and to whom it matters, who can be reached how, what somebody was told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from app.core.errors import Language
from app.notifications import devices
from app.notifications.cases import case_of
from app.notifications.delivery import Quiet, Reach
from app.notifications.models import Device, Webhook
from app.notifications.news import WARNINGS, Notice, tellings
from app.notifications.texts import Told
from app.reports.queries import Asker
from app.targets import queries as targets
from app.targets.calendar import ROUND_THE_CLOCK, Calendar
from app.targets.stopwatch import Stopwatch
from geo.validity import local_day


def leaders(session: Session, now: datetime) -> Sequence[UUID]:
    """Who watches the city today."""
    found = session.execute(
        text("""
            select distinct m.person_id from memberships m
            join people p on p.id = m.person_id and p.disabled_at is null
            where m.role = 'leader' and m.valid_from <= :day and (m.valid_to is null or :day < m.valid_to)
        """),
        {"day": local_day(now)},
    ).scalars()
    return sorted(found)


@dataclass(frozen=True)
class Standing:
    """A case as a warning finds it. `is_running`: it is open, and its clock is not stopped."""

    city_id: int
    unit_id: int
    assignee_id: UUID | None
    due_at: datetime
    due_corrections: int
    warned: int
    is_running: bool
    is_stopped: bool
    desk_reviews: bool


_STANDING = text("""
    select city_id, unit_id, assignee_id, due_at, due_corrections, warned,
           state in ('received', 'accepted', 'on_site', 'contested') and stopped_at is null as is_running,
           stopped_at is not null as is_stopped,
           state = 'contested' and review_by_desk as desk_reviews
    from reports where id = :report_id
""")


def standing(session: Session, report_id: UUID) -> Standing:
    """A case as it is now."""
    return Standing(**session.execute(_STANDING, {"report_id": report_id}).mappings().one())


# How long a device rings after the sign-in that it was registered with ran out.
RINGS_ON: Final = timedelta(days=30)

_REACH = text("""
    select p.id, p.channels, p.quiet_from, p.quiet_to,
           exists (select from residents r where r.person_id = p.id) as phone,
           exists (select from staff s where s.person_id = p.id and s.email is not null) as email,
           array(select d.id from devices d join sessions s on s.id = d.session_id
                 where d.person_id = p.id and (s.ended_at is null or (s.lapsed and s.ended_at > :since))) as devices
    from people p where p.id = any(:ids) and p.disabled_at is null
""")


def reaches(
    session: Session, person_ids: Collection[UUID], on_duty_now: Collection[UUID], now: datetime
) -> Mapping[UUID, Reach]:
    """How each of these people can be reached and wishes to be; whoever is shut out is left out.

    A device rings while its sign-in lives, and for a month after that ran out: nobody signs in at night to be warned.
    """
    rows = session.execute(_REACH, {"ids": list(person_ids), "since": now - RINGS_ON})
    return {
        row.id: Reach(
            channels=row.channels,
            quiet=Quiet(row.quiet_from, row.quiet_to) if row.quiet_from is not None else None,
            on_duty=row.id in on_duty_now,
            devices=row.devices,
            phone=row.phone,
            email=row.email,
        )
        for row in rows
    }


# Names as they are now; of a kind, the one of the day of receipt.
_TOLD = """
    select n.id, n.topic, n.at, n.data, n.read_at, n.report_id, n.entry_id, n.person_id, r.number, k.name_vi, k.name_en,
           u.name as unit, p.language, r.city_id, r.due_at, r.stopped_at, r.stopped_s, r.ended_at, r.calendar_code
    from {source} n
    left join people p on p.id = n.person_id
    left join reports r on r.id = n.report_id
    left join lateral (
        select name_vi, name_en from kinds k
        where k.city_id = r.city_id and k.code = r.kind_code
          and k.valid_from <= (r.received_at at time zone 'Asia/Ho_Chi_Minh')::date
        order by k.valid_from desc limit 1
    ) k on true
    left join units u on u.id = (n.data->>'unit_id')::int
"""

_ONE = text(_TOLD.format(source="notifications") + " where n.id = :id")

# Two positions in two indexes, merged: as one condition with "or" neither would be used.
_INBOX = text(
    _TOLD.format(
        source="""(
        (select * from notifications where person_id = :person_id and (not :unread or read_at is null)
            and (at, id) < (:before_at, :before_id) order by at desc, id desc limit :limit)
        union all
        (select * from notifications where tag = :tag and (not :unread or read_at is null)
            and (at, id) < (:before_at, :before_id) order by at desc, id desc limit :limit)
    )"""
    )
    + " order by n.at desc, n.id desc limit :limit"
)

_END = (datetime.fromisoformat("9999-01-01T00:00:00+00:00"), UUID(int=2**128 - 1))


def inbox(
    session: Session, asker: Asker, *, limit: int, unread: bool = False, before: tuple[datetime, UUID] | None = None
) -> Sequence[Told]:
    """What somebody was told, newest first, after the position `before` (at, id); what was told to their tag with it."""
    before_at, before_id = before or _END
    values = {
        "person_id": asker.person_id, "tag": asker.tag, "limit": limit, "unread": unread,
        "before_at": before_at, "before_id": before_id,
    }  # fmt: skip
    rows = session.execute(_INBOX, values).all()
    calendars = _calendars(session, rows)
    return [_told(row, calendars) for row in rows]


def count_unread(session: Session, asker: Asker) -> int:
    """How much of it is unread."""
    counted = session.execute(
        text("""
            select (select count(*) from notifications where person_id = :person_id and read_at is null)
                 + (select count(*) from notifications where tag = :tag and read_at is null)
        """),
        {"person_id": asker.person_id, "tag": asker.tag},
    )
    return int(counted.scalar_one())


@dataclass(frozen=True)
class Addressed:
    """One notice on its way to somebody: what it says, in which language, and of which entry of a report's course."""

    told: Told
    person_id: UUID | None
    language: Language
    entry_id: UUID | None


def addressed(session: Session, notification_id: UUID) -> Addressed | None:
    """A notice as it is sent; None when there is none."""
    row = session.execute(_ONE, {"id": notification_id}).one_or_none()
    if row is None:
        return None
    return Addressed(_told(row, _calendars(session, [row])), row.person_id, row.language or "vi", row.entry_id)


def stands_still(session: Session, notice: Addressed) -> bool:
    """Whether a warning is of a case whose clock stands still: it may be news when the clock runs again."""
    told = notice.told
    if told.notice not in WARNINGS.values() or told.report_id is None:
        return False
    now = standing(session, told.report_id)
    return now.is_stopped and (now.unit_id, now.warned) == (told.data["unit_id"], told.data["rung"])


def is_news_still(session: Session, notice: Addressed) -> bool:
    """Whether a notice says what its reader should do or know now, or the case has moved on while it was held back."""
    told = notice.told
    if told.notice in WARNINGS.values() and told.report_id is not None:
        now = standing(session, told.report_id)
        return now.is_running and (now.unit_id, now.warned) == (told.data["unit_id"], told.data["rung"])
    if told.report_id is None or notice.entry_id is None:
        return True
    case = case_of(session, told.report_id, notice.entry_id)
    return case is not None and any(row.notice is told.notice for row in tellings(case.happened))


def _calendars(session: Session, rows: Sequence[Row[Any]]) -> Mapping[str, Calendar]:
    """The calendars by which the time left in these warnings is reckoned."""
    wanting = {row.city_id for row in rows if row.topic in WARNINGS.values() and row.calendar_code is not None}
    return {code: found for city in wanting for code, found in targets.calendars(session, city).items()}


def _told(row: Row[Any], calendars: Mapping[str, Calendar]) -> Told:
    notice, clock = Notice(row.topic), None
    if notice in WARNINGS.values() and row.due_at is not None:
        calendar = ROUND_THE_CLOCK if row.calendar_code is None else calendars[row.calendar_code]
        clock = Stopwatch(row.due_at, row.stopped_at, row.stopped_s, row.ended_at, calendar)
    return Told(
        id=row.id,
        notice=notice,
        at=row.at,
        data=row.data,
        report_id=row.report_id,
        number=row.number,
        kind_vi=row.name_vi,
        kind_en=row.name_en,
        unit=row.unit,
        clock=clock,
        read_at=row.read_at,
    )


def is_registered(session: Session, session_id: UUID, platform: str, token: str) -> bool:
    """Whether a sign-in has made this device known already."""
    known = select(Device.id).where(
        Device.session_id == session_id, Device.token_hash == devices.token_hash(platform, token)
    )
    return session.execute(known).first() is not None


@dataclass(frozen=True)
class Target:
    """Where a push goes."""

    platform: str
    token: str


def target_of(session: Session, device_id: UUID) -> Target | None:
    """Where a push to a device goes; None when it is forgotten. Whether it may ring for somebody is what `reaches` says."""
    row = session.execute(select(Device.platform, Device.token).where(Device.id == device_id)).one_or_none()
    return None if row is None else Target(row.platform, row.token)


def phone_of(session: Session, person_id: UUID) -> str | None:
    """The phone of a resident, in E.164."""
    found = session.execute(text("select phone from residents where person_id = :id"), {"id": person_id})
    return found.scalar_one_or_none()


def address_of(session: Session, person_id: UUID) -> str | None:
    """The e-mail address that a member of staff gave."""
    found = session.execute(text("select email from staff where person_id = :id"), {"id": person_id})
    return found.scalar_one_or_none()


def webhooks(session: Session) -> Sequence[Webhook]:
    """Every webhook in use, oldest first."""
    return session.scalars(
        select(Webhook).where(Webhook.disabled_at.is_(None)).order_by(Webhook.created_at, Webhook.id)
    ).all()


_WEBHOOK_BODY = text("""
    select r.id, r.number, r.state, r.kind_code, r.field, v.code as ward, r.unit_id, u.name as unit, r.received_at,
           r.due_at, r.concluded_at, r.outcome, t.at
    from reports r
    join ward_versions v on v.id = r.ward_version_id
    join units u on u.id = r.unit_id
    join timeline t on t.report_id = r.id and t.entry_id = :entry_id
    where r.id = :report_id
""")


@dataclass(frozen=True)
class CaseNews:
    """What an outsider is told of a case, and when it happened."""

    at: datetime
    data: Mapping[str, Any]


def webhook_news(session: Session, report_id: UUID, entry_id: UUID) -> CaseNews | None:
    """What an outsider is told of a case: never a place, a note, an address or a person. None when it is gone."""
    row = session.execute(_WEBHOOK_BODY, {"report_id": report_id, "entry_id": entry_id}).one_or_none()
    if row is None:
        return None
    data = {
        "id": str(row.id),
        "number": row.number,
        "state": row.state,
        "kind": row.kind_code,
        "field": row.field,
        "ward": row.ward,
        "unit": {"id": row.unit_id, "name": row.unit},
        "received_at": row.received_at.isoformat(),
        "due_at": row.due_at.isoformat(),
        "concluded_at": row.concluded_at and row.concluded_at.isoformat(),
        "outcome": row.outcome,
    }
    return CaseNews(row.at, data)


def photos_of(
    session: Session, report_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[tuple[str, str, str, str | None]]]:
    """The photos of reports, each as its hash, role, state and refusal: those from before first."""
    found: dict[UUID, list[tuple[str, str, str, str | None]]] = {}
    if report_ids:
        rows = session.execute(
            text("""
                select report_id, sha256, role, state, refusal from photos where report_id = any(:ids)
                order by role desc, added_at, sha256
            """),
            {"ids": list(report_ids)},
        )
        for row in rows:
            found.setdefault(row.report_id, []).append((row.sha256, row.role, row.state, row.refusal))
    return found


def numbers_of(session: Session, report_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The numbers by which people know these reports."""
    if not report_ids:
        return {}
    rows = session.execute(text("select id, number from reports where id = any(:ids)"), {"ids": list(report_ids)})
    return {row.id: row.number for row in rows}
