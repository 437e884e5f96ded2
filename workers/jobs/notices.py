"""Notices on their way out of the house: to a device, as a text, as a mail."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from app.core import clock, outbox
from app.core.outbox import OutboxMessage
from app.notifications import actions, delivery, queries, texts
from app.notifications.channels import Channel, Gone, Message, Refused
from app.notifications.delivery import Delivery, Over
from app.notifications.news import Notice
from app.notifications.queries import Addressed
from app.notifications.texts import TemplateFailed, Words
from workers.context import context

log = structlog.get_logger("notices")

# How soon a warning of a case that stands still is looked at again: it rings when the clock does run.
LOOKS_AGAIN: Final = timedelta(minutes=1)

# What stands on a promise that was let be, for whoever had it tried again.
NOT_WORTH_IT: Final = "no longer worth sending"


@dataclass(frozen=True)
class Way:
    """How one notice goes: over which channel to which address, as which of its words, under which key.

    `gone` is what becomes of an address that is no more; `is_theirs`, that it leads to a server its reader's browser named.
    """

    channel: Channel
    to: str
    key: str
    body: Callable[[Words], str]
    gone: Callable[[Session], None] = lambda _session: None
    is_theirs: bool = False


WayOf = Callable[[Session, Addressed], Way | None]


def push(message_id: int, payload: dict[str, Any]) -> None:
    """Send the notice `notification_id` to the device `device_id`, if it is its reader's still."""
    device_id = UUID(payload["device_id"])

    def way(session: Session, notice: Addressed) -> Way | None:
        # Whose it is, and that it may ring, was asked a moment ago in this transaction (`_look`).
        target = queries.target_of(session, device_id)
        channel = _pusher(target.platform) if target is not None else None
        if target is None or channel is None:
            return None
        return Way(
            channel,
            target.token,
            f"{notice.told.id}-{device_id}",
            _body,
            gone=lambda s: actions.forget_device(s, device_id),
            is_theirs=target.platform == "web",
        )

    _send(message_id, payload, lambda out: out.device_id == device_id, way)


def _pusher(platform: str) -> Channel | None:
    """Who pushes to devices of a platform; None where that is not configured, and then nobody is told so."""
    return {"web": context().channels.webpush, "fcm": context().channels.fcm}.get(platform)


def text(message_id: int, payload: dict[str, Any]) -> None:
    """Send the notice `notification_id` to its reader's phone as a text, if they want texts still."""

    def way(session: Session, notice: Addressed) -> Way | None:
        phone = queries.phone_of(session, notice.person_id) if notice.person_id is not None else None
        channel = context().channels.gateway
        if phone is None or channel is None:
            return None
        return Way(channel, phone, str(notice.told.id), lambda words: words.short or words.body)

    _send(message_id, payload, lambda out: out.over is Over.TEXT, way)


def email(message_id: int, payload: dict[str, Any]) -> None:
    """Send the notice `notification_id` to its reader by mail, if they want mails still."""

    def way(session: Session, notice: Addressed) -> Way | None:
        address = queries.address_of(session, notice.person_id) if notice.person_id is not None else None
        channel = context().channels.email
        if address is None or channel is None:
            return None
        body = _with_its_cases(session, notice) if notice.told.notice is Notice.DIGEST else _body
        return Way(channel, address, str(notice.told.id), body)

    _send(message_id, payload, lambda out: out.over is Over.EMAIL, way)


def _body(words: Words) -> str:
    return words.body


def _with_its_cases(session: Session, digest: Addressed) -> Callable[[Words], str]:
    """A digest, and the numbers of its cases below it."""
    numbers = queries.numbers_of(session, [UUID(one) for one in digest.told.data["reports"]])
    named = [numbers[UUID(one)] for one in digest.told.data["reports"]]
    listed = texts.listed(named, digest.told.data["new"], digest.language)
    return lambda words: f"{words.body}\n\n{listed}"


@dataclass(frozen=True)
class _Found:
    """What there is to do about a promise: send a notice a way, put it off until an instant, or nothing (`why_not`)."""

    notice: Addressed | None = None
    way: Way | None = None
    put_off: datetime | None = None
    why_not: str | None = None


def _send(message_id: int, payload: dict[str, Any], meant: Callable[[Delivery], bool], way_of: WayOf) -> None:
    """Send what is worth it still, and write down what became of it. What cannot be reached now raises, and comes again.

    The database is let go meanwhile. Stopped before it is written down, the same is sent once more under its key.
    """
    database = context().database
    with database.unit_of_work() as session:
        promise = session.get(OutboxMessage, message_id)
        if promise is None or promise.done_at is not None or promise.given_up_at is not None:
            return
        found = _look(session, payload, meant, way_of)
        if found.put_off is not None:
            outbox.put_off(session, message_id, until=found.put_off)
            return
    given_up, is_gone = None, False
    if found.notice is not None and found.way is not None:
        try:
            found.way.channel.send(found.way.to, _message(found.notice, found.way), key=found.way.key)
        except Gone:
            is_gone = True
        except TemplateFailed as fault:
            given_up = f"template failed: {fault}"
        except Refused as refusal:
            if found.way.is_theirs:  # nobody here could mend it
                is_gone = True
                log.warning("device forgotten", refused=str(refusal))
            else:
                given_up = f"refused: {refusal}"
    with database.unit_of_work() as session:
        if given_up is not None:
            outbox.give_up(session, message_id, given_up, at=clock.now())
        elif outbox.done(session, message_id, at=clock.now(), failed=found.why_not) and is_gone and found.way:
            found.way.gone(session)


def _look(session: Session, payload: dict[str, Any], meant: Callable[[Delivery], bool], way_of: WayOf) -> _Found:
    """Ask again what was asked when the promise was made: is it news, is it wanted this way, may it ring now."""
    now, notice = clock.now(), queries.addressed(session, UUID(payload["notification_id"]))
    if notice is None or notice.person_id is None:
        return _Found()
    told, on_duty = notice.told, [notice.person_id] if payload.get("on_duty") else []
    waits = queries.stands_still(session, notice)
    if delivery.is_stale(told.notice, told.at, now) or not (waits or queries.is_news_still(session, notice)):
        return _Found(why_not=NOT_WORTH_IT)
    reach = queries.reaches(session, [notice.person_id], on_duty, now).get(notice.person_id)
    outs = delivery.deliveries(told.notice, reach, told.at, now) if reach is not None else ()
    out = next((one for one in outs if meant(one)), None)
    if out is None:
        return _Found()
    put_off = now + LOOKS_AGAIN if waits else out.not_before
    if put_off is not None:
        return _Found(put_off=put_off)
    return _Found(notice, way_of(session, notice))


def _message(notice: Addressed, way: Way) -> Message:
    """The finished words. Raises TemplateFailed."""
    now, public_url, manner = clock.now(), context().settings.public_url, delivery.MANNERS[notice.told.notice]
    words = texts.write(notice.told, notice.language, now, public_url)
    return Message(
        title=words.title,
        body=way.body(words),
        link=texts.link(notice.told, public_url),
        topic=notice.told.notice.value,
        language=notice.language,
        params=texts.facts(notice.told, notice.language, now, public_url),
        urgent=manner.urgent,
        worth_s=max(int((notice.told.at + manner.worth - now).total_seconds()), 1),
    )
