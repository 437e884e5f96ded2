"""Webhooks as their receivers verify them, with the library of the standard and by hand."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

import peers
from app.core import clock
from app.notifications.channels import Gone, Refused, Unreachable
from app.notifications.channels.outgoing import Outgoing
from app.notifications.channels.webhook import Webhooks, secret_of

ID, OTHER = UUID(int=1), UUID(int=2)
AT = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
DATA = {"report": "0192", "state": "đã xử lý"}


def call(settings, peer, now=AT, url=""):
    Webhooks(settings, Outgoing()).call(url or peer.url, ID, "report.moved", DATA, key="msg_42", at=AT, now=now)


def test_the_standards_library_takes_it_for_genuine(settings, peer):
    call(settings, peer, now=clock.now())
    (got,) = peer.got
    verified = Webhook(secret_of(settings, ID)).verify(got.body, got.headers)
    assert verified == {"type": "report.moved", "timestamp": "2026-11-24T05:00:00+00:00", "data": DATA}
    assert got.headers["webhook-id"] == "msg_42"


def test_with_another_secret_or_another_body_it_is_not(settings, peer):
    call(settings, peer, now=clock.now())
    (got,) = peer.got
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(settings, OTHER)).verify(got.body, got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(settings, ID)).verify(got.body.replace(b"moved", b"enter"), got.headers)


def test_the_signature_by_hand(settings, peer):
    call(settings, peer)
    (got,) = peer.got
    assert got.headers["webhook-timestamp"] == "1795496400"
    secret = base64.b64decode(secret_of(settings, ID).removeprefix("whsec_"))
    expected = hmac.new(secret, b"msg_42.1795496400." + got.body, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
    assert len(secret) == 32


def test_each_webhook_has_its_secret_and_each_installation_others(settings):
    other = replace(settings, secret="another secret" * 4)
    assert len({secret_of(settings, ID), secret_of(settings, OTHER), secret_of(other, ID)}) == 3


@pytest.mark.parametrize(
    ("status", "raised"),
    [(410, Gone), (404, Refused), (400, Refused), (302, Refused), (429, Unreachable), (500, Unreachable)],
)
def test_what_a_receiver_may_answer(settings, peer, status, raised):
    peer.answers.append(peers.answer(status))
    with pytest.raises(raised):
        call(settings, peer)
