"""Phones and browsers: mine as long as I am signed in on them, and of whoever has them next."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from app.core import clock
from app.core.db import new_id
from app.http.container import KEY
from app.notifications.models import Device

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DEVICES = "/api/v1/devices"
PHONE = {"platform": "fcm", "token": "d-token:1", "app_version": "1.4.0"}


@pytest.fixture(autouse=True)
def at(monkeypatch):
    """Sets the clock."""

    def set_to(instant):
        monkeypatch.setattr(clock, "now", lambda: instant)

    set_to(NOW)
    return set_to


@pytest.fixture
def resident(district):
    return district.resident()


def owners(session) -> dict[str, object]:
    session.expire_all()
    return {one.token: one.person_id for one in session.scalars(select(Device))}


def browser() -> dict[str, str]:
    """What a browser gives for itself."""
    point = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def encoded(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    keys = {"p256dh": encoded(point), "auth": encoded(b"0123456789abcdef")}
    return {"platform": "web", "token": json.dumps({"endpoint": "https://push.example/abc", "keys": keys})}


def test_a_device_is_registered_once_and_known_again(as_, resident, session):
    client = as_(resident)
    first, again = client.post(DEVICES, json=PHONE), client.post(DEVICES, json={**PHONE, "app_version": "1.5.0"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json() == {"id": first.get_json()["id"], "platform": "fcm"}
    (device,) = session.scalars(select(Device)).all()
    assert (device.app_version, device.person_id) == ("1.5.0", resident.person_id)


def test_it_belongs_to_who_is_signed_in_on_it_now(as_, resident, district, session):
    other = district.resident()
    first = as_(resident).post(DEVICES, json=PHONE).get_json()
    second = as_(other).post(DEVICES, json=PHONE)
    assert (second.status_code, second.get_json()["id"]) == (200, first["id"])
    assert owners(session) == {"d-token:1": other.person_id}
    assert as_(resident).delete(f"{DEVICES}/{first['id']}").status_code == 404


def test_a_browser_is_registered_by_its_subscription(as_, resident):
    assert as_(resident).post(DEVICES, json=browser()).status_code == 201


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"platform": "web", "token": "not json"}, "device_token_malformed"),
        ({"platform": "web", "token": '{"endpoint": "https://push.example/abc"}'}, "device_token_malformed"),
        ({"platform": "web", "token": '{"endpoint": "file:///etc/passwd", "keys": {}}'}, "device_token_malformed"),
        ({"platform": "fcm", "token": "with a blank"}, "device_token_malformed"),
        ({"platform": "apns", "token": "abc"}, "platform_not_served"),
        ({"platform": "pager", "token": "abc"}, "input_invalid"),
        ({"platform": "fcm", "token": ""}, "input_invalid"),
        ({"platform": "fcm", "token": "a" * 4097}, "input_invalid"),
        ({"platform": "fcm"}, "input_invalid"),
    ],
)
def test_what_can_never_be_reached_is_refused(as_, resident, session, given, code):
    answer = as_(resident).post(DEVICES, json=given)
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert owners(session) == {}


def test_of_more_than_ten_the_one_not_seen_for_longest_goes(as_, resident, district, session, at):
    client, other = as_(resident), as_(district.resident())
    other.post(DEVICES, json={"platform": "fcm", "token": "another's"})
    for number in range(10):
        at(NOW + timedelta(seconds=number))
        assert client.post(DEVICES, json={"platform": "fcm", "token": f"t{number}"}).status_code == 201
    at(NOW + timedelta(seconds=30))
    client.post(DEVICES, json={"platform": "fcm", "token": "t0"})  # seen again
    client.post(DEVICES, json={"platform": "fcm", "token": "t10"})

    assert set(owners(session)) == {"another's", "t0", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10"}


def test_a_device_is_taken_away_by_its_owner(as_, resident, session):
    client = as_(resident)
    device = client.post(DEVICES, json=PHONE).get_json()["id"]
    assert client.delete(f"{DEVICES}/{device}").status_code == 204
    assert owners(session) == {}
    assert client.delete(f"{DEVICES}/{device}").get_json()["code"] == "device_not_found"
    assert client.delete(f"{DEVICES}/{new_id()}").status_code == 404


def test_signing_out_forgets_what_was_registered_under_that_sign_in_and_nothing_else(as_, resident, session, district):
    here = as_(resident)
    elsewhere = as_(type(resident)(resident.person_id, district._sign_in(resident.person_id), is_staff=False))
    here.post(DEVICES, json=PHONE)
    elsewhere.post(DEVICES, json={"platform": "fcm", "token": "tablet"})
    assert here.delete("/api/v1/sessions/current").status_code == 204
    assert owners(session) == {"tablet": resident.person_id}


def test_a_browser_is_told_with_which_key_to_subscribe(as_, resident, web):
    key = as_(resident).get(f"{DEVICES}/key").get_json()["web"]
    point = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    assert len(point) == 65
    EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    assert key == as_(resident).get(f"{DEVICES}/key").get_json()["web"]
    assert web.extensions[KEY].settings.secret not in key


def test_devices_are_for_those_who_signed_in(as_):
    assert as_(None).post(DEVICES, json=PHONE).status_code == 401
    assert as_(None).get(f"{DEVICES}/key").status_code == 401
