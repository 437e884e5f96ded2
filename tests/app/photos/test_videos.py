import io
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.photos import videos
from app.photos.errors import NotAPhoto, VideoDamaged, VideoNotShown, VideoTooLong
from movies import MESSAGE, PICTURES, SECRETS, SOUNDS, Movie, box, full, mvhd, track


def ms(content: bytes) -> int:
    return videos.require_short(io.BytesIO(content))


def cleaned(content: bytes) -> bytes:
    return videos.without_metadata(io.BytesIO(content))


@pytest.mark.parametrize("moov_first", [False, True])
@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("wide", [False, True])
def test_how_long_a_video_is_stands_wherever_its_description_lies(moov_first, version, wide):
    assert ms(Movie(12.5, moov_first=moov_first, version=version, wide=wide).content) == 12_500


@pytest.mark.parametrize(
    ("seconds", "is_taken"),
    [(0.05, True), (30, True), (30.4, True), (30.6, False), (31, False), (7000, False)],
)
def test_half_a_minute_is_the_most_and_the_frame_that_was_begun(seconds, is_taken):
    content = Movie(seconds).content

    if is_taken:
        assert ms(content) == round(seconds * 1000)
    else:
        with pytest.raises(VideoTooLong) as refused:
            ms(content)
        assert "30 seconds" in refused.value.detail("en")


def test_a_video_is_as_long_as_the_longest_that_a_header_says():
    longer = Movie(10)
    at = longer.content.index(b"mdhd") + 4 + 4 + 8  # units a second, then how many
    assert struct.unpack_from(">II", longer.content, at) == (600, 6000)
    told = longer.content[:at] + struct.pack(">II", 600, 600 * 40) + longer.content[at + 8 :]

    with pytest.raises(VideoTooLong):
        ms(told)


def test_a_fragmented_video_says_it_elsewhere():
    def fragmented(*inside: bytes) -> bytes:
        quiet = box(b"moov", mvhd(1000, 0), _picture_alone(), box(b"mvex", *inside))
        return box(b"ftyp", b"isom", bytes(4)) + quiet + box(b"moof", bytes(8)) + box(b"mdat", b"pictures")

    assert ms(fragmented(full(b"mehd", struct.pack(">I", 8000)))) == 8000
    assert ms(fragmented(full(b"mehd", struct.pack(">Q", 8000), version=1))) == 8000
    with pytest.raises(VideoDamaged):
        ms(fragmented())
    with pytest.raises(VideoNotShown):
        cleaned(fragmented(full(b"mehd", struct.pack(">I", 8000))))


def _picture_alone() -> bytes:
    return box(b"trak", box(b"mdia", full(b"hdlr", b"\0\0\0\0vide", bytes(12))))


GOOD = Movie().content
WITHOUT_SIZE = box(b"moov", full(b"mvhd", b"\0\0\0\0\0\0\0\0", struct.pack(">II", 0, 5000)), _picture_alone())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        GOOD[:20],
        GOOD[:-40],  # cut short in its last box
        GOOD[: GOOD.index(b"moov") + 60],  # and in its description
        box(b"ftyp", b"qt  ") + box(b"mdat", b"no description"),
        box(b"ftyp", b"qt  ") + WITHOUT_SIZE,  # of no units a second
        box(b"ftyp", b"qt  ") + box(b"moov", mvhd(600, 0), _picture_alone()),
        box(b"ftyp", b"qt  ") + box(b"moov", mvhd(600, 2**32 - 1), _picture_alone()),  # "unknown"
        box(b"ftyp", b"qt  ") + box(b"moov", full(b"mvhd", b"\0\0"), _picture_alone()),
        box(b"ftyp", b"qt  ") + struct.pack(">I4s", 7, b"moov"),  # smaller than its own header
        box(b"ftyp", b"qt  ") + struct.pack(">I4sQ", 1, b"moov", 2**63),
        box(b"free") * 2000 + GOOD,
        GOOD + box(b"moov", mvhd(600, 600), _picture_alone()),  # two, of which a player takes either
        box(b"ftyp", b"qt  ") + box(b"moov", mvhd(600, 600), _picture_alone(), box(b"free", bytes(8_000_000))),
    ],
    ids=lambda content: f"{len(content)} bytes",
)
def test_what_does_not_say_how_long_it_is_is_damaged(content):
    with pytest.raises(VideoDamaged):
        ms(content)


def test_a_video_has_a_picture():
    with pytest.raises(NotAPhoto):
        ms(Movie(tracks=(b"soun",)).content)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8), st.integers(0, len(GOOD)))
def test_nonsense_is_refused_in_words_of_ours(at, put, cut):
    content = (GOOD[:at] + put + GOOD[at + len(put) :])[: cut or None]

    for read in (ms, cleaned):
        with suppress(VideoDamaged, VideoTooLong, NotAPhoto, VideoNotShown):
            read(content)


