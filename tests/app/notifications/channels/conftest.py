"""Real peers on this machine, and the words that are sent to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import peers
from app.notifications.channels import Message
from peers import HttpPeer


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    with peers.http_peer() as peer:
        yield peer


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Path:
    return peers.self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusted(certificate, monkeypatch) -> Path:
    """The peers' certificate, among those that this process trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


@pytest.fixture
def message() -> Message:
    return Message(
        title="Hồ sơ 2026-000123",
        body="Phường Bình Thạnh đã tiếp nhận phản ánh của bạn.",
        link="https://haigio.example/r/123",
        topic="accepted",
        language="vi",
        params={"number": "2026-000123", "ward": "Bình Thạnh"},
    )
