"""The Web UI of an Airflow that lives below a path of its own, as behind a company's reverse proxy."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from tests.airflow_server import ROOT, AirflowServer, free_port
from tests.browser.pages import cookies, new_context, watched

import tiny
from installation import Installation

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Airflow's address, which ends in a path."""
    folder = tmp_path_factory.mktemp("base-path")
    installation = Installation.tiny(folder / "tiny")
    installation.run(*map(tiny.day, range(3)))
    dags = folder / "dags"
    dags.mkdir()
    shutil.copy(ROOT / "dags" / "lupus_projects.py", dags)
    port = free_port()
    settings = {
        **installation.environ,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}/team/airflow",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    }
    with AirflowServer.standalone(folder / "airflow", dags, **settings) as server:
        server.wait_dag("lupus__loans")
        yield server.url


def test_every_step_stays_below_the_path(browser: Browser, address: str) -> None:
    with watched(new_context(browser, storage_state=cookies(browser, address))) as page:
        page.goto(f"{address}/plugin/lupus")
        page.get_by_role("link", name="loans", exact=True).click()
        expect(page).to_have_url(f"{address}/plugin/lupus/p/loans")
        expect(page.get_by_role("slider").first).to_be_visible()
        page.get_by_role("link", name="Explore its series").click()
        expect(page).to_have_url(re.compile(f"^{re.escape(address)}/plugin/lupus/explore"))
        page.get_by_role("row").first.get_by_role("link").click()
        expect(page.locator("figure canvas").first).to_be_visible()
        href = page.get_by_role("link", name="CSV").get_attribute("href")
        assert href is not None
        assert href.startswith(f"{address}/lupus/api/v1/series/")
        page.reload()
        expect(page.locator("figure canvas").first).to_be_visible()
        assert page.url.startswith(address)
