"""Telling people: the only writer of inboxes, devices, webhooks and digests.

Each inbox entry and the promises to send it elsewhere are one transaction, which the caller opens and commits. However
often a job runs and however many run at once, an entry is written once, and only who wrote it makes the promises.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, delete, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import audit, outbox
from app.core.db import new_id
from app.notifications import cases, delivery, devices, digests, news, queries
from app.notifications.cases import Case, Joined
from app.notifications.delivery import Over
from app.notifications.errors import DeviceNotFound, TooManyWebhooks, WebhookNotFound
from app.notifications.models import Device, Digest, Notification, Webhook
from app.notifications.news import Hearer, Notice
from app.reports import actions as reports
from app.reports.queries import Asker
from app.targets import ladder
from app.targets import queries as targets
from app.targets.ladder import Crew, Rung

# More phones and browsers than this nobody uses at once; the one that was not seen for longest goes.
MOST_DEVICES: Final = 10
MOST_WEBHOOKS: Final = 20

# A digest lists so many in the inbox. What became overdue beyond the second number comes in the next digest.
MOST_LISTED: Final = 50
MOST_IN_DIGEST: Final = 1_000

# How long an inbox remembers.
KEEP: Final = timedelta(days=180)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

DIGEST_EVERY: Final = timedelta(hours=1)

# What became overdue before the first digest there ever was is not news, beyond this.
FIRST_DIGEST_LOOKS_BACK: Final = timedelta(hours=1)

# News of these is no news to tick off: the queue shows the case. The entry only makes the phone ring.
_READ_ALREADY: Final = frozenset({Notice.NEW_CASE})

_TOPICS: Final = {Over.PUSH: "notice.push", Over.TEXT: "notice.text", Over.EMAIL: "notice.email"}


@dataclass(frozen=True)
class Matter:
    """What is told: under which name, about what. `key` tells a repetition of it."""

    notice: Notice
    key: str
    report_id: UUID | None = None
    entry_id: UUID | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def tell(
    session: Session,
    matter: Matter,
    people: Collection[UUID],
    *,
    now: datetime,
    at: datetime | None = None,
    on_duty: Collection[UUID] = (),
    tag: bytes | None = None,
) -> int:
    """Put a matter into the inbox of each of `people`, or of an anonymous author's `tag`, and promise to send it on.

    It happened `at`, `now` if nothing is said: what is told late may be worth an entry and no ringing. `on_duty` are
    those of them whose duty overrides how they wish to be told. Returns to how many it was new.
    """
    at = at or now
    reaches = queries.reaches(session, people, on_duty, now) if people else {}
    rows: list[dict[str, Any]] = [{"person_id": person_id, "tag": None} for person_id in sorted(reaches)]
    if tag is not None:
        rows.append({"person_id": None, "tag": tag})
    if not rows:
        return 0
    common = {
        "key": matter.key,
        "topic": matter.notice.value,
        "report_id": matter.report_id,
        "entry_id": matter.entry_id,
        "data": dict(matter.data),
        "at": at,
        "read_at": now if matter.notice in _READ_ALREADY else None,
    }
    written = session.execute(
        insert(Notification)
        .values([{"id": new_id(), **row, **common} for row in rows])
        .on_conflict_do_nothing()
        .returning(Notification.id, Notification.person_id)
    ).all()
    for notification_id, person_id in written:
        if person_id is None:
            continue  # nobody knows who it is, so nothing of theirs can ring
        for out in delivery.deliveries(matter.notice, reaches[person_id], at, now):
            payload: dict[str, Any] = {"notification_id": str(notification_id)}
            if out.device_id is not None:
                payload["device_id"] = str(out.device_id)
            if reaches[person_id].on_duty:
                payload["on_duty"] = True
            outbox.emit(session, _TOPICS[out.over], payload, at=now, not_before=out.not_before)
    return len(written)


def tell_news(session: Session, report_id: UUID, entry_id: UUID | None, now: datetime) -> None:
    """Tell of an entry of a report's course whom the table of news names; of the first entry if none is named.

    Webhooks that asked for it are promised a call. What is not in the table is told to nobody.
    """
    case = cases.case_of(session, report_id, entry_id)
    if case is None:
        return
    _promise_calls(session, case, now)
    rows = list(news.tellings(case.happened))
    if not rows:
        return
    crew = targets.crew(session, case.city_id, case.unit_id, now, case.assignee_id)
    on_call = crew.on_duty or crew.in_charge
    for hearer, notice, _ in rows:
        if hearer is Hearer.JOINED:
            _tell_joined(session, case, notice, cases.joined_to(session, case.report_id), now=now)
            continue
        of_staff = notice not in news.OF_ONES_OWN and hearer is not Hearer.FOLLOWERS
        unit_id = case.unit_id if of_staff else case.entry_unit or case.unit_id
        data = {"unit_id": unit_id, **news.facts_of(notice, case.data)}
        matter = Matter(notice, f"entry:{case.entry_id}", case.report_id, case.entry_id, data)
        people = set(_people(session, hearer, case, crew, on_call)) - {case.happened.by_id}
        tag = case.author_tag if hearer is Hearer.AUTHOR else None
        on_duty = _rung_anyway(hearer, crew, on_call) if of_staff else ()
        tell(session, matter, people, now=now, at=case.happened.at, on_duty=on_duty, tag=tag)
    if case.happened.original_to is not None:
        for joined_id in (case.report_id, *cases.moved_with(session, case.report_id, at=case.happened.at)):
            _tell_result_there_was(session, case, joined_id, now)


def _tell_joined(
    session: Session, case: Case, notice: Notice, joined: Iterable[Joined], *, now: datetime, at: datetime | None = None
) -> None:
    """Tell those who reported an incident too what became of it, each under their own report."""
    unit_id = case.entry_unit or case.unit_id
    for one in joined:
        data = {"unit_id": unit_id, "root": str(case.report_id), **news.facts_of(notice, case.data)}
        matter = Matter(notice, f"entry:{case.entry_id}", one.report_id, data=data)
        people = one.people - {case.happened.by_id}
        tell(session, matter, people, now=now, at=at or case.happened.at, tag=one.author_tag)


def _tell_result_there_was(session: Session, case: Case, report_id: UUID, now: datetime) -> None:
    """Tell whose report just came to count with one that had its result already, and who follows theirs, of that result."""
    joined = cases.joined(session, report_id)
    root = None if joined is None else cases.result_of(session, joined.root_id)
    if joined is None or root is None:
        return
    at = max(case.happened.at, root.happened.at)
    _tell_joined(session, root, Notice.CONCLUDED, [joined], now=now, at=at)
    data = {"unit_id": root.entry_unit or root.unit_id, **news.facts_of(Notice.FOLLOWED_CONCLUDED, root.data)}
    matter = Matter(Notice.FOLLOWED_CONCLUDED, f"entry:{root.entry_id}", root.report_id, root.entry_id, data)
    tell(session, matter, cases.followers_of(session, report_id), now=now, at=at)


def _rung_anyway(hearer: Hearer, crew: Crew, on_call: Collection[UUID]) -> Collection[UUID]:
    """Whose wishes duty overrides: those on duty, and whoever is told in the place of people who are not there."""
    if hearer is Hearer.ON_DUTY or (hearer is Hearer.WORKER and crew.assignee is None):
        return on_call
    return _in_place_of_chairs(crew).union(crew.on_duty)


def _in_place_of_chairs(crew: Crew) -> frozenset[UUID]:
    """Who is told what a unit's chairs would be told if it had any."""
    return frozenset() if crew.chairs else frozenset(crew.in_charge).union(crew.desk)


