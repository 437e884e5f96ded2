"""Web Push as a browser and its push service see it: what arrives is opened and checked by libraries not ours."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

import peers
from app.notifications.channels import Gone, Refused, Unreachable, webpush
from app.notifications.channels.outgoing import Outgoing
from app.notifications.channels.webpush import Subscription, SubscriptionMalformed, WebPush, parse

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


def unpadded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def padded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """A browser that subscribed, with keys that it told nobody."""

    def __init__(self, endpoint):
        self.key, self.auth = ec.generate_private_key(ec.SECP256R1()), b"sixteen letters!"
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.subscription = json.dumps(
            {
                "endpoint": endpoint,
                "expirationTime": None,
                "keys": {"p256dh": unpadded(point), "auth": unpadded(self.auth)},
            }
        )

    def open(self, body):
        return json.loads(
            http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm").decode()
        )


@pytest.fixture
def browser(peer):
    peer.otherwise = peers.answer(201)
    return Browser(peer.url + "/push/abc")


@pytest.fixture
def channel(settings):
    return WebPush(settings, "mailto:truc@haigio.example", Outgoing(), now=lambda: NOW)


def test_only_the_browser_reads_it(channel, browser, peer, message):
    channel.send(browser.subscription, message, key="entry:42")
    (got,) = peer.got
    assert got.path == "/push/abc"
    assert "tiếp nhận".encode() not in got.body
    assert browser.open(got.body) == {
        "title": "Hồ sơ 2026-000123",
        "body": "Phường Bình Thạnh đã tiếp nhận phản ánh của bạn.",
        "link": "https://haigio.example/r/123",
        "topic": "accepted",
        "tag": "entry:42",
    }


def test_the_push_service_is_told_how_long_how_urgent_and_what_it_replaces(channel, browser, peer, message):
    channel.send(browser.subscription, message, key="entry:42")
    channel.send(browser.subscription, replace(message, urgent=True, worth_s=7_200), key="entry:42")
    channel.send(browser.subscription, message, key="entry:43")
    first, repeated, other = (got.headers for got in peer.got)
    assert first["content-encoding"] == "aes128gcm"
    assert (first["ttl"], first["urgency"]) == ("86400", "normal")
    assert (repeated["ttl"], repeated["urgency"]) == ("7200", "high")
    assert first["topic"] == repeated["topic"] != other["topic"]
    assert len(first["topic"]) == 32
    assert first["topic"].isalnum()


def test_the_push_service_can_tell_that_it_is_us(channel, browser, peer, message, settings):
    channel.send(browser.subscription, message, key="k")
    scheme, _, rest = peer.got[0].headers["authorization"].partition(" ")
    parameters = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert scheme == "vapid"
    assert parameters["k"] == webpush.public_key(settings)
    point = padded(parameters["k"])
    assert (len(point), point[0]) == (65, 4)
    key = ECKey.import_key(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))
    token = jwt.decode(parameters["t"], key, algorithms=["ES256"])
    assert token.claims["aud"] == peer.url
    assert token.claims["sub"] == "mailto:truc@haigio.example"
    assert NOW.timestamp() < token.claims["exp"] <= NOW.timestamp() + 86_400


def test_the_key_pair_is_the_services_and_the_same_at_every_start(settings):
    assert webpush.public_key(settings) == webpush.public_key(replace(settings))
    assert webpush.public_key(settings) != webpush.public_key(replace(settings, secret="another secret" * 4))


@pytest.mark.parametrize("seed", [b"\0" * 32, b"\xff" * 32, *(bytes([n]) * 32 for n in range(1, 20))])
def test_every_seed_gives_a_key_in_range(seed):
    order = 115792089210356248762697446949407573529996955224135760342422259061068512044369
    assert 0 < webpush.private_key(seed).private_numbers().private_value < order


def test_the_example_of_the_standard_comes_out_to_the_letter():
    """RFC 8291, appendix A."""
    subscription = Subscription(
        "https://push.example.net/",
        padded("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        padded("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    ours = ec.derive_private_key(int.from_bytes(padded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1())
    sealed = webpush._sealed(
        b"When I grow up, I want to be a watermelon", subscription, ours, padded("DGv6ra1nlYgDCS1FRnbzlw")
    )
    assert unpadded(sealed) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize("letter", ["a", "ạ", '"', "\nx", "\x00", "🚧"])
def test_a_long_message_is_cut_to_what_a_push_service_takes(channel, browser, peer, message, letter):
    channel.send(browser.subscription, replace(message, title=letter * 500, body=letter * 5_000), key="k")
    opened = browser.open(peer.got[0].body)
    assert len(peer.got[0].body) <= 4_096
    assert len(json.dumps(opened, ensure_ascii=False, separators=(",", ":")).encode()) <= 3_000
    assert opened["title"].endswith("…")
    assert opened["body"].endswith("…")
    assert opened["link"] == message.link
    assert len(opened["body"]) > 200, "no more is cut than must be"


@pytest.mark.parametrize(
    ("status", "raised"),
    [(404, Gone), (410, Gone), (400, Refused), (413, Refused), (429, Unreachable), (503, Unreachable)],
)
def test_what_the_push_service_may_answer(channel, browser, peer, message, status, raised):
    peer.answers.append(peers.answer(status))
    with pytest.raises(raised):
        channel.send(browser.subscription, message, key="k")


def good():
    return json.loads(Browser("https://push.example/abc").subscription)


def test_a_subscription_is_read_as_browsers_write_it():
    assert parse(json.dumps(good())).endpoint == "https://push.example/abc"
    with_padding = good()
    with_padding["keys"]["auth"] += "=="
    assert parse(json.dumps(with_padding)).auth == b"sixteen letters!"


@pytest.mark.parametrize(
    "wrong",
    [
        "", "null", "[]", "{}", "7", "[" * 100_000, '"text"', '{"endpoint": "https://push.example/"}',
        json.dumps(good() | {"endpoint": "http://push.example/"}),
        json.dumps(good() | {"endpoint": "https://user@push.example/"}),
        json.dumps(good() | {"endpoint": "https:///"}),
        json.dumps(good() | {"endpoint": 7}),
        json.dumps(good() | {"endpoint": "https://push.example/" + "a" * 2_000}),
        json.dumps(good() | {"keys": None}),
        json.dumps(good() | {"keys": {"p256dh": 1, "auth": 2}}),
        json.dumps(good() | {"keys": good()["keys"] | {"auth": "c2hvcnQ"}}),
        json.dumps(good() | {"keys": good()["keys"] | {"p256dh": unpadded(b"\x04" + b"\x01" * 64)}}),  # not on the curve
        json.dumps(good() | {"keys": good()["keys"] | {"p256dh": unpadded(b"\x04")}}),
        json.dumps(good() | {"keys": good()["keys"] | {"p256dh": "máy"}}),
    ],
)  # fmt: skip
def test_what_is_no_subscription_is_refused(wrong, channel, message):
    with pytest.raises(SubscriptionMalformed):
        parse(wrong)
    if "http://" not in wrong:  # outside of production a push service may be without TLS
        with pytest.raises(Gone):
            channel.send(wrong, message, key="k")


def test_the_keys_of_a_browser_do_not_show_when_printed():
    assert "sixteen" not in repr(parse(json.dumps(good())))