@pytest.mark.parametrize("moov_first", [False, True])
@pytest.mark.parametrize("wide", [False, True])
def test_of_a_video_that_is_looked_at_picture_and_sound_are_left(moov_first, wide):
    original = Movie(moov_first=moov_first, wide=wide, version=int(wide))
    for secret in SECRETS.values():
        assert secret in original.content

    copy = cleaned(original.content)

    assert len(copy) == len(original.content)
    assert [what for what, secret in SECRETS.items() if secret in copy] == []
    for sample in (*PICTURES, *SOUNDS):  # where they were
        assert copy.index(sample) == original.content.index(sample)
    assert ms(copy) == 10_000
    assert (b"avcC\1\x64\0\x1f\xff" in copy, b"set up" in copy) == (True, True)
    assert struct.pack(">I", 3_800_000_000) not in copy  # when it was made


def test_a_message_among_the_pictures_becomes_filler_of_its_length():
    copy = cleaned(GOOD)

    at = copy.index(PICTURES[1])
    size = len(MESSAGE) - 4
    assert copy[at - len(MESSAGE) : at] == struct.pack(">IB", size, 12) + b"\xff" * (size - 2) + b"\x80"


def test_of_hevc_the_messages_before_and_after_a_picture_do():
    def hevc(kind, content):
        return struct.pack(">IBB", len(content) + 2, kind << 1, 1) + content

    before, picture, after = hevc(39, b"10.80"), hevc(19, b"a picture"), hevc(40, b"106.71")
    media = before + picture + after
    ftyp = box(b"ftyp", b"isom", bytes(4))
    setup = [b"\x20\0\1\0\4\x40\1ab", b"\x27\0\1\0\x08\x4e\1" + b"106.72"]  # one unit of type 32, one of 39
    config = box(b"hvcC", bytes(21) + b"\x03\x02" + b"".join(setup))
    moov = box(
        b"moov", mvhd(600, 600), track(b"vide", b"hvc1", [len(ftyp) + 8], [len(media)], duration=600, more=config)
    )

    copy = cleaned(ftyp + box(b"mdat", media) + moov)

    filler = [struct.pack(">IBB", size + 2, 38 << 1, 1) + b"\xff" * (size - 1) + b"\x80" for size in (5, 6)]
    assert copy[len(ftyp) + 8 :].startswith(filler[0] + picture + filler[1])
    assert b"\x03\x02" + setup[0] + b"\x27\0\1\0\x08\x4c\1" + b"\xff" * 5 + b"\x80" in copy


@pytest.mark.parametrize("length", [0, 2, 10_000, 2**32 - 1])
def test_pictures_that_are_not_what_their_lengths_say_are_not_shown(length):
    at = GOOD.index(PICTURES[0])

    with pytest.raises(VideoNotShown):
        cleaned(GOOD[:at] + struct.pack(">I", length) + GOOD[at + 4 :])


def test_a_clean_video_stays_as_it_is():
    once = cleaned(Movie().content)

    assert cleaned(once) == once


@pytest.mark.parametrize(
    "content",
    [
        Movie(codec=b"gpmd").content,  # a track of pictures that are none that we know
        Movie(reference=b"file:///Users/a/other.mov").content,
        Movie(more=(box(b"mvex"),)).content,
        Movie().content + box(b"moof", bytes(8)),
        b"nothing",
    ],
    ids=["codec", "other file", "fragmented", "fragments", "nonsense"],
)
def test_what_cannot_be_told_apart_is_not_shown(content):
    with pytest.raises(VideoNotShown):
        cleaned(content)


def changed(table: bytes, offset: int, number: int) -> bytes:
    """A video of which one number in the first table of that name is another; `offset` counts from its count."""
    at = GOOD.index(table) + 8 + offset
    return GOOD[:at] + struct.pack(">I", number) + GOOD[at + 4 :]


@pytest.mark.parametrize(
    "content",
    [
        changed(b"stco", 4, 0),  # the first chunk lies where the file begins
        changed(b"stco", 4, GOOD.index(b"moov")),
        changed(b"stco", 4, 2**32 - 1),
        changed(b"stco", 0, 2**31),  # more chunks than there is room for
        changed(b"stsz", 4, 2**31),
        changed(b"stsz", 0, 2**31),  # all of one size, and that a large one
        changed(b"stsc", 4, 7),  # begins with the seventh chunk
        changed(b"stsc", 8, 2**30),  # so many samples in a chunk
    ],
    ids=["start", "description", "past the end", "chunks", "samples", "size", "first chunk", "samples in a chunk"],
)
def test_tables_that_point_elsewhere_give_nothing_away(content):
    with pytest.raises(VideoNotShown):
        cleaned(content)
