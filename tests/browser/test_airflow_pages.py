"""What people see of Lupus in Airflow, in a real browser: the Dags, a project's page, its runs, the findings of a day.

With LUPUS_UPDATE_IMAGES=1 the pictures of the documentation are made anew.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from textwrap import dedent
from urllib.error import HTTPError
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.airflow_server import ROOT, AirflowServer
from tests.browser.pages import HEIGHT, WIDTH, box_of, cookies, log_in, new_context, watched

import tiny
from installation import Installation

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

HISTORY, SCHEDULED = range(29), range(29, 39)
FOUND_DAY, RETRAINED_DAY = tiny.day(tiny.BAD_MODEL[0]), tiny.day(tiny.BAD_MODEL[-1])
ATTACK = "<img src=x onerror=window.attacked=1>"
LOANS = tiny.PROJECT.replace(
    "owner: ml-loans", "owner: ml-loans\ndescription: Which loans will default?\nend: 2026-02-09"
)
HOSTILE = f"""\
project: hostile
owner: ml-loans
description: {json.dumps(f"Watch out {ATTACK} [here](javascript:window.attacked=1)")}
start: 2026-01-01
end: 2026-02-09
tables:
  data: {{source: {{connection: warehouse, table: loans}}, time: day}}
"""
BROKEN = f"""\
project: shop
owner: ml-shop
cadence: dayly
tables:
  data: {{source: {{files: "shop.csv"}}, scroe: p_buys}}
description: {json.dumps(ATTACK)}
timezone: {json.dumps(ATTACK)}
"""
RETRAINING = """
    from airflow.sdk import dag, task

    @dag(dag_id="retrain_loans", schedule=None)
    def retrain_loans():
        @task
        def refit():
            print("refitted")

        refit()

    retrain_loans()
"""


@dataclass(frozen=True)
class World:
    """A running Airflow in which the product has lived for all its days; `address` is where it serves."""

    server: AirflowServer

    @property
    def address(self) -> str:
        return self.server.url

    def run(self, day: str, task: str = "") -> str:
        """The address of a day's run, or of one of its tasks."""
        below = f"/tasks/{task}" if task else ""
        return f"{self.address}/dags/lupus__loans/runs/{quote(run_id(day), safe='')}{below}"


def run_id(day: str) -> str:
    return f"manual__{day}"


@pytest.fixture(scope="module")
def world(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("browser")
    installation = Installation.tiny(folder / "tiny")
    installation.add_project("loans", LOANS)
    installation.run(*map(tiny.day, HISTORY))
    dags, projects = folder / "dags", folder / "projects"
    dags.mkdir()
    projects.mkdir()
    shutil.copy(ROOT / "dags" / "lupus_projects.py", dags)
    (dags / "retrain_loans.py").write_text(dedent(RETRAINING))
    settings = {
        **installation.environ,
        "LUPUS_PROJECTS": str(projects),
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(installation.warehouse)}),
        # The scheduler loads the heavy libraries once, not every task anew.
        "PYTHONPATH": str(ROOT / "examples" / "flights_demo" / "settings"),
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    }
    with AirflowServer.standalone(folder / "airflow", dags, **settings) as server:
        # Only once Airflow is well: a task that begins before the API server answers is lost.
        for name, text in (("loans", LOANS), ("hostile", HOSTILE), ("shop", BROKEN)):
            (projects / f"{name}.yaml").write_text(text)
        for dag_id in ("lupus__loans", "lupus__hostile", "lupus__shop", "retrain_loans"):
            server.wait_dag(dag_id)
        days = [tiny.day(number) for number in SCHEDULED]
        for day in days:
            server.until(lambda day=day: trigger(server, day), f"the run of {day} to be made")
        ended = {day: server.wait_run("lupus__loans", run_id(day)) for day in days}
        assert set(ended.values()) == {"success"}, f"{ended}\n{server.output()}"
        (red,) = server.until(lambda: server.runs("lupus__shop"), "the run of the broken project")
        assert server.wait_run("lupus__shop", red["dag_run_id"]) == "failed"
        yield World(server)


