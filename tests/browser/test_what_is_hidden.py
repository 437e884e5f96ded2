"""What a photo hides from the public, at an officer's desk: seen, taken away by a press, added with the mouse and the keys."""

import io
import random

import pytest
from playwright.sync_api import Page, expect

from bench import scenes
from browser.conftest import faults
from running_copy import PLACES, Copy

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]


def street() -> bytes:
    """A street with one face and one plate."""
    chance = random.Random(11)
    scene = scenes.Scene(scenes.street(chance, signs=0))
    scenes.add_face(scene, chance, 150, "plain")
    scenes.add_plate(scene, chance, 120, "plain", 2)
    out = io.BytesIO()
    scenes.finished(scene, chance, night=False, quality=85).picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def test_an_officer_changes_what_a_photo_hides(copy: Copy, visitor, account, tmp_path):  # noqa: PLR0915 -- one story
    resident = copy.resident()
    report = resident.report(PLACES["26929"]).json()
    sha256, _ = resident.send_photo(report["id"], street())
    watching = copy.staff("officer", "26929")
    address = f"/reports/{report['id']}/photos/{sha256}/blurs"
    first = copy.wait_until(lambda: watching.get(address).json()["public_copy_at"])
    found = [one["what"] for one in watching.get(address).json()["items"]]
    assert {"face", "plate"} <= set(found)

    officer = visitor()
    officer.goes_to("/desk")
    officer.comes_in_as(account("officer", "26929"))
    page: Page = officer.page
    page.locator(".item", has_text=report["number"]).click()
    page.locator("#case .compare .open").click()
    dialog = page.locator("dialog.picture")
    places = dialog.locator("button.blur")
    expect(places).to_have_count(len(found))
    expect(dialog.get_by_role("status")).to_have_text(f"Số vùng che với công chúng: {len(found)}")
    assert faults(page) == []
    # Each lies over the picture where it was found.
    face = next(one for one in watching.get(address).json()["items"] if one["what"] == "face")
    picture, box = dialog.locator("img").bounding_box(), dialog.get_by_title("Khuôn mặt").first.bounding_box()
    assert abs((box["x"] - picture["x"]) / picture["width"] - face["left"]) < 0.01
    assert abs((box["y"] - picture["y"]) / picture["height"] - face["top"]) < 0.01
    assert abs(box["width"] / picture["width"] - face["width"]) < 0.02

    # By the mouse.
    page.get_by_role("button", name="Che thêm một vùng").click()
    page.mouse.move(picture["x"] + picture["width"] * 0.1, picture["y"] + picture["height"] * 0.1)
    page.mouse.down()
    page.mouse.move(picture["x"] + picture["width"] * 0.3, picture["y"] + picture["height"] * 0.2, steps=4)
    page.mouse.up()
    expect(places).to_have_count(len(found) + 1)
    drawn = next(one for one in watching.get(address).json()["items"] if one["what"] == "other")
    assert [round(drawn[side], 2) for side in ("left", "top", "width", "height")] == [0.1, 0.1, 0.2, 0.1]

    # By the keys alone: two to the right, three lower, one narrower.
    page.get_by_role("button", name="Che thêm một vùng").focus()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("status")).to_contain_text("phím mũi tên")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect(places).to_have_count(len(found) + 2)
    added = [one for one in watching.get(address).json()["items"] if one["what"] == "other"]
    keyed = max(added, key=lambda one: one["left"])
    assert [round(keyed[side], 2) for side in ("left", "top", "width", "height")] == [0.44, 0.46, 0.18, 0.2]

    # Begun and given up: Escape ends the drawing, and not the dialog.
    page.get_by_role("button", name="Che thêm một vùng").click()
    page.keyboard.press("Escape")
    expect(dialog.locator(".plane")).to_have_count(0)
    expect(dialog).to_be_visible()

    # Shown again, after a question.
    page.once("dialog", lambda question: question.dismiss())
    dialog.get_by_title("Biển số hoặc chữ").first.click()
    expect(places).to_have_count(len(found) + 2)
    page.once("dialog", lambda question: question.accept())
    dialog.get_by_title("Biển số hoặc chữ").first.focus()
    page.keyboard.press("Enter")
    expect(places).to_have_count(len(found) + 1)
    page.screenshot(path=tmp_path / "hidden.png")

    again = copy.wait_until(lambda: watching.get(address).json()["public_copy_at"])
    assert again > first
    assert sum(one["released_at"] is not None for one in watching.get(address).json()["items"]) == 1
    dialog.get_by_role("button", name="Đóng").click()
    expect(page.locator("#case .course")).to_contain_text("Đã bỏ che một vùng ảnh với công chúng", timeout=40_000)
    told = [entry["type"] for entry in resident.get(f"/reports/{report['id']}/timeline").json()["items"]]
    assert told == ["received"]
