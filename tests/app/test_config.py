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


@pytest.fixture
def told(monkeypatch):
    """The settings of a process with the least that it needs, and what a test adds."""

    def read(**more):
        for name in ("HAIGIO_TILES_URL", "HAIGIO_TILES_ATTRIBUTION", "HAIGIO_LIVE_URL"):
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
