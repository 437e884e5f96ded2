"""Mail as a server gets it, and what servers do to those who send it."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import peers
from app.notifications.channels import Refused, Unreachable
from app.notifications.channels.connection import Way
from app.notifications.channels.mail import Mail, Server, is_address, parse_server

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
TO = "dan@example.vn"


@pytest.fixture
def server():
    with peers.smtp_peer() as peer:
        yield peer


def mail(peer, security="none", way=None, **more):
    at = Server("localhost" if security != "none" else "127.0.0.1", peer.port, security, **more)
    return Mail(at, "Hai Giờ, Quận <khong-tra-loi@haigio.example>", way or Way(), now=lambda: NOW)


def test_a_mail_arrives_readable_and_says_that_a_machine_wrote_it(server, message):
    mail(server).send(TO, message, key="entry:42")
    ((sender, recipients, got),) = server.mails
    assert "<khong-tra-loi@haigio.example>" in sender
    assert recipients == ["rcpt TO:<dan@example.vn>"]
    assert got["Subject"] == "Hồ sơ 2026-000123"
    assert got["From"].addresses[0].display_name == "Hai Giờ, Quận"
    assert got["To"] == TO
    assert got["Date"].datetime == NOW
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["Content-Language"] == "vi"
    assert got["List-Id"] == "<notices.haigio.example>"
    assert got.get_content_type() == "text/plain"
    assert got.get_content_charset() == "utf-8"
    assert got.get_content().splitlines() == [
        "Phường Bình Thạnh đã tiếp nhận phản ánh của bạn.",
        "",
        "https://haigio.example/r/123",
    ]


def test_a_repetition_is_known_by_its_id(server, message):
    channel = mail(server)
    for key in ("entry:42", "entry:42", "entry:43"):
        channel.send(TO, message, key=key)
    ids = [got["Message-ID"] for *_, got in server.mails]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].endswith("@haigio.example>")


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x00\r\n", "\u2028", "\x85"])
def test_no_words_become_a_header_or_a_command(server, message, end):
    title = f"Hồ sơ{end}Bcc: ai-do@example.vn{end}{end}x"
    mail(server).send(TO, replace(message, title=title, body=f"a{end}.{end}MAIL FROM:<x@y.vn>"), key="k")
    ((_, recipients, got),) = server.mails
    assert got["Bcc"] is None
    assert len(recipients) == 1
    assert len(got["Subject"].splitlines()) == 1
    assert [said.split(" ")[0].lower() for said in server.said] == ["ehlo", "mail", "rcpt", "data"]


@pytest.mark.parametrize(
    "to",
    ["", "dan", "dan@", "@example.vn", "a b@example.vn", "dan@example.vn\r\nRCPT TO:<x@y.vn>", "<dan@example.vn>",
     "dan@example.vn, x@y.vn", '"dan"@example.vn', "đan@example.vn", "a" * 65 + "@example.vn", "dan@ex..vn"],
)  # fmt: skip
def test_what_is_no_address_is_refused_before_anybody_is_asked(server, message, to):
    assert not is_address(to)
    with pytest.raises(Refused):
        mail(server).send(to, message, key="k")
    assert server.said == []


@pytest.mark.parametrize(
    ("codes", "raised"),
    [
        ({"RCPT": 550}, Refused), ({"RCPT": 553}, Refused), ({"RCPT": 450}, Unreachable), ({".": 554}, Refused),
        ({".": 451}, Unreachable), ({"DATA": 554}, Refused), ({"MAIL": 550}, Unreachable), ({"MAIL": 421}, Unreachable),
        ({"EHLO": 502, "HELO": 502}, Unreachable), ({"EHLO": 421, "HELO": 421}, Unreachable),
    ],
)  # fmt: skip
def test_what_the_server_may_answer(server, message, codes, raised):
    server.codes = codes
    with pytest.raises(raised):
        mail(server).send(TO, message, key="k")


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT", "DATA"])
def test_a_server_that_falls_silent_is_left_in_time(server, message, verb):
    server.codes = {verb: 0}
    begin = time.monotonic()
    with pytest.raises(Unreachable):
        mail(server, way=Way(total_s=0.5)).send(TO, message, key="k")
    assert time.monotonic() - begin < 2


def test_a_server_that_greets_without_end_holds_a_worker_for_eight_seconds_at_most(server, message):
    server.drips = True
    begin = time.monotonic()
    with pytest.raises(Unreachable):
        mail(server).send(TO, message, key="k")
    assert 7 < time.monotonic() - begin < 12


def test_after_three_failures_the_dead_cost_nothing(server, message):
    server.codes = {"EHLO": 0}
    channel = mail(server, way=Way(total_s=0.3))
    for _ in range(3):
        with pytest.raises(Unreachable):
            channel.send(TO, message, key="k")
    begin = time.monotonic()
    for _ in range(100):
        with pytest.raises(Unreachable, match="left alone"):
            channel.send(TO, message, key="k")
    assert time.monotonic() - begin < 0.3


def test_starttls_comes_before_the_password(trusted, message):
    with peers.smtp_peer(trusted) as peer:
        peer.offers.append("AUTH PLAIN")
        mail(peer, "starttls", user="haigio", password="bí mật".replace("í", "i").replace("ậ", "a")).send(
            TO, message, key="k"
        )
        verbs = [said.split(" ")[0].upper() for said in peer.said]
        assert verbs == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"]
        assert len(peer.mails) == 1


def test_tls_from_the_first_byte(trusted, message):
    with peers.smtp_peer(trusted, implicit=True) as peer:
        mail(peer, "tls").send(TO, message, key="k")
        assert len(peer.mails) == 1


def test_without_the_tls_that_was_asked_for_nothing_is_sent(server, message):
    with pytest.raises(Unreachable):
        mail(server, "starttls", user="haigio", password="secret").send(TO, message, key="k")
    assert server.mails == []
    assert not any("AUTH" in said for said in server.said)


def test_a_wrong_password_is_our_fault_and_no_mailboxs(trusted, message):
    with peers.smtp_peer(trusted) as peer:
        peer.offers.append("AUTH PLAIN")
        peer.codes = {"AUTH": 535}
        with pytest.raises(Unreachable):
            mail(peer, "starttls", user="haigio", password="wrong").send(TO, message, key="k")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", Server("mail.example", 25, "none")),
        ("smtp://mail.example:2525/", Server("mail.example", 2525, "none")),
        ("smtp+starttls://u:p%40ss@mail.example", Server("mail.example", 587, "starttls", "u", "p@ss")),
        ("smtps://u:p@mail.example", Server("mail.example", 465, "tls", "u", "p")),
    ],
)
def test_servers_are_named_by_address(url, expected):
    assert parse_server(url) == expected
    assert "p@ss" not in repr(parse_server(url))


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://u:p@mail.example", "smtps://h/x"]
)
def test_what_is_no_server_is_refused(url):
    with pytest.raises(ValueError, match="smtp"):
        parse_server(url)
