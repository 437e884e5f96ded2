"""Phones and browsers: mine as long as I am signed in on them, and of whoever has them next."""

import base64
import json
from dataclasses import replace
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
def configured(web, monkeypatch, tmp_path):
    """Changes the settings; to begin with, browsers and phones are both reached."""
    container = web.extensions[KEY]

    def change(**settings):
        monkeypatch.setattr(container, "settings", replace(container.settings, **settings))

    change(vapid_subject="mailto:truc@haigio.example", fcm_credentials=tmp_path / "account.json")
    return change


@pytest.fixture(autouse=True)
def _configured(configured):
    pass


@pytest.fixture
def resident(district):
    return district.resident()


def owners(session) -> dict[str, object]:
    session.expire_all()
    return {one.token: one.person_id for one in session.scalars(select(Device))}


def browser(endpoint="https://push.example/abc") -> dict[str, str]:
    """What a browser gives for itself."""
    point = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def encoded(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    keys = {"p256dh": encoded(point), "auth": encoded(b"0123456789abcdef")}
    return {"platform": "web", "token": json.dumps({"endpoint": endpoint, "keys": keys})}


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


def test_a_browser_is_the_same_in_whatever_order_it_writes_itself_down(as_, resident, session):
    client, given = as_(resident), browser()
    said = json.loads(given["token"])
    other_order = {"keys": said["keys"], "expirationTime": None, "endpoint": said["endpoint"]}
    first = client.post(DEVICES, json=given)
    again = client.post(DEVICES, json={**given, "token": json.dumps(other_order)})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json()["id"] == again.get_json()["id"]
    assert len(owners(session)) == 1


@pytest.mark.parametrize(("platform", "setting"), [("web", "vapid_subject"), ("fcm", "fcm_credentials")])
def test_a_platform_without_a_channel_is_not_served(as_, resident, session, configured, platform, setting):
    configured(**{setting: None})
    given = browser() if platform == "web" else PHONE
    answer = as_(resident).post(DEVICES, json=given)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "platform_not_served")
    assert owners(session) == {}


def test_where_browsers_are_not_reached_there_is_no_key(as_, resident, configured):
    configured(vapid_subject=None)
    answer = as_(resident).get(f"{DEVICES}/key")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "web_push_not_configured")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://wns2-par02p.notify.windows.com/w/?token=abc",
        "https://web.push.apple.com/abc",
    ],
)
def test_in_production_the_push_services_of_browsers_are_taken(as_, resident, configured, endpoint):
    configured(env="production")
    assert as_(resident).post(DEVICES, json=browser(endpoint)).status_code == 201


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://push.example/abc",
        "https://fcm.googleapis.com.push.example/abc",
        "https://evilfcm.googleapis.com/abc",
        "https://push.example/fcm.googleapis.com",
        "https://fcm.googleapis.com@push.example/abc",
    ],
)
def test_in_production_nobody_has_us_wait_for_a_server_of_theirs(as_, resident, session, configured, endpoint):
    configured(env="production")
    answer = as_(resident).post(DEVICES, json=browser(endpoint))
    assert answer.status_code == 422
    assert answer.get_json()["code"] in {"push_service_unknown", "device_token_malformed"}
    assert owners(session) == {}


def test_twenty_times_an_hour_somebody_says_where_to_ring(as_, resident, district):
    client = as_(resident)
    for number in range(20):
        assert client.post(DEVICES, json={**PHONE, "token": f"token-{number}"}).status_code == 201
    assert client.post(DEVICES, json={**PHONE, "token": "one-more"}).status_code == 429
    # A page says it each time that it is opened; what this sign-in has said already costs nothing.
    assert {client.post(DEVICES, json={**PHONE, "token": "token-19"}).status_code for _ in range(30)} == {200}
    assert as_(district.resident()).post(DEVICES, json={**PHONE, "token": "another"}).status_code == 201


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
