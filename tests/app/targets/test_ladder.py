from datetime import timedelta
from uuid import UUID

import pytest
from weeks import OFFICE, here, shown

from app.targets.calendar import ROUND_THE_CLOCK
from app.targets.ladder import Audience, Crew, Rung, audience, instants

BINH, DUNG, HOA, CHAIR, DEPUTY, DESK = (UUID(int=number) for number in range(1, 7))
TWO_HOURS = timedelta(hours=2)


@pytest.mark.parametrize(
    ("due", "calendar", "half", "most"),
    [
        ("2026-11-23 10:00", ROUND_THE_CLOCK, "2026-11-23 09:00", "2026-11-23 09:36"),
        ("2026-11-24 00:30", ROUND_THE_CLOCK, "2026-11-23 23:30", "2026-11-24 00:06"),
        ("2026-11-24 08:15", OFFICE, "2026-11-23 16:45", "2026-11-24 07:51"),
        ("2026-11-24 08:30", OFFICE, "2026-11-24 07:30", "2026-11-24 08:06"),  # not at closing time: nobody is there
        ("2026-02-23 07:50", OFFICE, "2026-02-13 16:20", "2026-02-13 16:56"),  # before Tết, although due after it
        ("2026-01-02 08:00", OFFICE, "2026-01-02 07:00", "2026-01-02 07:36"),  # 2025 is not loaded: time on the wall
    ],
)
def test_the_rungs_lie_before_due_by_half_and_a_fifth_of_what_was_allowed(due, calendar, half, most):
    found = instants(here(due), TWO_HOURS, calendar)

    assert (shown(found.half_at), shown(found.most_at)) == (half, most)


@pytest.mark.parametrize(
    ("rung", "crew", "people", "nobody_on_duty"),
    [
        (Rung.HALF, Crew(BINH, (DUNG, HOA), (CHAIR,)), (BINH,), False),
        (Rung.HALF, Crew(None, (DUNG, HOA), (CHAIR,)), (DUNG, HOA), False),
        (Rung.HALF, Crew(BINH, (), (CHAIR,)), (BINH,), False),  # those on duty were not asked for
        (Rung.HALF, Crew(None, (), (CHAIR, DEPUTY)), (CHAIR, DEPUTY), True),
        (Rung.HALF, Crew(None, (), (), (DESK,)), (DESK,), True),
        (Rung.MOST, Crew(BINH, (DUNG, CHAIR), (CHAIR, DEPUTY)), (DUNG, CHAIR, DEPUTY), False),  # nobody twice
        (Rung.MOST, Crew(BINH, (), (CHAIR,)), (CHAIR,), True),
        (Rung.MOST, Crew(None, (DUNG,), (), (DESK,)), (DUNG, DESK), False),
        (Rung.DUE, Crew(BINH, (DUNG,), (CHAIR, DEPUTY), (DESK,)), (CHAIR, DEPUTY), False),
        (Rung.DUE, Crew(BINH, (DUNG,), (), (DESK,)), (DESK,), False),
        (Rung.DUE, Crew(BINH, (), (CHAIR,)), (CHAIR,), False),
        (Rung.DUE, Crew(), (), False),
        # In a unit without a chair all who work there: the desk may not open its cases.
        (Rung.HALF, Crew(None, (), (), (DESK,), (BINH, DUNG)), (BINH, DUNG), True),
        (Rung.MOST, Crew(BINH, (DUNG,), (), (DESK,), (BINH, DUNG)), (DUNG, BINH), False),
        (Rung.DUE, Crew(BINH, (DUNG,), (), (DESK,), (BINH, DUNG)), (BINH, DUNG), False),
        (Rung.DUE, Crew(BINH, (DUNG,), (CHAIR,), (DESK,), (BINH, DUNG, CHAIR)), (CHAIR,), False),
    ],
)
def test_whom_a_rung_tells(rung, crew, people, nobody_on_duty):
    assert audience(rung, crew) == Audience(people, nobody_on_duty)
