"""Open streams: bounded in number and in what waits for each; who may no longer listen has to go."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

import loops
from app.core.errors import TooMany, Unavailable
from app.identity.permissions import Acting, Actor, Role
from app.live.events import PULSE, RESET, Event
from app.live.streams import MOST_OF_A_PERSON, MOST_STREAMS, MOST_WAITING, STALLED_S, Stream, Streams

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
BINH_THANH, GIA_DINH = 3, 4


def officer(number: int = 1, *units: int, role: Role = Role.OFFICER) -> Actor:
    acting = tuple(Acting(role, unit) for unit in units or (BINH_THANH,))
    return Actor(UUID(int=number), UUID(int=number + 10_000), is_staff=True, memberships=acting)


def event(number: int, *units: int) -> Event:
    return Event(number, frozenset(units), "moved", "x", NOW)


class Browser:
    """The other end of a stream. `takes` is cleared when it stops reading."""

    def __init__(self) -> None:
        self.read = b""
        self.more = True
        self.takes = asyncio.Event()
        self.takes.set()
        self.left = asyncio.Event()

    async def send(self, message) -> None:
        await self.takes.wait()
        self.read += message["body"]
        self.more = message["more_body"]

    async def gone(self) -> None:
        await self.left.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def listening(story):
    """Run a story of one officer's stream: streams, stream, browser, and the task that pours."""

    async def told() -> None:
        streams, browser = Streams(), Browser()
        stream = Stream(officer())
        streams.add(stream)
        pouring = asyncio.ensure_future(stream.pour(browser.send, browser.gone()))
        await settle()
        try:
            await story(streams, stream, browser, pouring)
        finally:
            browser.left.set()
            await asyncio.wait_for(pouring, 5)

    loops.run(told())


def test_a_stream_hears_of_its_units_only():
    async def story(streams, _stream, browser, _pouring):
        streams.hear([event(1, BINH_THANH), event(2, GIA_DINH), event(3, GIA_DINH, BINH_THANH)])
        await settle()
        assert [line for line in browser.read.decode().splitlines() if line.startswith("id")] == ["id: 1", "id: 3"]

    listening(story)


def test_who_falls_far_behind_is_told_to_fetch_everything_anew():
    async def story(streams, _stream, browser, _pouring):
        browser.takes.clear()
        streams.hear([event(1, BINH_THANH)])
        await settle()
        streams.hear([event(number, BINH_THANH) for number in range(2, MOST_WAITING + 4)])
        browser.takes.set()
        await settle()
        assert browser.read == event(1, BINH_THANH).frame + RESET

    listening(story)


def test_who_takes_nothing_is_cut_off_and_who_is_only_quiet_is_not():
    async def story(streams, _stream, browser, pouring):
        now_s = asyncio.get_running_loop().time()
        streams.pulse(now_s + 3600)
        await settle()
        assert browser.read == PULSE
        assert not pouring.done()
        browser.takes.clear()
        streams.hear([event(1, BINH_THANH)])
        await settle()
        streams.pulse(now_s + STALLED_S - 1)
        await settle()
        assert not pouring.done()

        streams.pulse(now_s + STALLED_S + 1)

        await asyncio.wait_for(pouring, 5)

    listening(story)


def test_an_ended_stream_says_what_waited_and_ends():
    async def story(streams, _stream, browser, pouring):
        streams.hear([event(1, BINH_THANH)])
        streams.end()
        await asyncio.wait_for(pouring, 5)
        assert (browser.read, browser.more) == (event(1, BINH_THANH).frame, False)

    listening(story)


@pytest.mark.parametrize(
    ("now", "stays"),
    [
        (officer(), True),
        (None, False),  # signed out, or disabled
        (officer(1, BINH_THANH, GIA_DINH), False),  # comes again, and hears of both
        (officer(1, GIA_DINH), False),
        (officer(1, BINH_THANH, role=Role.CHAIR), True),
        (officer(1, BINH_THANH, role=Role.ADMIN), False),
    ],
)
def test_who_may_go_on_listening(now, stays):
    async def story(streams, stream, browser, pouring):
        assert streams.recheck({} if now is None else {stream.session_id: now}) == (0 if stays else 1)
        if stays:
            await settle()
            assert not pouring.done()
        else:
            await asyncio.wait_for(pouring, 5)
        assert browser.more is stays

    listening(story)


def test_a_person_has_so_many_streams_and_all_together_so_many():
    async def story():
        streams = Streams()
        own = [Stream(officer()) for _ in range(MOST_OF_A_PERSON)]
        for stream in own:
            streams.add(stream)
        with pytest.raises(TooMany):
            streams.add(Stream(officer()))
        streams.remove(own[0])
        streams.add(Stream(officer()))
        for number in range(2, 2 + MOST_STREAMS - MOST_OF_A_PERSON):
            streams.add(Stream(officer(number)))
        assert len(streams) == MOST_STREAMS
        with pytest.raises(Unavailable):
            streams.add(Stream(officer(999_999)))

    loops.run(story())
