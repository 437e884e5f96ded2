from datetime import date

import pytest

from app.reports.dated import Changes, Dated, compare
from geo.validity import Days

JAN, FEB, MAR, MAY = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1), date(2026, 5, 1)
TOMORROW = date(2026, 4, 2)
AFTER = date(2026, 4, 3)


def row(content, first, until=None):
    return Dated(content, Days(first, until))


@pytest.mark.parametrize(
    ("stored", "wanted", "ends", "begins"),
    [
        pytest.param([], [row("a", JAN, MAR), row("b", MAR)], None, [row("a", JAN, MAR), row("b", MAR)], id="first"),
        pytest.param([row("a", JAN)], [row("a", JAN)], None, [], id="the same"),
        pytest.param([row("a", JAN)], [row("b", JAN)], TOMORROW, [row("b", TOMORROW)], id="changed: from tomorrow"),
        pytest.param([row("a", JAN), row("b", TOMORROW)], [row("b", JAN)], None, [], id="changed before: stays"),
        pytest.param([row("b", TOMORROW)], [row("c", JAN)], AFTER, [row("c", AFTER)], id="twice in a day"),
        pytest.param([row("a", JAN)], [row("a", JAN, MAY)], MAY, [], id="an end is announced"),
        pytest.param([row("a", JAN, MAY)], [row("a", JAN, MAY)], None, [], id="an end stays"),
        pytest.param(
            [row("a", JAN)], [row("a", JAN, MAY), row("b", MAY)], MAY, [row("b", MAY)], id="a successor is announced"
        ),
        pytest.param(
            [row("a", JAN)],
            [row("x", JAN, MAY), row("b", MAY)],
            TOMORROW,
            [row("x", TOMORROW, MAY), row("b", MAY)],
            id="changed, and a successor",
        ),
        pytest.param([row("a", JAN, FEB), row("b", FEB)], [row("z", JAN, FEB), row("b", FEB)], None, [], id="the past"),
        pytest.param([row("a", JAN)], [], None, [], id="left out: an administrator's own"),
    ],
)
def test_what_an_edition_changes(stored, wanted, ends, begins):
    assert compare(stored, wanted, TOMORROW) == Changes(last_ends=ends, begins=begins)
