"""FCM as Google's servers see it: a stand-in that checks the assertion and gives out tokens."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

import peers
from app.config import SettingsError
from app.notifications.channels import Gone, Refused, Unreachable
from app.notifications.channels.fcm import Fcm, read_account
from app.notifications.channels.outgoing import Outgoing

START = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def key():
    return RSAKey.generate_key(2048)


@pytest.fixture
def credentials(tmp_path, key, peer):
    """The file of a service account, whose addresses lead to the peer."""
    path = tmp_path / "account.json"
    document = {
        "type": "service_account",
        "client_email": "push@haigio.example",
        "project_id": "haigio",
        "private_key": key.as_pem(private=True).decode(),
        "token_uri": peer.url + "/token",
        "fcm_url": peer.url + "/",
    }
    path.write_text(json.dumps(document))
    return path


class Google:
    """Gives out tokens for assertions that are right; sends for whoever has the newest, unless told otherwise."""

    def __init__(self, peer, key):
        self.peer, self.key, self.now = peer, key, START
        self.given, self.outcomes = 0, []
        peer.otherwise = peers.by(self.decide)

    def decide(self, got):
        return self.token(got) if got.path == "/token" else self.send(got)

    def token(self, got):
        form = parse_qs(got.body.decode())
        claims = jwt.decode(form["assertion"][0], self.key, algorithms=["RS256"]).claims
        right = (
            form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
            and claims["iss"] == "push@haigio.example"
            and claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
            and claims["aud"] == self.peer.url + "/token"
            and claims["iat"] <= self.now.timestamp() < claims["exp"] <= claims["iat"] + 3_600
        )
        if not right:
            return peers.answer(400, {"error": "invalid_grant"})
        self.given += 1
        return peers.answer(200, {"access_token": f"token-{self.given}", "expires_in": 3_600, "token_type": "Bearer"})

    def send(self, got):
        if got.headers["authorization"] != f"Bearer token-{self.given}":
            return peers.answer(401, {"error": {"status": "UNAUTHENTICATED"}})
        return self.outcomes.pop(0) if self.outcomes else peers.answer(200, {"name": "projects/haigio/messages/1"})

    @property
    def messages(self):
        return [got for got in self.peer.got if got.path != "/token"]


@pytest.fixture
def google(peer, key):
    return Google(peer, key)


@pytest.fixture
def channel(credentials, google):
    return Fcm(read_account(credentials), Outgoing(), now=lambda: google.now)


def error(status, name, code=None, message=""):
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}] if code else []
    return peers.answer(status, {"error": {"code": status, "status": name, "message": message, "details": details}})


def test_a_message_reaches_the_phone_as_google_wants_it(channel, google, message):
    channel.send("a-phone", replace(message, urgent=True, worth_s=7_200), key="entry:42")
    (got,) = google.messages
    assert got.path == "/v1/projects/haigio/messages:send"
    sent = got.json["message"]
    assert sent["token"] == "a-phone"
    assert sent["notification"] == {"title": message.title, "body": message.body}
    assert sent["data"] == {"link": message.link, "topic": "accepted", "key": "entry:42"}
    assert (sent["android"]["priority"], sent["android"]["ttl"]) == ("HIGH", "7200s")
    assert all(isinstance(value, str) for value in sent["data"].values()), "FCM takes nothing else"
    assert len(sent["android"]["notification"]["tag"]) == 32


def test_a_token_is_used_until_shortly_before_its_end(channel, google, message):
    for minute in (0, 30, 54):
        google.now = START + timedelta(minutes=minute)
        channel.send("a-phone", message, key="k")
    assert google.given == 1
    google.now = START + timedelta(minutes=56)
    channel.send("a-phone", message, key="k")
    assert google.given == 2


def test_a_token_that_was_withdrawn_is_replaced_at_the_next_try(channel, google, message):
    channel.send("a-phone", message, key="k")
    google.given += 1  # another one counts now
    with pytest.raises(Unreachable, match="401"):
        channel.send("a-phone", message, key="k")
    channel.send("a-phone", message, key="k")
    assert google.messages[-1].headers["authorization"] == "Bearer token-3"


@pytest.mark.parametrize(
    ("outcome", "raised"),
    [
        (error(404, "NOT_FOUND", "UNREGISTERED"), Gone),
        (error(404, "NOT_FOUND"), Refused),  # a wrong project is no reason to forget every phone
        (error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "Request contains an invalid argument."), Refused),
        (
            error(
                400,
                "INVALID_ARGUMENT",
                "INVALID_ARGUMENT",
                "The registration token is not a valid FCM registration token",
            ),
            Gone,  # somebody made it up: nobody here need look at it
        ),
        (error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), Refused),
        (error(403, "PERMISSION_DENIED"), Unreachable),
        (error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), Unreachable),
        (error(500, "INTERNAL", "INTERNAL"), Unreachable),
        (error(503, "UNAVAILABLE", "UNAVAILABLE"), Unreachable),
        (peers.vanish, Unreachable),
    ],
)
def test_what_google_may_answer(channel, google, message, outcome, raised):
    google.outcomes.append(outcome)
    with pytest.raises(raised):
        channel.send("a-phone", message, key="k")


@pytest.mark.parametrize(
    "refusal", [peers.answer(400, {"error": "invalid_grant"}), peers.answer(200, ["odd"]), peers.hang]
)
def test_an_account_that_gets_no_token_is_our_fault_and_no_phones(
    channel, peer, message, refusal, monkeypatch, credentials
):
    peer.answers.append(refusal)
    from app.notifications.channels.connection import Way  # noqa: PLC0415

    quick = Fcm(read_account(credentials), Outgoing(Way(total_s=0.4)))
    with pytest.raises(Unreachable):
        quick.send("a-phone", message, key="k")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"client_email": None}, "client_email"), ({"private_key": None}, "private_key"),
        ({"private_key": "no key"}, "service account"), ({"token_uri": "nowhere"}, "service account"),
        ({"fcm_url": "file:///"}, "service account"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_name_and_not_repeated(credentials, change, named):
    document = json.loads(credentials.read_text()) | change
    credentials.write_text(json.dumps({name: value for name, value in document.items() if value is not None}))
    with pytest.raises(SettingsError, match=named) as refused:
        read_account(credentials)
    assert "HAIGIO_FCM_CREDENTIALS" in str(refused.value)
    assert "PRIVATE" not in str(refused.value)


def test_a_file_that_is_none_is_refused(tmp_path):
    for content in (b"", b"[]", b"{", b"\xff"):
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(SettingsError, match="HAIGIO_FCM_CREDENTIALS"):
            read_account(tmp_path / "a.json")


def test_without_a_word_it_is_googles_public_server(credentials):
    document = json.loads(credentials.read_text())
    del document["fcm_url"]
    credentials.write_text(json.dumps(document))
    assert read_account(credentials).url == "https://fcm.googleapis.com"
