"""E-mail by SMTP: plain text, in UTF-8."""

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from socket import socket
from time import monotonic
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from app.core import clock
from app.notifications.channels import Message, Refused, Unreachable, digest
from app.notifications.channels.breaker import Breakers
from app.notifications.channels.connection import Way

Security = Literal["none", "starttls", "tls"]

_SCHEMES: Final[dict[str, tuple[Security, int]]] = {
    "smtp": ("none", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}
MOST_SUBJECT: Final = 200

# Narrower than the standard: what lies outside of it is a slip, or somebody trying something.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True)
class Server:
    """A server that takes our mail."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)


def parse_server(url: str) -> Server:
    """A server from `smtp://`, `smtp+starttls://` or `smtps://`, with `user:password@`, host and port.

    Raises ValueError, without the address. A password goes over no open line.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError("must be smtp://, smtp+starttls:// or smtps:// with a host")
    security, usual = _SCHEMES[parts.scheme]
    if parts.username is not None and security == "none":
        raise ValueError("a user and password need smtp+starttls:// or smtps://")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(parts.hostname, parts.port or usual, security, user, password)


def is_address(text: str) -> bool:
    """Whether mail could be sent there: `somebody@somewhere`, in ASCII."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


class Mail:
    """The channel to mailboxes. `to` is a bare address."""

    def __init__(
        self,
        server: Server,
        sender: str,
        way: Way,
        now: Callable[[], datetime] = clock.now,
        breakers: Breakers | None = None,
    ) -> None:
        """`sender` is an address, with or without a name: `Hai Giờ <khong-tra-loi@example.vn>`."""
        self._server, self._way, self._now = server, way, now
        name, _, address = sender.rpartition("<")
        self._name, self._from = name.strip(), address.rstrip(">")
        self._domain = self._from.rpartition("@")[2]
        self._breakers = breakers or Breakers()

    def send(self, to: str, message: Message, *, key: str) -> None:
        """Hand it to our server. The same key makes the same Message-ID, by which mailboxes know a repetition.

        Raises Refused when the server takes no mail for `to` or not this mail, and Unreachable as every channel.
        """
        if not is_address(to):
            raise Refused("not an address")
        if not self._breakers.lets_through(self._server.host, monotonic()):
            raise Unreachable("left alone for a while, as it failed several times in a row")
        try:
            refusal = self._hand_over(to, self.letter(to, message, key))
        except Unreachable:
            self._breakers.failed(self._server.host, monotonic())
            raise
        self._breakers.succeeded(self._server.host)
        if refusal is not None:
            raise Refused(f"answered {refusal}") if refusal >= 500 else Unreachable(f"answered {refusal}")

    def letter(self, to: str, message: Message, key: str) -> EmailMessage:
        """The mail as it goes out. No word in it can become a header: line ends in the subject are spaces."""
        made = EmailMessage()
        made["From"] = Address(self._name, addr_spec=self._from)
        made["To"] = to
        made["Subject"] = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", message.title).split())[:MOST_SUBJECT]
        made["Date"] = format_datetime(self._now())
        made["Message-ID"] = f"<{digest(f'{key} {to}')}@{self._domain}>"
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine shall answer it
        made["List-Id"] = f"<notices.{self._domain}>"
        made.set_content("\n\n".join(filter(None, (message.body, message.link))) + "\n", charset="utf-8")
        made["Content-Language"] = message.language
        return made

    def _hand_over(self, to: str, letter: EmailMessage) -> int | None:
        """Speak to the server; returns its code when it does not take this mail. Raises Unreachable."""
        server = self._server
        with self._way.open(server.host, server.port, tls=server.security == "tls") as connected:
            try:
                # Closed without a farewell: the mail is taken then, and a farewell could only fail.
                with closing(_Client(connected, server, self._domain)) as client:
                    if server.security == "starttls":
                        client.starttls(context=ssl.create_default_context())
                    if server.user:
                        client.login(server.user, server.password)
                    client.send_message(letter, self._from, [to])
            except smtplib.SMTPRecipientsRefused as refused:
                return max(code for code, _ in refused.recipients.values())
            except smtplib.SMTPDataError as refused:
                return refused.smtp_code
            except (smtplib.SMTPException, ValueError) as error:  # ValueError: an answer that is not one
                raise Unreachable(f"SMTP: {type(error).__name__}") from error
        return None


class _Client(smtplib.SMTP):
    """The standard library's client over a connection that is there already."""

    def __init__(self, connected: socket, server: Server, our_name: str) -> None:
        self._connected = connected
        super().__init__(server.host, server.port, local_hostname=our_name)

    def _get_socket(self, *_: object) -> socket:
        return self._connected
