"""Staying signed in by refresh tokens, and what happens when one comes twice."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from app.core.audit import AuditEntry
from app.identity import actions, otp, queries
from app.identity.actions import SignedIn
from app.identity.errors import RefreshInvalid, RefreshReused
from app.identity.models import OtpChallenge, Person, RefreshToken, SignIn, SignInFailure
from app.identity.permissions import Role
from geo.validity import local_day

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
KEY = b"k" * 32
PASSWORD = "đường Lê Quang Định"


def after(**wait: float) -> datetime:
    return NOW + timedelta(**wait)


def resident(session, *, now=NOW) -> SignedIn:
    challenge = actions.ask_code(session, "0912345678", address_tag=b"here", now=now).id
    return actions.answer_code(session, challenge, otp.code_of(KEY, challenge), key=KEY, now=now)


def leader(session) -> SignedIn:
    actions.register_staff(
        session, username="lan", name="Lan", password=PASSWORD, memberships=[(Role.LEADER, None)], now=NOW
    )
    return actions.sign_in_staff(session, "lan", PASSWORD, None, address_tag=b"here", now=NOW)


def acts(session, signed_in: SignedIn) -> bool:
    actor = queries.actor_of(session, person_id=signed_in.person_id, session_id=signed_in.session_id, on=local_day(NOW))
    return actor is not None


def test_each_token_is_changed_for_another_of_the_same_session(session):
    first = resident(session)
    second = actions.refresh(session, first.refresh_token, now=after(minutes=15))
    third = actions.refresh(session, second.refresh_token, now=after(minutes=30))
    assert {first.session_id} == {second.session_id, third.session_id}
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3


def test_tokens_are_stored_as_hashes_only(session):
    token = resident(session).refresh_token
    stored = session.scalars(select(RefreshToken.token_hash)).one()
    assert len(token) >= 43, "256 bits"
    assert len(stored) == 32
    assert token.encode() not in stored


def test_residents_stay_thirty_days_and_staff_twelve_hours(session):
    token = resident(session).refresh_token
    assert isinstance(actions.refresh(session, token, now=after(days=30)), RefreshInvalid)
    assert isinstance(actions.refresh(session, token, now=after(days=30, seconds=-1)), SignedIn)
    token = leader(session).refresh_token
    assert isinstance(actions.refresh(session, token, now=after(hours=12)), RefreshInvalid)
    assert isinstance(actions.refresh(session, token, now=after(hours=12, seconds=-1)), SignedIn)


ATTEMPT = UUID(int=7)


def test_a_lost_answer_may_be_asked_for_again_within_a_minute(session):
    first = resident(session)
    lost = actions.refresh(session, first.refresh_token, attempt=ATTEMPT, now=NOW)
    again = actions.refresh(session, first.refresh_token, attempt=ATTEMPT, now=after(seconds=60))
    assert isinstance(again, SignedIn)
    assert again.refresh_token != lost.refresh_token
    assert acts(session, first)


@pytest.mark.parametrize(
    ("first_attempt", "second_attempt", "seconds"),
    [(None, None, 0), (ATTEMPT, None, 1), (None, ATTEMPT, 1), (ATTEMPT, UUID(int=8), 1), (ATTEMPT, ATTEMPT, 61)],
)
def test_a_token_that_comes_again_ends_the_session_for_whoever_has_it(session, first_attempt, second_attempt, seconds):
    first = resident(session)
    second = actions.refresh(session, first.refresh_token, attempt=first_attempt, now=NOW)
    again = actions.refresh(session, first.refresh_token, attempt=second_attempt, now=after(seconds=seconds))
    assert isinstance(again, RefreshReused)
    assert not acts(session, first)
    assert isinstance(actions.refresh(session, second.refresh_token, now=after(seconds=62)), RefreshInvalid)
    traces = session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "session:reuse")).all()
    assert traces == [f"session/{first.session_id}"]


def test_another_device_is_not_touched_by_it(session):
    phone, tablet = resident(session), resident(session, now=after(minutes=2))
    actions.refresh(session, phone.refresh_token, now=NOW)
    actions.refresh(session, phone.refresh_token, now=after(minutes=5))
    assert not acts(session, phone)
    assert acts(session, tablet)
    assert isinstance(actions.refresh(session, tablet.refresh_token, now=after(minutes=6)), SignedIn)


def test_what_is_no_token_is_refused(session):
    for token in ("", "made up", "không"):
        assert isinstance(actions.refresh(session, token, now=NOW), RefreshInvalid)


def test_after_signing_out_nothing_of_the_session_is_good(session):
    signed_in = resident(session)
    actions.sign_out(session, signed_in.session_id, now=NOW)
    assert not acts(session, signed_in)
    assert isinstance(actions.refresh(session, signed_in.refresh_token, now=NOW), RefreshInvalid)


def test_a_closed_person_does_not_stay(session):
    signed_in = resident(session)
    session.execute(update(Person).values(disabled_at=NOW))
    assert not acts(session, signed_in)
    assert isinstance(actions.refresh(session, signed_in.refresh_token, now=NOW), RefreshInvalid)


def test_one_token_refreshed_ten_times_at_once_keeps_one_session(committed):
    with committed.unit_of_work() as session:
        first = resident(session)

    def act(_: int):
        with committed.unit_of_work() as session:
            return type(actions.refresh(session, first.refresh_token, attempt=ATTEMPT, now=after(seconds=5))).__name__

    with ThreadPoolExecutor(10) as pool:
        assert Counter(pool.map(act, range(10))) == {"SignedIn": 10}
    with committed.unit_of_work() as session:
        assert session.scalar(select(func.count()).select_from(SignIn).where(SignIn.ended_at.is_(None))) == 1


def test_a_session_ends_with_its_last_token(session):
    first, other = leader(session), resident(session)
    actions.refresh(session, first.refresh_token, now=after(hours=11))
    assert actions.forget_expired(session, after(hours=12)) == 1
    assert acts(session, first), "the second token is good until 23 h"
    assert actions.forget_expired(session, after(hours=23, seconds=-1)) == 0
    assert acts(session, first)
    actions.forget_expired(session, after(hours=23))
    assert not acts(session, first)
    assert acts(session, other)


def test_a_session_that_goes_on_at_this_moment_is_not_ended(committed):
    with committed.unit_of_work() as session:
        first = resident(session)
    with committed.unit_of_work() as going_on:
        actions.refresh(going_on, first.refresh_token, now=after(days=30, seconds=-1))
        with committed.unit_of_work() as session:
            assert actions.forget_expired(session, after(days=30)) == 1, "the code alone: the token is in use"
    with committed.unit_of_work() as session:
        assert actions.forget_expired(session, after(days=30)) == 1
        assert acts(session, first)


def test_what_no_rule_looks_at_is_forgotten_a_batch_at_a_time(session):
    token = resident(session).refresh_token
    leader(session)
    for _ in range(3):
        actions.sign_in_staff(session, "lan", "wrong", None, address_tag=b"here", now=NOW)
    assert actions.forget_expired(session, after(hours=2)) == 0, "an hour's counts and living tokens stay"

    def left():
        counted = (OtpChallenge, SignInFailure, RefreshToken)
        return [session.scalar(select(func.count()).select_from(model)) for model in counted]

    assert left() == [1, 3, 2]
    assert actions.forget_expired(session, after(days=2), limit=2) == 4
    assert left() == [0, 1, 1]
    assert actions.forget_expired(session, after(days=2), limit=2) == 1
    assert isinstance(actions.refresh(session, token, now=after(days=2)), SignedIn), "thirty days are not over"