def trigger(server: AirflowServer, day: str) -> bool:
    """Ask for the run of a day; False where Airflow's SQLite was locked."""
    body = {"logical_date": None, "partition_key": day, "dag_run_id": run_id(day)}
    try:
        server.call("POST", "/dags/lupus__loans/dagRuns", body)
    except HTTPError as error:
        if error.code not in (409, 500, 503):
            raise
        return error.code == 409  # it is there already
    return True


@pytest.fixture(scope="module")
def logged_in(browser: Browser, world: World) -> dict[str, object]:
    """The cookies of an admin."""
    return cookies(browser, world.address)


@pytest.fixture
def page(browser: Browser, logged_in: dict[str, object]) -> Iterator[Page]:
    """An admin's page; it must end without an error in its console and without having run what YAML says."""
    with watched(new_context(browser, storage_state=logged_in)) as opened:
        yield opened


def split_at(page: Page, x: int) -> None:
    """Drag the border between the grid and the details to `x`."""
    box = box_of(page.locator("[data-panel-resize-handle-id]").first)
    page.mouse.move(box["x"] + box["width"] / 2, HEIGHT - 150)
    page.mouse.down()
    page.mouse.move(x, HEIGHT - 150, steps=6)
    page.mouse.up()


def project_page(page: Page, world: World, dag_id: str) -> Locator:
    """The Dag's documentation, opened and pulled large."""
    page.goto(f"{world.address}/dags/{dag_id}")
    page.get_by_role("button", name="Dag Docs").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Dag Documentation")).to_be_visible()
    page.wait_for_timeout(400)  # it slides in
    box = box_of(dialog)
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] - 4)
    page.mouse.down()
    page.mouse.move(WIDTH - 40, HEIGHT - 20, steps=6)
    page.mouse.up()
    return dialog


def test_without_logging_in_there_is_a_form_and_nothing_else(browser: Browser, world: World) -> None:
    context = new_context(browser)
    page = context.new_page()
    page.goto(f"{world.address}/dags/lupus__loans")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert "loans" not in page.inner_text("body")
    log_in(page, world.address)
    page.goto(f"{world.address}/dags")
    expect(page.get_by_role("link", name="lupus__loans")).to_be_visible()
    context.close()


def test_the_dags_page_shows_the_projects_and_the_broken_one_red(page: Page, world: World) -> None:
    page.goto(f"{world.address}/dags?tags=lupus")
    for name in ("lupus__loans", "lupus__hostile", "lupus__shop"):
        expect(page.get_by_role("link", name=name)).to_be_visible()
    expect(page.get_by_text("daily, 0 0 * * * America/New_York")).to_be_visible()
    page.goto(f"{world.address}/dags?last_dag_run_state=failed")
    expect(page.get_by_role("link", name="lupus__shop")).to_be_visible()
    expect(page.get_by_role("link", name="lupus__loans")).to_have_count(0)
    expect(page.get_by_text("Dag Import Error")).to_have_count(0)


def test_the_broken_projects_page_and_log_say_where_and_what_to_do(page: Page, world: World) -> None:
    dialog = project_page(page, world, "lupus__shop")
    expect(dialog.get_by_role("heading", name="This project file cannot be used")).to_be_visible()
    expect(dialog).to_contain_text("shop.yaml:3:10")
    expect(dialog).to_contain_text("did you mean 'daily'?")
    expect(dialog).to_contain_text("did you mean 'score'?")
    expect(dialog).to_contain_text(ATTACK)
    expect(page.locator("img[src=x]")).to_have_count(0)
    (red,) = world.server.runs("lupus__shop")
    run = quote(red["dag_run_id"], safe="")
    page.goto(f"{world.address}/dags/lupus__shop/runs/{run}/tasks/broken_config")
    expect(page.get_by_test_id("virtualized-list")).to_contain_text("shop.yaml:3:10")
    expect(page.locator("img[src=x]")).to_have_count(0)


