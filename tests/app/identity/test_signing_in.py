"""Coming in, against a real PostgreSQL: first one at a time, then many at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pyotp import TOTP
from sqlalchemy import func, select, update

from app.core.audit import AuditEntry
from app.core.db import Database, new_id
from app.core.outbox import OutboxMessage
from app.identity import actions, otp
from app.identity.actions import SignedIn
from app.identity.errors import (
    AccountClosed,
    CodeExpired,
    CodeSpent,
    CodeTooSoon,
    CodeWrong,
    PhoneInvalid,
    SignInFailed,
    TooManyCodes,
    TooManySignIns,
    TotpNeeded,
)
from app.identity.models import OtpChallenge, Person, Resident, SignInFailure, Staff
from app.identity.permissions import Role

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
KEY = b"k" * 32
HERE, THERE = b"here".ljust(16), b"there".ljust(16)
PHONE = "0912345678"
PASSWORD = "đường Lê Quang Định"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def after(**wait: float) -> datetime:
    return NOW + timedelta(**wait)


def ask(session, phone=PHONE, *, address=HERE, now=NOW):
    return actions.ask_code(session, phone, address_tag=address, now=now).id


def answer(session, challenge, said=None, *, now=NOW):
    return actions.answer_code(session, challenge, said or otp.code_of(KEY, challenge), key=KEY, now=now)


def wrong(challenge):
    return "000000" if otp.code_of(KEY, challenge) != "000000" else "000001"


def hire(session, *memberships, username="lan", password=PASSWORD, now=NOW):
    return actions.register_staff(
        session, username=username, name="Nguyễn Thị Lan", password=password, memberships=memberships, now=now
    )


def enter(session, password=PASSWORD, code=None, *, username="lan", address=HERE, now=NOW):
    return actions.sign_in_staff(session, username, password, code, address_tag=address, now=now)


def count(session, model):
    return session.scalar(select(func.count()).select_from(model))


# Residents


def test_a_first_sign_in_makes_a_resident_and_the_next_finds_the_same(session):
    first = answer(session, ask(session))
    again = answer(session, ask(session, "+84 912 345 678", now=after(minutes=2)), now=after(minutes=2))
    assert isinstance(first, SignedIn)
    assert isinstance(again, SignedIn)
    assert first.person_id == again.person_id
    assert first.session_id != again.session_id
    assert session.scalars(select(Resident.phone)).all() == ["+84912345678"]


def test_asking_for_a_code_makes_nobody(session):
    ask(session)
    assert count(session, Person) == 0


def test_the_outbox_learns_the_challenge_and_neither_code_nor_number(session):
    challenge = ask(session)
    message = session.scalars(select(OutboxMessage)).one()
    assert (message.topic, message.payload) == ("code.wanted", {"challenge_id": str(challenge)})


def test_a_code_is_used_once(session):
    challenge = ask(session)
    assert isinstance(answer(session, challenge), SignedIn)
    assert isinstance(answer(session, challenge), CodeSpent)


def test_five_wrong_tries_spend_a_code(session):
    challenge = ask(session)
    left = [answer(session, challenge, wrong(challenge)).facts["tries_left"] for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    assert isinstance(answer(session, challenge), CodeSpent)


def test_a_code_that_ran_out_and_one_that_never_was(session):
    challenge = ask(session)
    assert isinstance(answer(session, challenge, now=after(minutes=5)), CodeExpired)
    assert isinstance(answer(session, new_id()), CodeSpent)


def test_another_phones_code_is_wrong(session):
    mine, yours = ask(session), ask(session, "0987654321")
    assert isinstance(answer(session, mine, otp.code_of(KEY, yours)), CodeWrong)


def test_codes_are_limited_by_phone_and_by_address(session):
    ask(session)
    with pytest.raises(CodeTooSoon):
        ask(session, address=THERE)
    for minute in (1, 2, 3, 4):
        ask(session, now=after(minutes=minute))
    with pytest.raises(TooManyCodes):
        ask(session, address=THERE, now=after(minutes=6))
    for other in range(15):
        ask(session, f"09870000{other:02d}", now=after(minutes=6))
    with pytest.raises(TooManyCodes):
        ask(session, "0987000099", now=after(minutes=6))
    assert ask(session, "0987000099", address=THERE, now=after(minutes=6))


def test_a_foreign_number_is_sent_nothing(session):
    with pytest.raises(PhoneInvalid):
        ask(session, "+14155550123")
    assert count(session, OtpChallenge) == 0


def test_a_closed_account_stays_out(session):
    person = actions.resident_of(session, PHONE, now=NOW)
    session.execute(update(Person).where(Person.id == person).values(disabled_at=NOW))
    challenge = ask(session)
    assert isinstance(answer(session, challenge), AccountClosed)
    assert isinstance(answer(session, challenge), CodeSpent)


# Staff


def test_staff_sign_in_by_name_and_password(session):
    person = hire(session, (Role.LEADER, None), username="Lan.Nguyen")
    signed_in = enter(session, username=" lan.nguyen ")
    assert isinstance(signed_in, SignedIn)
    assert (signed_in.person_id, signed_in.is_staff) == (person, True)


def test_what_was_wrong_is_not_told(session):
    hire(session)
    assert isinstance(enter(session, "wrong"), SignInFailed)
    assert isinstance(enter(session, username="nobody"), SignInFailed)
    assert count(session, SignInFailure) == 2


def test_an_account_rests_from_the_fifth_failure_on_and_longer_each_time(session):
    hire(session)
    for _ in range(4):
        enter(session, "wrong")
    assert isinstance(enter(session), SignedIn), "four slips are forgiven"
    for _ in range(5):
        enter(session, "wrong")
    until = session.scalar(select(Staff.locked_until))
    assert until > NOW
    assert isinstance(enter(session, now=until - timedelta(seconds=1)), SignInFailed)
    enter(session, "wrong", now=until)
    assert session.scalar(select(Staff.locked_until)) - until > until - NOW
    assert (
        session.scalars(select(AuditEntry.action).where(AuditEntry.action == "staff:rest")).all() == ["staff:rest"] * 2
    )


def test_whoever_guesses_at_a_resting_account_does_not_keep_it_shut(session):
    hire(session)
    for _ in range(5):
        enter(session, "wrong")
    until = session.scalar(select(Staff.locked_until))
    for _ in range(10):
        enter(session, "wrong", address=THERE)
    assert session.scalar(select(Staff.locked_until)) == until
    assert isinstance(enter(session, now=until), SignedIn)
    assert session.execute(select(Staff.failures, Staff.locked_until)).one() == (0, None)


def test_an_address_that_fails_too_often_is_sent_away_for_the_hour(session):
    hire(session)
    for number in range(30):
        enter(session, username=f"nobody{number}", now=after(minutes=number))
    refused = enter(session, now=after(minutes=30))
    assert isinstance(refused, TooManySignIns)
    assert 1800 <= refused.facts["retry_after_s"] <= 1801
    assert isinstance(enter(session, address=THERE, now=after(minutes=30)), SignedIn)
    assert isinstance(enter(session, now=after(minutes=61)), SignedIn)


def test_a_second_factor_is_asked_for_once_the_password_is_right(session):
    hire(session)
    session.execute(update(Staff).values(totp_secret=SECRET))
    assert isinstance(enter(session), TotpNeeded)
    assert isinstance(enter(session, "wrong"), SignInFailed), "who does not know the password learns nothing"
    assert isinstance(enter(session, code="000000"), SignInFailed)
    assert session.scalar(select(Staff.failures)) == 2
    assert isinstance(enter(session, code=TOTP(SECRET).at(NOW)), SignedIn)


def test_closed_staff_stay_out(session):
    person = hire(session)
    session.execute(update(Person).where(Person.id == person).values(disabled_at=NOW))
    assert isinstance(enter(session), AccountClosed)


# Many at once


def at_once(database: Database, threads: int, act):
    """What `act` gives in each of so many units of work that begin together."""

    def one(_: int):
        with database.unit_of_work() as session:
            try:
                return type(act(session)).__name__
            except (CodeTooSoon, TooManyCodes) as refused:
                return type(refused).__name__

    with ThreadPoolExecutor(10) as pool:
        return Counter(pool.map(one, range(threads)))


def test_of_a_hundred_guesses_at_once_five_are_heard(committed):
    with committed.unit_of_work() as session:
        challenge = ask(session)
    heard = at_once(committed, 100, lambda session: answer(session, challenge, wrong(challenge)))
    assert heard == {"CodeWrong": 5, "CodeSpent": 95}
    with committed.unit_of_work() as session:
        assert isinstance(answer(session, challenge), CodeSpent)
        assert session.scalar(select(OtpChallenge.tries)) == 5


def test_a_code_answered_twenty_times_at_once_opens_one_session(committed):
    with committed.unit_of_work() as session:
        challenge = ask(session)
    assert at_once(committed, 20, lambda session: answer(session, challenge)) == {"SignedIn": 1, "CodeSpent": 19}


def test_a_phone_that_asks_twenty_times_at_once_gets_one_code(committed):
    assert at_once(committed, 20, ask) == {"UUID": 1, "CodeTooSoon": 19}


def test_a_number_that_is_first_heard_of_twenty_times_at_once_is_one_resident(committed):
    def act(session):
        return actions.resident_of(session, PHONE, now=NOW)

    assert at_once(committed, 20, act) == {"UUID": 20}
    with committed.unit_of_work() as session:
        assert count(session, Resident) == 1
        assert count(session, Person) == 1


def test_of_guesses_at_once_at_a_password_each_counts(committed):
    with committed.unit_of_work() as session:
        hire(session)
    at_once(committed, 12, lambda session: enter(session, "wrong"))
    with committed.unit_of_work() as session:
        # Five count, then the account rests and the others do not.
        assert session.scalar(select(Staff.failures)) == 5
        assert isinstance(enter(session), SignInFailed)
