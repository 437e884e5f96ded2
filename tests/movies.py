"""Videos made box by box, as phones write them: with the place, the owner and the phone in every corner that there is."""

import struct
from dataclasses import dataclass, field

# Each of these would tell of the resident. None may be found in a copy.
SECRETS = {
    "place in the movie's user data": b"+10.8035+106.7100/",
    "place in Apple's keys": b"com.apple.quicktime.location.ISO6709",
    "value of Apple's keys": b"+10.8036+106.7101+005.000/",
    "place in a track of its own": b"GPS5 10.8037 106.7102",
    "place between the samples": b"novatek 10.8038 106.7103",
    "place in free space": b"free 10.8039 106.7104",
    "place in XMP": b"<exif:GPSLatitude>10,48.24N",
    "owner": b"Nguyen Van A",
    "serial number": b"SN-C02XG2JHJG5H",
    "name of the phone": b"iPhone cua A",
    "place in a message among the pictures": b"dashcam 10.8040 106.7105",
    "encoder": b"GoPro AVC encoder",
    "words of a colour profile": b"Display of A",
}


def unit(kind: int, content: bytes) -> bytes:
    """A unit of H.264: its length, the byte with its kind, its content."""
    return struct.pack(">IB", len(content) + 1, kind) + content


PICTURES = (unit(5, b"picture one"), unit(1, b"picture two, longer"), unit(1, b"picture three"))
MESSAGE = unit(6, SECRETS["place in a message among the pictures"] + b"\x80")
SOUNDS = (b"sound one ", b"sound two ")


def box(name: bytes, *content: bytes, wide: bool = False) -> bytes:
    body = b"".join(content)
    if wide:
        return struct.pack(">I4sQ", 1, name, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, name) + body


def full(name: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags), *content)


def times(version: int, scale: int, duration: int) -> bytes:
    """Made, changed, units a second, how many: 3,800,000,000 s after 1904 is in 2024."""
    return struct.pack(">QQIQ" if version else ">IIII", 3_800_000_000, 3_800_000_001, scale, duration)


def mvhd(scale: int, duration: int, version: int = 0) -> bytes:
    return full(b"mvhd", times(version, scale, duration), bytes(80), version=version)


def track(
    handler: bytes,
    codec: bytes,
    offsets: list[int],
    sizes: list[int],
    *,
    scale: int = 600,
    duration: int = 6000,
    version: int = 0,
    wide: bool = False,
    more: bytes = b"",
    reference: bytes | None = None,
) -> bytes:
    """A track with one sample a chunk; `more` lies in its sample description."""
    entry_head = bytes(6) + b"\0\1" + bytes(4) + b"appl"
    if handler == b"vide":
        name = SECRETS["encoder"]
        entry_head += bytes(8) + struct.pack(">HH", 640, 480) + bytes(14) + (bytes([len(name)]) + name).ljust(32, b"\0")
        entry_head += b"\0\x18\xff\xff"
    elif handler == b"soun":
        entry_head += struct.pack(">HHHHI", 2, 16, 0, 0, 44_100 << 16)
    numbers = struct.pack(f">{len(offsets)}{'Q' if wide else 'I'}", *offsets)
    stbl = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), box(codec, entry_head, more)),
        full(b"stts", struct.pack(">III", 1, len(sizes), duration // len(sizes))),
        full(b"stsc", struct.pack(">IIII", 1, 1, 1, 1)),
        full(b"stsz", struct.pack(">II", 0, len(sizes)), struct.pack(f">{len(sizes)}I", *sizes)),
        full(b"co64" if wide else b"stco", struct.pack(">I", len(offsets)), numbers),
    )
    where = full(b"url ", flags=1) if reference is None else full(b"url ", reference, flags=0)
    minf = box(b"minf", full(b"vmhd", bytes(8)), box(b"dinf", full(b"dref", struct.pack(">I", 1), where)), stbl)
    return box(
        b"trak",
        full(b"tkhd", times(version, 1, duration), bytes(60), version=version),
        box(b"edts", full(b"elst", struct.pack(">IIII", 1, duration, 0, 1 << 16))),
        box(b"udta", box(b"name", SECRETS["name of the phone"])),
        box(
            b"mdia",
            full(b"mdhd", times(version, scale, duration), bytes(4), version=version),
            full(b"hdlr", b"mhlr" + handler + b"appl" + bytes(8) + SECRETS["owner"] + b"\0"),
            minf,
        ),
    )


@dataclass
class Movie:
    """A video of `seconds`, with two tracks and a third of places; `content` is the file."""

    seconds: float = 10
    brand: bytes = b"qt  "
    version: int = 0
    moov_first: bool = False
    wide: bool = False
    codec: bytes = b"avc1"
    tracks: tuple[bytes, ...] = (b"vide", b"soun", b"meta")
    reference: bytes | None = None
    more: tuple[bytes, ...] = ()  # boxes at the end of moov
    content: bytes = field(init=False)

    def __post_init__(self) -> None:
        ftyp = box(b"ftyp", self.brand, bytes(4), self.brand)
        gap = SECRETS["place between the samples"]
        place = SECRETS["place in a track of its own"]
        parts = (PICTURES[0], gap, SOUNDS[0], MESSAGE + PICTURES[1], place, SOUNDS[1], PICTURES[2], gap)
        media = box(b"mdat", *parts, wide=self.wide)

        def moov_at(mdat_body: int) -> bytes:
            starts = [mdat_body + sum(len(part) for part in parts[:number]) for number in range(len(parts))]
            return self._moov({
                b"vide": ([starts[0], starts[3], starts[6]], [len(parts[0]), len(parts[3]), len(parts[6])]),
                b"soun": ([starts[2], starts[5]], [len(one) for one in SOUNDS]),
                b"meta": ([starts[4]], [len(place)]),
            })  # fmt: skip

        extras = (
            box(b"free", SECRETS["place in free space"]),
            box(b"uuid", bytes(16), SECRETS["place in XMP"]),
        )
        header = 16 if self.wide else 8
        if self.moov_first:
            before = len(ftyp) + len(moov_at(0)) + sum(len(one) for one in extras)
            self.content = b"".join((ftyp, moov_at(before + header), *extras, media))
        else:
            self.content = b"".join(
                (ftyp, *extras[:1], media, moov_at(len(ftyp) + len(extras[0]) + header), *extras[1:])
            )

    def _moov(self, samples: dict[bytes, tuple[list[int], list[int]]]) -> bytes:
        duration = round(self.seconds * 600)
        codecs = {b"vide": self.codec, b"soun": b"mp4a", b"meta": b"gpmd"}
        inside = {
            b"vide": box(b"avcC", b"\1\x64\0\x1f\xff") + box(b"colr", b"prof", SECRETS["words of a colour profile"]),
            b"soun": box(b"esds", b"\0\0\0\0set up"),
            b"meta": b"",
        }
        return box(
            b"moov",
            mvhd(600, duration, self.version),
            *(
                track(
                    handler, codecs[handler], *samples[handler], duration=duration, version=self.version,
                    wide=self.wide, more=inside[handler], reference=self.reference,
                )
                for handler in self.tracks
            ),
            box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7", SECRETS["place in the movie's user data"]), bytes(4)),
            full(b"meta", box(b"keys", SECRETS["place in Apple's keys"]), box(b"ilst", SECRETS["value of Apple's keys"])),
            box(b"uuid", bytes(16), SECRETS["serial number"]),
            *self.more,
        )  # fmt: skip
