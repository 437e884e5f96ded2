"""Photos at the desk: what they say against the report, in full size on record; and a video from the street."""

import io
import struct
from uuid import UUID

import pytest
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import text

from movies import Movie
from running_copy import PLACES, count, photo
from tiff_blocks import tiff

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

HERE = PLACES["26929"]


def taken_elsewhere(seed: int) -> bytes:
    """A photo taken in 2024 at 10.5 N, 106.5 E, some 40 km away, and put through an editor."""
    gps = [
        (1, 2, 2, b"N\0"),
        (2, 5, 1, struct.pack("<2I", 105, 10)),
        (3, 2, 2, b"E\0"),
        (4, 5, 1, struct.pack("<2I", 1065, 10)),
    ]
    main = [(0x010F, 2, 5, b"Make\0"), (0x0131, 2, 9, b"Snapseed\0"), (0x8769, 4, 1, b""), (0x8825, 4, 1, b"")]
    block = tiff("<", main, [(0x9003, 2, 20, b"2024:05:01 08:15:00\0")], gps)
    out = io.BytesIO()
    Image.open(io.BytesIO(photo(seed, size=(2400, 1800)))).save(out, "JPEG", quality=88, exif=b"Exif\0\0" + block)
    return out.getvalue()


@pytest.fixture
def desk(visitor, account):
    """Desks of staff, each with a browser of its own."""

    def of(role: str, report_id: str):
        found = visitor()
        found.goes_to("/desk")
        found.comes_in_as(account(role, "26929"))
        found.goes_to(f"/desk#case/{report_id}")
        expect(found.page.locator("#case .number")).to_be_visible()
        return found

    return of


def ready(copy, someone, report_id: str) -> list[dict]:
    def photos():
        shown = someone.get(f"/reports/{report_id}").json()["photos"]
        return shown if all(one["state"] in {"ready", "kept"} for one in shown) else None

    return copy.wait_until(photos)


def in_full_size(copy, engine, sha256: str) -> None:
    """Wait for the second job: the copies in full size, and for the public."""
    late = "select count(*) from photos where sha256 = :sha256 and blurred_at is null"
    copy.wait_until(lambda: count(engine, late, sha256=sha256) == 0, seconds=60)


def test_the_desk_reads_hints_and_looks_closely_on_record(copy, desk, database_behind, tmp_path):
    someone = copy.resident()
    content = taken_elsewhere(2601)
    first, second = (someone.report(HERE).json() for _ in range(2))
    sha256, _ = someone.send_photo(first["id"], content)
    ready(copy, someone, first["id"])
    someone.send_photo(second["id"], content)
    [resident_sees] = ready(copy, someone, second["id"])
    assert (resident_sees["hints"], resident_sees["look"]) == (None, None)
    in_full_size(copy, database_behind, sha256)

    officer = desk("officer", second["id"])
    page = officer.page
    expect(page.locator("#case .hints li")).to_have_text(
        [
            "Chụp cách xa nơi báo",
            "Ảnh chụp từ trước",
            "Ảnh đã qua chỉnh sửa",
            f"Ảnh đã dùng cho tin {first['number']}",
        ]
    )
    page.screenshot(path=tmp_path / "hints.png")

    page.get_by_role("button", name="Xem lớn: Trước xử lý 1").click()
    dialog = page.locator("dialog.picture")
    expect(dialog).to_contain_text("Lượt xem này được ghi lại")
    image = dialog.locator("img")
    size = "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    assert image.evaluate(size) == [2400, 1800]
    assert "/photos/looks/" in image.get_attribute("src")
    page.screenshot(path=tmp_path / "full.png")
    dialog.get_by_role("button", name="Đóng").click()
    expect(page.locator(".looks")).to_have_count(0)  # for the chair

    chair = desk("chair", second["id"])
    chair.page.get_by_text("Ai đã xem ảnh cỡ đầy đủ").click()
    expect(chair.page.locator(".looks li")).to_have_count(1)
    expect(chair.page.locator(".looks li")).to_contain_text("Trước xử lý 1")
    with database_behind.connect() as connection:
        looks = connection.execute(
            text("select sha256, opened_at is not null from photo_looks where report_id = :id"),
            {"id": UUID(second["id"])},
        ).all()
    assert [tuple(look) for look in looks] == [(sha256, True)]


def test_a_photo_of_which_there_is_no_full_size_yet_opens_as_it_is(copy, desk, database_behind):
    someone = copy.resident()
    report = someone.report(HERE).json()
    sha256, _ = someone.send_photo(report["id"], photo(2602))
    in_full_size(copy, database_behind, sha256)
    with database_behind.begin() as connection:  # as it was a moment ago
        connection.execute(text("update photos set blurred_at = null where sha256 = :sha256"), {"sha256": sha256})

    officer = desk("officer", report["id"])
    officer.page.get_by_role("button", name="Xem lớn: Trước xử lý 1").click()

    source = officer.page.locator("dialog.picture img").get_attribute("src")
    assert f"/photos/{sha256}/" in source


def test_a_video_is_chosen_sent_and_shown_with_its_length(copy, resident, desk, tmp_path):
    page = resident.page
    resident.goes_to("/")
    file = tmp_path / "karaoke.mov"
    file.write_bytes(Movie(8).content)
    page.locator("[data-gallery]").set_input_files(file)
    expect(page.locator("#send .photo.video")).to_contain_text("Video, 0:08")
    too_large = tmp_path / "too large.mp4"
    too_large.write_bytes(bytes(40_000_001))
    page.locator("[data-gallery]").set_input_files(too_large)
    expect(page.locator("#toasts")).to_contain_text("too large.mp4 lớn hơn 40 MB.")
    expect(page.locator("#send .photo")).to_have_count(1)

    someone = copy.resident()
    report = someone.report(HERE, kind="EN08").json()
    _, answer = someone.send_photo(report["id"], file.read_bytes())
    assert (answer.status_code, answer.json()["state"]) == (201, "kept")
    staff = copy.staff("officer", "26929")
    copy.wait_until(lambda: staff.get(f"/reports/{report['id']}").json()["photos"][0]["look"])
    officer = desk("officer", report["id"])
    expect(officer.page.locator("#case .photo.video")).to_have_text("Video, 0:08")
    officer.page.screenshot(path=tmp_path / "video.png")


def test_an_officer_keeps_a_case_from_the_public(copy, desk):
    someone, staff = copy.resident(), copy.staff("officer", "26929")
    report = someone.report(HERE, kind="EN08").json()
    for to, given in (("accepted", {}), ("concluded", {"outcome": "remedied", "note": "Đã nhắc"})):
        assert staff.move(report["id"], to, **given).status_code == 200

    page = desk("officer", report["id"]).page
    page.locator("#case .acts").get_by_role("button", name="Không công khai").click()
    page.locator("#case form.act").get_by_label("Lý do").fill("Có trẻ em trong ảnh")
    page.locator("#case form.act").get_by_role("button", name="Giữ lại, không công khai").click()
    expect(page.locator("#case .course")).to_contain_text("Giữ lại, không công khai")
    expect(page.locator("#case .course")).to_contain_text("Có trẻ em trong ảnh")

    page.locator("#case .acts").get_by_role("button", name="Cho công khai").click()
    page.locator("#case form.act").get_by_role("button", name="Cho mọi người xem").click()
    expect(page.locator("#case .course")).to_contain_text("Được công khai trở lại")
