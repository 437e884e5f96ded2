"""Officers who join and residents who withdraw at the same moment: real threads, real commits, one root in the end."""

import random
import threading
from contextlib import suppress

import pytest
from sqlalchemy import select

import district as district_
from app.core.errors import Conflict, Invalid, NotPermitted
from app.reports.models import Report
from incident import Incident
from story import Story

# What an act may find: that another one came first. A deadlock would be an error of the database.
CAME_SECOND = (Conflict, Invalid, NotPermitted)


@pytest.fixture
def street(committed, cache):
    return Street(committed, cache)


class Street:
    """Six reports of one noise, all committed, and several people who act on them at once."""

    def __init__(self, database, cache):
        self.database, self.cache = database, cache
        with database.unit_of_work() as session:
            self.found = district_.found(session)
            told = Incident(Story(session, self.found, cache))
            self.officer = told.story.officer
            self.ids = [told.reported(minute) for minute in range(6)]
            self.residents = told.residents

    def incident(self, session) -> Incident:
        """The incident in another unit of work, with the same people."""
        story = object.__new__(Story)
        story.session, story.district, story.cache, story.officer = session, self.found, self.cache, self.officer
        told = Incident(story)
        told.residents = self.residents
        return told

    def at_once(self, *acts):
        """Carry all of these out at the same moment, each in a transaction of its own; what the database says is raised."""
        start, wrong = threading.Barrier(len(acts)), []

        def run(act):
            start.wait()
            try:
                with suppress(*CAME_SECOND), self.database.unit_of_work() as session:
                    act(self.incident(session))
            except Exception as error:  # noqa: BLE001 -- carried out of the thread
                wrong.append(error)

        threads = [threading.Thread(target=run, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert wrong == []

    def standing(self) -> dict:
        with self.database.unit_of_work() as session:
            rows = session.execute(select(Report.id, Report.state, Report.original_id)).all()
        return {row.id: (row.state, row.original_id) for row in rows}

    def require_one_root_each(self):
        standing = self.standing()
        for state, original in standing.values():
            if original is not None and state != "withdrawn":
                assert state in {"concluded", "closed"}
                assert standing[original][1] is None, "it points at a root, never at a duplicate"
                assert standing[original][0] != "withdrawn"


def test_two_who_join_in_opposite_directions_end_with_one_root(street):
    first, second = street.ids[:2]

    street.at_once(lambda told: told.join(first, second), lambda told: told.join(second, first))

    standing = street.standing()
    assert (standing[first], standing[second]) == (("received", None), ("concluded", first))


def test_a_chain_that_is_joined_at_once_has_one_root(street):
    pairs = list(zip(street.ids[1:], street.ids, strict=False))

    street.at_once(*(lambda told, pair=pair: told.join(*pair) for pair in pairs))

    root = street.ids[0]
    standing = street.standing()
    assert standing[root] == ("received", None)
    assert {standing[one] for one in street.ids[1:]} == {("concluded", root)}


def test_what_is_joined_while_its_root_is_withdrawn_hangs_on_nothing_that_is_gone(street):
    root, second, third = street.ids[:3]
    street.at_once(lambda told: told.join(second, root))

    street.at_once(lambda told: told.withdraws(root), lambda told: told.join(third, root, minute=30))

    standing = street.standing()
    assert standing[root] == ("withdrawn", second)
    assert standing[second] == ("received", None)
    # Whichever came first, and also where the number of the withdrawn one was given: it leads to what stands in for it.
    assert standing[third] == ("concluded", second)


def test_a_root_is_contested_once_however_many_do_not_agree(street):
    root, *others = street.ids
    street.at_once(*(lambda told, one=one: told.join(one, root) for one in others))
    street.at_once(lambda told: told.concluded(root))

    street.at_once(*(lambda told, one=one: told.contests(one) for one in street.ids))

    with street.database.unit_of_work() as session:
        reports = {report.id: report for report in session.scalars(select(Report))}
    contested = [report for report in reports.values() if report.id != root and report.contests]
    assert (reports[root].state, reports[root].contests) == ("contested", 1)
    # Of six, one was first: by the root itself, or by one of the five.
    assert len(contested) <= 1
    assert {reports[one].state for one in others} == {"concluded"}


def test_whatever_is_done_at_once_each_duplicate_has_one_root_and_nothing_is_stuck(street):
    """Joins in every direction, withdrawals and contests by six people at a time, over and over."""
    dice = random.Random(20261124)
    for turn in range(20):
        acts = []
        for _ in range(6):
            one, other = dice.sample(street.ids, 2)
            minute = 10 + turn
            acts.append(
                dice.choice(
                    [
                        lambda told, one=one, other=other, minute=minute: told.join(one, other, minute=minute),
                        lambda told, one=one, other=other, minute=minute: told.join(one, other, minute=minute),
                        lambda told, one=one, minute=minute: told.concluded(one, minute=minute),
                        lambda told, one=one, minute=minute: told.contests(one, minute=minute),
                        lambda told, one=one, minute=minute: told.withdraws(one, minute=minute),
                    ]
                )
            )
        street.at_once(*acts)
        street.require_one_root_each()