def _people(session: Session, hearer: Hearer, case: Case, crew: Crew, on_call: Collection[UUID]) -> Iterable[UUID]:
    """Who they are in this case."""
    if hearer is Hearer.FOLLOWERS:
        return cases.followers_of(session, case.report_id)
    author = {case.author_id} - {None}
    nobodys = not author and case.author_tag is None
    found: Mapping[Hearer, Iterable[UUID | None]] = {
        Hearer.AUTHOR: author,
        Hearer.FILER: {case.filed_by} if nobodys else (),
        Hearer.ASSIGNEE: {crew.assignee},
        Hearer.WORKER: {crew.assignee} if crew.assignee is not None else on_call,
        Hearer.ON_DUTY: on_call,
        Hearer.CHAIRS: crew.in_charge,
        Hearer.REVIEWERS: crew.desk if case.desk_reviews else crew.in_charge,
    }
    return (person for person in found[hearer] if person is not None)


def warn(session: Session, report_id: UUID, unit_id: int, rung: int, now: datetime) -> int:
    """Warn those whom a rung of the ladder names that the time of a case runs out; return how many were told.

    The case is looked at as it is now. Over or stopped it is nobody's worry until it goes on: the sweep will tell it
    then. Handed on, warned of more urgently or due later since, it is promised anew when there is something to tell.
    Where those on duty were asked for and there was nobody, the case's course says so.
    """
    case = queries.standing(session, report_id)
    if (case.unit_id, case.warned) != (unit_id, rung):
        return 0
    if not case.is_running:
        reports.warn_again(session, report_id, unit_id, rung)
        return 0
    if case.desk_reviews:  # the unit waits for the desk, and who concluded is not to be asked
        asked = targets.desk(session, case.city_id)
        crew = targets.reviewers(session, asked, now)
    else:
        asked = unit_id
        crew = targets.crew(session, case.city_id, unit_id, now, case.assignee_id)
    people, nobody_on_duty = ladder.audience(Rung(rung), crew)
    if nobody_on_duty:
        reports.nobody_on_duty(session, report_id, asked, rung, now)
    key = _warning_key(report_id, unit_id, rung, case.due_corrections)
    matter = Matter(news.WARNINGS[rung], key, report_id, data={"unit_id": unit_id, "rung": rung})
    # Who is told in the place of people who are not there is rung as they would be.
    on_duty = people if nobody_on_duty else _in_place_of_chairs(crew).union(crew.on_duty)
    return tell(session, matter, people, now=now, on_duty=on_duty)


