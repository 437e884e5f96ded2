"""One report through the three pages, from a phone in the street to the leader's figures."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]

KIND = "Bày hàng, kê bàn ghế buôn bán chiếm vỉa hè"


def figure(page: Page, name: str) -> int:
    """A number of the board, once it is there."""
    shown = page.locator(".figure", has=page.get_by_text(name, exact=True)).locator("dd").first
    expect(shown).to_have_text(re.compile(r"\d"))
    return int(shown.inner_text().replace(".", ""))


def beside(page: Page, at: str) -> str:
    """What is said beside a field."""
    return page.locator(f"[data-at={at}] .error").last.inner_text()


def test_a_report_goes_its_whole_way(visitor, resident, account, tmp_path):  # noqa: PLR0915 -- one story
    leader = visitor()
    leader.goes_to("/board")
    leader.comes_in_as(account("leader"))
    before = {name: figure(leader.page, name) for name in ("tin báo", "vụ việc đã xử phạt")}

    # The officer's desk is open, and stays open.
    officer = visitor()
    officer.goes_to("/desk")
    officer.comes_in_as(account("officer", "26929"))
    expect(officer.page.locator("[data-fresh]")).to_contain_text("Cập nhật")
    officer.page.evaluate("globalThis.neverReloaded = true")

    # Whoever sends an empty form reads beside each field what is missing.
    page = resident.page
    resident.goes_to("/")
    expect(page.locator("[data-found]")).to_have_text("Phường Bình Thạnh · sai số 12 m")
    page.get_by_role("button", name="Gửi", exact=True).click()
    assert beside(page, "photos") == "Vui lòng thêm ảnh để tổ xử lý thấy điều bạn thấy."
    assert beside(page, "kind") == "Vui lòng chọn việc bạn thấy."
    expect(page.locator("[data-at=location] .error")).to_have_count(0)

    # Photo by the camera, place by the phone, kind by its field, note.
    resident.chooses(tmp_path, 11)
    expect(page.locator("#send .photo")).to_have_count(1)
    page.get_by_label("Trật tự lòng lề đường").check()
    page.get_by_label(KIND).check()
    page.get_by_label("Địa chỉ").fill("12/5 Bùi Hữu Nghĩa")
    page.get_by_label("Ghi chú").fill("Bàn ghế choán hết vỉa hè")
    expect(page.locator("#send .error:visible")).to_have_count(0)
    page.get_by_role("button", name="Gửi", exact=True).click()

    # Signing in comes last, and loses nothing of what was written.
    page.get_by_label("Số di động").fill("12345")
    page.get_by_role("button", name="Gửi mã cho tôi").click()
    assert beside(page, "phone") == "Số điện thoại không phải là số di động Việt Nam."
    page.get_by_label("Số di động").fill("0912 555 001")
    page.get_by_role("button", name="Gửi mã cho tôi").click()
    code = page.get_by_label("Mã gồm sáu chữ số")
    expect(code).to_have_value(re.compile(r"^\d{6}$"))
    right = code.input_value()
    code.fill("000000" if right != "000000" else "000001")
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.locator("[data-at=code] .error")).to_have_text("Mã xác thực không đúng; còn 4 lần thử.")
    code.fill(right)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", name="Đã nhận tin")).to_be_visible()
    expect(page.locator("#uploads")).to_have_text(re.compile(r"BT-\d{4}-\d{4,}: ảnh đã gửi xong\."))
    expect(page.locator("[data-where]")).to_have_text("Tin đã đến Phường Bình Thạnh.")
    number = page.locator("[data-number]").inner_text()
    assert re.fullmatch(r"BT-\d{4}-\d{4,}", number)

    # The desk shows it by itself, with its time running.
    item = officer.page.locator(".item", has_text=number)
    expect(item).to_be_visible(timeout=10_000)
    expect(item.locator(".clock")).to_have_text(re.compile(r"Còn 1 giờ 5\d phút"))
    assert officer.page.evaluate("globalThis.neverReloaded")
    item.click()
    case = officer.page.locator("#case")
    expect(case.get_by_role("heading", level=1)).to_have_text(KIND)
    expect(case.locator(".facts")).to_contain_text("12/5 Bùi Hữu Nghĩa")
    expect(case.locator(".compare img")).to_have_count(1, timeout=20_000)
    case.get_by_role("button", name="Tiếp nhận").click()
    case.get_by_role("button", name="Đã đến hiện trường").click()

    # A result needs an outcome, a note and a photo of what is there now.
    case.get_by_role("button", name="Nhập kết quả").click()
    case.get_by_role("button", name="Ghi nhận kết quả").click()
    assert beside(officer.page, "outcome") == "Vui lòng chọn kết quả."
    assert beside(officer.page, "note") == "Vui lòng điền mục này."
    case.get_by_label("Đã lập biên bản vi phạm").check()
    case.get_by_label("Nội dung xử lý").fill("Đã lập biên bản, chủ quán dọn bàn ghế")
    case.get_by_role("button", name="Ghi nhận kết quả").click()
    assert beside(officer.page, "photos") == "Vui lòng thêm ảnh hiện trường lúc này."
    officer.chooses(tmp_path, 12)
    case.get_by_role("button", name="Ghi nhận kết quả").click()
    expect(case.locator(".case-head")).to_contain_text("Đã có kết quả xử lý")
    expect(case.locator(".course")).to_contain_text("Kết quả: Đã lập biên bản vi phạm")

    # The chair enters the decision; a fine that is no number is refused beside its field.
    chair = visitor()
    chair.goes_to("/desk")
    chair.comes_in_as(account("chair", "26929"))
    chair.page.get_by_role("button", name="Chờ quyết định").click()
    chair.page.locator(".item", has_text=number).click()
    chair.page.get_by_role("button", name="Nhập quyết định xử phạt").click()
    chair.page.get_by_label("Số quyết định").fill("101/QĐ-XPHC")
    chair.page.get_by_label("Tiền phạt (đồng)").fill("hai triệu")
    chair.page.get_by_role("button", name="Lưu quyết định").click()
    expect(chair.page.locator("[data-at=fine_vnd] .error")).to_have_text("Vui lòng nhập số đồng chẵn, ví dụ 2.500.000.")
    chair.page.get_by_label("Tiền phạt (đồng)").fill("2.500.000")
    chair.page.get_by_role("button", name="Lưu quyết định").click()
    expect(chair.page.locator(".facts")).to_contain_text("101/QĐ-XPHC")
    expect(chair.page.locator(".facts")).to_contain_text("2.500.000 đồng")
    chair.page.get_by_role("button", name="Chờ quyết định").click()
    expect(chair.page.locator(".item", has_text=number)).to_have_count(0)

    # The resident sees before and after, what became of it, and no names of officers.
    page.get_by_role("link", name="Theo dõi tin").click()
    mine = page.locator("#view-case")
    expect(mine.locator(".compare img")).to_have_count(2, timeout=20_000)
    expect(mine.locator(".case-head")).to_contain_text("Đã lập biên bản vi phạm")
    expect(mine.locator(".course")).to_contain_text("chủ quán dọn bàn ghế")
    expect(mine.locator(".facts")).to_contain_text("2.500.000 đồng")
    expect(mine).not_to_contain_text("Cán bộ Phường Bình Thạnh")
    mine.get_by_role("button", name="Đánh giá").click()
    mine.get_by_role("button", name="Gửi đánh giá").click()
    assert beside(page, "stars") == "Vui lòng chọn từ một đến năm sao."
    mine.get_by_label("5 trên 5").check()
    mine.get_by_role("button", name="Gửi đánh giá").click()
    expect(mine.locator(".course")).to_contain_text("★★★★★")
    page.get_by_role("link", name="Tin của tôi", exact=True).last.click()
    expect(page.locator("#view-mine .item", has_text=number)).to_contain_text("Trước hạn")

    # The board counts it.
    leader.page.get_by_role("button", name="30 ngày").click()
    expect(leader.page.locator(".figure", has_text="vụ việc đã xử phạt").locator("dd").first).to_have_text(
        str(before["vụ việc đã xử phạt"] + 1)
    )
    assert figure(leader.page, "tin báo") == before["tin báo"] + 1
    row = leader.page.get_by_role("row", name=re.compile("Phường Bình Thạnh Trật tự lòng lề đường"))
    expect(row).to_be_visible()
    with leader.page.expect_download() as download:
        leader.page.get_by_role("link", name="CSV").click()
    table = download.value.path().read_text()
    assert table.startswith("ward_code,ward_name,")
    assert "26929,Phường Bình Thạnh," in table
