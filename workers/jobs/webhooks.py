"""Outsiders are told of what happened to a case."""

from typing import Any
from uuid import UUID

from app.core import clock, outbox
from app.core.outbox import OutboxMessage
from app.notifications import actions, queries
from app.notifications.channels import Gone, Refused
from app.notifications.models import Webhook
from workers.context import context


def call(message_id: int, payload: dict[str, Any]) -> None:
    """Call the webhook `webhook_id` about the entry `entry_id` of the report `report_id`, unless it was taken away.

    The entry's id is the key of the call: whoever is called twice knows it. One that wants no more (410) is taken away.
    """
    here, webhook_id, entry_id = context(), UUID(payload["webhook_id"]), UUID(payload["entry_id"])
    with here.database.unit_of_work() as session:
        promise, webhook = session.get(OutboxMessage, message_id), session.get(Webhook, webhook_id)
        if promise is None or promise.done_at is not None or promise.given_up_at is not None:
            return
        url = webhook.url if webhook is not None and webhook.disabled_at is None else None
        news = queries.webhook_news(session, UUID(payload["report_id"]), entry_id)
    given_up, is_gone, why_not = None, False, None
    if url is None or news is None:
        why_not = "no longer worth sending"  # for whoever had it tried again
    elif here.channels.webhook is not None:
        try:
            here.channels.webhook.call(
                url, webhook_id, payload["type"], news.data, key=str(entry_id), at=news.at, now=clock.now()
            )
        except Gone:
            is_gone = True
        except Refused as refusal:
            given_up = f"refused: {refusal}"
    now = clock.now()
    with here.database.unit_of_work() as session:
        if given_up is not None:
            outbox.give_up(session, message_id, given_up, at=now)
        elif outbox.done(session, message_id, at=now, failed=why_not) and is_gone:
            actions.webhook_is_gone(session, webhook_id, now)
