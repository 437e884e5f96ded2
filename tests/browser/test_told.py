"""What a resident and a chair are told, as they see it: the inbox behind the bell, quiet hours, and a device that rings."""

import json
import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from browser.conftest import faults
from running_copy import PLACES, free_port

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]


def signs_in(visitor, phone: str) -> None:
    """A resident comes in by the dialog that their list asks for."""
    page = visitor.page
    visitor.goes_to("/#mine")
    page.get_by_label("Số di động").fill(phone)
    page.get_by_role("button", name="Gửi mã cho tôi").click()
    expect(page.get_by_label("Mã gồm sáu chữ số")).to_have_value(re.compile(r"^\d{6}$"))
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.locator("#bell")).to_be_visible()


def reports(visitor) -> dict:
    """A report sent by the page's own sign-in; noise asks for no photo."""
    page = visitor.page
    body = {"id": page.evaluate("crypto.randomUUID()"), "kind": "EN08", "location": PLACES["26929"], "channel": "web"}
    sent = page.request.post(f"{visitor.url}/api/v1/reports", data=body, headers={"Sec-Fetch-Site": "same-origin"})
    assert sent.status == 201, sent.text()
    return sent.json()


def test_a_resident_reads_what_became_of_a_report(copy, resident):
    signs_in(resident, "0912 555 400")
    page = resident.page
    report = reports(resident)
    officer = copy.staff("officer", "26929")
    assert officer.move(report["id"], "accepted").status_code == 200
    copy.wait_until(lambda: page.request.get(f"{resident.url}/api/v1/me/inbox").json()["unread"] == 2)

    page.reload()
    bell = page.get_by_role("button", name="Thông báo, 2 mới")
    expect(bell).to_be_visible()
    bell.click()
    inbox = page.get_by_role("dialog", name="Thông báo")
    first = inbox.locator(".notice-item").first
    expect(first).to_contain_text(report["number"])
    expect(inbox.locator(".notice-item.new")).to_have_count(2)
    assert faults(page) == []
    # Looked at is read; it leads to the report.
    expect(page.get_by_role("button", name="Thông báo", exact=True)).to_be_attached()
    first.click()
    expect(inbox).to_be_hidden()
    expect(page.locator("#view-case")).to_contain_text(report["number"])
    assert page.request.get(f"{resident.url}/api/v1/me/inbox").json()["unread"] == 0


def test_quiet_hours_are_two_times_or_none(resident):
    signs_in(resident, "0912 555 401")
    page = resident.page
    page.locator("#bell").click()
    inbox = page.get_by_role("dialog", name="Thông báo")
    expect(inbox).to_contain_text("Chưa có gì.")
    inbox.get_by_text("Cách nhận thông báo").click()
    expect(inbox.get_by_label("Trên máy của tôi")).to_be_checked()
    inbox.get_by_label("Bằng tin nhắn").check()
    inbox.get_by_label("từ").fill("22:00")
    inbox.get_by_role("button", name="Lưu").click()
    expect(inbox.locator("[data-form-error]")).to_have_text("Hãy nhập cả hai giờ, hoặc bỏ trống cả hai.")
    inbox.get_by_label("đến").fill("06:00")
    inbox.get_by_role("button", name="Lưu").click()
    expect(inbox.locator("[data-saved]")).to_have_text("Đã lưu.")
    mine = page.request.get(f"{resident.url}/api/v1/me").json()
    assert mine["quiet_hours"] == {"from": "22:00", "to": "06:00"}
    assert mine["channels"] == ["inbox", "push", "sms"]
    assert faults(page) == []


def test_a_chair_is_warned_by_name_when_the_time_is_up(copy, visitor, account, database_behind):
    report = copy.resident().report(PLACES["26929"], kind="EN08").json()
    with database_behind.begin() as connection:  # two hours pass
        connection.execute(
            text("update reports set due_at = now(), rungs = array[now(), now(), now()] where id = :id"),
            {"id": report["id"]},
        )
    chair = visitor()
    chair.goes_to("/desk")
    chair.comes_in_as(account("chair", "26929"))
    copy.wait_until(
        lambda: "Quá hạn chưa xong" in chair.page.request.get(f"{chair.url}/api/v1/me/inbox").text(), seconds=30
    )

    chair.page.reload()
    chair.page.locator("#bell").click()
    told = chair.page.locator(".notice-item", has_text=report["number"])
    expect(told.first).to_contain_text("Quá hạn chưa xong")
    told.first.click()
    expect(chair.page.locator("#case")).to_contain_text(report["number"])
    expect(chair.page.locator(".course")).to_contain_text("đã dùng 100 % thời gian")


