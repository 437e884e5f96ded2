"""The one way out by HTTP, against a server that may do anything."""

import itertools
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

import peers
from app.notifications.channels import Gone, Refused, Unreachable
from app.notifications.channels.connection import Way, is_public
from app.notifications.channels.outgoing import MOST_BYTES, Outgoing, parse_url

QUICK = Way(total_s=0.5)


def post(outgoing, url, body=b"{}"):
    return outgoing.post(url, body, {"Content-Type": "application/json"})


def test_what_is_posted_arrives_and_the_answer_comes_back(peer):
    peer.answers.append(peers.answer(201, {"error": {"code": 7}}))
    answer = post(Outgoing(), peer.url + "/send?a=1", "mã".encode())
    (got,) = peer.got
    assert (got.path, got.body.decode()) == ("/send?a=1", "mã")
    assert got.headers["content-type"] == "application/json"
    assert answer.status == 201
    assert answer.member("error.code") == 7
    assert answer.member("error.code.deeper") is None
    assert answer.member("nothing") is None


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (200, None), (201, None), (204, None),
        (301, Refused), (303, Refused), (307, Refused),
        (400, Refused), (401, Unreachable), (403, Refused), (413, Refused), (404, Gone), (410, Gone),
        (408, Unreachable), (425, Unreachable), (429, Unreachable),
        (500, Unreachable), (502, Unreachable), (503, Unreachable), (599, Unreachable),
    ],
)  # fmt: skip
def test_the_table_of_answers(peer, status, raised):
    peer.answers.append(peers.answer(status, Location="/elsewhere"))
    outcome = None
    try:
        post(Outgoing(), peer.url).accept(gone={404, 410}, later={401})
    except (Gone, Refused, Unreachable) as error:
        outcome = type(error)
    assert outcome is raised
    assert len(peer.got) == 1, "nothing is followed, nothing is asked twice"


@pytest.mark.parametrize(
    "behaviour", [peers.hang, peers.drip, peers.drip_body, peers.vanish, peers.babble], ids=lambda b: b.__name__
)
def test_whoever_does_not_answer_is_unreachable_in_time(peer, behaviour):
    peer.answers.append(behaviour)
    begin = time.monotonic()
    with pytest.raises(Unreachable):
        post(Outgoing(QUICK), peer.url)
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize("behaviour", [peers.hang, peers.drip], ids=lambda b: b.__name__)
def test_a_worker_is_held_for_eight_seconds_at_most(peer, behaviour):
    peer.answers.append(behaviour)
    begin = time.monotonic()
    with pytest.raises(Unreachable):
        post(Outgoing(), peer.url)
    assert 7 < time.monotonic() - begin < 12


def test_after_three_failures_the_dead_cost_nothing(peer):
    peer.otherwise = peers.hang
    outgoing = Outgoing(Way(total_s=0.3))
    for _ in range(3):
        with pytest.raises(Unreachable, match="no answer"):
            post(outgoing, peer.url)
    begin = time.monotonic()
    for _ in range(100):
        with pytest.raises(Unreachable, match="left alone"):
            post(outgoing, peer.url)
    assert time.monotonic() - begin < 0.2
    assert len(peer.got) == 3


def test_after_its_pause_one_is_let_through_and_opens_the_way_for_all(peer):
    seconds = [0.0]
    outgoing = Outgoing(monotonic=lambda: seconds[0])
    peer.answers += [peers.answer(503)] * 3
    for _ in range(3):
        with pytest.raises(Unreachable, match="503"):
            post(outgoing, peer.url)
    seconds[0] = 15.0
    assert [post(outgoing, peer.url).status for _ in range(5)] == [200] * 5


@dataclass(frozen=True)
class Patient(Way):
    """Reaches nobody while somebody hangs, and notes how long it would have waited."""

    waits: list[float] = field(default_factory=list)
    hanging: list[bool] = field(default_factory=lambda: [True])

    @contextmanager
    def open(self, host, port, *, tls):
        self.waits.append(self.total_s)
        if self.hanging[0]:
            raise Unreachable(f"no answer within {self.total_s} s")
        with super().open(host, port, tls=tls) as connection:
            yield connection


def test_who_is_hurried_is_asked_on_but_waited_for_no_longer_than_that(peer):
    way = Patient(total_s=30, waits=[])
    outgoing = Outgoing(way, hurried_s=20, monotonic=lambda: 0.0)
    for _ in range(4):
        with pytest.raises(Unreachable):
            post(outgoing, peer.url)
    # Whoever it can reach gets theirs, and the next whom it cannot is not waited for at length again.
    way.hanging[0] = False
    assert post(outgoing, peer.url).status == 200
    way.hanging[0] = True
    with pytest.raises(Unreachable):
        post(outgoing, peer.url)

    assert way.waits == [30, 30, 30, 20, 20, 20]


def slow(handler):
    time.sleep(0.4)
    peers.answer(200)(handler)


def test_only_who_had_its_full_time_says_how_a_hurried_destination_fares(peer):
    seconds = [0.0]
    outgoing = Outgoing(Way(total_s=2.0), hurried_s=0.1, monotonic=lambda: seconds[0])
    peer.answers += [peers.answer(503)] * 3
    for _ in range(3):
        with pytest.raises(Unreachable, match="503"):
            post(outgoing, peer.url)
    seconds[0] = 14.0
    peer.otherwise = slow
    with pytest.raises(Unreachable, match="no answer"):
        post(outgoing, peer.url)
    # Its pause is not begun anew by that, and after it the gateway turns out to be slow, not dead.
    seconds[0] = 15.0
    assert [post(outgoing, peer.url).status for _ in range(3)] == [200] * 3


