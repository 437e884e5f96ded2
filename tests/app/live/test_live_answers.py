"""Whose page may listen."""

from pathlib import Path

import pytest

from app.config import Settings
from app.live.answers import Asked, is_own_page


def settings(env: str, public_url: str = "") -> Settings:
    return Settings(env, "", "", Path(), "s" * 32, public_url=public_url)


@pytest.mark.parametrize(
    ("env", "public_url", "host", "origin", "own"),
    [
        ("production", "https://haigio.vn", "live.haigio.vn", "https://haigio.vn", True),
        ("production", "https://haigio.vn/", "haigio.vn", None, True),  # the same origin is not named by browsers
        ("production", "https://haigio.vn", "haigio.vn", "http://haigio.vn", False),
        ("production", "https://haigio.vn", "haigio.vn", "https://haigio.vn.evil.example", False),
        ("production", "", "127.0.0.1:8081", "http://127.0.0.1:8080", False),
        ("production", "https://haigio.vn", "haigio.vn", "null", False),
        ("development", "", "127.0.0.1:8081", "http://127.0.0.1:8080", True),
        ("development", "", "127.0.0.1:8081", "http://localhost:8080", True),
        ("development", "", "10.0.0.5:8081", "http://10.0.0.5:8080", True),
        ("development", "", "127.0.0.1:8081", "https://evil.example", False),
        ("development", "", "10.0.0.5:8081", "http://localhost:8080", False),
        ("development", "", "127.0.0.1:8081", "null", False),
        ("development", "", "127.0.0.1:8081", "http://[", False),
    ],
)
def test_own_page(env, public_url, host, origin, own):
    headers = {"host": host} | ({"origin": origin} if origin else {})

    assert is_own_page(Asked("GET", "/live", "", headers), settings(env, public_url)) is own


@pytest.mark.parametrize(
    ("accept", "language"),
    [("vi-VN,vi;q=0.9", "vi"), ("en-GB,en;q=0.8", "en"), ("fr, en;q=0.5", "en"), ("fr", "vi"), ("", "vi")],
)
def test_refusals_are_in_the_asker_s_language(accept, language):
    assert Asked("GET", "/", "", {"accept-language": accept}).language == language
