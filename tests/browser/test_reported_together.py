"""One incident that several people report: offered to follow, joined by a tap, told to all of them how it ended."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from app.reports import duplicates
from browser.conftest import faults
from browser.test_told import signs_in
from running_copy import PLACES, photo

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]

# In Phường Bình Thạnh, where no other test reports anything.
CORNER = {"lat": 10.8127, "lon": 106.7066}
NOISE = "Karaoke, loa kéo gây ồn trong khu dân cư"


@pytest.fixture
def passer_by(visitor):
    """Somebody with a phone at the corner who is asked, and decides."""
    position = {"latitude": CORNER["lat"], "longitude": CORNER["lon"], "accuracy": 8}
    return lambda: visitor(phone=True, decides=True, geolocation=position, permissions=["geolocation"])


def says_noise(visitor):
    """Fill the form in and send it."""
    page = visitor.page
    visitor.goes_to("/")
    expect(page.locator("[data-found]")).to_contain_text("Phường ")
    page.get_by_label("Vệ sinh môi trường").check()
    page.get_by_label(NOISE).check()
    page.get_by_role("button", name="Gửi", exact=True).click()


def hears_noise(visitor, phone):
    """Fill the form in, send it, sign in."""
    page = visitor.page
    says_noise(visitor)
    page.get_by_label("Số di động").fill(phone)
    page.get_by_role("button", name="Gửi mã cho tôi").click()
    expect(page.get_by_label("Mã gồm sáu chữ số")).to_have_value(re.compile(r"^\d{6}$"))
    page.get_by_role("button", name="Đăng nhập").click()


def told(visitor):
    """What somebody's inbox says, the latest first."""
    return [one["topic"] for one in visitor.page.request.get(f"{visitor.url}/api/v1/me/inbox").json()["items"]]


def test_several_report_one_noise_and_all_hear_how_it_ended(copy, visitor, passer_by, account):
    first = copy.resident().report(CORNER, kind="EN08").json()

    # Who comes by is told before sending, and follows.
    follower = passer_by()
    hears_noise(follower, "0912 555 510")
    asked = follower.page.get_by_role("dialog", name="Việc này đã được báo")
    expect(asked).to_contain_text(re.compile(r"Đã có người báo việc này \d+ (giây|phút) trước\."))
    assert faults(follower.page) == []
    asked.get_by_role("button", name="Theo dõi tin").click()
    expect(follower.page.get_by_role("heading", name="Bạn đang theo dõi tin đó")).to_be_visible()
    assert faults(follower.page) == []
    assert follower.page.request.get(f"{follower.url}/api/v1/reports").json()["items"] == []

    # Another wants to have said it too.
    insists = passer_by()
    hears_noise(insists, "0912 555 511")
    insists.page.get_by_role("dialog", name="Việc này đã được báo").get_by_role(
        "button", name="Vẫn gửi tin của tôi"
    ).click()
    expect(insists.page.get_by_role("heading", name="Đã nhận tin")).to_be_visible()
    number = insists.page.locator("[data-number]").inner_text()

    # The officer opens it, sees that it may be the same, and joins it with one tap.
    officer = visitor()
    officer.goes_to("/desk")
    officer.comes_in_as(account("officer", "26929"))
    officer.page.locator(".item", has_text=number).click()
    case = officer.page.locator("#case")
    expect(case.get_by_role("heading", name="Có thể cùng một việc")).to_be_visible()
    expect(case.locator(".joined")).to_contain_text("cách 0 m")
    assert faults(officer.page) == []
    case.get_by_role("button", name=f"Gộp vào {first['number']}").click()
    expect(case.locator(".case-head")).to_contain_text("Trùng tin đã có")
    expect(case.locator(".course")).to_contain_text("Việc này đã có người báo trước.")

    # On the first one's case stands who else reported it; its end is the end of both.
    officer.goes_to(f"/desk#case/{first['id']}")
    expect(case.get_by_role("heading", name="Còn 1 người cùng báo")).to_be_visible()
    expect(case.locator(".joined", has_text=number)).to_be_visible()
    assert faults(officer.page) == []
    staff = copy.staff("officer", "26929")
    assert staff.move(first["id"], "accepted").status_code == 200
    assert staff.move(first["id"], "concluded", outcome="remedied", note="Đã nhắc").status_code == 200
    copy.wait_until(lambda: told(follower) == ["followed_concluded"])
    copy.wait_until(lambda: told(insists)[:2] == ["concluded", "joined"])

    # Whose report was joined reads the result under their own number.
    page = insists.page
    insists.goes_to("/#mine")
    page.reload()
    page.locator(".item", has_text=number).click()
    expect(page.locator("#case")).to_contain_text("Kết quả: Đã nhắc nhở, khắc phục tại chỗ")
    expect(page.locator("#case")).not_to_contain_text(first["number"])
    assert faults(page) == []


