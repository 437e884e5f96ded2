"""What a process is told by its environment, and what it refuses to start with."""

import pytest

from app.config import SettingsError, read_settings

LEAST = {
    "HAIGIO_ENV": "development",
    "HAIGIO_DATABASE_URL": "postgresql+psycopg://haigio_app@/haigio",
    "HAIGIO_QUEUE_URL": "unix:///nowhere",
    "HAIGIO_PHOTOS": "photos",
    "HAIGIO_SECRET": "a secret for tests, of more than 32 letters",
}
CHANNELS = (
    "HAIGIO_SMS_URL", "HAIGIO_GATEWAY", "HAIGIO_VAPID_SUBJECT", "HAIGIO_FCM_CREDENTIALS", "HAIGIO_SMTP_URL",
    "HAIGIO_MAIL_FROM",
)  # fmt: skip


@pytest.fixture
def told(monkeypatch):
    """The settings of a process with the least that it needs, and what a test adds."""

    def read(**more):
        for name in (*CHANNELS, "HAIGIO_PUBLIC_URL", "HAIGIO_TILES_URL", "HAIGIO_TILES_ATTRIBUTION", "HAIGIO_LIVE_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {**LEAST, **more}.items():
            monkeypatch.setenv(name, value)
        return read_settings()

    return read


def test_without_a_word_there_are_no_street_tiles(told):
    assert told().tiles_url is None
    assert told(HAIGIO_TILES_URL="").tiles_url is None


@pytest.mark.parametrize(
    "url", ["https://tiles.example/{z}/{x}/{y}.png", "http://127.0.0.1:8081/streets/{z}/{y}/{x}@2x.webp?style=plain"]
)
def test_street_tiles_have_an_address_with_three_numbers(told, url):
    assert told(HAIGIO_TILES_URL=url, HAIGIO_TILES_ATTRIBUTION="© ai đó").tiles_url == url


@pytest.mark.parametrize(
    "url",
    [
        "https://tiles.example/{z}/{x}.png",
        "javascript:alert({z}{x}{y})",
        "/tiles/{z}/{x}/{y}.png",
        "https://tiles.example; script-src *//{z}/{x}/{y}",  # it goes into the security policy
        "https://tiles.example /{z}/{x}/{y}",
        "https://user@tiles.example/{z}/{x}/{y}",
        "https://{s}.tiles.example/{z}/{x}/{y}",
    ],
)
def test_anything_else_is_refused_by_name(told, url):
    with pytest.raises(SettingsError, match="HAIGIO_TILES_URL"):
        told(HAIGIO_TILES_URL=url)


def test_news_have_an_address_or_there_are_none(told):
    assert told().live_url is None
    assert told(HAIGIO_LIVE_URL="").live_url is None
    assert told(HAIGIO_LIVE_URL="https://haigio.example/live").live_url == "https://haigio.example/live"


@pytest.mark.parametrize(
    "url",
    [
        "/live",
        "https://haigio.example",
        "https://haigio.example/live?a=b",
        "https://a.example; x/live",
        "ws://a.example/live",
    ],
)
def test_an_address_of_news_that_is_none_is_refused_by_name(told, url):
    with pytest.raises(SettingsError, match="HAIGIO_LIVE_URL"):
        told(HAIGIO_LIVE_URL=url)


def test_without_a_word_there_is_no_way_out_to_people(told):
    settings = told(**dict.fromkeys(CHANNELS, ""))
    assert (settings.sms_url, settings.gateway, settings.vapid_subject) == (None, None, None)
    assert (settings.fcm_credentials, settings.smtp_url, settings.mail_from) == (None, None, None)


def test_ways_out_that_are_named_are_known_and_their_secrets_are_not_shown(told, tmp_path):
    file = tmp_path / "a file"
    file.touch()
    settings = told(
        HAIGIO_GATEWAY=str(file),
        HAIGIO_FCM_CREDENTIALS=str(file),
        HAIGIO_VAPID_SUBJECT="mailto:truc@haigio.example",
        HAIGIO_SMTP_URL="smtps://u:hush@mail.example:465",
        HAIGIO_MAIL_FROM="Hai Giờ <khong-tra-loi@haigio.example>",
    )
    assert settings.gateway == settings.fcm_credentials == file
    assert settings.mail_from == "Hai Giờ <khong-tra-loi@haigio.example>"
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HAIGIO_SMS_URL", "ftp://gateway/"), ("HAIGIO_GATEWAY", "/not/there"), ("HAIGIO_FCM_CREDENTIALS", "/not/there"),
        ("HAIGIO_VAPID_SUBJECT", "truc@haigio.example"), ("HAIGIO_VAPID_SUBJECT", "http://haigio.example/"),
        ("HAIGIO_SMTP_URL", "mail.example"), ("HAIGIO_SMTP_URL", "smtp://u:hush@mail.example"),
        ("HAIGIO_SMTP_URL", "smtps://mail.example"), ("HAIGIO_MAIL_FROM", "a@haigio.example"),
    ],
)  # fmt: skip
def test_a_way_out_that_is_malformed_or_half_is_refused_by_name(told, name, value):
    with pytest.raises(SettingsError, match=name) as refused:
        told(**{name: value})
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "sender", ["Hai Giờ", "Hai Giờ <>", "a@b.vn\r\nBcc: x@y.vn", "<a@b.vn> x", "A <a@b.vn> <c@d.vn>"]
)
def test_who_writes_mail_is_an_address(told, sender):
    with pytest.raises(SettingsError, match="HAIGIO_MAIL_FROM must be"):
        told(HAIGIO_SMTP_URL="smtp://mail.example", HAIGIO_MAIL_FROM=sender)


def test_two_gateways_are_one_too_many(told, tmp_path):
    with pytest.raises(SettingsError, match="set one"):
        told(HAIGIO_GATEWAY=str(tmp_path), HAIGIO_SMS_URL="https://gateway.example/")


def test_in_production_codes_must_reach_a_phone(told, tmp_path):
    with pytest.raises(SettingsError, match="HAIGIO_GATEWAY nor HAIGIO_SMS_URL"):
        told(HAIGIO_ENV="production")
    (tmp_path / "gateway.toml").touch()
    production = {"HAIGIO_ENV": "production", "HAIGIO_PUBLIC_URL": "https://haigio.example"}
    assert told(**production, HAIGIO_GATEWAY=str(tmp_path / "gateway.toml")).gateway
    assert told(**production, HAIGIO_SMS_URL="https://gateway.example/").sms_url


def test_in_production_what_is_sent_to_people_leads_somewhere(told):
    sends = {"HAIGIO_SMS_URL": "https://gateway.example/"}
    with pytest.raises(SettingsError, match="HAIGIO_PUBLIC_URL is not set"):
        told(HAIGIO_ENV="production", **sends)
    assert told(**sends).public_url == "", "on the machine of who develops it, it leads to wherever the page is from"
    assert told(HAIGIO_PUBLIC_URL="https://haigio.example/").public_url == "https://haigio.example"
