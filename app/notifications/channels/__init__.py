"""The ways out to a person: one small form that push, mail, texts and webhooks share.

A channel knows an address and finished words, nothing else about the person. It either hands the message over or says
which of three things happened; what then becomes of the address or of the attempt is the caller's to decide.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True)
class Message:
    """Finished words in one language, and where they lead."""

    title: str
    body: str
    link: str | None
    topic: str
    language: Literal["vi", "en"]
    params: Mapping[str, str] = field(default_factory=dict)  # named values for gateways with approved templates
    urgent: bool = False  # worth waking a sleeping phone
    worth_s: int = 86_400  # whoever keeps it for a phone that is off may forget it then


class Gone(Exception):
    """The address is no more, and will not come back: forget it."""


class Refused(Exception):
    """This message will never be taken at this address: sending it again is of no use."""


class Unreachable(Exception):
    """It could not be handed over now; later it may be. Also raised, at once, while a breaker is open."""


class Channel(Protocol):
    """Whoever can bring a message to an address. Each call ends within ten seconds."""

    def send(self, to: str, message: Message, *, key: str) -> None:
        """Hand the message over; `key` tells a repetition, for one message may be sent twice.

        Raises:
            Gone: the address is no more.
            Refused: it will never be taken.
            Unreachable: try again later.
        """


def digest(key: str) -> str:
    """32 letters that stand for a key where its own are too many or say too much."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def cut(text: str, most: int) -> str:
    """The text, ended by "…" when it is longer than `most` letters."""
    return text if len(text) <= most else text[: max(most - 1, 0)].rstrip() + "…"
