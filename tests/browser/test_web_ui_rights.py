"""Two people with different rights at the Web UI, by FAB's auth manager; and a store that is not what it should be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, Route, expect
from tests.browser.pages import box_of, cookies, new_context, violations, watched

import fab
from conftest import POSTGRES, _database
from lupus.store import open_store
from ui_cases import DAYS, LAST, series

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

# Airflow shows no plugin to who may not read this resource.
PLUGINS = {"Plugins": ("can_read",)}
RIGHTS = {
    "ann": {"DAG:lupus__ads": ("can_read", "can_edit"), "DAG:lupus__spam": ("can_read", "can_edit"), **PLUGINS},
    "bob": {"DAG:lupus__spam": ("can_read",), **PLUGINS},
}
HOLE = DAYS[30].key


@dataclass(frozen=True)
class Office:
    """The server, its store, and what the browsers of the people keep."""

    address: str
    store: sa.URL
    people: dict[str, dict[str, Any]]

    @property
    def lupus(self) -> str:
        return f"{self.address}/plugin/lupus"


@pytest.fixture(scope="module")
def office(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = _database(POSTGRES, "postgres", "DROP DATABASE {name} WITH (FORCE)")
    url = next(made)
    with fab.started(tmp_path_factory.mktemp("rights"), RIGHTS, url) as server:
        people = {name: cookies(browser, server.url, name, name) for name in RIGHTS}
        yield Office(server.url, sa.make_url(url), people)
    next(made, None)


@pytest.fixture
def ann(browser: Browser, office: Office) -> Iterator[Page]:
    with watched(new_context(browser, storage_state=office.people["ann"])) as page:
        yield page


@pytest.fixture
def bob(browser: Browser, office: Office) -> Iterator[Page]:
    with watched(new_context(browser, storage_state=office.people["bob"])) as page:
        yield page


@pytest.fixture
def troubled(browser: Browser, office: Office) -> Iterator[Page]:
    """Ann's page, when the server will refuse something: the console has that, which is no error of ours."""
    context = new_context(browser, storage_state=office.people["ann"])
    yield context.new_page()
    context.close()


def ask(page: Page, method: str, path: str, body: Any = None) -> Any:
    return page.evaluate(
        """async ([method, path, body]) => {
            const answer = await fetch(new URL('lupus/api/v1' + path, document.baseURI), {
                method, headers: {'Content-Type': 'application/json', 'X-Lupus-Request': '1'}, body,
            });
            return JSON.parse(await answer.text() || 'null');
        }""",
        [method, path, None if body is None else json.dumps(body)],
    )


def rows(project: str) -> str:
    return series(project, "", "rows").key.slug


def test_each_sees_only_the_projects_whose_dags_they_may_read(ann: Page, bob: Page, office: Office) -> None:
    ann.goto(office.lupus)
    for name in ("ads", "spam"):
        expect(ann.get_by_role("link", name=name, exact=True)).to_be_visible()
    bob.goto(office.lupus)
    expect(bob.get_by_role("link", name="spam", exact=True)).to_be_visible()
    expect(bob.get_by_role("region", name="Open incidents").get_by_role("listitem")).to_have_count(1)
    expect(bob.locator("body")).not_to_contain_text("ads")
    bob.goto(f"{office.lupus}/explore?q=metric:rows")
    expect(bob.locator(".l-explorer-sum strong")).to_have_text("1")
    bob.goto(f"{office.lupus}/explore?q=project:ads")
    expect(bob.get_by_role("heading", name="No series fits.")).to_be_visible()
    for path in ("incidents?state=all", "d"):
        bob.goto(f"{office.lupus}/{path}")
        expect(bob.locator(".l-main")).to_contain_text("spam")
        expect(bob.locator("body")).not_to_contain_text("ads")


def test_a_link_to_what_one_may_not_see_says_so_and_nothing_else(browser: Browser, office: Office) -> None:
    context = new_context(browser, storage_state=office.people["bob"])
    page = context.new_page()
    for path, what in (
        (f"p/ads/m/{rows('ads')}", "metric"),
        ("p/ads", "project"),
        ("d/starter-ads", "dashboard"),
        ("p/ads/rules/rows_low", "project"),
    ):
        page.goto(f"{office.lupus}/{path}")
        expect(page.get_by_role("heading", name=f"There is no such {what}, or you may not see it.")).to_be_visible()
        expect(page.locator(".l-main")).to_contain_text("ask for the right to read the project's Dag in Airflow")
        expect(page.locator(".l-main canvas")).to_have_count(0)
    context.close()


