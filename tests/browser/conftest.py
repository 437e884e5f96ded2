"""Debian's Chromium against a whole running copy: the pages as people use them, on phones and at desks.

The copy is that of the journeys. What is faked is the edge: the phone's position, and the files that its camera app and
gallery hand to the page. The browser can reach nothing but the copy.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from running_copy import PLACES, Copy, photo

CHROMIUM = os.environ.get("HAIGIO_CHROMIUM")

if CHROMIUM is None:
    collect_ignore_glob = ["test_*.py"]  # ./test has said that there is no Chromium, and why

PHONE = {"width": 360, "height": 740}
SCREEN = {"width": 1280, "height": 860}

# As on any small machine: no graphics card, often no user namespaces, and nothing that calls home.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    expect.set_options(timeout=15_000)
    yield browser
    browser.close()


@dataclass
class Visitor:
    """Somebody with a browser of their own. `wrong` is what the browser complained of on the way."""

    page: Page
    url: str
    wrong: list[str]

    def goes_to(self, path: str) -> None:
        self.page.goto(self.url + path)

    def comes_in_as(self, account: dict[str, str]) -> None:
        """Staff sign in by the form that is on the desk and on the board."""
        self.page.get_by_label("Tên đăng nhập").fill(account["username"])
        self.page.get_by_label("Mật khẩu").fill(account["password"])
        self.page.get_by_role("button", name="Đăng nhập").click()
        expect(self.page.locator("#staff-sign-in")).to_be_hidden()

    def chooses(self, folder: Path, seed: int, *, by: str = "camera") -> str:
        """Hand the page a photo, as the phone's camera app or gallery would; its file's path."""
        file = folder / f"{seed}.jpg"
        file.write_bytes(photo(seed))
        self.page.locator(f"[data-{by}]").set_input_files(file)
        return str(file)


@pytest.fixture
def visitor(chromium: Browser, copy: Copy) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors; whatever their browsers complained of fails the test at its end."""
    came: list[tuple[BrowserContext, Visitor]] = []

    def comes(*, phone: bool = False, decides: bool = False, **more: Any) -> Visitor:
        context = chromium.new_context(
            viewport=PHONE if phone else SCREEN, is_mobile=phone, has_touch=phone, locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh", **more,
        )  # fmt: skip
        url, news = (f"http://127.0.0.1:{port}" for port in (copy.port, copy.live_port))
        own = (url, news, "blob:", "data:")
        context.route(lambda address: not address.startswith(own), lambda route: route.abort())
        page = context.new_page()
        page.set_default_timeout(15_000)
        if not decides:  # all report the same few places: whoever is asked whether theirs was reported already sends it
            page.add_locator_handler(
                page.get_by_role("button", name="Vẫn gửi tin của tôi"), lambda send: send.click(), no_wait_after=True
            )
        found = Visitor(page, url, [])
        page.on("pageerror", lambda error: found.wrong.append(f"error: {error}"))
        page.on("requestfailed", lambda request: _note_failure(found, request))
        page.on("console", lambda message: _note_complaint(found, message))
        came.append((context, found))
        return found

    yield comes
    for context, found in came:
        context.close()
        assert found.wrong == []


def _note_complaint(found: Visitor, message: Any) -> None:
    # A refusal of the API is an answer, and its page shows it; a refusal by our own policy is a fault.
    if message.type == "error" and "Failed to load resource" not in message.text:
        found.wrong.append(f"console: {message.text}")


def _note_failure(found: Visitor, request: Any) -> None:
    # A stream of news may break at any time; the desk asks then as it would without.
    if request.resource_type == "eventsource":
        return
    if "ERR_ABORTED" not in (request.failure or "") and not found.page.is_closed():
        found.wrong.append(f"failed: {request.url} {request.failure}")


@pytest.fixture
def resident(visitor: Callable[..., Visitor]) -> Visitor:
    """Somebody in the middle of Phường Bình Thạnh, with a cheap phone that may tell its position to the page."""
    place = PLACES["26929"]
    position = {"latitude": place["lat"], "longitude": place["lon"], "accuracy": 12}
    return visitor(phone=True, geolocation=position, permissions=["geolocation"])


@pytest.fixture
def account(copy: Copy) -> Callable[..., dict[str, str]]:
    """The demo account of a role, of a ward or of the city."""

    def of(role: str, ward: str | None = None) -> dict[str, str]:
        return next(one for one in copy.accounts if (one["role"], one["ward"]) == (role, ward))

    return of


def faults(page: Page) -> list[str]:
    """What axe-core finds seriously wrong with a page as it is shown now, by WCAG 2.2 A and AA."""
    rules = {
        "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    }
    violations = Axe().run(page, options=rules).response["violations"]
    return [
        f"{one['id']}: {[node['html'][:140] for node in one['nodes']][:3]}"
        for one in violations
        if one["impact"] in {"serious", "critical"}
    ]
