"""The job that sends one-time codes."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.core.outbox import OutboxMessage
from app.identity import actions, otp
from app.identity.models import OtpChallenge
from app.notifications.channels import Gone, Message, Refused, Unreachable
from app.notifications.channels.configured import Channels
from workers.context import Context
from workers.jobs import codes


class Gateway:
    """Keeps what it was given; fails as it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, str]] = []
        self.failures: list[Exception] = []

    def send(self, to: str, message: Message, *, key: str) -> None:
        if self.failures:
            raise self.failures.pop()
        assert message.topic == "code"
        assert message.params["code"] in message.body
        self.got.append((to, message.body, key))


@pytest.fixture
def gateway(settings, database, monkeypatch) -> Gateway:
    made = Gateway()
    monkeypatch.setattr(
        codes, "context", lambda: Context(settings, database, None, Channels(None, None, None, made, None))
    )
    return made


def promised(session):
    """A code that was asked for: its challenge, and the arguments of its job."""
    challenge = actions.ask_code(session, "0912345678", address_tag=b"here", now=clock.now())
    message = session.scalars(select(OutboxMessage)).one()
    return challenge.id, (message.id, message.payload)


def is_done(session) -> bool:
    return session.scalar(select(OutboxMessage.done_at)) is not None


def test_the_code_that_opens_the_door_is_sent_to_its_phone(session, gateway, settings):
    challenge, job = promised(session)
    codes.send_code(*job)
    ((to, text, key),) = gateway.got
    assert to == "+84912345678"
    assert otp.code_of(settings.key("otp"), challenge) in text
    assert key == str(challenge)
    assert is_done(session)


def test_the_text_fits_into_one_message(session, gateway):
    _, job = promised(session)
    codes.send_code(*job)
    text = gateway.got[0][1]
    assert text.isascii(), "one letter with a mark makes two messages of it"
    assert len(text) <= 160


def test_a_gateway_that_fails_is_asked_again(session, gateway):
    _, job = promised(session)
    gateway.failures = [Unreachable("503")]
    with pytest.raises(Unreachable, match="503"):
        codes.send_code(*job)
    assert not is_done(session)
    codes.send_code(*job)
    assert len(gateway.got) == 1
    assert is_done(session)


@pytest.mark.parametrize("refusal", [Refused("answered 400"), Gone("the gateway knows no such number")])
def test_a_number_that_takes_no_texts_costs_no_second_try_and_nobody_a_look(session, gateway, refusal):
    """Anybody can ask for a code to any number: that it takes none is no fault that somebody here could mend."""
    _, job = promised(session)
    gateway.failures = [refusal]
    codes.send_code(*job)
    assert is_done(session)
    given_up_at, why = session.execute(select(OutboxMessage.given_up_at, OutboxMessage.failed)).one()
    assert (given_up_at, why) == (None, f"refused: {refusal}")


def test_without_a_gateway_a_code_waits_for_a_person(session, settings, database, monkeypatch):
    nothing = Channels(None, None, None, None, None)
    monkeypatch.setattr(codes, "context", lambda: Context(settings, database, None, nothing))
    _, job = promised(session)
    codes.send_code(*job)
    assert not is_done(session)
    assert session.scalar(select(OutboxMessage.failed)) == "no gateway is configured"


@pytest.mark.parametrize(
    "over", [{"used_at": clock.now()}, {"expires_at": clock.now() - timedelta(seconds=1)}], ids=["used", "ran_out"]
)
def test_a_code_that_is_over_is_not_sent_and_the_promise_says_so(session, gateway, over):
    _, job = promised(session)
    session.execute(update(OtpChallenge).values(over))
    codes.send_code(*job)
    assert gateway.got == []
    assert is_done(session)
    assert session.scalar(select(OutboxMessage.failed)) == "no longer worth sending"


def test_a_promise_that_was_kept_is_not_kept_twice(session, gateway):
    _, job = promised(session)
    codes.send_code(*job)
    codes.send_code(*job)
    assert len(gateway.got) == 1
