"""Ids become visible out of order, and each row is read once."""

from datetime import UTC, datetime, timedelta

from app.live.gaps import Seen

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


def gaps(seen: Seen) -> list[tuple[int, int]]:
    return [(gap.first, gap.last) for gap in seen.gaps]


def test_ids_in_order_leave_no_gap():
    seen = Seen(5)

    assert [seen.take(row_id, NOW) for row_id in (6, 7, 8)] == [True, True, True]
    assert (seen.high, gaps(seen)) == (8, [])


def test_what_was_passed_over_is_a_gap_until_it_appears():
    seen = Seen(5)
    seen.take(8, NOW)

    assert gaps(seen) == [(6, 7)]
    assert seen.take(6, NOW)
    assert gaps(seen) == [(7, 7)]
    assert seen.take(7, NOW)
    assert (seen.high, gaps(seen)) == (8, [])


def test_a_row_in_the_middle_of_a_gap_leaves_two():
    seen = Seen(0)
    for row_id in (10, 5, 12):
        seen.take(row_id, NOW)

    assert gaps(seen) == [(1, 4), (6, 9), (11, 11)]


def test_a_row_counts_once():
    seen = Seen(0)
    for row_id in (3, 1):
        seen.take(row_id, NOW)

    assert [seen.take(row_id, NOW) for row_id in (1, 3)] == [False, False]


def test_what_has_not_appeared_in_a_minute_was_rolled_back():
    seen = Seen(0)
    seen.take(2, NOW)
    seen.take(4, NOW + timedelta(seconds=1))
    seen.forget(LATER - timedelta(seconds=1))
    assert gaps(seen) == [(1, 1), (3, 3)]

    seen.forget(LATER)

    assert gaps(seen) == [(3, 3)]
    assert not seen.take(1, LATER)


def test_the_rest_of_a_gap_is_as_old_as_the_gap():
    seen = Seen(0)
    seen.take(4, NOW)
    seen.take(2, LATER - timedelta(seconds=1))

    seen.forget(LATER)

    assert gaps(seen) == []
