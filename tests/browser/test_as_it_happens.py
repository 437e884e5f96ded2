"""An open desk sees what happens elsewhere as it happens, and when there are no news it asks."""

import re
import time

import pytest
from playwright.sync_api import expect

from running_copy import PLACES, photo

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

SIGN = "trực tiếp"


@pytest.fixture
def desk(visitor, account):
    """The desk of an officer of Phường Bình Thạnh, with news."""
    found = visitor()
    found.goes_to("/desk")
    found.comes_in_as(account("officer", "26929"))
    expect(found.page.get_by_text(SIGN)).to_be_visible()
    return found


def asks_for_the_queue(desk) -> list[float]:
    """The instants at which the desk asks for it from now on."""
    asked: list[float] = []
    desk.page.on("request", lambda request: "/api/v1/queue?" in request.url and asked.append(time.monotonic()))
    return asked


def test_a_report_stands_on_an_open_desk_within_two_seconds_and_nobody_asked(resident, desk):
    page = resident.page
    resident.goes_to("/")
    expect(page.locator("[data-found]")).to_contain_text("Phường Bình Thạnh")
    page.get_by_label("Vệ sinh môi trường").check()
    page.get_by_label("Karaoke, loa kéo gây ồn", exact=False).check()
    page.get_by_role("button", name="Gửi", exact=True).click()
    page.get_by_label("Số di động").fill("0912 555 300")
    page.get_by_role("button", name="Gửi mã cho tôi").click()
    expect(page.get_by_label("Mã gồm sáu chữ số")).to_have_value(re.compile(r"^\d{6}$"))
    desk.page.wait_for_timeout(5_000)
    asked = asks_for_the_queue(desk)
    desk.page.wait_for_timeout(9_000)
    # Without news it would have asked twice or three times by now; with them it does so twice a minute.
    before = len(asked)
    assert before <= 1

    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", name="Đã nhận tin")).to_be_visible()
    number = page.locator("[data-number]").inner_text()

    expect(desk.page.locator(".item", has_text=number)).to_be_visible(timeout=2_000)
    assert len(asked) - before <= 3


def test_an_open_case_shows_what_a_colleague_does_and_that_a_photo_came(copy, desk):
    colleague, resident = copy.staff("chair", "26929"), copy.resident()
    report = resident.report(PLACES["26929"]).json()
    desk.page.locator(".item", has_text=report["number"]).click()
    case = desk.page.locator("#case")
    expect(case.locator(".number")).to_have_text(report["number"])

    assert colleague.move(report["id"], "accepted").status_code == 200
    expect(case.locator(".case-head .chip.accepted")).to_be_visible(timeout=2_000)

    resident.send_photo(report["id"], photo(9_300))
    expect(case.locator(".compare img")).to_be_visible(timeout=4_000)  # made by a worker first


def test_a_desk_goes_on_by_asking_when_the_news_stop_and_finds_back(copy, desk):
    resident, page = copy.resident(), desk.page
    copy.kill("live")
    expect(page.get_by_text(SIGN)).to_be_hidden()

    number = resident.report(PLACES["26929"]).json()["number"]
    expect(page.locator(".item", has_text=number)).to_be_visible(timeout=8_000)

    copy.start("live")
    expect(page.get_by_text(SIGN)).to_be_visible(timeout=30_000)
    number = resident.report(PLACES["26929"]).json()["number"]
    expect(page.locator(".item", has_text=number)).to_be_visible(timeout=2_000)


# Two answers to one question, of which the older is held back until the newer one is there.
OVERTAKEN = """async (listing) => {
  const { Listing } = await import(listing);
  const asked = [];
  const ask = window.fetch;
  window.fetch = (url, ...more) =>
    url.includes("probe") ? new Promise((answer) => asked.push(answer)) : ask(url, ...more);
  const page = (mark) => new Response(JSON.stringify({ items: [], next: null, mark }), { headers: { ETag: mark } });
  const list = new Listing(document.createElement("div"), document.createElement("button"), {
    path: () => "/queue?probe", href: () => "", empty: () => "",
  });
  const older = list.refresh();
  const newer = list.refresh();
  asked[1](page("newer"));
  await newer;
  asked[0](page("older"));
  const replaced = await older;
  window.fetch = ask;
  return [list.page.mark, list.etag, replaced];
}"""


def test_an_older_answer_does_not_replace_a_newer_one(desk):
    listing = desk.page.locator("link[rel=modulepreload][href*='listing.js']").get_attribute("href")

    assert desk.page.evaluate(OVERTAKEN, listing) == ["newer", "newer", False]
