"""What else happens to a case, through the pages: a question, a contest, a hand-over, the city's desk, a bad network."""

import re
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from app.config import Settings
from app.core import clock
from app.core.db import new_id
from app.identity.tokens import ACCESS_LIFE, AccessTokens
from running_copy import PLACES, count

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

NOISE = "Karaoke, loa kéo gây ồn"


def signs_in(page: Page, phone: str) -> None:
    page.get_by_label("Số di động").fill(phone)
    page.get_by_role("button", name="Gửi mã cho tôi").click()
    expect(page.get_by_label("Mã gồm sáu chữ số")).to_have_value(re.compile(r"^\d{6}$"))
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.locator("#sign-in")).to_be_hidden()


def fills_in(page: Page, *, field: str = "Vệ sinh môi trường", kind: str = NOISE) -> None:
    """A report of a kind that needs no photo, at the phone's own place."""
    expect(page.locator("[data-found]")).to_contain_text("Phường Bình Thạnh")
    page.get_by_label(field).check()
    page.get_by_label(kind, exact=False).check()


def sends(visitor, phone: str) -> str:
    """A resident sends one; its number."""
    visitor.goes_to("/")
    fills_in(visitor.page)
    visitor.page.get_by_role("button", name="Gửi", exact=True).click()
    signs_in(visitor.page, phone)
    expect(visitor.page.get_by_role("heading", name="Đã nhận tin")).to_be_visible()
    return visitor.page.locator("[data-number]").inner_text()


def opens(desk, number: str) -> None:
    desk.page.get_by_label("Mã tin").fill(number)
    desk.page.get_by_role("button", name="Tìm").click()
    desk.page.locator(".item", has_text=number).click()
    expect(desk.page.locator("#case .number")).to_have_text(number)


@pytest.fixture
def desk(visitor, account):
    """Desks of staff, each with a browser of its own."""

    def of(role: str, ward: str | None = None):
        found = visitor()
        found.goes_to("/desk")
        found.comes_in_as(account(role, ward))
        return found

    return of


def does(desk, act: str, *fields: tuple[str, str], by: str | None = None) -> None:
    """Press an act's button, fill its form in and send it."""
    desk.page.locator("#case .acts").get_by_role("button", name=act, exact=True).click()
    form = desk.page.locator("#case form.act")
    for label, text in fields:
        form.get_by_label(label).fill(text)
    form.get_by_role("button", name=by or act).click()
    expect(form).to_be_hidden()


def test_a_question_stops_the_clock_until_the_resident_answers(resident, desk):
    number = sends(resident, "0912 555 010")
    officer = desk("officer", "26929")
    opens(officer, number)
    officer.page.get_by_role("button", name="Tiếp nhận").click()
    does(officer, "Hỏi người dân", ("Câu hỏi", "Ở tầng mấy ạ?"), by="Gửi câu hỏi, tạm dừng tính giờ")
    expect(officer.page.locator("#case .clock")).to_contain_text("Tạm dừng")

    resident.page.get_by_role("link", name="Theo dõi tin").click()
    expect(resident.page.locator("#case")).to_contain_text("Ở tầng mấy ạ?")
    does(resident, "Trả lời câu hỏi", ("Trả lời", "Tầng hai, mặt sau"), by="Gửi trả lời")
    expect(resident.page.locator("#case .clock")).to_have_text(re.compile("^Còn 1 giờ"))
    # The officer's page learns of it by itself.
    expect(officer.page.locator("#case .course")).to_contain_text("Tầng hai, mặt sau", timeout=20_000)


