"""The Web UI in a real Airflow and a real browser: finding a chart, keys, links, both themes, bad input."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.browser.pages import box_of, fill_login, new_context, violations, watched
from tests.browser.web import ATTACK, EVIL_DAYS, LAST_DAY, Web, run_id

import tiny

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

SCREENS = ("overview", "project", "explorer", "metric")


@pytest.fixture
def brier(web: Web) -> str:
    """The page of the series that the demo of a bad model moves."""
    series = web.series("brier", "p_default")
    return f"{web.lupus}/p/loans/m/{series}"


def goto(page: Page, address: str, screen: str) -> None:
    """Open a screen and wait for what makes it whole."""
    page.goto(address)
    whole = {
        "overview": page.get_by_role("link", name="loans", exact=True),
        "project": page.get_by_role("slider").first,
        "explorer": page.get_by_role("row").first.locator(".l-spark"),
        "metric": page.locator("figure canvas").first,
    }[screen]
    expect(whole).to_be_visible()
    page.wait_for_load_state("networkidle")


def address_of(web: Web, brier: str, screen: str) -> str:
    return {
        "overview": web.lupus,
        "project": f"{web.lupus}/p/loans",
        "explorer": f"{web.lupus}/explore",
        "metric": f"{brier}?day={tiny.day(tiny.BAD_MODEL[0])}",
    }[screen]


def test_a_deep_link_survives_the_login(browser: Browser, web: Web, brier: str) -> None:
    context = new_context(browser)
    page = context.new_page()
    page.goto(f"{brier}?r=30d&day={LAST_DAY}")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert "brier" not in page.inner_text("body")
    fill_login(page)
    page.wait_for_url(f"{brier}?r=30d&day={LAST_DAY}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("brier")
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_each_screen_is_accessible_and_pictured_in_both_themes(
    browser: Browser,
    web: Web,
    brier: str,
    *,
    logged_in: dict[str, Any],
    screen: str,
    theme: str,
    picture: Callable[[Page, str], None],
) -> None:
    with watched(new_context(browser, theme=theme, storage_state=logged_in)) as page:
        goto(page, address_of(web, brier, screen), screen)
        assert page.evaluate("document.documentElement.classList.contains('dark')") is (theme == "dark")
        assert violations(page) == []
        expect(page).to_have_title(re.compile("· Lupus$"))
        picture(page, f"web-{screen}-{theme}.png")


def test_three_clicks_lead_from_the_overview_to_the_chart(page: Page, web: Web) -> None:
    goto(page, web.lupus, "overview")
    row = page.get_by_role("row", name=re.compile("^loans"))
    expect(row.get_by_role("img", name=re.compile("with findings of 30"))).to_be_visible()
    page.get_by_role("link", name="loans", exact=True).click()
    page.get_by_role("link", name="evaluation", exact=True).click()
    page.get_by_role("row", name=re.compile("^anomaly brier|brier")).first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("brier")
    expect(page.get_by_role("region", name="Chart").locator("canvas")).to_be_visible()


def test_a_chart_is_found_with_keys_alone_and_back_keeps_the_place(page: Page, web: Web) -> None:
    goto(page, web.lupus, "overview")
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Search series")).to_be_focused()
    page.keyboard.type("metric:bri")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Search series")).not_to_be_focused()
    expect(page).to_have_url(re.compile("q=metric%3Abrier"))
    page.keyboard.press("j")
    expect(page.get_by_role("row", selected=True)).to_have_attribute("aria-rowindex", "2")
    second = page.get_by_role("row", selected=True).get_by_role("link").inner_text()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/p/loans/m/"))
    page.go_back()
    expect(page.get_by_role("combobox", name="Search series")).to_have_value(re.compile("^metric:brier"))
    expect(page.get_by_role("row", selected=True).get_by_role("link")).to_have_text(second)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("pin it to a dashboard")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_keys_typed_before_the_catalog_has_come_choose_from_it(page: Page, web: Web) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/catalog*", hold)
    page.goto(f"{web.lupus}/explore")
    box = page.get_by_role("combobox", name="Search series")
    offered = page.get_by_role("listbox", name="Completions").get_by_role("option")
    box.focus()
    page.keyboard.type("metric:bri")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_be_focused()
    expect(offered).to_have_count(0)
    for route in held:
        route.continue_()
    expect(offered.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(box).to_have_value(re.compile("^metric:brier "))


def test_facets_and_reload_and_back_keep_what_is_shown(page: Page, web: Web) -> None:
    goto(page, f"{web.lupus}/explore?r=30d", "explorer")
    page.get_by_role("button", name=re.compile("^evaluation")).click()
    expect(page).to_have_url(re.compile("q=group%3Aevaluation"))
    count = page.locator(".l-explorer-sum strong").inner_text()
    page.reload()
    expect(page.get_by_role("combobox", name="Search series")).to_have_value("group:evaluation")
    expect(page.locator(".l-explorer-sum strong")).to_have_text(count)
    assert page.get_by_label("Range").input_value() == "30d"
    page.get_by_label("Order").select_option("name")
    expect(page).to_have_url(re.compile("sort=name"))
    page.go_back()
    assert "sort=name" not in page.url


def test_no_hit_names_the_word_that_empties_the_result(page: Page, web: Web) -> None:
    page.goto(f"{web.lupus}/explore?q={quote('group:evaluation nonsense')}")
    expect(page.get_by_role("heading", name="No series fits.")).to_be_visible()
    expect(page.locator(".l-empty code")).to_have_text("nonsense")
    page.get_by_role("button", name="Search without it").click()
    expect(page.get_by_role("row").first).to_be_visible()


def test_a_chart_is_read_with_the_arrow_keys(page: Page, brier: str) -> None:
    goto(page, brier, "metric")
    figure = page.locator("figure.l-chart")
    figure.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    heard = figure.locator("[aria-live]")
    expect(heard).to_contain_text("2026")
    first = heard.inner_text()
    page.keyboard.press("ArrowLeft")
    expect(heard).not_to_have_text(first)


def test_the_worst_day_says_what_was_wrong_and_why(page: Page, brier: str) -> None:
    goto(page, f"{brier}?day={tiny.day(tiny.BAD_MODEL[1])}", "metric")
    expect(page.locator(".l-sentence")).to_contain_text(re.compile("is above"))
    expect(page.get_by_role("complementary", name="Why")).to_contain_text("Rule")
    expect(page.get_by_role("link", name="Incident", exact=True)).to_be_visible()
    expect(
        page.get_by_role("navigation", name=re.compile("^Incidents of loans")).get_by_role("link").first
    ).to_be_attached()


def test_a_remark_is_written_and_taken_back(page: Page, brier: str) -> None:
    goto(page, brier, "metric")
    page.keyboard.press("a")
    page.get_by_role("textbox", name="What happened?").fill(f"a new feed {ATTACK}")
    page.get_by_role("button", name="Annotate").click()
    expect(page.get_by_text("Annotated")).to_be_visible()
    expect(page.locator(".l-events summary")).to_contain_text("2 events")
    page.keyboard.press("z")
    expect(page.locator(".l-events summary")).to_contain_text("1 event")


def test_a_chart_is_pinned_in_one_click(page: Page, brier: str) -> None:
    goto(page, brier, "metric")
    page.keyboard.press("d")
    expect(page.get_by_text("Pinned to “My dashboard”")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(page.get_by_text("No longer pinned")).to_be_visible()


def test_airflows_own_pages_lead_into_lupus(page: Page, web: Web) -> None:
    page.goto(web.address)
    expect(page.get_by_role("region", name="Lupus")).to_contain_text("Overview")
    page.goto(f"{web.address}/dags/lupus__loans/plugin/lupus-metrics")
    expect(page.get_by_role("slider").first).to_be_visible()
    run = quote(run_id(LAST_DAY), safe="")
    page.goto(f"{web.address}/dags/lupus__loans/runs/{run}/plugin/lupus-verdicts")
    expect(page.get_by_role("region", name=f"Metrics of {LAST_DAY}")).to_be_visible()
    assert violations(page) == []


def test_names_from_data_and_files_are_text(page: Page, web: Web) -> None:
    """Names of columns, categories and owners, descriptions, and the file, wherever they are shown."""
    day = tiny.day(EVIL_DAYS - 1)
    shares = [
        key for key in web.keys("evil") if key.column == ATTACK and key.metric == "null_ratio" and not key.segment
    ]
    share, segment = shares[0], next(key for key in web.keys("evil") if key.segment)
    metric = f"{web.lupus}/p/evil/m/{share.slug}"
    query = f"project:evil column:{json.dumps(ATTACK)}"
    for address, whole in (
        (web.lupus, page.get_by_role("link", name="evil", exact=True)),
        (f"{web.lupus}/p/evil?by=column&day={day}", page.get_by_role("slider").first),
        (f"{web.lupus}/explore?q={quote(query)}", page.get_by_role("row").first.locator(".l-spark")),
        (f"{web.lupus}/explore?q={quote(query)}&view=wall", page.locator("figure canvas").first),
        (f"{metric}?day={day}&ov=all", page.locator("figure canvas").first),
        (f"{web.lupus}/p/evil/m/{segment.slug}?day={day}", page.locator("figure canvas").first),
        (f"{web.lupus}/p/evil/rules/recent_average?s={share.slug}", page.get_by_role("table").first),
        (f"{web.address}/dags/lupus__evil/plugin/lupus-metrics", page.get_by_role("slider").first),
    ):
        page.goto(address)
        expect(whole).to_be_visible()
        expect(page.locator(".lupus").first).to_contain_text(ATTACK[:8])  # a segment's name has its = escaped
        assert page.locator("img[src=x]").count() == 0, address
    page.goto(f"{web.lupus}/explore?q={quote(ATTACK)}&sort={quote(ATTACK)}&r={quote(ATTACK)}&view={quote(ATTACK)}")
    box = page.get_by_role("combobox", name="Search series")
    expect(box).to_have_value(ATTACK)
    box.fill(f"column:{ATTACK[:5]}")  # completions hold it too
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0


def test_a_change_of_the_address_keeps_what_is_on_the_screen(page: Page, web: Web) -> None:
    """Airflow mounts a plugin anew at its first rendering after the one that loaded it; nothing may be lost by that."""
    goto(page, web.lupus, "overview")
    page.evaluate("document.querySelector('.lupus').dataset.mark = 'first'")
    page.get_by_role("button", name="60d").click()
    expect(page).to_have_url(re.compile("days=60"))
    expect(page.locator(".lupus[data-mark=first]")).to_have_count(1)


def drag(page: Page, first: float, last: float) -> None:
    """Draw over the chart from one share of its width to another."""
    box = box_of(page.locator("figure .u-over").first)
    page.mouse.move(box["x"] + first * box["width"], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + last * box["width"], box["y"] + 60, steps=5)
    page.mouse.up()


def test_dragging_zooms_and_with_shift_it_chooses_days(page: Page, brier: str) -> None:
    goto(page, brier, "metric")
    drag(page, 0.3, 0.6)
    expect(page).to_have_url(re.compile(r"from=2026-01-\d\d&to=2026-0[12]-\d\d"))
    page.reload()
    page.get_by_role("button", name="Zoom out").click()
    expect(page).not_to_have_url(re.compile("from="))
    page.keyboard.down("Shift")
    drag(page, 0.5, 0.7)
    page.keyboard.up("Shift")
    expect(page.get_by_role("dialog").get_by_role("heading")).to_contain_text(" to ")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("from="))


def test_the_band_as_of_now_is_in_the_address(page: Page, brier: str) -> None:
    goto(page, brier, "metric")
    with page.expect_response("**/api/v1/rules:backtest") as told:
        page.get_by_role("button", name="As of now").click()
    assert told.value.ok
    expect(page).to_have_url(re.compile("band=now"))
    page.reload()
    expect(page.get_by_role("button", name="As of now")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="As judged").click()
    expect(page).not_to_have_url(re.compile("band="))


def test_what_is_not_there_says_so(browser: Browser, web: Web, logged_in: dict[str, Any]) -> None:
    context = new_context(browser, storage_state=logged_in)
    page = context.new_page()
    for path in ("/p/nowhere", "/p/loans/m/0000000000000000"):
        page.goto(web.lupus + path)
        expect(page.get_by_role("heading", name=re.compile("There is no such"))).to_be_visible()
    page.goto(f"{web.lupus}/no/such/page")
    expect(page.get_by_role("heading", name="There is no such page.")).to_be_visible()
    page.goto(f"{web.lupus}/explore?day=2020-01-01")
    expect(page.locator(".l-explorer-sum")).to_contain_text("2020")
    page.goto(f"{web.lupus}/explore?day=never&r=nonsense&sort=nonsense")
    expect(page.get_by_role("combobox", name="Search series")).to_be_visible()
    context.close()


def test_a_failure_is_inline_and_can_be_tried_again(browser: Browser, web: Web, logged_in: dict[str, Any]) -> None:
    context = new_context(browser, storage_state=logged_in)
    page = context.new_page()
    body = '{"detail": "the store does not answer", "code": "store_down", "request_id": "abc123", "current": null}'

    def down(route: Route) -> None:
        route.fulfill(status=503, content_type="application/json", body=body)

    page.route("**/api/v1/catalog*", down)
    page.goto(f"{web.lupus}/explore")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The metric store cannot be read. the store does not answer")
    expect(alert).to_contain_text("Request abc123")
    page.unroute("**/api/v1/catalog*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("row").first).to_be_visible()
    context.close()


def test_a_tab_from_before_an_upgrade_offers_to_reload(page: Page, web: Web) -> None:
    page.clock.install()
    goto(page, web.lupus, "overview")

    def newer(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "bundle": "another"})

    page.route("**/api/v1/me", newer)
    page.clock.fast_forward("06:00")
    expect(page.get_by_text("Lupus was upgraded while this tab was open.")).to_be_visible()
    page.unroute("**/api/v1/me")


def test_a_phone_shows_everything_in_its_width(
    browser: Browser, web: Web, brier: str, logged_in: dict[str, Any]
) -> None:
    with watched(new_context(browser, width=390, height=844, storage_state=logged_in)) as page:
        for screen in SCREENS:
            goto(page, address_of(web, brier, screen), screen)
            assert page.evaluate("document.querySelector('.l-main').scrollWidth") <= 390


def test_a_wall_screen_shows_the_screen_alone(page: Page, web: Web) -> None:
    goto(page, f"{web.lupus}/explore?view=list&kiosk=1", "explorer")
    expect(page.get_by_role("navigation", name="Lupus")).to_have_count(0)
    box = box_of(page.locator(".lupus"))
    assert (box["x"], box["y"]) == (0, 0)
