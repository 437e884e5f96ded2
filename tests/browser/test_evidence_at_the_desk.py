"""A chair lets the originals of a recorded case leave, through the page: one form, one file, and a line on its course."""

import hashlib
from zipfile import ZipFile

import pytest
from playwright.sync_api import expect

from browser.conftest import faults
from running_copy import PLACES, Copy, photo

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]


def recorded(copy: Copy) -> tuple[str, str]:
    """A case of Phường Bình Thạnh with a record of a violation; its number and the hash of its photo."""
    resident, officer = copy.resident(), copy.staff("officer", "26929")
    report = resident.report(PLACES["26929"]).json()
    sha256, _ = resident.send_photo(report["id"], photo(41))
    after, _ = officer.send_photo(report["id"], photo(42), "after")
    for to, given in (("accepted", {}), ("concluded", {"outcome": "recorded", "note": "Xong", "photos": [after]})):
        answer = officer.move(report["id"], to, **given)
        assert answer.status_code == 200, answer.text
    return report["number"], sha256


def test_the_chair_makes_the_bundle(copy, visitor, account, tmp_path):
    number, sha256 = recorded(copy)
    chair = visitor(accept_downloads=True)
    chair.goes_to("/desk")
    chair.comes_in_as(account("chair", "26929"))
    chair.page.get_by_label("Mã tin").fill(number)
    chair.page.get_by_role("button", name="Tìm").click()
    chair.page.locator(".item", has_text=number).click()
    expect(chair.page.locator("#case .number")).to_have_text(number)

    chair.page.locator("#case .acts").get_by_role("button", name="Hồ sơ chứng cứ").click()
    form = chair.page.locator("#case form.act")
    expect(form).to_contain_text("không có thông tin người gửi tin")
    assert faults(chair.page) == []
    form.get_by_label("Lập hồ sơ để làm gì?").fill("Công văn 12")
    with chair.page.expect_download() as download:
        form.get_by_role("button", name="Lập hồ sơ, có ghi nhật ký").click()
    expect(form).to_be_hidden()

    assert download.value.suggested_filename == f"{number}.zip"
    download.value.save_as(tmp_path / "bundle.zip")
    with ZipFile(tmp_path / "bundle.zip") as opened:
        first = opened.namelist()[0]
        assert hashlib.sha256(opened.read(first)).hexdigest() == sha256
    course = chair.page.locator("#case .course")
    expect(course).to_contain_text("Đã lập hồ sơ chứng cứ")
    expect(course).to_contain_text("Công văn 12")


def test_an_officer_is_not_offered_it(copy, visitor, account):
    number, _ = recorded(copy)
    officer = visitor()
    officer.goes_to("/desk")
    officer.comes_in_as(account("officer", "26929"))
    officer.page.get_by_label("Mã tin").fill(number)
    officer.page.get_by_role("button", name="Tìm").click()
    officer.page.locator(".item", has_text=number).click()
    expect(officer.page.locator("#case .number")).to_have_text(number)
    expect(officer.page.locator("#case .acts").get_by_role("button", name="Hồ sơ chứng cứ")).to_have_count(0)
