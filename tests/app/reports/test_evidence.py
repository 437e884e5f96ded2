"""What a bundle says, from facts alone; and of which cases there can be one."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.reports import evidence
from app.reports.evidence import Made, Piece, has_record

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CASE = {
    "number": "BT-2611-0047",
    "kind": {"code": "SW01", "name_vi": "Lấn chiếm vỉa hè", "name_en": "Sidewalk taken over"},
    "place": {"lat": 10.805, "lon": 106.705, "accuracy_m": 12.0, "address": "Hẻm 12"},
    "ward": "Phường An",
    "unit": "Phường An",
    "received_at": "2026-11-23T01:00:00+00:00",
    "concluded_at": "2026-11-23T02:30:00+00:00",
}
MADE = Made(by="Lê Thị Chủ", role="chair", unit="Phường An", at=NOW, reason="Theo công văn 12")


def piece(letter, role="before", state="ready", media_type="image/jpeg", **more) -> Piece:
    facts = {"bytes": 1000, "received_at": NOW - timedelta(hours=1), "refusal": None, "erased_at": None}
    return Piece(letter * 64, role, state, media_type, **{**facts, **more})


@pytest.mark.parametrize(
    ("state", "outcome", "original", "can"),
    [
        ("concluded", "recorded", None, True),
        ("closed", "recorded", None, True),
        ("contested", None, None, False),
        ("accepted", None, None, False),
        ("withdrawn", None, None, False),
        ("concluded", "remedied", None, False),
        ("closed", "gone", None, False),
        ("concluded", "duplicate", ("closed", "recorded"), True),
        ("closed", "duplicate", ("closed", "remedied"), False),
        ("closed", "duplicate", ("contested", None), False),
        ("closed", "duplicate", None, False),
        ("closed", "remedied", ("closed", "recorded"), False),
    ],
)
def test_a_bundle_rests_on_a_record_of_a_violation(state, outcome, original, can):
    assert has_record(state, outcome, original) is can


def test_files_are_numbered_before_in_front_of_after_and_end_as_their_kind_does():
    pieces = [
        piece("a", "after"),
        piece("b", media_type="image/heic"),
        piece("c", state="awaited", media_type=None),
        piece("d", state="kept", media_type="video/quicktime"),
        piece("e", state="refused", media_type="image/png"),
        piece("f", state="erased"),
        piece("0", "after", "received", "application/x-unheard-of"),
    ]
    assert list(evidence.named(pieces)) == [
        "01-before-bbbbbbbbbbbb.heic",
        "02-before-dddddddddddd.mov",
        "03-before-eeeeeeeeeeee.png",
        "04-after-aaaaaaaaaaaa.jpg",
        "05-after-000000000000.bin",
    ]


def test_the_manifest_says_who_what_when_and_why():
    gone = piece("f", state="erased", erased_at=NOW)
    said = evidence.manifest(CASE, [piece("a"), gone, piece("c", state="awaited", received_at=None)], MADE)

    assert said["format"] == "haigio-evidence/1"
    assert said["report"] == CASE
    assert said["made"] == {
        "at": "2026-11-23T03:00:00+00:00",
        "by": {"name": "Lê Thị Chủ", "role": "chair", "unit": "Phường An"},
        "reason": "Theo công văn 12",
    }
    whole, erased, awaited = said["photos"]
    assert whole == {
        "file": "01-before-aaaaaaaaaaaa.jpg",
        "sha256": "a" * 64,
        "role": "before",
        "state": "ready",
        "media_type": "image/jpeg",
        "bytes": 1000,
        "received_at": "2026-11-23T02:00:00+00:00",
        "refusal": None,
        "erased_at": None,
    }
    assert (erased["file"], erased["erased_at"]) == (None, "2026-11-23T03:00:00+00:00")
    assert (awaited["file"], awaited["received_at"]) == (None, None)
    assert json.loads(evidence.as_json(said)) == said


def test_the_first_page_is_for_people_in_vietnamese_and_names_every_photo():
    gone, awaited = piece("f", state="erased", erased_at=NOW), piece("c", state="awaited", received_at=None)
    said = evidence.readme(evidence.manifest(CASE, [piece("a"), gone, awaited], MADE)).decode()

    assert "HỒ SƠ CHỨNG CỨ CỦA TIN BÁO BT-2611-0047" in said
    assert "Lập lúc: 23/11/2026 10:00:00" in said
    assert "Lý do: Theo công văn 12" in said
    assert "01-before-aaaaaaaaaaaa.jpg  1000 byte, nhận lúc 23/11/2026 09:00:00" in said
    assert f"{'f' * 64}  đã xóa theo thời hạn lưu trữ" in said
    assert f"{'c' * 64}  chưa bao giờ nhận được" in said
    assert "sha256sum -c SHA256SUMS" in said


def test_who_filed_it_for_somebody_else_is_not_named():
    officer = {"type": "accept", "by": {"role": "officer", "name": "Cán bộ"}}
    filer = {"type": "received", "by": {"role": "filer", "name": "Tình nguyện viên"}}

    assert evidence.timeline([filer, officer]) == [{"type": "received", "by": {"role": "filer"}}, officer]


def test_sums_are_as_sha256sum_reads_them():
    assert evidence.sums({"a.jpg": "a" * 64, "b.jpg": "b" * 64}) == f"{'a' * 64}  a.jpg\n{'b' * 64}  b.jpg\n".encode()
