"""MP4 and QuickTime by their boxes (ISO/IEC 14496-12): how long a video is, and its picture and sound with nothing else.

No decoder is asked. A phone writes where it was, whose it is and which one into boxes of a dozen makers' own, into tracks
of their own and into gaps between samples. So what is not known to be picture, sound or needed to play them is blanked:
its bytes become zero and its box one of free space. Nothing moves, and every offset in the file stays right.
"""

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import BinaryIO, Final, NamedTuple

from app.photos.boxes import MOST_BOXES, Box, Bytes, blank, box_at, boxes, boxes_of, zero
from app.photos.errors import NotAPhoto, VideoDamaged, VideoNotShown, VideoTooLong
from app.photos.messages import PICTURE_AT, Units, blank_messages, blank_messages_of_setup, units_of

MOST_S: Final = 30
# A camera that is told to stop after 30 s writes out the frame that it has begun.
_MOST_MS: Final = MOST_S * 1000 + 500

# A minute of a phone's video has 200 kB of tables.
_MOST_MOOV_BYTES: Final = 8_000_000

# What is kept of each box that holds others; what is not named here is blanked.
_KEPT: Final[Mapping[bytes, frozenset[bytes]]] = {
    b"trak": frozenset({b"tkhd", b"edts", b"mdia"}),
    b"edts": frozenset({b"elst"}),
    b"mdia": frozenset({b"mdhd", b"hdlr", b"minf"}),
    b"minf": frozenset({b"vmhd", b"smhd", b"hdlr", b"dinf", b"stbl"}),
    b"dinf": frozenset({b"dref"}),
    b"stbl": frozenset({b"stsd", b"stts", b"ctts", b"cslg", b"stss", b"stsc", b"stsz", b"stco", b"co64", b"sdtp"}),
    b"wave": frozenset({b"frma", b"mp4a", b"esds", b"enda", b"alac", b"\0\0\0\0"}),
}

# The codecs that phones record with, and where the boxes in a sound's description begin, by its version. The chunks of
# uncompressed sound are not measured by the table of sizes alone; what else there may be is not known to be either.
_SOUND_AT = {0: 28, 1: 44, 2: 64}
_PICTURES: Final = frozenset({b"avc1", b"avc3", b"hvc1", b"hev1", b"dvh1", b"dvhe", b"av01", b"vp08", b"vp09", b"mp4v"})
_SOUNDS: Final = frozenset({b"mp4a", b"alac", b"samr", b"sawb", b"Opus", b"ac-3", b"ec-3"})
_OF_CODECS: Final = frozenset(
    {b"avcC", b"hvcC", b"av1C", b"vpcC", b"dvcC", b"dvvC", b"esds", b"colr", b"pasp", b"clap", b"fiel", b"btrt"}
    | {b"chan", b"wave", b"dOps", b"dac3", b"dec3", b"alac", b"damr"}
)


def require_short(video: BinaryIO) -> int:
    """The duration in ms of a video that can be read anywhere in; of its content only what tells it is read.

    A file is as long as the longest that any of its headers says.

    Raises VideoTooLong, VideoDamaged when it does not say or was cut short, and NotAPhoto when it has no picture.
    """
    duration_ms, has_picture = _measured(_movie(video))
    if not has_picture:
        raise NotAPhoto
    if not duration_ms:
        raise VideoDamaged
    if duration_ms > _MOST_MS:
        raise VideoTooLong(limit_s=MOST_S)
    return duration_ms


def without_metadata(video: BinaryIO) -> bytes:
    """The same video with everything blanked that is not picture, sound, or needed to play them.

    Raises VideoNotShown when that cannot be told apart: fragmented, with samples in other files, or of a rare make.
    """
    data = bytearray(video.read())
    try:
        top = list(boxes(data, 0, len(data)))
        movies = [box for box in top if box.name == b"moov"]
        if len(movies) != 1 or any(box.name == b"moof" for box in top):
            raise VideoNotShown
        media = [box for box in top if box.name == b"mdat"]
        tracks = _keep_tracks(data, movies[0])
        samples = sorted(samples for track in tracks for samples in track.samples)
        _require_inside(samples, media)
        for track in tracks:
            blank_messages(data, track.samples, track.units)
    except (VideoDamaged, struct.error, IndexError) as unclear:
        raise VideoNotShown from unclear
    for box in top:
        if box.name == b"mdat":
            _keep_samples(data, box, samples)
        elif box.name not in {b"ftyp", b"moov"}:
            blank(data, box)
    return bytes(data)


def _movie(video: BinaryIO) -> bytes:
    """The box that describes the video, wherever in the file it is. Raises VideoDamaged."""
    size, at, found = video.seek(0, 2), 0, b""
    for _ in range(MOST_BOXES):
        video.seek(at)
        header = video.read(16)
        if len(header) < 8:
            if found:
                return found
            break
        box = box_at(header, at, size)
        if box.name == b"moov":
            if found or box.end - box.body > _MOST_MOOV_BYTES:
                break
            video.seek(box.body)
            found = video.read(box.end - box.body)
        at = box.end
    raise VideoDamaged


