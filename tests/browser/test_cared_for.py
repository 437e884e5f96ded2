"""Each page is light, usable before its map and charts have come, and open to people who cannot see or point."""

import re

import pytest
from playwright.sync_api import expect

from browser.conftest import faults
from running_copy import PLACES, photo

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

OWN_BYTES = 100_000


def bytes_moved(page, url: str, path: str) -> tuple[int, int]:
    """Bytes that a page moves at its first visit, as they go over the wire: our own, and of the libraries.

    Photos are neither: they are what people sent, come last, and only those that are in view.
    """
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    asked: dict[str, str] = {}
    moved: dict[str, float] = {}
    client.on("Network.responseReceived", lambda event: asked.update({event["requestId"]: event["response"]["url"]}))
    client.on("Network.loadingFinished", lambda event: moved.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(url + path)
    page.wait_for_load_state("networkidle")
    of = {"ours": 0.0, "library": 0.0}
    for request, address in asked.items():
        if address.startswith(url) and "/api/v1/photos/" not in address:
            of["library" if "/web/lib/" in address else "ours"] += moved.get(request, 0)
    return int(of["ours"]), int(of["library"])


@pytest.fixture(scope="module")
def busy_ward(running):
    """Sixty open cases in one ward, the first with a photo: more than a desk shows at once."""
    resident = [running.resident() for _ in range(2)]
    reports = [
        one.report(PLACES["26944"], kind="EN08", note="Loa kéo mở hết cỡ") for one in resident for _ in range(30)
    ]
    first = reports[0].json()
    resident[0].send_photo(first["id"], photo(21))
    return first


@pytest.mark.parametrize("path", ["/", "/desk", "/board"])
def test_a_page_moves_little(visitor, account, busy_ward, path):
    somebody = visitor(phone=path == "/")
    if path != "/":
        somebody.goes_to(path)
        somebody.comes_in_as(account("leader"))
    client = somebody.page.context.new_cdp_session(somebody.page)
    client.send("Network.clearBrowserCache")
    ours, library = bytes_moved(somebody.page, somebody.url, path)

    assert 10_000 < ours < OWN_BYTES, (ours, library)


def test_a_report_is_sent_before_any_map_has_come(resident):
    page = resident.page
    page.route("**/web/lib/**", lambda _: None)  # never answered, as on the worst of networks
    resident.goes_to("/")
    expect(page.locator("[data-found]")).to_contain_text("Phường Bình Thạnh")
    page.get_by_label("Vệ sinh môi trường").check()
    page.get_by_label("Karaoke", exact=False).check()
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.locator("#sign-in")).to_be_visible()
    expect(page.locator("[data-map]")).to_contain_text("Đang tải bản đồ")


def test_figures_stand_without_charts(visitor, account, busy_ward):
    leader = visitor()
    leader.page.route("**/web/lib/**", lambda route: route.abort())
    leader.goes_to("/board")
    leader.comes_in_as(account("leader"))
    expect(leader.page.get_by_role("row", name=re.compile("^Phường Gia Định Mọi lĩnh vực"))).to_be_visible()
    expect(leader.page.locator(".chart").first).to_contain_text("Không vẽ được biểu đồ")
    leader.wrong.clear()  # the browser noticed that they were kept away


def test_a_place_is_chosen_on_the_map(visitor):
    """Without the phone's position: by a tap, and by the keyboard alone."""
    somebody = visitor()
    somebody.goes_to("/")
    canvas = somebody.page.locator("[data-map] canvas")
    canvas.scroll_into_view_if_needed()
    expect(canvas).to_be_visible()
    expect(somebody.page.locator(".ward-name", has_text="Phường Bình Thạnh")).to_be_visible()
    canvas.click()
    expect(somebody.page.locator("[data-found]")).to_have_text(re.compile("^Phường "))
    tapped = somebody.page.locator("[data-found]").inner_text()
    canvas.focus()
    for _ in range(3):
        canvas.press("ArrowDown")
    canvas.press("Enter")
    expect(somebody.page.locator("[data-found]")).to_have_text(re.compile("^(Phường |Vị trí)"))
    assert tapped.startswith("Phường ")
    expect(somebody.page.locator(".maplibregl-marker svg")).to_be_visible()


def test_nothing_is_seriously_wrong_for_people_who_cannot_see_or_point(visitor, resident, account, busy_ward):
    page = resident.page
    resident.goes_to("/")
    expect(page.locator("[data-map] canvas")).to_be_visible()
    page.get_by_label("Trật tự xây dựng").check()
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.locator("#send .error").first).to_be_visible()
    assert faults(page) == [], "the form, with messages"
    page.get_by_role("link", name="Tin của tôi").click()
    expect(page.locator("#sign-in")).to_be_visible()
    assert faults(page) == [], "signing in"

    officer = visitor()
    officer.goes_to("/desk")
    assert faults(officer.page) == [], "staff sign-in"
    officer.comes_in_as(account("officer", "26944"))
    officer.goes_to(f"/desk#case/{busy_ward['id']}")
    expect(officer.page.locator("#case .facts")).to_be_visible()
    officer.page.get_by_role("button", name="Tiếp nhận").click()
    officer.page.get_by_role("button", name="Nhập kết quả").click()
    officer.page.get_by_role("button", name="Ghi nhận kết quả").click()
    assert faults(officer.page) == [], "the desk, with a case and a form open"

    leader = visitor()
    leader.goes_to("/board")
    leader.comes_in_as(account("leader"))
    expect(leader.page.locator("[data-table] td").first).to_be_visible()
    assert faults(leader.page) == [], "the board"


@pytest.mark.parametrize("path", ["/", "/desk", "/board"])
def test_nothing_sticks_out_of_a_small_phone(visitor, account, busy_ward, path):
    somebody = visitor(phone=True)
    somebody.goes_to(path)
    if path != "/":
        somebody.comes_in_as(account("leader"))
        expect(somebody.page.locator(".item, td").first).to_be_visible()
    assert somebody.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_page_whose_scripts_do_not_run_says_so(visitor, resident):
    broken = visitor(phone=True)
    broken.page.route("**/js/words.js", lambda route: route.abort())
    broken.goes_to("/")
    resident.goes_to("/")
    expect(broken.page.locator("#not-started")).to_be_visible()
    expect(resident.page.locator("#not-started")).to_be_hidden()
    broken.wrong.clear()  # the browser noticed too