def test_a_contested_result_is_reviewed_by_the_chair(resident, desk):
    number = sends(resident, "0912 555 011")
    officer = desk("officer", "26929")
    opens(officer, number)
    officer.page.get_by_role("button", name="Tiếp nhận").click()
    officer.page.get_by_role("button", name="Nhập kết quả").click()
    officer.page.get_by_label("Đến nơi không còn vi phạm").check()
    officer.page.get_by_label("Nội dung xử lý").fill("Đến nơi đã im")
    officer.page.get_by_role("button", name="Ghi nhận kết quả").click()
    expect(officer.page.locator("#case .case-head")).to_contain_text("Đã có kết quả xử lý")

    resident.page.get_by_role("link", name="Theo dõi tin").click()
    does(resident, "Tôi chưa đồng ý", ("Điều gì chưa đúng?", "Họ lại mở loa ngay sau đó"), by="Đề nghị xem xét lại")
    expect(resident.page.locator("#case .case-head")).to_contain_text("Người dân chưa đồng ý")

    chair = desk("chair", "26929")
    chair.page.get_by_role("button", name="Chưa đồng ý").click()
    chair.page.locator(".item", has_text=number).click()
    expect(chair.page.locator("#case .course")).to_contain_text("Họ lại mở loa ngay sau đó")
    does(chair, "Mở lại để xử lý", ("Lý do", "Đúng, cần xử lý lại"))
    expect(chair.page.locator("#case .case-head")).to_contain_text("Đã tiếp nhận, đang xử lý")


def test_a_case_is_handed_to_the_right_ward(resident, desk):
    number = sends(resident, "0912 555 012")
    officer = desk("officer", "26929")
    opens(officer, number)
    officer.page.get_by_role("button", name="Chuyển đơn vị").click()
    form = officer.page.locator("#case form.act")
    form.get_by_role("button", name="Chuyển đơn vị").click()
    assert form.locator("[data-at=unit] .error").inner_text() == "Vui lòng điền mục này."
    form.get_by_label("Chuyển đến đơn vị").select_option(label="Phường Gia Định")
    form.get_by_label("Lý do").fill("Loa đặt bên kia đường, thuộc Gia Định")
    form.get_by_role("button", name="Chuyển đơn vị").click()
    expect(officer.page.locator("#case")).to_contain_text("Tin này hiện do đơn vị khác xử lý.")

    neighbour = desk("officer", "26944")
    opens(neighbour, number)
    expect(neighbour.page.locator("#case .course")).to_contain_text("Chuyển đến Phường Gia Định")
    # Who handed it over knows it no longer.
    officer.page.get_by_label("Mã tin").fill(number)
    officer.page.get_by_role("button", name="Tìm").click()
    expect(officer.page.locator(".queue")).to_contain_text("Đơn vị của bạn không có tin này.")


def test_what_was_begun_about_one_case_waits_while_another_is_looked_at(copy, desk):
    first, second = (copy.resident().report(PLACES["26929"], kind="EN08").json() for _ in range(2))
    officer = desk("officer", "26929")
    opens(officer, first["number"])
    officer.page.get_by_role("button", name="Ghi chú").click()
    officer.page.get_by_label("Ghi chú nội bộ của đơn vị").fill("Chủ quán hẹn dọn trước")
    officer.page.get_by_role("button", name="Nhắn người dân").click()
    officer.page.get_by_role("button", name="Ghi chú", exact=True).click()
    expect(officer.page.get_by_label("Ghi chú nội bộ của đơn vị")).to_have_value("Chủ quán hẹn dọn trước")
    opens(officer, second["number"])
    expect(officer.page.locator("#case form.act")).to_have_count(0)
    opens(officer, first["number"])
    expect(officer.page.get_by_label("Ghi chú nội bộ của đơn vị")).to_have_value("Chủ quán hẹn dọn trước")


def test_a_report_about_the_ward_is_the_city_desks(resident, desk):
    resident.goes_to("/")
    fills_in(resident.page)
    resident.page.get_by_label("Tin về cán bộ hoặc đơn vị của phường").check()
    resident.page.get_by_role("button", name="Gửi", exact=True).click()
    signs_in(resident.page, "0912 555 013")
    expect(resident.page.get_by_role("heading", name="Đã nhận tin")).to_be_visible()
    number = resident.page.locator("[data-number]").inner_text()

    dispatcher, officer = desk("dispatcher"), desk("officer", "26929")
    expect(dispatcher.page.locator(".item", has_text=number)).to_be_visible()
    opens(dispatcher, number)
    does(dispatcher, "Xem người báo tin", ("Lý do cần xem danh tính", "Cần gọi lại để hỏi thêm"), by="Xem, có ghi lại")
    expect(dispatcher.page.locator("#case")).to_contain_text("+84912555013")
    expect(dispatcher.page.locator("#case .course")).to_contain_text("Tổ điều phối đã xem danh tính người báo tin")
    officer.page.get_by_label("Mã tin").fill(number)
    officer.page.get_by_role("button", name="Tìm").click()
    expect(officer.page.locator(".queue")).to_contain_text("Đơn vị của bạn không có tin này.")