def _measured(movie: bytes) -> tuple[int, bool]:
    """The longest duration in ms that a header states (0 for none), and whether there is a picture. Raises VideoDamaged."""
    try:
        durations, scale, has_picture = [0], 0, False
        for box in boxes(movie, 0, len(movie)):
            if box.name == b"mvhd":
                scale, duration = _scale_and_duration(movie, box)
                durations.append(_in_ms(duration, scale))
            elif box.name == b"trak":
                for inner in boxes_of(movie, box, b"mdia"):
                    if inner.name == b"mdhd":
                        own_scale, duration = _scale_and_duration(movie, inner)
                        durations.append(_in_ms(duration, own_scale))
                    has_picture |= inner.name == b"hdlr" and movie[inner.body + 8 : inner.body + 12] == b"vide"
        for box in boxes(movie, 0, len(movie)):
            if box.name == b"mvex":  # a fragmented file says here what its header could not know yet
                durations += [
                    _in_ms(int.from_bytes(movie[inner.body + 4 : inner.end]), scale)
                    for inner in boxes(movie, box.body, box.end)
                    if inner.name == b"mehd"
                ]
    except struct.error as cut_short:
        raise VideoDamaged from cut_short
    return max(durations), has_picture


def _scale_and_duration(data: Bytes, box: Box) -> tuple[int, int]:
    """Units a second, and how many of them, from an mvhd or mdhd; a duration of all ones is none."""
    header = data[box.body : min(box.end, box.body + 32)]
    wide = header[:1] == b"\1"
    scale, duration = struct.unpack_from(">IQ" if wide else ">II", header, 20 if wide else 12)
    return scale, 0 if duration == (1 << (64 if wide else 32)) - 1 else duration


