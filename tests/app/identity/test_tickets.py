"""Tickets for the live stream: good for two minutes, and for nothing else than the stream."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.identity.errors import TokenExpired, TokenInvalid
from app.identity.tickets import LiveTickets, Ticket
from app.identity.tokens import AccessTokens

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
KEY = b"k" * 32
PERSON, SESSION = UUID(int=1), UUID(int=2)
TICKETS = LiveTickets(KEY)


def test_a_ticket_says_whose_it_is_until_two_minutes_have_passed():
    ticket = TICKETS.issue(PERSON, SESSION, now=NOW)

    assert TICKETS.read(ticket, now=NOW + timedelta(seconds=119)) == Ticket(PERSON, SESSION)
    with pytest.raises(TokenExpired):
        TICKETS.read(ticket, now=NOW + timedelta(seconds=120))


def test_a_token_of_another_purpose_is_no_ticket_even_under_the_same_key():
    token = AccessTokens(KEY).issue(PERSON, SESSION, is_staff=True, now=NOW)

    with pytest.raises(TokenInvalid):
        TICKETS.read(token, now=NOW)


def test_a_ticket_opens_nothing_else():
    with pytest.raises(TokenInvalid):
        AccessTokens(KEY).read(TICKETS.issue(PERSON, SESSION, now=NOW), now=NOW)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é", "." * 10_000])
def test_what_is_no_ticket(text):
    with pytest.raises(TokenInvalid):
        TICKETS.read(text, now=NOW)


def test_a_ticket_under_another_key_is_none():
    with pytest.raises(TokenInvalid):
        TICKETS.read(LiveTickets(b"o" * 32).issue(PERSON, SESSION, now=NOW), now=NOW)
