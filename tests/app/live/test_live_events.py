"""Who hears of what, and what somebody is sent who comes back."""

from datetime import UTC, datetime, timedelta

import pytest

from app.live.events import MOST_REMEMBERED, RESET, Event, Log, event_of, hears

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
REPORT = "018f0000-0000-7000-8000-000000000001"
BINH_THANH, GIA_DINH, DESK = 3, 4, 1


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def event(row_id: int, *units: int, at: datetime = NOW) -> Event:
    return Event(row_id, frozenset(units or {BINH_THANH}), "moved", REPORT, at)


@pytest.mark.parametrize(
    ("topic", "what"),
    [
        ("report.received", "received"),
        ("report.moved", "moved"),
        ("report.entry", "entry"),
        ("report.warned", "warned"),
        ("photo.received", "photo"),
        ("photo.ready", "photo"),
        ("photo.refused", "photo"),
        ("decision.entered", "decision"),
    ],
)
def test_what_a_desk_is_told_of(topic, what):
    made = event_of(7, topic, {"report_id": REPORT, "units": [BINH_THANH], "move": "accept"}, NOW)

    assert made == Event(7, frozenset({BINH_THANH}), what, REPORT, NOW)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("code.wanted", {"challenge_id": REPORT}),
        ("notice.push", {"notification_id": REPORT, "device_id": REPORT}),
        ("report.moved", {"report_id": REPORT}),
        ("report.moved", {"report_id": REPORT, "units": []}),
        ("report.moved", {"report_id": REPORT, "units": BINH_THANH}),
        ("report.moved", {"units": [BINH_THANH]}),
    ],
)
def test_what_it_is_not_told_of(topic, payload):
    assert event_of(7, topic, payload, NOW) is None


@pytest.mark.parametrize(
    ("whose", "concerned", "heard"),
    [
        ({BINH_THANH}, {BINH_THANH}, True),
        ({BINH_THANH}, {GIA_DINH}, False),
        ({BINH_THANH}, {BINH_THANH, GIA_DINH}, True),  # handed over from here
        ({GIA_DINH}, {BINH_THANH, GIA_DINH}, True),  # handed over to here
        ({BINH_THANH, GIA_DINH}, {GIA_DINH}, True),  # somebody works for two
        ({DESK}, {BINH_THANH, DESK}, True),  # the desk reviews it
        ({DESK}, {BINH_THANH}, False),
        (set(), {BINH_THANH}, False),
        (None, {BINH_THANH}, True),  # a leader
    ],
)
def test_who_hears(whose, concerned, heard):
    assert hears(None if whose is None else frozenset(whose), event(1, *concerned)) is heard


def test_a_browser_is_told_the_id_and_what_and_nothing_else():
    assert event(41).frame == f'id: 41\nevent: case\ndata: {{"report":"{REPORT}","what":"moved"}}\n\n'.encode()
    assert RESET == b"event: reset\ndata: {}\n\n"


def log_of(*events: Event) -> Log:
    log = Log()
    log.add(events, now=NOW)
    return log


def after(log: Log, last: int, *units: int) -> list[int] | None:
    missed = log.after(last, frozenset(units) if units else None)
    return None if missed is None else [one.id for one in missed]


def test_who_comes_back_is_sent_what_came_since_and_concerns_them():
    log = log_of(event(10, at=ago(300)), event(11, BINH_THANH), event(12, GIA_DINH), event(13, BINH_THANH, GIA_DINH))

    assert after(log, 10) == [11, 12, 13]
    assert after(log, 10, BINH_THANH) == [11, 13]
    assert after(log, 13, DESK) == []


def test_what_was_written_in_the_minute_before_comes_again_because_it_may_have_been_seen_later():
    log = log_of(
        event(20, at=ago(200)), event(23, at=ago(100)), event(21, at=ago(159)), event(22, at=ago(161)), event(24)
    )

    assert after(log, 23) == [21, 24]


@pytest.mark.parametrize("last", [0, 9])
def test_who_was_away_for_longer_than_is_remembered_fetches_everything_anew(last):
    assert after(log_of(event(10), event(11)), last) is None


def test_nothing_remembered_is_nothing_known():
    assert after(Log(), 5) is None


def test_ten_minutes_are_remembered():
    log = log_of(event(10, at=ago(601)), event(11, at=ago(600)), event(12, at=ago(599)), event(13, at=ago(5)))

    assert len(log) == 2
    assert after(log, 11) is None
    assert after(log, 12) is None  # what was written in the minute before it is forgotten
    assert after(log, 13) == []


def test_what_a_fresh_process_was_not_there_for_counts_as_forgotten():
    log = Log()
    log.lose(ago(30))
    log.add([event(10, at=ago(20)), event(11)], now=NOW + timedelta(seconds=90))

    assert after(log, 10) is None
    log.add([event(12, at=NOW + timedelta(seconds=31))], now=NOW + timedelta(seconds=90))
    assert after(log, 12) == [10, 11]


def test_never_more_than_so_many():
    log = log_of(*(event(number) for number in range(1, MOST_REMEMBERED + 11)))

    assert len(log) == MOST_REMEMBERED
    assert after(log, MOST_REMEMBERED + 5) is None
