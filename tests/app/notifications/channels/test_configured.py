"""Which channels there are, by what the settings name."""

from dataclasses import replace
from pathlib import Path

import pytest
from test_webpush import Browser

import app.notifications.channels
import peers
from app.notifications.channels import Gone, Refused, Unreachable
from app.notifications.channels.configured import channels_for
from app.notifications.channels.gateway import Gateway
from app.notifications.channels.log import LogTexts
from app.notifications.channels.mail import Mail
from app.notifications.channels.webpush import WebPush

EXAMPLES = Path(app.notifications.channels.__file__).parent / "examples"


def test_in_development_without_a_word_texts_go_to_the_log_and_nothing_else_goes_out(settings):
    channels = channels_for(settings)
    assert isinstance(channels.gateway, LogTexts)
    assert (channels.webpush, channels.fcm, channels.email) == (None, None, None)


def test_in_production_nothing_goes_to_the_log(settings):
    assert channels_for(replace(settings, env="production")).gateway is None


def test_what_is_named_is_there(settings, monkeypatch):
    monkeypatch.setenv("SMS_API_KEY", "k")
    monkeypatch.setenv("SMS_API_SECRET", "s")
    given = replace(
        settings,
        vapid_subject="mailto:truc@haigio.example",
        smtp_url="smtp://127.0.0.1:2525",
        mail_from="Hai Giờ <a@haigio.example>",
        gateway=EXAMPLES / "sms-brandname.toml",
    )
    channels = channels_for(given)
    assert isinstance(channels.email, Mail)
    assert isinstance(channels.gateway, Gateway)
    assert isinstance(channels.webpush, WebPush)


def test_in_production_pushes_and_webhooks_go_by_https_to_the_open_internet_only(settings, message, trusted):
    production = channels_for(replace(settings, env="production", vapid_subject="mailto:truc@haigio.example"))
    with peers.http_peer(trusted) as peer:
        with pytest.raises(Refused, match="not public"):
            production.webpush.send(Browser(peer.url).subscription, message, key="k")
        with pytest.raises(Gone):
            production.webpush.send(Browser(peer.url.replace("https", "http")).subscription, message, key="k")
        assert peer.got == []


def test_numbers_that_the_gateway_cannot_reach_keep_no_text_from_the_others(settings, message, peer):
    gateway = channels_for(replace(settings, sms_url=peer.url)).gateway
    peer.answers += [peers.answer(503)] * 20
    for n in range(20):
        with pytest.raises(Unreachable, match="503"):
            gateway.send("+84900000077", message, key=f"theirs-{n}")
    gateway.send("+84912345678", message, key="mine")
    assert len(peer.got) == 21


def test_a_gateway_of_the_operators_may_stand_inside(settings, message, peer):
    given = replace(settings, env="production", sms_url=peer.url)
    channels_for(given).gateway.send("+84912345678", message, key="k")
    assert len(peer.got) == 1
