"""The evidence bundle of a case: when there can be one, and what stands in it. Pure.

It holds the originals byte for byte, what proves them unchanged, what the unit knows of the case, and who let them leave
and why. Who reported is not in it: neither name nor number nor anything that stands for them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.errors import Conflict
from app.photos.retention import LIVING
from app.reports.workflow import Outcome, State
from geo.validity import LOCAL_ZONE

# Counted up when a reader of an older bundle could no longer read a newer one.
FORMAT: Final = "haigio-evidence/1"
MANIFEST, TIMELINE, README, SUMS = "manifest.json", "timeline.json", "README.txt", "SHA256SUMS"

_OVER: Final = frozenset({State.CONCLUDED.value, State.CLOSED.value})
_SUFFIXES: Final[Mapping[str, str]] = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
}


class EvidenceNeedsRecord(Conflict):
    """Originals leave for a case that ended with a record of a violation, and for no other."""

    code = "evidence_needs_record"
    vi = "Chỉ lập hồ sơ chứng cứ cho tin đã có kết quả “Đã lập biên bản vi phạm”."
    en = "An evidence bundle is made of a case concluded as recorded only."


@dataclass(frozen=True)
class Piece:
    """A photo or video of the case, as its row says."""

    sha256: str
    role: str
    state: str
    media_type: str | None
    bytes: int | None
    received_at: datetime | None
    refusal: str | None
    erased_at: datetime | None

    @property
    def is_here(self) -> bool:
        """Whether its original is to be in the store."""
        return self.state in LIVING


@dataclass(frozen=True)
class Made:
    """Who made a bundle, for which unit, in which role, when and why."""

    by: str
    role: str
    unit: str
    at: datetime
    reason: str


def has_record(state: str, outcome: str | None, original: tuple[str, str | None] | None = None) -> bool:
    """Whether a case ended with a record of a violation; `original` is state and outcome of the one that it repeats.

    What a case proves, the reports of those who saw the same prove too.
    """
    if state in _OVER and outcome == Outcome.DUPLICATE and original is not None:
        return has_record(*original)
    return state in _OVER and outcome == Outcome.RECORDED


def named(pieces: Sequence[Piece]) -> Mapping[str, Piece]:
    """The pieces whose originals go in, by the names of their files: before in front of after, as they came."""
    here = sorted((piece for piece in pieces if piece.is_here), key=lambda piece: piece.role != "before")
    return {
        f"{place:02d}-{piece.role}-{piece.sha256[:12]}{_SUFFIXES.get(piece.media_type or '', '.bin')}": piece
        for place, piece in enumerate(here, start=1)
    }


def manifest(case: Mapping[str, Any], pieces: Sequence[Piece], made: Made) -> dict[str, Any]:
    """What the bundle says of itself: the case, each photo, and who made it. `case` is ready to become JSON."""
    files = {piece.sha256: name for name, piece in named(pieces).items()}
    return {
        "format": FORMAT,
        "made": {
            "at": _instant(made.at),
            "by": {"name": made.by, "role": made.role, "unit": made.unit},
            "reason": made.reason,
        },
        "report": dict(case),
        "photos": [
            {
                "file": files.get(piece.sha256),
                "sha256": piece.sha256,
                "role": piece.role,
                "state": piece.state,
                "media_type": piece.media_type,
                "bytes": piece.bytes,
                "received_at": _instant(piece.received_at),
                "refusal": piece.refusal,
                "erased_at": _instant(piece.erased_at),
            }
            for piece in pieces
        ],
    }


def timeline(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The course of the case as its unit sees it, but for the name of who filed it for somebody else."""
    return [{**entry, "by": {"role": "filer"}} if entry["by"]["role"] == "filer" else dict(entry) for entry in entries]


def as_json(value: Any) -> bytes:
    """A member as people and programs read it."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def digest(content: bytes) -> str:
    """The SHA-256 of a member, in hex."""
    return hashlib.sha256(content).hexdigest()


def sums(digests: Mapping[str, str]) -> bytes:
    """The file by which `sha256sum -c` tells that nothing was changed: SHA-256 in hex by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode()


def readme(said: Mapping[str, Any]) -> bytes:
    """What a person reads first, from the manifest."""
    report, made = said["report"], said["made"]
    place = report["place"]
    lines = [
        f"HỒ SƠ CHỨNG CỨ CỦA TIN BÁO {report['number']}",
        f"Evidence bundle of report {report['number']}; manifest.json says the same for programs.",
        "",
        f"Hành vi: {report['kind']['name_vi']} ({report['kind']['code']})",
        f"Nơi: {place['address'] or '(không ghi địa chỉ)'}; {place['lat']}, {place['lon']}; {report['ward']}",
        f"Nhận lúc: {_local(report['received_at'])}",
        f"Có kết quả lúc: {_local(report['concluded_at'])}; đơn vị: {report['unit']}",
        "",
        f"Người lập hồ sơ: {made['by']['name']} ({made['by']['role']}), {made['by']['unit']}",
        f"Lập lúc: {_local(made['at'])}",
        f"Lý do: {made['reason']}",
        "",
        "Ảnh, video gốc, đúng từng byte như lúc nhận / originals, byte for byte as received:",
        *(_line(photo) for photo in said["photos"]),
        "",
        "Kiểm tra tệp chưa bị thay đổi / to check that nothing was changed:  sha256sum -c SHA256SUMS",
        "",
        "Tệp gốc còn nguyên dữ liệu do máy ảnh ghi (nơi, giờ chụp, thiết bị) và hình người, biển số: chỉ dùng cho vụ việc",
        "này, không đăng lên mạng. Hồ sơ không chứa thông tin về người gửi tin.",
        "Originals carry what the camera wrote and show people: for this case only. Who reported is not in here.",
        "",
    ]
    return "\n".join(lines).encode()


def _line(photo: Mapping[str, Any]) -> str:
    if photo["erased_at"]:
        return f"  {photo['sha256']}  đã xóa theo thời hạn lưu trữ / erased {_local(photo['erased_at'])}"
    if photo["file"] is None:
        return f"  {photo['sha256']}  chưa bao giờ nhận được / never arrived"
    return f"  {photo['file']}  {photo['bytes']} byte, nhận lúc {_local(photo['received_at'])}"


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _local(instant: str | None) -> str:
    """An instant for people, in Viet Nam."""
    return f"{datetime.fromisoformat(instant).astimezone(LOCAL_ZONE):%d/%m/%Y %H:%M:%S}" if instant else "-"
