"""Sanction decisions: whatever comes at once, one number of a unit is one decision."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

from sqlalchemy import text

import district
from app.core.db import new_id
from app.enforcement import actions
from app.enforcement.actions import DecisionNumberTaken, Entered
from app.identity.permissions import Role
from app.reports import actions as reports
from app.reports.actions import Person
from app.reports.intake import Author, Submission
from app.reports.rulebook import RulebookCache
from district import IN_AN

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ENTERED = Entered(number="145/QĐ-XPHC", decided_on=date(2026, 11, 23), fine_vnd=2_500_000)


def recorded(session, resident):
    sent = Submission(id=new_id(), kind="SW01", **IN_AN)
    author = Author(resident.person_id, None)
    reports.submit(session, sent, author, session_id=None, cache=RulebookCache(1), spend=lambda: None, now=NOW)
    session.execute(
        text("update reports set state = 'concluded', outcome = 'recorded', concluded_at = :now where id = :id"),
        {"now": NOW, "id": sent.id},
    )
    return sent.id


def test_one_number_entered_on_many_cases_at_once_is_one_decision(committed):
    with committed.unit_of_work() as session:
        place = district.found(session)
        chair, resident = Person(place.staff(Role.CHAIR, "90001"), b""), place.resident()
        cases = [recorded(session, resident) for _ in range(8)]

    def enter(report_id):
        try:
            with committed.unit_of_work() as session:
                return actions.enter(session, report_id, ENTERED, by=chair, now=NOW)
        except DecisionNumberTaken:
            return "taken"

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(enter, cases))

    assert sorted(answers, key=str) == [True, *["taken"] * 7]
    with committed.unit_of_work() as session:
        assert session.execute(text("select count(*) from decisions")).scalar_one() == 1
        assert session.execute(text("select count(*) from timeline where type = 'decision'")).scalar_one() == 1


def test_the_same_again_has_no_effect_and_a_payment_is_entered_once(session, district):
    chair = Person(district.staff(Role.CHAIR, "90001"), b"")
    case = recorded(session, district.resident())
    paid = Entered(**{**vars(ENTERED), "paid_on": date(2026, 11, 23)})

    new = [actions.enter(session, case, said, by=chair, now=NOW) for said in (ENTERED, ENTERED, paid, paid, ENTERED)]

    assert new == [True, False, False, False, False]
    steps = session.scalars(text("select type from timeline where type in ('decision', 'payment') order by id")).all()
    assert steps == ["decision", "payment"]
