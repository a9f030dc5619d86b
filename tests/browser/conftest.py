"""One browser for all tests of pages; pages that must end without an error; pictures for the documentation."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.browser import pages
from tests.browser.web import Web, started

expect.set_options(timeout=20_000)  # the machine may have other things to do


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ended with its module: as long as it runs, Playwright's event loop does too, and no other may."""
    program = next(filter(None, map(shutil.which, pages.BROWSERS)), None)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must have a browser: none of {', '.join(pages.BROWSERS)} is installed")
        pytest.skip(f"no browser: none of {', '.join(pages.BROWSERS)} is installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=pages.FLAGS, headless=True)
        yield started
        started.close()


@pytest.fixture(scope="module")
def web(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A real Airflow with the Web UI, for the tests of one module."""
    with started(tmp_path_factory.mktemp("web")) as running:
        yield running


@pytest.fixture(scope="module")
def logged_in(browser: Browser, web: Web) -> dict[str, Any]:
    """The cookies of its admin."""
    return pages.cookies(browser, web.address)


@pytest.fixture
def page(browser: Browser, logged_in: dict[str, Any]) -> Iterator[Page]:
    """The admin's page; it must end without an error in its console and without having run what data or YAML says."""
    with pages.watched(pages.new_context(browser, storage_state=logged_in)) as opened:
        yield opened


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Page, str], None]:
    """Takes the picture `name` of a page: for the documentation when asked to, else only to see that it can be."""
    return lambda page, name: pages.take_picture(page, name, tmp_path)