def test_a_leader_asks_and_the_unit_answers(resident, desk):
    number = sends(resident, "0912 555 014")
    leader, officer = desk("leader"), desk("officer", "26929")
    opens(leader, number)
    does(leader, "Yêu cầu đơn vị trả lời", ("Nội dung chỉ đạo", "Báo cáo trước 17 giờ"), by="Gửi")
    opens(officer, number)
    does(officer, "Ghi chú", ("Ghi chú nội bộ của đơn vị", "Đã cử tổ đến"), by="Lưu ghi chú")
    expect(leader.page.locator("#case .course")).to_contain_text("Đã cử tổ đến", timeout=20_000)
    # Neither is for the resident.
    resident.page.get_by_role("link", name="Theo dõi tin").click()
    expect(resident.page.locator("#case .course")).to_contain_text("Nhận tin báo")
    expect(resident.page.locator("#case")).not_to_contain_text("Báo cáo trước 17 giờ")
    expect(resident.page.locator("#case")).not_to_contain_text("Đã cử tổ đến")


def test_an_answer_that_got_lost_makes_no_second_report(resident, database_behind):
    resident.goes_to("/")
    page = resident.page
    page.get_by_role("link", name="Tin của tôi").click()
    signs_in(page, "0912 555 015")
    page.get_by_role("link", name="Gửi tin").click()
    fills_in(page)
    sent = "select count(*) from reports"
    before = count(database_behind, sent)

    # The report arrives; its answer does not.
    page.route("**/api/v1/reports", lambda route: (route.fetch(), route.abort()), times=1)
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.locator("[data-form-error]")).to_contain_text("tin sẽ không bị tính hai lần")
    assert count(database_behind, sent) == before + 1
    resident.wrong.clear()  # the browser noticed, as it should

    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.get_by_role("heading", name="Đã nhận tin")).to_be_visible()
    assert count(database_behind, sent) == before + 1


def test_without_a_network_nothing_that_was_written_is_lost(resident):
    resident.goes_to("/")
    page = resident.page
    page.get_by_role("link", name="Tin của tôi").click()
    signs_in(page, "0912 555 016")
    page.get_by_role("link", name="Gửi tin").click()
    fills_in(page)
    page.get_by_label("Ghi chú").fill("Ồn từ 22 giờ")
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.locator("[data-form-error]")).to_be_visible()
    expect(page.get_by_label("Ghi chú")).to_have_value("Ồn từ 22 giờ")
    resident.wrong.clear()

    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()
    # Even a page that the phone threw out of its memory comes back with what was written.
    for _ in range(2):
        page.reload()
        expect(page.get_by_label("Ghi chú")).to_have_value("Ồn từ 22 giờ")
        expect(page.get_by_label(NOISE, exact=False)).to_be_checked()
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.get_by_role("heading", name="Đã nhận tin")).to_be_visible()


def test_a_place_outside_the_city_is_refused_where_the_place_is(visitor):
    # In Hà Nội.
    far = visitor(phone=True, geolocation={"latitude": 21.0285, "longitude": 105.8542}, permissions=["geolocation"])
    far.goes_to("/")
    expect(far.page.locator("[data-found].bad")).to_contain_text("nằm ngoài địa bàn")
    far.page.get_by_role("button", name="Gửi", exact=True).click()
    expect(far.page.locator("[data-at=location] > .error")).to_contain_text("Vui lòng cho biết vị trí")


def test_a_session_goes_on_when_its_access_token_has_run_out(resident, copy):
    sends(resident, "0912 555 017")
    context = resident.page.context
    me = resident.page.request.get(f"{copy.url}/me").json()
    held = next(one for one in context.cookies() if one["name"] == "haigio_access")
    key = Settings("test", "", "", copy.folder, copy.environment["HAIGIO_SECRET"]).key("access tokens")
    tokens = AccessTokens(key)
    session_id = tokens.read(held["value"], now=clock.now()).session_id
    old = tokens.issue(UUID(me["id"]), session_id, is_staff=False, now=clock.now() - 2 * ACCESS_LIFE)
    context.add_cookies([{**held, "value": old}])

    resident.page.get_by_role("link", name="Tin của tôi").click()
    expect(resident.page.locator("#view-mine .item")).to_have_count(1)
    assert next(one for one in context.cookies() if one["name"] == "haigio_access")["value"] != old


