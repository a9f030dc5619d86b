"""Pages of a real Airflow in a real browser: logging in, watching for errors, taking pictures, asking axe."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, FloatRect, Locator, Page, expect
from tests.airflow_server import ROOT

IMAGES = ROOT / "docs" / "images"
UPDATE = os.environ.get("LUPUS_UPDATE_IMAGES") == "1"
WIDTH, HEIGHT = 1440, 900
MOST_BYTES = 250_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-lcd-text",  # letters without coloured edges: smaller pictures
)
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
AXE_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")


def new_context(
    browser: Browser, *, theme: str = "light", width: int = WIDTH, height: int = HEIGHT, **more: Any
) -> BrowserContext:
    """A visitor in New York whose Airflow is `theme`."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        locale="en-GB",
        timezone_id="America/New_York",
        **more,
    )
    context.add_init_script(f"try {{ localStorage.setItem('theme', '{theme}') }} catch {{}}")
    context.set_default_timeout(20_000)
    return context


def log_in(page: Page, address: str, user: str = "admin", password: str = "admin") -> None:
    page.goto(address)
    fill_login(page, user, password)
    page.wait_for_url(f"{address}/")


def fill_login(page: Page, user: str = "admin", password: str = "admin") -> None:
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()


def cookies(browser: Browser, address: str, user: str = "admin", password: str = "admin") -> dict[str, Any]:
    """What a browser keeps of a login."""
    context = new_context(browser)
    log_in(context.new_page(), address, user, password)
    state = dict(context.storage_state())
    context.close()
    return state


@contextmanager
def watched(context: BrowserContext) -> Iterator[Page]:
    """A page that must end without an error in its console, and without having run what data or YAML says."""
    opened = context.new_page()
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{message.text} ({message.location['url']})")

    opened.on("console", note)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("dialog", lambda dialog: (errors.append(f"dialog {dialog.message}"), dialog.dismiss()))
    yield opened
    attacked = opened.evaluate("window.attacked ?? null")
    context.close()
    assert not errors, errors
    assert attacked is None, attacked


def take_picture(page: Page, name: str, folder: Path) -> None:
    """A picture of what is seen; into docs/images with LUPUS_UPDATE_IMAGES=1, else into `folder`."""
    path = (IMAGES if UPDATE else folder) / name
    path.parent.mkdir(exist_ok=True)
    page.mouse.move(WIDTH - 2, HEIGHT - 2)  # no tooltip
    expect(page.get_by_role("tooltip")).to_have_count(0)
    page.screenshot(path=path, animations="disabled", caret="hide")
    assert size(path) == (WIDTH, HEIGHT)
    kept = IMAGES / name
    assert kept.is_file(), f"docs/images/{name} is missing: run this test with LUPUS_UPDATE_IMAGES=1"
    assert size(kept) == (WIDTH, HEIGHT)
    assert kept.stat().st_size < MOST_BYTES


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG, from its header."""
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", head[16:])
    return width, height


def violations(page: Page, within: str = ".lupus") -> list[str]:
    """What axe finds against WCAG 2.1 AA below `within`: rule, place, and why."""
    if not page.evaluate("typeof globalThis.axe === 'object'"):
        page.evaluate(AXE.read_text())
    found = page.evaluate(
        "([within, tags]) => axe.run(within, {runOnly: {type: 'tag', values: tags}})", [within, list(AXE_RULES)]
    )
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def box_of(locator: Locator) -> FloatRect:
    """Where `locator` is on the page, once it is there: a rendering that replaces it meanwhile is waited for."""
    for _ in range(100):
        expect(locator).to_be_visible()
        box = locator.bounding_box()
        if box is not None:
            return box
        locator.page.wait_for_timeout(100)
    raise AssertionError(f"{locator} does not stay on the page")