def test_a_device_shows_what_is_pushed_to_it(copy, visitor):
    """The browser's push service is outside; what it would hand to the page's worker is handed over here."""
    somebody = visitor(permissions=["notifications"])
    page = somebody.page
    somebody.goes_to("/")
    cdp = page.context.new_cdp_session(page)
    versions: list[dict] = []
    cdp.on("ServiceWorker.workerRegistrationUpdated", lambda said: versions.extend(said["registrations"]))
    cdp.send("ServiceWorker.enable")
    page.evaluate("navigator.serviceWorker.register('/service-worker.js').then(() => navigator.serviceWorker.ready)")
    page.wait_for_function(
        "navigator.serviceWorker.getRegistration('/').then((one) => one?.active?.state === 'activated')"
    )
    (worker,) = page.context.service_workers
    # What a desktop would show, noted instead: a browser without one takes it away again at once.
    worker.evaluate(
        "() => { self.shown = []; registration.showNotification = async (...said) => { shown.push(said); }; }"
    )
    message = {"title": "Đã tiếp nhận", "body": "BT-2611-0047", "link": "/#report/1", "tag": "n1"}
    cdp.send(
        "ServiceWorker.deliverPushMessage",
        {
            "origin": somebody.url,
            "registrationId": versions[-1]["registrationId"],
            "data": json.dumps(message, ensure_ascii=False),
        },
    )
    copy.wait_until(lambda: worker.evaluate("shown.length"))
    ((title, options),) = worker.evaluate("shown")
    assert (title, options["body"], options["tag"], options["data"]) == (
        "Đã tiếp nhận",
        "BT-2611-0047",
        "n1",
        {"link": "/#report/1"},
    )


def test_whoever_lets_nothing_ring_is_told_why(resident):
    signs_in(resident, f"0912 55{free_port() % 10000:04d}")
    page = resident.page
    page.locator("#bell").click()
    page.get_by_text("Cách nhận thông báo").click()
    page.get_by_role("button", name="Báo trên máy này").click()
    expect(page.locator("[data-ring-hint]")).to_have_text(
        "Trình duyệt không cho trang này gửi thông báo. Hãy xem lại cài đặt trình duyệt."
    )


def test_a_chair_sets_who_is_on_duty_and_an_officer_reads_it(visitor, account):
    chair = visitor()
    chair.goes_to("/desk")
    chair.comes_in_as(account("chair", "26944"))
    page = chair.page
    page.get_by_role("button", name="Lịch trực").click()
    plan = page.get_by_role("dialog", name=re.compile("Lịch trực, Phường"))
    expect(plan).to_contain_text("Chưa có lịch: mọi người luôn trực.")
    plan.get_by_role("button", name="Thêm ca").click()
    plan.get_by_label("Người trực").select_option(label="Cán bộ Phường Gia Định")
    for weekday in ("T7", "CN"):
        plan.get_by_label(weekday).check()
    plan.get_by_label("từ", exact=True).fill("00:00")
    plan.get_by_label("đến", exact=True).fill("00:00")
    assert faults(page) == []
    plan.get_by_role("button", name="Lưu lịch này").click()
    expect(plan.last).to_contain_text("Đang trực: Cán bộ Phường Gia Định")

    officer = visitor()
    officer.goes_to("/desk")
    officer.comes_in_as(account("officer", "26944"))
    officer.page.get_by_role("button", name="Lịch trực").click()
    read = officer.page.get_by_role("dialog", name=re.compile("Lịch trực, Phường"))
    expect(read).to_contain_text("Cán bộ Phường Gia Định · T2 T3 T4 T5 T6 T7 CN · 00:00–00:00")
    expect(read.get_by_role("button", name="Lưu lịch này")).to_have_count(0)

    # Taken out again: everybody is on duty, as before.
    plan.last.get_by_role("button", name="Bỏ ca này").click()
    plan.last.get_by_role("button", name="Lưu lịch này").click()
    expect(plan.last).to_contain_text("Chưa có lịch: mọi người luôn trực.")
