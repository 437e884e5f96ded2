"""The limits of senders, counted in a real Valkey."""

import os
from uuid import uuid4

import pytest
from redis import Redis

from app.core.errors import TooMany
from app.http.limits import FAILED_OPEN, Limit, Limits

THREE = Limit("test", person=3, address=5)


@pytest.fixture
def limits() -> Limits:
    return Limits(os.environ["HAIGIO_QUEUE_URL"])


@pytest.fixture
def valkey():
    with Redis.from_url(os.environ["HAIGIO_QUEUE_URL"], decode_responses=True) as valkey:
        yield valkey


def test_a_person_has_so_many_an_hour(limits):
    person = uuid4()
    for _ in range(THREE.person):
        limits.spend(THREE, person, address=f"{uuid4()}")

    with pytest.raises(TooMany) as refused:
        limits.spend(THREE, person, address=f"{uuid4()}")

    assert 0 < refused.value.facts["retry_after_s"] <= 2 * 3600


def test_everybody_behind_an_address_shares_its_number(limits):
    address = f"{uuid4()}"
    for _ in range(THREE.address):
        limits.spend(THREE, uuid4(), address)

    with pytest.raises(TooMany):
        limits.spend(THREE, uuid4(), address)


def test_what_is_refused_for_the_address_is_not_counted_for_the_person(limits):
    person, full = uuid4(), f"{uuid4()}"
    for _ in range(THREE.address):
        limits.spend(THREE, uuid4(), full)
    for _ in range(THREE.person):
        with pytest.raises(TooMany):
            limits.spend(THREE, person, full)

    for _ in range(THREE.person):
        limits.spend(THREE, person, address=f"{uuid4()}")


def test_of_the_clocks_hour_before_what_is_less_than_an_hour_ago_counts(limits, valkey):
    person = uuid4()
    hour = valkey.time()[0] // 3600
    valkey.set(f"limit:test:person:{person}:{hour - 1}", 10**9)
    valkey.set(f"limit:test:person:{person}:{hour - 2}", 10**9)

    with pytest.raises(TooMany) as refused:
        limits.spend(THREE, person, address=f"{uuid4()}")

    assert refused.value.facts["retry_after_s"] <= 3600
    valkey.delete(f"limit:test:person:{person}:{hour - 1}")
    limits.spend(THREE, person, address=f"{uuid4()}")


def test_counters_hold_no_address_and_go_away_by_themselves(limits, valkey):
    person = uuid4()
    limits.spend(THREE, person, address="203.0.113.77")

    (counter,) = valkey.keys(f"limit:test:person:{person}:*")
    assert 3600 < valkey.ttl(counter) <= 7200
    assert not any("203.0.113.77" in key for key in valkey.keys("*"))


def test_nobody_is_refused_while_the_counters_are_away():
    before = FAILED_OPEN._value.get()

    for _ in range(THREE.person + 1):
        Limits("unix:///nowhere/valkey").spend(THREE, "somebody", "203.0.113.77")

    assert FAILED_OPEN._value.get() == before + THREE.person + 1