def test_who_reported_it_themselves_is_led_to_their_own(visitor):
    place = {**PLACES["26944"], "lat": PLACES["26944"]["lat"] + 0.0012}  # where nobody else reports anything
    position = {"latitude": place["lat"], "longitude": place["lon"], "accuracy": 8}
    somebody = visitor(phone=True, decides=True, geolocation=position, permissions=["geolocation"])
    page = somebody.page
    signs_in(somebody, "0912 555 512")
    body = {"id": page.evaluate("crypto.randomUUID()"), "kind": "EN08", "location": place, "channel": "web"}
    sent = page.request.post(
        f"{somebody.url}/api/v1/reports", data=body, headers={"Sec-Fetch-Site": "same-origin"}
    ).json()

    says_noise(somebody)

    asked = page.get_by_role("dialog", name="Việc này đã được báo")
    expect(asked).to_contain_text("Bạn đã báo việc này")
    asked.get_by_role("button", name="Mở tin đó").click()
    expect(page.locator("#case .number")).to_have_text(sent["number"])


def by_python(content: bytes) -> int:
    """The difference hash as the worker makes it: greys of mean squares, each and its right neighbour."""
    greys = Image.open(io.BytesIO(content)).convert("L").resize((9, 8), Image.Resampling.BOX).tobytes()
    pairs = [(greys[row * 9 + at], greys[row * 9 + at + 1]) for row in range(8) for at in range(8)]
    return int("".join("1" if left > right else "0" for left, right in pairs), 2)


def sent_on(content: bytes) -> bytes:
    """The photo as a chat application passes it on: smaller, saved anew, with less in it."""
    picture, out = Image.open(io.BytesIO(content)), io.BytesIO()
    picture.resize((640, 480)).save(out, "JPEG", quality=55)
    return out.getvalue()


def upright(content: bytes) -> bytes:
    """A picture stored lying, as phones do, with the word in its EXIF that it stands upright."""
    picture, out = Image.open(io.BytesIO(content)), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(out, "JPEG", quality=88, exif=exif)
    return out.getvalue()


def test_the_browser_sees_in_a_photo_what_the_worker_sees(passer_by, tmp_path: Path):
    somebody = passer_by()
    page = somebody.page
    somebody.goes_to("/")
    expect(page.locator("#send")).to_be_visible()
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), {type: 'file', id: 'any'}))")

    def by_browser(content: bytes) -> int:
        file = tmp_path / "photo.jpg"
        file.write_bytes(content)
        page.locator("#any").set_input_files(file)
        digits = page.evaluate("""async () => {
            const files = performance.getEntriesByType("resource").map((one) => one.name);
            const { looksOf } = await import(files.find((name) => name.endsWith("/looks.js")));
            return looksOf(document.getElementById("any").files[0]);
        }""")
        return duplicates.dhash_of(digits)

    seen = {seed: by_browser(photo(seed)) for seed in range(61, 69)}
    for seed, dhash in seen.items():
        original = by_python(photo(seed))
        assert duplicates.distance(dhash, original) <= 5, seed
        assert duplicates.distance(by_browser(sent_on(photo(seed))), original) <= duplicates.NEAR_SAME_BITS, seed
    turned = upright(photo(61))
    assert duplicates.distance(by_browser(turned), seen[61]) <= duplicates.NEAR_SAME_BITS
    others = [duplicates.distance(seen[one], by_python(photo(other))) for one in seen for other in seen if one != other]
    assert min(others) > duplicates.NEAR_SAME_BITS
