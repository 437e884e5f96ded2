"""Jobs of the tests. Their effect is a row of the audit, written for real by whichever process runs them."""

import os
import time
from typing import Any

from app.core import audit, clock, outbox
from workers.context import context


def _write(session, action: str, message_id: int) -> None:
    audit.record(session, by=None, action=action, subject=str(message_id), at=clock.now(), data={"pid": os.getpid()})


def effect(message_id: int, payload: dict[str, Any]) -> None:
    with context().database.unit_of_work() as session:
        if outbox.done(session, message_id, at=clock.now()):
            _write(session, "effect", message_id)


def hang_at_first(message_id: int, payload: dict[str, Any]) -> None:
    """Note the attempt for others to see; the first one never ends by itself within its time."""
    with context().database.unit_of_work() as session:
        earlier = session.connection().exec_driver_sql(
            "select count(*) from audit where action = 'attempt' and subject = %s", (str(message_id),)
        )
        first = earlier.scalar_one() == 0
        _write(session, "attempt", message_id)
    if first:
        time.sleep(60)
    effect(message_id, payload)


def fail(message_id: int, payload: dict[str, Any]) -> None:
    raise ValueError("the phone is 0912345678")


def forget(message_id: int, payload: dict[str, Any]) -> None:
    """Ends well, and says nothing of it."""