def test_another_wards_case_does_not_exist_at_this_desk(copy, desk):
    report = copy.resident().report(PLACES["26944"], kind="EN08", report_id=new_id()).json()
    officer = desk("officer", "26929")
    officer.goes_to(f"/desk#case/{report['id']}")
    officer.page.reload()
    expect(officer.page.locator("#case")).to_contain_text("Không tìm thấy tin báo này.")
    expect(officer.page.locator("#case")).not_to_contain_text(report["number"])


def test_the_switch_turns_the_page_and_the_person_into_english(resident, copy):
    sends(resident, "0912 555 018")
    page = resident.page
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="Report a violation")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page).to_have_url(re.compile(r"/(#.*)?$"))  # the question is asked once
    page.get_by_role("link", name="My reports").click()
    expect(page.locator("#view-mine .item")).to_contain_text("Just received")
    assert page.request.get(f"{copy.url}/me").json()["language"] == "en"


def test_signing_out_leaves_nothing_behind(resident):
    sends(resident, "0912 555 019")
    page = resident.page
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.locator("#who")).to_be_hidden()
    assert not [one for one in page.context.cookies() if one["name"] != "haigio_language"]
    assert page.evaluate("sessionStorage.length") == 0
    page.get_by_role("link", name="Tin của tôi").click()
    expect(page.locator("#sign-in")).to_be_visible()


def test_a_session_that_ended_elsewhere_costs_nothing_that_was_written(resident, copy):
    sends(resident, "0912 555 020")
    page = resident.page
    page.get_by_role("button", name="Gửi tin khác").click()
    fills_in(page)
    page.get_by_label("Ghi chú").fill("Lại mở loa")
    ended = page.request.delete(f"{copy.url}/sessions/current", headers={"Origin": resident.url})
    assert ended.status == 204

    page.get_by_role("button", name="Gửi", exact=True).click()
    copy.let_an_hour_pass()
    signs_in(page, "0912 555 020")
    expect(page.get_by_role("heading", name="Đã nhận tin")).to_be_visible()
    page.get_by_role("link", name="Theo dõi tin").click()
    expect(page.locator("#case .facts")).to_contain_text("Lại mở loa")


def test_what_one_person_wrote_is_not_for_whoever_signs_in_after_them(resident, copy):
    sends(resident, "0912 555 027")
    page = resident.page
    page.get_by_role("button", name="Gửi tin khác").click()
    fills_in(page)
    page.get_by_label("Ghi chú").fill("Chuyện riêng")
    page.request.delete(f"{copy.url}/sessions/current", headers={"Origin": resident.url})
    page.get_by_role("button", name="Gửi", exact=True).click()
    signs_in(page, "0912 555 028")
    expect(page.get_by_label("Ghi chú")).to_have_value("")
    page.reload()
    expect(page.locator("#bell")).to_be_visible()
    expect(page.get_by_label("Ghi chú")).to_have_value("")


def test_a_volunteer_files_for_somebody_who_finds_it(visitor, account, resident):
    place = PLACES["26929"]
    position = {"latitude": place["lat"], "longitude": place["lon"], "accuracy": 8}
    volunteer = visitor(geolocation=position, permissions=["geolocation"])
    volunteer.goes_to("/desk")
    volunteer.comes_in_as(account("volunteer"))
    page = volunteer.page
    expect(page.get_by_role("heading", name="Báo tin vi phạm")).to_be_visible()
    fills_in(page)
    behalf = page.get_by_label("Số điện thoại của người bạn gửi thay")
    behalf.fill("123")
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(
        page.locator("[data-at=on_behalf] .error, [data-at=phone] .error, [data-form-error]:visible").first
    ).to_have_text("Số điện thoại không phải là số di động Việt Nam.")
    behalf.fill("0912 555 021")
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.get_by_role("heading", name="Đã nhận tin")).to_be_visible()
    number = page.locator("[data-number]").inner_text()

    resident.goes_to("/#mine")
    signs_in(resident.page, "0912 555 021")
    expect(resident.page.locator("#view-mine .item")).to_contain_text(number)


