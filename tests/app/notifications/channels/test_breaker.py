"""When a destination is left alone, and for how long: a table of what happened at which second."""

import pytest

from app.notifications.channels.breaker import MOST_KNOWN, Breakers

F, S = "failed", "succeeded"

TABLE = [
    ("nobody is left alone for nothing", [], {0: True, 1_000: True}),
    ("two failures are chance", [(0, F), (1, F)], {1: True}),
    ("three are not", [(0, F), (1, F), (2, F)], {2: False, 16: False}),
    ("after 15 s one may try", [(0, F), (1, F), (2, F)], {16.9: False, 17: True, 17.1: False}),
    ("of whom nothing was heard: 15 s later the next", [(0, F), (1, F), (2, F)], {17: True, 31: False, 32: True}),
    ("the second pause is 30 s", [(0, F), (1, F), (2, F), (17, F)], {46: False, 47: True}),
    ("the third is 60 s", [(0, F), (1, F), (2, F), (17, F), (47, F)], {106: False, 107: True}),
    ("no pause is longer than a minute", [(n, F) for n in range(1_000)], {999 + 59: False, 999 + 60: True}),
    ("a success in between begins anew", [(0, F), (1, F), (2, S), (3, F), (4, F)], {5: True}),
    ("a success after the pause ends it", [(0, F), (1, F), (2, F), (17, S), (18, F), (19, F)], {20: True}),
]


@pytest.mark.parametrize(("happened", "asked"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(happened, asked):
    breakers = Breakers()
    for at, what in happened:
        breakers.failed("gateway", at) if what is F else breakers.succeeded("gateway")
    assert {at: breakers.lets_through("gateway", at) for at in asked} == asked


def test_one_destination_does_not_stand_for_another():
    breakers = Breakers()
    for second in range(3):
        breakers.failed("a:443", second)
    assert not breakers.lets_through("a:443", 3)
    assert breakers.lets_through("b:443", 3)


def test_what_is_remembered_has_a_bound():
    breakers = Breakers()
    for n in range(3 * MOST_KNOWN):
        breakers.failed(f"host-{n}", 0)
    assert len(breakers._known) == MOST_KNOWN