def _warning_key(report_id: UUID, unit_id: int, rung: int, due_corrections: int) -> str:
    """Once for a case, unit and rung. A due time that a correction moved is another promise, of which it is told anew."""
    key = f"warned:{report_id}:{unit_id}:{rung}"
    return f"{key}:{due_corrections}" if due_corrections else key


def digest(session: Session, city_id: int, now: datetime) -> bool:
    """Tell the leaders of a city which cases are overdue that they were not told of yet; True when they were told.

    An hour after the last one at the earliest, and once in an hour of the clock however many ask for it; after an outage
    once for all that came in it. Nothing when nothing became overdue.
    """
    last = digests.last_digest(session, city_id)
    if last is not None and now < last + DIGEST_EVERY:
        return False
    overdue = digests.newly_overdue(session, city_id, now, first_back=FIRST_DIGEST_LOOKS_BACK, most=MOST_IN_DIGEST)
    if not overdue.report_ids:
        return False
    hour = now.replace(minute=0, second=0, microsecond=0)
    written = session.execute(
        insert(Digest)
        .values(city_id=city_id, hour=hour, until=now, reports=overdue.report_ids)
        .on_conflict_do_nothing()
        .returning(Digest.hour)
    )
    if written.first() is None:
        return False
    listed = [str(one) for one in overdue.report_ids[:MOST_LISTED]]
    data = {"reports": listed, "new": len(overdue.report_ids), "overdue": overdue.in_all}
    matter = Matter(Notice.DIGEST, f"digest:{hour.isoformat()}", data=data)
    tell(session, matter, queries.leaders(session, now), now=now)
    return True


def mark_read(
    session: Session, asker: Asker, *, ids: Sequence[UUID] = (), until: datetime | None = None, now: datetime
) -> None:
    """Note that somebody read these entries of their inbox, and all that came until an instant. What is not theirs stays.

    What was told late, of an earlier instant, came when it was told.
    """
    # One statement for each, or neither index is used.
    for owner in (Notification.person_id == asker.person_id, Notification.tag == asker.tag):
        which: list[ColumnElement[bool]] = [Notification.id.in_(ids)] if ids else []
        if until is not None:
            which.append(Notification.id < _first_id(until, after_ms=1))
        if which:
            session.execute(
                update(Notification)
                .where(owner, Notification.read_at.is_(None), or_(*which))
                .values(read_at=now)
                .execution_options(synchronize_session=False)
            )