def test_what_one_may_not_do_is_not_offered_and_says_why(bob: Page, office: Office) -> None:
    bob.goto(f"{office.lupus}/incidents")
    bob.get_by_role("link", name=re.compile("^Open")).click()
    expect(bob.get_by_role("heading", level=1)).to_be_visible()
    expect(bob.get_by_text("To act on it you need the right to edit the Dag lupus__spam in Airflow.")).to_be_visible()
    expect(bob.get_by_role("group", name="Actions")).to_have_count(0)
    bob.keyboard.press("e")
    bob.keyboard.press("r")
    expect(bob.get_by_role("dialog")).to_have_count(0)
    expect(bob.locator("article .l-state").first).to_have_text("open")
    bob.goto(f"{bob.url}?do=false_alarm")
    expect(bob.get_by_text("To act on it you need")).to_be_visible()
    expect(bob.get_by_role("dialog")).to_have_count(0)
    bob.goto(f"{office.lupus}/p/spam/m/{rows('spam')}")
    expect(bob.locator("figure canvas").first).to_be_visible()
    bob.keyboard.press("a")
    dialog = bob.get_by_role("dialog")
    expect(dialog).to_contain_text("you need the right to edit the Dag lupus__spam")
    dialog.get_by_role("textbox").fill("a remark")
    for name in ("Annotate", "Exclude from the baseline"):
        expect(dialog.get_by_role("button", name=name)).to_be_disabled()
    assert violations(bob) == []


def test_a_dashboard_shows_a_viewer_the_part_that_they_may_see(ann: Page, bob: Page, office: Office) -> None:
    def place(x: int, y: int) -> dict[str, int]:
        return {"x": x, "y": y, "w": 6, "h": 4}

    widgets = [
        {"kind": "chart", "id": "both", "title": "Rows", "series": [rows("spam"), rows("ads")], "place": place(0, 0)},
        {"kind": "chart", "id": "own", "title": "Own", "series": [rows("spam")], "place": place(6, 0)},
        {"kind": "number", "id": "secret", "title": "Of ads", "series": rows("ads"), "place": place(0, 4)},
        {"kind": "matrix", "id": "matrix", "title": "Days of ads", "project": "ads", "place": place(6, 4)},
        {"kind": "markdown", "id": "text", "text": "Look **here**.", "place": place(0, 8)},
    ]
    ann.goto(f"{office.lupus}/d")
    expect(ann.get_by_role("heading", name="Dashboards")).to_be_visible()
    made = ask(ann, "POST", "/dashboards", {"title": "Mornings", "project": "spam", "slug": "both", "widgets": widgets})
    assert made["may_edit"]
    ann.goto(f"{office.lupus}/d/both")
    expect(ann.get_by_role("region", name="Of ads", exact=True)).to_contain_text("expected 90")
    expect(ann.get_by_role("region", name="Not for you to see")).to_have_count(0)
    bob.goto(f"{office.lupus}/d")
    expect(bob.get_by_role("row", name=re.compile("^Mornings"))).to_contain_text("ann")
    bob.get_by_role("link", name="Mornings").click()
    own = bob.get_by_role("region", name="Own", exact=True)
    expect(own.locator("canvas")).to_be_visible()
    both = bob.get_by_role("region", name="Rows", exact=True)
    expect(both).to_contain_text("Without 1 series that you may not see.")
    expect(both.locator("canvas")).to_be_visible()
    withheld = bob.get_by_role("region", name="Not for you to see")
    expect(withheld).to_have_count(2)
    expect(withheld.first).to_contain_text("This widget shows a project that you may not see.")
    expect(bob.locator("body")).not_to_contain_text("ads")
    expect(bob.get_by_text("Look here.")).to_be_visible()
    left, right = (box_of(bob.get_by_role("region", name=name, exact=True)) for name in ("Rows", "Own"))
    below = box_of(withheld.first)
    assert left["y"] == right["y"] < below["y"]  # what is left out keeps its place
    expect(bob.get_by_text("Made by ann.")).to_be_visible()
    expect(bob.get_by_role("button", name="Edit")).to_have_count(0)
    assert violations(bob) == []


def test_a_day_without_data_says_so_on_every_screen(ann: Page, office: Office) -> None:
    ann.goto(f"{office.lupus}/p/ads/m/{rows('ads')}?day={HOLE}")
    expect(ann.get_by_role("complementary", name="Why")).to_contain_text("There is no value on this day.")
    expect(ann.locator("figure canvas").first).to_be_visible()
    ann.goto(f"{office.lupus}/explore?day={HOLE}")
    expect(ann.locator(".l-explorer-sum")).to_contain_text(re.compile("without data"))
    ann.goto(f"{office.lupus}/d/starter-ads?day={HOLE}")
    expect(ann.get_by_role("slider").first).to_be_visible()
    ann.goto(f"{office.lupus}/p/ads?day={HOLE}")
    expect(ann.get_by_role("slider").first).to_be_visible()


