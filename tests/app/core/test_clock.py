"""A machine whose clock is not the database's does nothing that has a time in it."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core import clock
from app.core.clock import ClockWrong

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def at(monkeypatch, *instants):
    """Let the machine's clock show these instants, one after the other."""
    shown = iter(instants)

    class Shown(datetime):
        @classmethod
        def now(cls, _zone):
            return next(shown)

    monkeypatch.setattr(clock, "datetime", Shown)


@pytest.mark.parametrize("off_s", [-5, -1, 0, 1, 5])
def test_up_to_five_seconds_are_no_matter(monkeypatch, off_s):
    at(monkeypatch, NOON, NOON)
    assert clock.compare(lambda: NOON + timedelta(seconds=off_s)) == NOON + timedelta(seconds=off_s)


@pytest.mark.parametrize(
    "off", [timedelta(hours=-1), timedelta(seconds=-5.1), timedelta(seconds=5.1), timedelta(hours=1)]
)
def test_more_is_refused(monkeypatch, off):
    at(monkeypatch, NOON, NOON)
    with pytest.raises(ClockWrong):
        clock.compare(lambda: NOON + off)


def test_an_answer_that_took_long_is_no_wrong_clock(monkeypatch):
    at(monkeypatch, NOON, NOON + timedelta(seconds=20))
    clock.compare(lambda: NOON + timedelta(seconds=20))
    at(monkeypatch, NOON, NOON + timedelta(seconds=20))
    clock.compare(lambda: NOON)


def test_a_unit_of_work_with_a_wrong_clock_does_nothing(database, monkeypatch):
    monkeypatch.setattr(clock, "compare", lambda _theirs: (_ for _ in ()).throw(ClockWrong()))
    with pytest.raises(ClockWrong), database.unit_of_work():
        pytest.fail("it began")


def test_a_clock_is_compared_at_first_and_then_twice_a_minute(database, monkeypatch):
    compared = []
    monkeypatch.setattr(clock, "compare", lambda theirs: compared.append(theirs()))
    for _ in range(3):
        with database.unit_of_work():
            pass
    assert len(compared) == 1
    database._compare_at = 0.0
    with database.unit_of_work():
        pass
    assert len(compared) == 2
