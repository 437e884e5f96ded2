"""Notices on their way out of the house: to a device, as a text, as a mail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.core import clock, outbox
from app.core.outbox import OutboxMessage
from app.notifications import actions, delivery, queries, texts
from app.notifications.channels import Channel, Gone, Message, Refused
from app.notifications.queries import Addressed
from app.notifications.texts import TemplateFailed, Words
from workers.context import context


@dataclass(frozen=True)
class Way:
    """How one notice goes: over which channel to which address, as which of its words, under which key."""

    channel: Channel
    to: str
    key: str
    body: Callable[[Words], str]
    gone: Callable[[Session], None] = lambda _session: None


def push(message_id: int, payload: dict[str, Any]) -> None:
    """Send the notice `notification_id` to the device `device_id`, if it is its reader's still."""
    device_id = UUID(payload["device_id"])

    def way(session: Session, notice: Addressed) -> Way | None:
        target = queries.target_of(session, device_id, notice.person_id)
        channel = _pusher(target.platform) if target is not None else None
        if target is None or channel is None:
            return None
        key = f"{notice.told.id}-{device_id}"
        return Way(channel, target.token, key, lambda words: words.body, lambda s: actions.forget_device(s, device_id))

    _send(message_id, payload, way)


def _pusher(platform: str) -> Channel | None:
    """Who pushes to devices of a platform; None where that is not configured, and then nobody is told so."""
    return {"web": context().channels.webpush, "fcm": context().channels.fcm}.get(platform)


def text(message_id: int, payload: dict[str, Any]) -> None:
    """Send the notice `notification_id` to its reader's phone as a text, if they want texts still."""

    def way(session: Session, notice: Addressed) -> Way | None:
        phone, channel = queries.phone_for_texts(session, notice.person_id), context().channels.gateway
        if phone is None or channel is None:
            return None
        return Way(channel, phone, str(notice.told.id), lambda words: words.short or words.body)

    _send(message_id, payload, way)


def email(message_id: int, payload: dict[str, Any]) -> None:
    """Send the notice `notification_id` to its reader by mail, if they want mails still."""

    def way(session: Session, notice: Addressed) -> Way | None:
        address, channel = queries.address_for_mails(session, notice.person_id), context().channels.email
        if address is None or channel is None:
            return None
        return Way(channel, address, str(notice.told.id), lambda words: words.body)

    _send(message_id, payload, way)


def _send(message_id: int, payload: dict[str, Any], way_of: Callable[[Session, Addressed], Way | None]) -> None:
    """Send what is worth it still, and write down what became of it. What cannot be reached now raises, and comes again.

    The database is let go meanwhile. Stopped before it is written down, the same is sent once more under its key.
    """
    database = context().database
    with database.unit_of_work() as session:
        promise = session.get(OutboxMessage, message_id)
        if promise is None or promise.done_at is not None or promise.given_up_at is not None:
            return
        notice = queries.addressed(session, UUID(payload["notification_id"]))
        wanted = notice is not None and not delivery.is_stale(notice.told.notice, notice.told.at, clock.now())
        way = way_of(session, notice) if notice is not None and wanted else None
    given_up, is_gone = None, False
    if notice is not None and way is not None:
        try:
            way.channel.send(way.to, _message(notice, way), key=way.key)
        except Gone:
            is_gone = True
        except TemplateFailed as fault:
            given_up = f"template failed: {fault}"
        except Refused as refusal:
            given_up = f"refused: {refusal}"
    with database.unit_of_work() as session:
        if given_up is not None:
            outbox.give_up(session, message_id, given_up, at=clock.now())
        elif outbox.done(session, message_id, at=clock.now()) and is_gone and way is not None:
            way.gone(session)


def _message(notice: Addressed, way: Way) -> Message:
    """The finished words. Raises TemplateFailed."""
    public_url, manner = context().settings.public_url, delivery.MANNERS[notice.told.notice]
    words = texts.write(notice.told, notice.language, public_url)
    return Message(
        title=words.title,
        body=way.body(words),
        link=texts.link(notice.told, public_url),
        topic=notice.told.notice.value,
        language=notice.language,
        params=texts.facts(notice.told, notice.language, public_url),
        urgent=manner.urgent,
        worth_s=max(int((notice.told.at + manner.worth - clock.now()).total_seconds()), 1),
    )