def test_the_longest_range_is_drawn_and_too_much_is_refused_in_words(troubled: Page, office: Office) -> None:
    troubled.goto(f"{office.lupus}/p/ads/m/{rows('ads')}?r=99999d")
    expect(troubled.locator("figure canvas").first).to_be_visible()
    troubled.goto(f"{office.lupus}/explore?r=99999d&view=wall")
    expect(troubled.locator("figure canvas").first).to_be_visible()
    troubled.goto(f"{office.lupus}/p/ads/m/{rows('ads')}?from=0001-01-01&to=9999-01-01")
    expect(troubled.locator(".l-main")).to_contain_text(re.compile("at most|too many|points|intervals"))
    answer = ask(troubled, "POST", "/series:batch", {"ids": [rows("ads")], "from": "0001-01-01", "to": "9999-01-01"})
    assert answer["code"] == "invalid"


STATES = {
    "new": ("made by a newer version of Lupus", "upgrade Lupus here"),
    "empty": ("Create your first monitor", "lupus init"),
    "down": ("cannot be reached", "Runs go on meanwhile"),
}


@contextmanager
def spoilt(store: sa.URL, state: str) -> Iterator[None]:
    """The store `new`, `empty`, `down`, or `unused`; as it was afterwards."""
    name = store.database
    server = sa.create_engine(store.set(database="postgres"), isolation_level="AUTOCOMMIT")

    def do(*statements: str, engine: sa.Engine = server) -> None:
        with engine.connect() as connection:
            for one in statements:
                connection.execute(sa.text(one.format(name=name)))

    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    do("ALTER DATABASE {name} ALLOW_CONNECTIONS false", end, "CREATE DATABASE {name}_kept TEMPLATE {name}")
    inside = sa.create_engine(store, isolation_level="AUTOCOMMIT")
    try:
        if state != "down":
            do("ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        if state == "new":
            do("UPDATE lupus_version SET version_num = '9999'", engine=inside)
        if state in ("empty", "unused"):
            do("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", engine=inside)
        if state == "unused":
            open_store(store.render_as_string(hide_password=False)).close()
        yield
    finally:
        inside.dispose()
        do(
            "DROP DATABASE {name} WITH (FORCE)",
            "CREATE DATABASE {name} TEMPLATE {name}_kept",
            "DROP DATABASE {name}_kept",
        )
        server.dispose()


@pytest.mark.parametrize("state", STATES)
def test_a_store_that_is_not_what_it_should_be_says_what_to_do(troubled: Page, office: Office, state: str) -> None:
    title, remedy = STATES[state]
    with spoilt(office.store, state):
        troubled.goto(office.lupus)
        expect(troubled.locator(".l-main")).to_contain_text(title)
        expect(troubled.locator(".l-main")).to_contain_text(remedy)
        assert violations(troubled) == []
        for path in ("explore", "incidents", "d", f"p/ads/m/{rows('ads')}"):
            troubled.goto(f"{office.lupus}/{path}")
            expect(troubled.get_by_role("navigation", name="Lupus")).to_be_visible()
            expect(troubled.get_by_role("alert").first).to_contain_text("The metric store cannot be read.")
    troubled.goto(office.lupus)
    expect(troubled.get_by_role("link", name="ads", exact=True)).to_be_visible()


def test_an_older_store_says_how_to_bring_it_up_to_date(troubled: Page, office: Office) -> None:
    """There is one schema so far, so this server is told what one with two would answer."""
    detail = "the metric store has schema 0001; make a copy and run `lupus db upgrade`"
    body = json.dumps({"detail": detail, "code": "store_old", "request_id": "abc123", "current": None})

    def old(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "store": {"state": "old", "detail": detail}})

    troubled.route("**/api/v1/me", old)
    troubled.route(
        "**/api/v1/projects*", lambda route: route.fulfill(status=503, content_type="application/json", body=body)
    )
    troubled.goto(office.lupus)
    expect(troubled.get_by_role("heading", name="The metric store is older than this version")).to_be_visible()
    expect(troubled.locator(".l-main pre")).to_have_text("lupus db upgrade")
    assert violations(troubled) == []


def test_a_product_that_has_not_run_yet_is_a_first_visit(troubled: Page, office: Office) -> None:
    with spoilt(office.store, "unused"):
        troubled.goto(office.lupus)
        expect(troubled.get_by_role("heading", name="Create your first monitor")).to_be_visible()
        troubled.goto(f"{office.lupus}/explore")
        expect(troubled.get_by_role("combobox", name="Search series")).to_be_visible()
        troubled.goto(f"{office.lupus}/p/ads/m/{rows('ads')}?day={LAST.key}")
        expect(troubled.get_by_role("heading", name=re.compile("^There is no such metric"))).to_be_visible()