def test_the_projects_page_shows_tables_rules_and_the_file(
    page: Page, world: World, picture: Callable[[Page, str], None]
) -> None:
    dialog = project_page(page, world, "lupus__loans")
    for heading in ("loans", "Tables", "Rules", "Alerts", "Retraining", "The project file"):
        expect(dialog.get_by_role("heading", name=heading, exact=True)).to_have_count(1)
    tables, rules = (dialog.get_by_role("table").nth(number) for number in (0, 1))
    expect(tables.get_by_role("row", name=re.compile("^ground_truth"))).to_contain_text("defaulted (within 2 days)")
    expect(rules.get_by_role("row", name=re.compile("^brier_too_high"))).to_contain_text("max 0.3")
    expect(dialog).to_contain_text("score: p_default")
    expect(dialog).to_contain_text("retrain_loans")
    picture(page, "project.png")


def test_what_yaml_says_is_text(page: Page, world: World) -> None:
    dialog = project_page(page, world, "lupus__hostile")
    expect(dialog.get_by_text(f"Watch out {ATTACK}").first).to_be_visible()
    expect(dialog.get_by_role("link")).to_have_count(0)
    expect(page.locator("img[src=x]")).to_have_count(0)
    page.goto(f"{world.address}/dags/lupus__hostile/details")
    expect(page.get_by_text(f"Watch out {ATTACK}").first).to_be_visible()
    expect(page.locator("img[src=x]")).to_have_count(0)


def test_the_grid_leads_to_the_run_of_a_day(page: Page, world: World, picture: Callable[[Page, str], None]) -> None:
    page.goto(f"{world.address}/dags/lupus__loans")
    for number in SCHEDULED:
        expect(page.locator(f"a[href$='/runs/{run_id(tiny.day(number))}/']")).to_be_attached()
    page.locator(f"a[href$='/runs/{run_id(RETRAINED_DAY)}/']").click()
    expect(page.get_by_text("Partition Key", exact=True)).to_be_visible()
    expect(page.get_by_text(RETRAINED_DAY, exact=True)).to_be_visible()
    for task in ("extract", "validate", "measure", "judge", "act", "deliver", "retrain", "done"):
        expect(page.get_by_role("row", name=re.compile(rf"^{task}\b"))).to_contain_text("Success")
    split_at(page, 460)
    picture(page, "dag.png")


def test_the_log_of_judge_shows_the_findings_as_a_table(
    page: Page, world: World, picture: Callable[[Page, str], None]
) -> None:
    page.goto(world.run(FOUND_DAY, "judge"))
    split_at(page, 150)
    log = page.get_by_test_id("virtualized-list")
    expect(log).to_contain_text("Findings, worst first")
    page.get_by_role("button", name="Log Settings").click()
    page.get_by_role("menuitem", name="Hide Timestamps").click()
    expect(log).not_to_contain_text(re.compile(r"\[\d{4}-\d\d-\d\d \d\d:"))
    log.get_by_text("Findings, worst first").scroll_into_view_if_needed()
    lines = [line.removeprefix("INFO - ") for line in log.inner_text().splitlines()]
    (head,) = (line for line in lines if re.match(r"\s*interval\s+severity\s+score\s+what\s+finding", line))
    found = [line for line in lines if re.match(rf"\s*{FOUND_DAY}\s+(low|medium|high|critical)\s", line)]
    assert found, log.inner_text()
    # The columns are under their headings, so the browser has kept every space.
    for line in found:
        for column in ("interval", "severity", "what", "finding"):
            assert re.match(r"\s\S", line[head.index(column) - 1 :]), f"{column} is not under its heading:\n{line}"
    assert any("prediction.p_default" in line and "mean" in line and "is above" in line for line in found)
    picture(page, "judge-log.png")
