"""Texts written to the log, in development, where there is no gateway."""

import structlog

from app.notifications.channels import Message

log = structlog.get_logger("texts")


class LogTexts:
    """Writes a text to the log, with the last three digits of the number only. Never in production."""

    def send(self, to: str, message: Message, *, key: str) -> None:
        """Log it."""
        log.info("text", to=f"…{to[-3:]}", text=message.body, link=message.link, key=key)
