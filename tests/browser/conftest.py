"""One browser for all tests of pages; pages that must end without an error; pictures for the documentation."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser import pages


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


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Page, str], None]:
    """Takes the picture `name` of a page: for the documentation when asked to, else only to see that it can be."""
    return lambda page, name: pages.take_picture(page, name, tmp_path)
