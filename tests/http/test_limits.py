"""The limits of senders, counted in a real Valkey."""

import hashlib
import hmac
import os
from uuid import uuid4

import pytest
from redis import Redis

from app.core.errors import TooMany
from app.http.limits import FAILED_OPEN, Limit, Limits

THREE = Limit("test", person=3, address=5)
KEY = b"k" * 32


@pytest.fixture
def limits() -> Limits:
    return Limits(os.environ["HAIGIO_QUEUE_URL"], KEY)


@pytest.fixture
def valkey():
    with Redis.from_url(os.environ["HAIGIO_QUEUE_URL"], decode_responses=True) as valkey:
        yield valkey


def tag_of(person) -> str:
    return hmac.digest(KEY, str(person).encode(), "sha256").hex()[:32]


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
    tag = tag_of(person)
    hour = valkey.time()[0] // 3600
    valkey.set(f"limit:test:person:{tag}:{hour - 1}", 10**9)
    valkey.set(f"limit:test:person:{tag}:{hour - 2}", 10**9)

    with pytest.raises(TooMany) as refused:
        limits.spend(THREE, person, address=f"{uuid4()}")

    assert refused.value.facts["retry_after_s"] <= 3600
    valkey.delete(f"limit:test:person:{tag}:{hour - 1}")
    limits.spend(THREE, person, address=f"{uuid4()}")


def test_counters_hold_no_person_and_no_address_and_go_away_by_themselves(limits, valkey):
    person = uuid4()
    limits.spend(THREE, person, address="203.0.113.77")

    (counter,) = valkey.keys(f"limit:test:person:{tag_of(person)}:*")
    assert 3600 < valkey.ttl(counter) <= 7200
    for told in ("203.0.113.77", hashlib.sha256(b"203.0.113.77").hexdigest()[:24], str(person)):
        assert not any(told in key for key in valkey.keys("*"))


def test_a_subscribers_ipv6_addresses_count_as_one(limits):
    network = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}"
    for last in range(THREE.address):
        limits.spend(THREE, uuid4(), f"{network}::{last:x}")

    with pytest.raises(TooMany):
        limits.spend(THREE, uuid4(), f"{network}::ffff")


def test_nobody_is_refused_while_the_counters_are_away():
    before = FAILED_OPEN._value.get()

    for _ in range(THREE.person + 1):
        Limits("unix:///nowhere/valkey", KEY).spend(THREE, "somebody", "203.0.113.77")

    assert FAILED_OPEN._value.get() == before + THREE.person + 1
