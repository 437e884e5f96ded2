"""Over which channel, from when on, and for how long: a table by hand. Local time is seven hours ahead of UTC."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest

from app.notifications.delivery import Delivery, Over, Quiet, Reach, deliveries, is_stale
from app.notifications.news import Notice

PHONE, TABLET = UUID(int=1), UUID(int=2)
NIGHT = Quiet(time(22, 0), time(6, 30))  # over midnight
NOON = Quiet(time(11, 30), time(13, 0))

# Monday, 23 November 2026, local time beside it.
MORNING = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # 10:00
EVENING = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # 22:00
DEEP_NIGHT = datetime(2026, 11, 23, 19, 15, tzinfo=UTC)  # 02:15 on the 24th
WAKING = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # 06:30 on the 24th
MIDDAY = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)  # 11:30
ONE_O_CLOCK = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # 13:00


@pytest.mark.parametrize(
    ("quiet", "at", "until"),
    [
        (NIGHT, MORNING, None),
        (NIGHT, EVENING, WAKING),  # the first instant is quiet
        (NIGHT, EVENING - timedelta(seconds=1), None),
        (NIGHT, DEEP_NIGHT, WAKING),
        (NIGHT, WAKING, None),  # the last is not
        (NIGHT, WAKING - timedelta(microseconds=1), WAKING),
        (NOON, MORNING, None),
        (NOON, MIDDAY, ONE_O_CLOCK),
        (NOON, ONE_O_CLOCK - timedelta(minutes=1), ONE_O_CLOCK),
        (NOON, ONE_O_CLOCK, None),
        (Quiet(time(0, 0), time(6, 30)), DEEP_NIGHT, WAKING),
        (Quiet(time(22, 0), time(0, 0)), EVENING, datetime(2026, 11, 23, 17, 0, tzinfo=UTC)),
    ],
)
def test_when_quiet_hours_end(quiet, at, until):
    assert quiet.over_at(at) == until


def out(notice, now=MORNING, since=None, **reach):
    return list(deliveries(notice, Reach(**{"devices": [PHONE], **reach}), since or now, now))


NOW_BY_PUSH = [Delivery(Over.PUSH, None, PHONE)]


@pytest.mark.parametrize(
    ("notice", "reach", "sent"),
    [
        # Nothing chosen is inbox and push, to every device.
        (Notice.RECEIVED, {}, NOW_BY_PUSH),
        (Notice.RECEIVED, {"devices": [TABLET, PHONE]}, [*NOW_BY_PUSH, Delivery(Over.PUSH, None, TABLET)]),
        (Notice.RECEIVED, {"devices": []}, []),
        # What was chosen holds, and the inbox needs no sending.
        (Notice.CONCLUDED, {"channels": ["inbox"]}, []),
        (Notice.CONCLUDED, {"channels": ["push"]}, NOW_BY_PUSH),
        # A text costs money: to who chose it and has a phone, one, when asked and when all is over.
        (Notice.QUESTION, {"channels": ["sms"], "phone": True}, [Delivery(Over.TEXT)]),
        (Notice.CONCLUDED, {"channels": ["zalo"], "phone": True}, [Delivery(Over.TEXT)]),
        (Notice.CONCLUDED, {"channels": ["sms", "zalo"], "phone": True}, [Delivery(Over.TEXT)]),
        (Notice.CONCLUDED, {"channels": ["push", "sms"], "phone": True}, [*NOW_BY_PUSH, Delivery(Over.TEXT)]),
        (Notice.CONCLUDED, {"channels": ["sms"], "phone": False}, []),
        (Notice.CONCLUDED, {"phone": True}, NOW_BY_PUSH),
        (Notice.RECEIVED, {"channels": ["sms"], "phone": True}, []),
        (Notice.ACCEPTED, {"channels": ["sms"], "phone": True}, []),
        (Notice.MESSAGE, {"channels": ["zalo"], "phone": True}, []),
        (Notice.FOLLOWED_CONCLUDED, {"channels": ["sms"], "phone": True}, []),
        # A mail to who gave an address and chose it.
        (Notice.CONTESTED, {"channels": ["email"], "email": True}, [Delivery(Over.EMAIL)]),
        (Notice.CONTESTED, {"channels": ["email"], "email": False}, []),
        (Notice.CONTESTED, {"channels": ["push"], "email": True}, NOW_BY_PUSH),
        # A new case rings where somebody is on duty, and nowhere else.
        (Notice.NEW_CASE, {"on_duty": True}, NOW_BY_PUSH),
        (Notice.NEW_CASE, {"on_duty": False}, []),
        (Notice.HANDED_OVER, {"on_duty": False}, []),
        # Duty overrides a choice without push for warnings, and for nothing else.
        (Notice.OVERDUE, {"channels": ["inbox"], "on_duty": True}, NOW_BY_PUSH),
        (Notice.NEARLY_DUE, {"channels": ["email"], "email": True, "on_duty": True}, [*NOW_BY_PUSH, Delivery(Over.EMAIL)]),
        (Notice.OVERDUE, {"channels": ["inbox"], "on_duty": False}, []),
        (Notice.NEW_CASE, {"channels": ["inbox"], "on_duty": True}, []),
    ],
)  # fmt: skip
def test_over_which_channels(notice, reach, sent):
    assert out(notice, **reach) == sent


@pytest.mark.parametrize(
    ("notice", "at", "reach", "sent"),
    [
        (Notice.CONCLUDED, DEEP_NIGHT, {}, [Delivery(Over.PUSH, WAKING, PHONE)]),
        (Notice.CONCLUDED, WAKING, {}, NOW_BY_PUSH),
        # Held back until it is worth nothing, it is not sent: two hours from 22:00 end long before 6:30.
        (Notice.OVERDUE, EVENING, {}, []),
        (Notice.OVERDUE, WAKING - timedelta(hours=1), {}, [Delivery(Over.PUSH, WAKING, PHONE)]),
        (Notice.DIGEST, DEEP_NIGHT, {}, []),
        # Duty overrides quiet hours.
        (Notice.OVERDUE, EVENING, {"on_duty": True}, NOW_BY_PUSH),
        (Notice.NEW_CASE, DEEP_NIGHT, {"on_duty": True}, NOW_BY_PUSH),
        # Texts and mails wait as well.
        (Notice.QUESTION, EVENING, {"channels": ["sms"], "phone": True}, [Delivery(Over.TEXT, WAKING)]),
        (Notice.CONTESTED, EVENING, {"channels": ["email"], "email": True}, [Delivery(Over.EMAIL, WAKING)]),
    ],
)
def test_quiet_hours(notice, at, reach, sent):
    assert out(notice, at, quiet=NIGHT, **reach) == sent


def test_what_is_told_late_is_worth_as_long_as_what_is_told_at_once():
    """An outage of three hours: a new case was worth two, a result is worth seven days."""
    since = MORNING - timedelta(hours=3)
    assert out(Notice.NEW_CASE, since=since, on_duty=True) == []
    assert out(Notice.CONCLUDED, since=since) == NOW_BY_PUSH
    # Quiet hours until 6:30, from a due time at 4:15: two hours are over at 6:15.
    due = DEEP_NIGHT + timedelta(hours=2)
    assert out(Notice.OVERDUE, WAKING - timedelta(hours=1), since=due, quiet=NIGHT) == []


@pytest.mark.parametrize(
    ("notice", "worth"),
    [
        (Notice.HALF_GONE, timedelta(hours=2)),
        (Notice.OVERDUE, timedelta(hours=2)),
        (Notice.DIGEST, timedelta(hours=1)),
        (Notice.ACCEPTED, timedelta(hours=24)),
        (Notice.QUESTION, timedelta(hours=24)),
        (Notice.CONCLUDED, timedelta(days=7)),
    ],
)
def test_how_long_it_is_worth_sending(notice, worth):
    assert not is_stale(notice, MORNING, MORNING + worth - timedelta(seconds=1))
    assert is_stale(notice, MORNING, MORNING + worth)
