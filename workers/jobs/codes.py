"""One-time codes on their way to a phone."""

from typing import Any, Final
from uuid import UUID

from app.core import clock, outbox
from app.core.outbox import OutboxMessage
from app.identity import otp
from app.identity.models import OtpChallenge
from app.notifications.channels import Channel, Gone, Message, Refused
from workers.context import context

# Without marks: a text with them costs twice as much, and old phones show boxes.
TEXT: Final = "Hai Gio: ma xac thuc cua ban la {code}, co hieu luc 5 phut. Khong dua ma nay cho bat ky ai."


def send_code(message_id: int, payload: dict[str, Any]) -> None:
    """Send the code of a challenge, unless it is over or was sent.

    Stopped between sending and noting it, it sends the same code once more: the id tells a gateway of a repetition. A
    number that is none is whoever asked for the code to mend, and costs nobody here a look. Raises Unreachable, so that
    it is tried again.
    """
    here, challenge_id = context(), UUID(payload["challenge_id"])
    with here.database.unit_of_work() as session:
        message, challenge = session.get(OutboxMessage, message_id), session.get(OtpChallenge, challenge_id)
        if message is None or message.done_at is not None:
            return
        wanted = challenge is not None and challenge.used_at is None and clock.now() < challenge.expires_at
        phone = challenge.phone if challenge is not None and wanted else None
    failed = None if phone is not None else "no longer worth sending"
    if phone is not None and here.channels.gateway is not None:  # the database is let go: a gateway may be slow
        code = otp.code_of(here.settings.key("otp"), challenge_id)
        failed = _send(here.channels.gateway, phone, code, key=str(challenge_id))
    with here.database.unit_of_work() as session:
        if phone is not None and here.channels.gateway is None:
            outbox.give_up(session, message_id, "no gateway is configured", at=clock.now())
        else:
            outbox.done(session, message_id, at=clock.now(), failed=failed)


def _send(gateway: Channel, phone: str, code: str, *, key: str) -> str | None:
    """Send it; returns why it will never be taken, or None. Raises Unreachable."""
    message = Message("", TEXT.format(code=code), None, topic="code", language="vi", params={"code": code})
    try:
        gateway.send(phone, message, key=key)
    except (Gone, Refused) as refusal:
        return f"refused: {refusal}"
    return None