def test_who_answers_slowly_is_left_alone_as_if_dead_though_each_message_was_taken(peer):
    seconds = iter([0.0, 4.1, 10.0, 14.0, 20.0, 24.1, 30.0, 34.1, 40.0, 44.1, 50.0])
    outgoing = Outgoing(leaves_the_slow=True, monotonic=lambda: next(seconds))
    # Too slow, in time (which begins anew), then three times too slow.
    assert [post(outgoing, peer.url).status for _ in range(5)] == [200] * 5
    with pytest.raises(Unreachable, match="left alone"):
        post(outgoing, peer.url)
    assert len(peer.got) == 5


def test_the_operators_own_gateway_may_be_slow(peer):
    outgoing = Outgoing(monotonic=itertools.count(step=5.0).__next__)
    assert [post(outgoing, peer.url).status for _ in range(10)] == [200] * 10


def test_a_refusal_shows_that_somebody_is_there(peer):
    outgoing = Outgoing()
    peer.otherwise = peers.answer(400)
    assert [post(outgoing, peer.url).status for _ in range(10)] == [400] * 10


def test_nobody_there_is_unreachable():
    with pytest.raises(Unreachable, match="refused"):
        post(Outgoing(), "http://127.0.0.1:1/send")


def test_a_name_that_nobody_has_is_unreachable():
    def resolve(host, port):
        raise OSError("no such name")

    with pytest.raises(Unreachable):
        post(Outgoing(Way(resolve=resolve)), "http://gateway.invalid/")


def test_a_resolver_that_hangs_holds_nobody_up():
    begin = time.monotonic()
    with pytest.raises(Unreachable):
        post(Outgoing(Way(total_s=0.3, resolve=lambda *_: time.sleep(2) or [])), "http://gateway.invalid/")
    assert time.monotonic() - begin < 1.5


def test_no_more_of_an_answer_is_read_than_is_good_for_us(peer):
    peer.answers.append(peers.flood)
    assert len(post(Outgoing(), peer.url).body) == MOST_BYTES == 65_536


def test_the_address_that_was_looked_up_is_the_one_that_is_gone_to(peer):
    asked = []

    def resolve(host, port):
        asked.append(host)
        return ["127.0.0.1"]

    port = peer.url.rpartition(":")[2]
    assert post(Outgoing(Way(resolve=resolve)), f"http://gateway.example:{port}/").status == 200
    assert asked == ["gateway.example"], "a second look-up could have another answer"
    assert peer.got[0].headers["host"] == f"gateway.example:{port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_addresses_that_others_named_do_not_lead_into_our_networks(peer, host):
    port = peer.url.rpartition(":")[2]
    with pytest.raises(Refused, match="not public"):
        post(Outgoing(Way(public_only=True)), f"http://{host}:{port}/")
    assert peer.got == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True), ("2001:4860:4860::8888", True), ("::ffff:8.8.8.8", True),
        ("127.0.0.1", False), ("127.8.8.8", False), ("0.0.0.0", False), ("::1", False), ("::", False),
        ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False), ("100.64.0.1", False),
        ("169.254.169.254", False), ("fe80::1", False), ("fe80::1%eth0", False), ("fd00::1", False), ("fec0::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False), ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("2001:0:1::", False),
        ("224.0.0.1", False), ("ff02::1", False), ("255.255.255.255", False), ("192.0.2.1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address, expected):
    assert is_public(address) is expected


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://gateway/send", "gateway:80/send", "", "http://", "https:///path", "http://user@host/",
        "http://user:secret@host/", "http://host:99999/", "http://host:0/", "http://ho st/", "http://host/\r\nX: y",
        "http://host/ ", "http://máy/", "http://host/" + "a" * 2_000, "http://[::1/", "//host/", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_not_repeated(url):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 -- the message is looked at below
        parse_url(url, https_only=False)
    with pytest.raises(Refused):
        post(Outgoing(), url)
    assert not url or url not in str(refused.value)


def test_in_production_only_https(peer):
    with pytest.raises(Refused):
        post(Outgoing(https_only=True), peer.url)
    assert peer.got == []


def test_with_tls_the_name_is_checked_and_not_the_address(trusted):
    with peers.http_peer(trusted) as peer:
        assert post(Outgoing(https_only=True), peer.url).status == 200
        port = peer.url.rpartition(":")[2]
        other = Outgoing(Way(resolve=lambda *_: ["127.0.0.1"]))
        with pytest.raises(Unreachable, match="Cert"):
            post(other, f"https://push.example:{port}/")
        peer.answers.append(peers.drip)
        begin = time.monotonic()
        with pytest.raises(Unreachable, match="no answer within"):
            post(Outgoing(QUICK), peer.url)
        assert time.monotonic() - begin < 2


def test_a_certificate_that_nobody_vouches_for_is_no_certificate(certificate):
    with peers.http_peer(certificate) as peer, pytest.raises(Unreachable, match="Cert"):
        post(Outgoing(), peer.url)
