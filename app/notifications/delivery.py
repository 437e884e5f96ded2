"""Over which channels a notice goes out, from when on, and how long it is worth sending. Pure.

The inbox has everything, always. Outside of it somebody is reached as they chose, and not in their quiet hours. Duty
overrides both: who is on duty is rung at night, and warned on their phone although they would rather not be.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from app.notifications.news import Notice
from geo.validity import LOCAL_ZONE


class Over(StrEnum):
    """A way to reach somebody besides the inbox."""

    PUSH = "push"
    TEXT = "text"  # the HTTP gateway: SMS or Zalo, as it is configured
    EMAIL = "email"


class Manner(NamedTuple):
    """How a notice is delivered: for how long it is worth it, whether it is urgent, whether it may cost a text."""

    worth: timedelta
    urgent: bool = False
    text: bool = False
    only_on_duty: bool = False


_HOURS, _DAYS = timedelta(hours=1), timedelta(days=1)

# A text costs money: it is sent when something must be answered, and when all is over. A new case rings where somebody
# is on duty, and is not kept ringing at whoever has gone home.
# fmt: off
MANNERS: Mapping[Notice, Manner] = {
    Notice.RECEIVED:           Manner(24 * _HOURS),
    Notice.ACCEPTED:           Manner(24 * _HOURS),
    Notice.QUESTION:           Manner(24 * _HOURS, text=True),  # then the case goes on without an answer
    Notice.MESSAGE:            Manner(7 * _DAYS),
    Notice.CONCLUDED:          Manner(7 * _DAYS, text=True),    # so long it can be contested
    Notice.JOINED:             Manner(7 * _DAYS),
    Notice.GOES_ON:            Manner(7 * _DAYS),
    Notice.REOPENED:           Manner(7 * _DAYS),
    Notice.UPHELD:             Manner(7 * _DAYS),
    Notice.FOLLOWED_CONCLUDED: Manner(7 * _DAYS),
    Notice.FOLLOWED_JOINED:    Manner(7 * _DAYS),
    Notice.FOLLOWED_WITHDRAWN: Manner(24 * _HOURS),             # they may want to report it themselves
    Notice.NEW_CASE:           Manner(2 * _HOURS, only_on_duty=True),
    Notice.HANDED_OVER:        Manner(2 * _HOURS, only_on_duty=True),
    Notice.ASSIGNED:           Manner(24 * _HOURS),
    Notice.ANSWERED:           Manner(24 * _HOURS),
    Notice.UNANSWERED:         Manner(24 * _HOURS),
    Notice.TAKE_UP_AGAIN:      Manner(24 * _HOURS),
    Notice.STANDS_IN:          Manner(24 * _HOURS),
    Notice.CONTESTED:          Manner(7 * _DAYS),
    Notice.INSTRUCTED:         Manner(7 * _DAYS),
    Notice.HALF_GONE:          Manner(2 * _HOURS, urgent=True),
    Notice.NEARLY_DUE:         Manner(2 * _HOURS, urgent=True),
    Notice.OVERDUE:            Manner(2 * _HOURS, urgent=True),
    Notice.DIGEST:             Manner(1 * _HOURS),              # then the next one comes
}
# fmt: on

# What somebody who chose nothing has chosen.
USUAL = frozenset({"inbox", "push"})

_TEXTS = frozenset({"sms", "zalo"})


@dataclass(frozen=True)
class Quiet:
    """Local times of the day between which nothing rings, half-open; over midnight when `begin` is the later one."""

    begin: time
    end: time

    def over_at(self, instant: datetime) -> datetime | None:
        """When the quiet hours end in which `instant` lies; None when it lies in none."""
        local = instant.astimezone(LOCAL_ZONE)
        at = local.time()
        if self.begin < self.end:
            is_quiet, days = self.begin <= at < self.end, 0
        else:
            is_quiet, days = at >= self.begin or at < self.end, int(at >= self.begin)
        if not is_quiet:
            return None
        end = datetime.combine(local.date() + timedelta(days=days), self.end, tzinfo=LOCAL_ZONE)
        return end.astimezone(instant.tzinfo)


@dataclass(frozen=True)
class Reach:
    """How somebody can be reached and wishes to be. `phone` and `email`: whether we have one."""

    channels: Collection[str] = ()
    quiet: Quiet | None = None
    on_duty: bool = False
    devices: Collection[UUID] = ()
    phone: bool = False
    email: bool = False


class Delivery(NamedTuple):
    """One message to be sent, not before an instant (None: at once). A push names its device."""

    over: Over
    not_before: datetime | None = None
    device_id: UUID | None = None


def deliveries(notice: Notice, reach: Reach, since: datetime, now: datetime) -> Iterator[Delivery]:
    """What is sent of a notice of `since` besides the inbox entry. Asked when it is promised, and again when it is sent.

    Quiet hours hold it back until they end; if it is worth nothing by then, it is not sent at all. A text goes to residents
    who chose it, one however many ways of texting they named, and only of what asks for one.
    """
    manner = MANNERS[notice]
    if manner.only_on_duty and not reach.on_duty:
        return
    wanted = frozenset(reach.channels) or USUAL
    not_before = reach.quiet.over_at(now) if reach.quiet is not None and not reach.on_duty else None
    if is_stale(notice, since, not_before or now):
        return
    if "push" in wanted or (manner.urgent and reach.on_duty):
        for device_id in sorted(reach.devices):
            yield Delivery(Over.PUSH, not_before, device_id)
    if manner.text and reach.phone and wanted & _TEXTS:
        yield Delivery(Over.TEXT, not_before)
    if reach.email and "email" in wanted:
        yield Delivery(Over.EMAIL, not_before)


def is_stale(notice: Notice, since: datetime, now: datetime) -> bool:
    """Whether a notice of `since` is not worth sending any more."""
    return now >= since + MANNERS[notice].worth