def _first_id(at: datetime, *, after_ms: int = 0) -> UUID:
    """The least id that an entry written so long after an instant could have (UUIDv7 begins with its milliseconds)."""
    return UUID(int=max((at - _EPOCH) // timedelta(milliseconds=1) + after_ms, 0) << 80)


def forget_old(session: Session, now: datetime, limit: int = 1000) -> int:
    """Delete the oldest entries that were written half a year ago or earlier, at most `limit`; return how many.

    What became of a report stays on its course. Ids are in the order of time (UUIDv7), so their index finds the oldest.
    """
    before = _first_id(now - KEEP)
    old = select(Notification.id).where(Notification.id < before).order_by(Notification.id).limit(limit)
    gone = session.execute(
        delete(Notification)
        .where(Notification.id.in_(old.scalar_subquery()))
        .returning(Notification.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


@dataclass(frozen=True)
class Registered:
    """A device, and whether it was not known before."""

    id: UUID
    is_new: bool


def register_device(
    session: Session,
    person_id: UUID,
    session_id: UUID,
    *,
    platform: str,
    token: str,
    app_version: str | None,
    now: datetime,
) -> Registered:
    """Reach somebody on a phone or browser from now on: it is of whoever registered it last, and keeps its id.

    Of more than ten the one that was not seen for longest is forgotten.
    """
    values = {
        "person_id": person_id,
        "session_id": session_id,
        "platform": platform,
        "token": token,
        "app_version": app_version,
        "seen_at": now,
    }
    token_hash = devices.token_hash(platform, token)
    known = session.execute(
        insert(Device)
        .values(id=new_id(), token_hash=token_hash, added_at=now, **values)
        .on_conflict_do_update(index_elements=["token_hash"], set_=values)
        .returning(Device.id, literal_column("xmax = 0", Boolean).label("is_new"))
    ).one()
    kept = (
        select(Device.id)
        .where(Device.person_id == person_id)
        .order_by(Device.seen_at.desc(), Device.id.desc())
        .limit(MOST_DEVICES)
    )
    session.execute(
        delete(Device)
        .where(Device.person_id == person_id, Device.id.not_in(kept.scalar_subquery()))
        .execution_options(synchronize_session=False)
    )
    return Registered(known.id, known.is_new)


def remove_device(session: Session, device_id: UUID, person_id: UUID) -> None:
    """Reach one's own device no more. Raises DeviceNotFound."""
    mine = delete(Device).where(Device.id == device_id, Device.person_id == person_id)
    if session.execute(mine.returning(Device.id)).first() is None:
        raise DeviceNotFound


def forget_device(session: Session, device_id: UUID) -> None:
    """Forget a device whose address is no more. Repeated with no effect."""
    session.execute(delete(Device).where(Device.id == device_id))


def forget_devices_of(session: Session, session_id: UUID) -> None:
    """Forget what was registered under a sign-in that ends: whoever has the phone next is told nothing of it."""
    session.execute(delete(Device).where(Device.session_id == session_id))


def add_webhook(
    session: Session, *, url: str, topics: Sequence[str], unit_id: int | None, by: UUID, now: datetime
) -> Webhook:
    """Tell an outsider from now on of what happens to cases, on record. Raises TooManyWebhooks."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("webhooks"))))
    if len(queries.webhooks(session)) >= MOST_WEBHOOKS:
        raise TooManyWebhooks(limit=MOST_WEBHOOKS)
    webhook = Webhook(id=new_id(), url=url, topics=sorted(set(topics)), unit_id=unit_id, created_by=by, created_at=now)
    session.add(webhook)
    session.flush()
    data = {"topics": webhook.topics, "unit_id": unit_id}
    audit.record(session, by=by, action="webhook:add", subject=f"webhook/{webhook.id}", at=now, data=data)
    return webhook


def remove_webhook(session: Session, webhook_id: UUID, *, by: UUID, now: datetime) -> None:
    """Tell an outsider nothing more, on record. Raises WebhookNotFound."""
    if not _disable(session, webhook_id, by, now):
        raise WebhookNotFound


def webhook_is_gone(session: Session, webhook_id: UUID, now: datetime) -> None:
    """Call no more where somebody said that they want nothing more, on record. Repeated with no effect."""
    _disable(session, webhook_id, None, now)


def _disable(session: Session, webhook_id: UUID, by: UUID | None, now: datetime) -> bool:
    gone = session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id, Webhook.disabled_at.is_(None))
        .values(disabled_at=now)
        .returning(Webhook.id)
    )
    if gone.first() is None:
        return False
    action = "webhook:remove" if by is not None else "webhook:gone"
    audit.record(session, by=by, action=action, subject=f"webhook/{webhook_id}", at=now)
    return True


def _promise_calls(session: Session, case: Case, now: datetime) -> None:
    """Promise a call to each webhook that asked for what happened, of this unit or of all."""
    type_ = news.webhook_type(case.happened.type)
    if type_ is None:
        return
    concerned = {None, case.unit_id, case.entry_unit, case.happened.unit_to}
    for webhook in queries.webhooks(session):
        if news.wants(webhook.topics, type_) and webhook.unit_id in concerned:
            payload = {
                "webhook_id": str(webhook.id),
                "type": type_,
                "report_id": str(case.report_id),
                "entry_id": str(case.entry_id),
            }
            outbox.emit(session, "webhook.call", payload, at=now)