@pytest.mark.parametrize("path", ["/desk", "/board"])
def test_who_has_no_business_on_a_page_is_told(visitor, account, resident, path):
    sends(resident, "0912 555 022" if path == "/desk" else "0912 555 023")
    resident.goes_to(path)
    expect(resident.page.get_by_role("heading", name="Tài khoản này không dùng trang này")).to_be_visible()
    expect(resident.page.locator("#desk, #board")).to_be_hidden()


def test_photos_that_did_not_get_through_are_not_lost_by_the_next_report(resident, tmp_path):
    resident.goes_to("/")
    page = resident.page
    fills_in(page)
    resident.chooses(tmp_path, 31)
    page.route("**/api/v1/uploads", lambda route: route.fulfill(status=401, json={"detail": "Chưa.", "code": "x"}))
    page.get_by_role("button", name="Gửi", exact=True).click()
    signs_in(page, "0912 555 025")
    expect(page.locator("#uploads")).to_contain_text("Chưa.")
    page.get_by_role("button", name="Gửi tin khác").click()
    expect(page.locator("#uploads")).to_contain_text("Chưa.")
    page.unroute("**/api/v1/uploads")
    page.get_by_role("button", name="Gửi lại ảnh").click()
    expect(page.locator("#uploads")).to_contain_text("ảnh đã gửi xong")


def test_a_photo_whose_line_breaks_goes_on_where_it_broke_off(resident, tmp_path):
    resident.goes_to("/")
    page = resident.page
    fills_in(page)
    content = Path(resident.chooses(tmp_path, 33)).read_bytes()
    half, sizes, cut = len(content) // 2, [], []

    def breaks_in_the_middle(route):
        sizes.append(len(route.request.post_data_buffer))
        if cut:
            return route.continue_()
        cut.append(route.fetch(post_data=content[:half]).status)
        return route.abort("failed")

    page.on("requestfailed", lambda _: resident.wrong.clear())
    page.route(
        re.compile("/api/v1/uploads/"),
        lambda route: breaks_in_the_middle(route) if route.request.method == "PATCH" else route.continue_(),
    )
    page.get_by_role("button", name="Gửi", exact=True).click()
    signs_in(page, "0912 555 027")
    expect(page.locator("#uploads")).to_contain_text("ảnh đã gửi xong")

    assert cut == [204]
    assert sizes == [len(content), len(content) - half]


def test_photos_that_have_to_be_chosen_again_are_asked_for(resident, tmp_path):
    resident.goes_to("/")
    fills_in(resident.page)
    resident.chooses(tmp_path, 32)
    expect(resident.page.locator("#send .photo")).to_have_count(1)
    resident.page.reload()
    expect(resident.page.locator("[data-at=photos] .error")).to_have_text(
        "Ảnh không được giữ lại. Vui lòng chọn lại ảnh."
    )


def test_a_second_tab_never_acts_as_somebody_else(desk, account):
    first = desk("officer", "26929")
    expect(first.page.locator("#who-name")).to_have_text("Cán bộ Phường Bình Thạnh")
    second = first.page.context.new_page()
    second.goto(f"{first.url}/desk")
    second.get_by_role("button", name="Đăng xuất").click()
    expect(first.page.locator("#staff-sign-in")).to_be_visible()
    chair = account("chair", "26929")
    second.get_by_label("Tên đăng nhập").fill(chair["username"])
    second.get_by_label("Mật khẩu").fill(chair["password"])
    second.get_by_role("button", name="Đăng nhập").click()
    expect(second.locator("#who-name")).to_have_text("Chủ tịch Phường Bình Thạnh")
    expect(first.page.locator("#who-name")).to_have_text("Chủ tịch Phường Bình Thạnh")


def test_somebody_elses_link_changes_no_ones_language(resident, copy):
    sends(resident, "0912 555 026")
    resident.goes_to("/?lang=en")  # as from a message: nobody pressed the switch
    expect(resident.page.get_by_role("heading", name="Report a violation")).to_be_visible()
    expect(resident.page.locator("#who")).to_be_visible()
    assert resident.page.request.get(f"{copy.url}/me").json()["language"] == "vi"