def _in_ms(duration: int, scale: int) -> int:
    return -(-duration * 1000 // scale) if scale else 0


class _Track(NamedTuple):
    """Where the samples of a kept track lie, and how they are made."""

    samples: list[tuple[int, int]]
    units: Units


def _keep_tracks(data: bytearray, movie: Box) -> list[_Track]:
    """Blank what is not needed of the description, other tracks included; the tracks that are kept.

    Raises VideoNotShown, VideoDamaged, struct.error and IndexError.
    """
    tracks = []
    for box in list(boxes(data, movie.body, movie.end)):
        if box.name == b"mvex":
            raise VideoNotShown
        shows = _shows(data, box) if box.name == b"trak" else b""
        if shows in {b"vide", b"soun"}:
            _keep(data, box, is_picture=shows == b"vide")
            units = units_of(data, box) if shows == b"vide" else Units()
            tracks.append(_Track(list(_samples(data, box)), units))
        elif box.name == b"mvhd":
            _keep(data, box, is_picture=False)
        else:
            blank(data, box)
    return tracks


def _shows(data: Bytes, track: Box) -> bytes:
    """What a track is of: `vide`, `soun`, or something else; of two handlers the track says nothing."""
    handlers = {
        bytes(data[inner.body + 8 : inner.body + 12])
        for inner in boxes_of(data, track, b"mdia")
        if inner.name == b"hdlr"
    }
    return handlers.pop() if len(handlers) == 1 else b""


def _keep(data: bytearray, box: Box, *, is_picture: bool) -> None:
    """Keep a box, of its boxes those that are needed, and of a header what is no word and no time."""
    if box.name in _KEPT:
        _keep_inside(data, box.body, box, _KEPT[box.name], is_picture=is_picture)
    elif box.name == b"stsd":
        for entry in boxes(data, box.body + 8, box.end):
            _keep_entry(data, entry, is_picture=is_picture)
    elif box.name in _CLEANED:
        _CLEANED[box.name](data, box)


def _without_times(data: bytearray, header: Box) -> None:
    """When it was made and changed."""
    zero(data, header.body + 4, min(header.end, header.body + (20 if data[header.body] == 1 else 12)))


def _without_words(data: bytearray, handler: Box) -> None:
    """Whose component it is, and its name."""
    zero(data, min(handler.body + 12, handler.end), handler.end)


def _without_paths(data: bytearray, references: Box) -> None:
    for reference in boxes(data, references.body + 8, references.end):
        if not data[reference.body + 3] & 1:  # the samples are in another file
            raise VideoNotShown
        zero(data, reference.body + 4, reference.end)


def _without_profile(data: bytearray, colour: Box) -> None:
    """A profile has words in it; what is named by numbers stays."""
    if bytes(data[colour.body : colour.body + 4]) not in {b"nclx", b"nclc"}:
        blank(data, colour)


_CLEANED: Final[Mapping[bytes, Callable[[bytearray, Box], None]]] = {
    b"mvhd": _without_times,
    b"tkhd": _without_times,
    b"mdhd": _without_times,
    b"hdlr": _without_words,
    b"dref": _without_paths,
    b"colr": _without_profile,
    b"hvcC": blank_messages_of_setup,
}


def _keep_entry(data: bytearray, entry: Box, *, is_picture: bool) -> None:
    """Keep how a codec is set up, without the names of whoever made the encoder."""
    if entry.name not in (_PICTURES if is_picture else _SOUNDS):
        raise VideoNotShown
    # A reserved field in MP4, the version of a sound's description in QuickTime.
    (version,) = struct.unpack_from(">H", data, entry.body + 8)
    inside = entry.body + (PICTURE_AT if is_picture else _SOUND_AT.get(version, len(data)))
    if inside > entry.end:
        raise VideoNotShown
    zero(data, entry.body + 12, entry.body + (24 if is_picture else 16))
    if is_picture:
        zero(data, entry.body + 42, entry.body + 74)
    _keep_inside(data, inside, entry, _OF_CODECS, is_picture=is_picture)


def _keep_inside(data: bytearray, start: int, parent: Box, kept: frozenset[bytes], *, is_picture: bool) -> None:
    last = start
    for inner in list(boxes(data, start, parent.end)):
        if inner.name in kept:
            _keep(data, inner, is_picture=is_picture)
        else:
            blank(data, inner)
        last = inner.end
    zero(data, last, parent.end)  # too short for a box


def _samples(data: Bytes, track: Box) -> Iterator[tuple[int, int]]:
    """Where each chunk of a track begins and ends. Raises VideoNotShown, VideoDamaged, struct.error."""
    tables = {inner.name: inner for inner in boxes_of(data, track, b"mdia", b"minf", b"stbl")}
    if not {b"stsz", b"stsc"} <= tables.keys() or (b"stco" in tables) == (b"co64" in tables):
        raise VideoNotShown
    sizes = _sizes_so_far(data, tables[b"stsz"])
    wide = b"co64" in tables
    offsets = _table(data, tables[b"co64" if wide else b"stco"], "Q" if wide else "I")
    runs = [(run[0], run[1]) for run in _rows(data, tables[b"stsc"], 3)]
    first = 0
    for (chunk, samples), (next_chunk, _) in pairwise([*runs, (len(offsets) + 1, 0)]):
        if not 1 <= chunk <= next_chunk <= len(offsets) + 1:
            raise VideoNotShown
        for number in range(chunk, next_chunk):
            offset = offsets[number - 1]
            yield offset, offset + sizes[first + samples] - sizes[first]
            first += samples


def _sizes_so_far(data: Bytes, box: Box) -> Sequence[int]:
    """How many bytes all samples up to each one have, as if they lay one after the other: 0 first, all of them last."""
    size, count = struct.unpack_from(">II", data, box.body + 4)
    if size:
        return range(0, size * count + 1, size)
    if box.body + 12 + 4 * count > box.end:
        raise VideoNotShown
    return list(accumulate(struct.unpack_from(f">{count}I", data, box.body + 12), initial=0))


def _table(data: Bytes, box: Box, number: str) -> list[int]:
    (count,) = struct.unpack_from(">I", data, box.body + 4)
    if box.body + 8 + struct.calcsize(">" + number) * count > box.end:
        raise VideoNotShown
    return list(struct.unpack_from(f">{count}{number}", data, box.body + 8))


def _rows(data: Bytes, box: Box, width: int) -> list[tuple[int, ...]]:
    (count,) = struct.unpack_from(">I", data, box.body + 4)
    if box.body + 8 + 4 * width * count > box.end:
        raise VideoNotShown
    return list(struct.iter_unpack(f">{width}I", data[box.body + 8 : box.body + 8 + 4 * width * count]))


def _require_inside(ranges: Sequence[tuple[int, int]], media: Sequence[Box]) -> None:
    """Refuse samples that lie elsewhere than in the boxes for them, in the description itself for one.

    They do not overlap, either: whoever says so would have us at work for hours.
    """
    if sum(end - start for start, end in ranges) > sum(box.end - box.body for box in media):
        raise VideoNotShown
    starts = [box.body for box in media]
    for start, end in ranges:
        place = bisect_right(starts, start) - 1
        if place < 0 or end > media[place].end:
            raise VideoNotShown


def _keep_samples(data: bytearray, media: Box, ranges: Sequence[tuple[int, int]]) -> None:
    """Blank what lies between the samples that are kept."""
    at = media.body
    for start, end in ranges[bisect_left(ranges, (media.body, 0)) : bisect_left(ranges, (media.end, 0))]:
        zero(data, at, start)
        at = max(at, end)
    zero(data, at, media.end)
