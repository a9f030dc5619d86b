"""What people do in the Web UI: incidents, dashboards, and trying rules, in a real Airflow and a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.pages import new_context, violations, watched
from tests.browser.web import ATTACK, Web

import tiny

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

SCREENS = ("incidents", "incident", "dashboards", "dashboard", "workbench")


@pytest.fixture
def incident(web: Web) -> str:
    """The id of the incident of the bad model."""
    day = tiny.day(tiny.BAD_MODEL[0])
    with web.installation.workspace() as opened:
        found = [one for one in opened.store.incidents("loans") if one.first.key <= day <= one.last.key]
    return found[0].id


def columns_of(widget: Locator) -> tuple[int, int]:
    """The first column of the grid that a widget lies in, and how many it spans."""
    first, span = re.findall(r"\d+", widget.evaluate("one => one.style.gridColumn"))
    return int(first), int(span)


def ask(page: Page, method: str, path: str, body: Any = None) -> Any:
    """The API's answer to what another tab of the same person sends."""
    return page.evaluate(
        """async ([method, path, body]) => {
            const answer = await fetch(new URL('lupus/api/v1' + path, document.baseURI), {
                method, headers: {'Content-Type': 'application/json', 'X-Lupus-Request': '1'}, body,
            });
            const text = await answer.text();
            if (!answer.ok) throw new Error(answer.status + ' ' + text);
            return text ? JSON.parse(text) : null;
        }""",
        [method, path, None if body is None else json.dumps(body)],
    )


def open_incident(page: Page, web: Web, incident: str) -> None:
    page.goto(f"{web.lupus}/incidents/{incident}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("figure canvas").first).to_be_visible()


def new_board(page: Page, web: Web, title: str, widgets: list[dict[str, Any]]) -> str:
    """The slug of a new dashboard of the visitor."""
    page.goto(f"{web.lupus}/d")
    expect(page.get_by_role("heading", name="Dashboards")).to_be_visible()
    return str(ask(page, "POST", "/dashboards", {"title": title, "widgets": widgets})["slug"])


def text_widget(text: str, **more: Any) -> dict[str, Any]:
    return {"kind": "markdown", "id": "text", "text": text, "place": {"x": 0, "y": 0, "w": 6, "h": 3}, **more}


def goto(page: Page, web: Web, incident: str, screen: str) -> None:
    address = {
        "incidents": f"{web.lupus}/incidents?state=all",
        "incident": f"{web.lupus}/incidents/{incident}",
        "dashboards": f"{web.lupus}/d",
        "dashboard": f"{web.lupus}/d/starter-loans",
        "workbench": f"{web.lupus}/p/loans/rules/recent_average?s={web.series('brier', 'p_default')}&sensitivity=6",
    }[screen]
    page.goto(address)
    whole = {
        "incidents": page.locator("article figure canvas").first,
        "incident": page.locator("figure canvas").first,
        "dashboards": page.get_by_role("link", name=re.compile("^loans")),
        "dashboard": page.locator("figure canvas").first,
        "workbench": page.get_by_role("region", name="Proposal", exact=True).locator("canvas"),
    }[screen]
    expect(whole).to_be_visible()
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_each_screen_is_accessible_and_pictured_in_both_themes(
    *,
    browser: Browser,
    logged_in: dict[str, Any],
    web: Web,
    incident: str,
    screen: str,
    theme: str,
    picture: Callable[[Page, str], None],
) -> None:
    with watched(new_context(browser, theme=theme, storage_state=logged_in)) as page:
        goto(page, web, incident, screen)
        assert violations(page) == []
        expect(page).to_have_title(re.compile("· Lupus$"))
        picture(page, f"web-{screen}-{theme}.png")


def test_the_inbox_is_worked_through_with_keys_alone(page: Page, web: Web, incident: str) -> None:
    goto(page, web, incident, "incidents")
    rows = page.locator(".l-inbox-row")
    assert rows.count() > 1
    page.keyboard.press("j")
    expect(rows.nth(1)).to_have_class(re.compile("l-inbox-at"))
    title = rows.nth(1).locator("strong").inner_text()
    expect(page.get_by_role("heading", level=2, name=title)).to_be_visible()
    page.reload()
    expect(rows.nth(1)).to_have_class(re.compile("l-inbox-at"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    page.go_back()
    expect(rows.nth(1)).to_have_class(re.compile("l-inbox-at"))


def test_an_incident_is_commented_and_the_comment_is_taken_back(page: Page, web: Web, incident: str) -> None:
    open_incident(page, web, incident)
    page.keyboard.press("t")
    page.get_by_role("dialog").get_by_role("textbox").fill(f"the new model {ATTACK}")
    page.get_by_role("dialog").get_by_role("button", name="Comment").click()
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline).to_contain_text(f"the new model {ATTACK}")
    expect(timeline).to_contain_text("by admin")
    page.keyboard.press("z")
    expect(page.get_by_text("Taken back")).to_be_visible()


def test_the_effect_of_an_outcome_is_shown_before_it_is_saved(page: Page, web: Web, incident: str) -> None:
    open_incident(page, web, incident)
    state = page.locator("article .l-state")
    if "resolved" in state.first.inner_text():
        page.keyboard.press("o")
        expect(state.first).to_contain_text("open")
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(re.compile(r"leaves \d+ points of \d+ series .* out of the baselines"))).to_be_visible()
    dialog.get_by_role("radio", name=re.compile("^False alarm")).check()
    expect(dialog.get_by_text(re.compile("^leaves"))).to_have_count(0)
    dialog.get_by_role("radio", name=re.compile("^Fixed")).check()
    dialog.get_by_role("button", name="Resolve").click()
    expect(state.first).to_contain_text("resolved as fixed")
    page.get_by_role("button", name=re.compile("Undo")).click()
    expect(page.get_by_text("Taken back")).to_be_visible()
    expect(state.first).not_to_contain_text("fixed")


def test_an_incident_is_muted_until_a_day_and_unmuted(page: Page, web: Web, incident: str) -> None:
    open_incident(page, web, incident)
    state = page.locator("article .l-state").first
    if "resolved" in state.inner_text():
        page.keyboard.press("o")
        expect(state).to_contain_text("open")
    page.keyboard.press("m")
    dialog = page.get_by_role("dialog")
    until = dialog.get_by_label("The last silent day").input_value()
    dialog.get_by_role("button", name="Mute").click()
    expect(state).to_contain_text(f"muted until {until}")
    page.keyboard.press("m")
    expect(state).not_to_contain_text("muted")


def test_a_link_in_a_message_opens_what_it_asks_for_and_changes_nothing(page: Page, web: Web, incident: str) -> None:
    page.goto(f"{web.lupus}/incidents/{incident}?do=false_alarm")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name=re.compile("^False alarm"))).to_be_checked()
    dialog.get_by_role("button", name="Cancel").click()
    expect(page).to_have_url(f"{web.lupus}/incidents/{incident}")
    page.goto(f"{web.lupus}/incidents/{incident}?do=approve")
    expect(dialog).to_contain_text("No retraining waits for approval")


def test_of_two_people_at_one_incident_the_slower_is_told(
    browser: Browser, logged_in: dict[str, Any], web: Web, incident: str
) -> None:
    context = new_context(browser, storage_state=logged_in)
    page = context.new_page()
    open_incident(page, web, incident)
    version = ask(page, "GET", f"/incidents/{incident}")["summary"]["version"]
    ask(page, "PATCH", f"/incidents/{incident}", {"version": version, "action": "comment", "comment": "I was here"})
    page.keyboard.press("t")
    page.get_by_role("dialog").get_by_role("textbox").fill("too late")
    page.get_by_role("dialog").get_by_role("button", name="Comment").click()
    expect(page.get_by_text("Somebody else was faster")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("I was here")
    context.close()  # the console has the refusal, which is not an error of ours


def test_a_dashboard_is_made_arranged_and_kept(page: Page, web: Web) -> None:
    page.goto(f"{web.lupus}/d")
    page.get_by_role("button", name="New dashboard").click()
    expect(page.get_by_text("Nothing is on it yet.")).to_be_visible()
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Search a series").fill("project:loans metric:brier column:p_default")
    dialog.locator(".l-picker input").first.check()
    dialog.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Add a widget").click()
    dialog.get_by_role("radio", name="Text").check()
    dialog.get_by_label(re.compile("^Text")).fill("# Read me\n\nLook here **first**.")
    dialog.get_by_role("button", name="Add").click()
    grip = page.get_by_role("button", name=re.compile("^Move markdown"))
    panel = page.get_by_role("region", name="markdown", exact=True)
    first, span = columns_of(panel)
    grip.focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.get_by_text(re.compile(rf"^{span - 1} columns wide, "))).to_be_attached()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(re.compile(rf"^column {first + 1}, row "))).to_be_attached()
    assert columns_of(panel) == (first + 1, span - 1)
    page.get_by_label("Title").fill("Mornings")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Mornings")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Read me")).to_be_visible()
    assert columns_of(panel) == (first + 1, span - 1)
    expect(page.locator("figure canvas").first).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("e")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page).to_have_url(re.compile("/lupus/d$"))
    page.keyboard.press("z")
    expect(page.get_by_role("heading", name="Mornings")).to_be_visible()


def test_when_two_edit_a_dashboard_nothing_is_lost(browser: Browser, logged_in: dict[str, Any], web: Web) -> None:
    context = new_context(browser, storage_state=logged_in)
    page = context.new_page()
    slug = new_board(page, web, "Shared", [text_widget("ours")])
    page.goto(f"{web.lupus}/d/{slug}")
    expect(page.get_by_text("ours")).to_be_visible()
    page.keyboard.press("e")
    page.get_by_label("Title").fill("Mine")
    theirs = {"title": "Theirs", "project": None, "widgets": [text_widget("theirs")], "version": 1}
    ask(page, "PUT", f"/dashboards/{slug}", theirs)
    page.get_by_role("button", name="Save", exact=True).click()
    conflict = page.get_by_role("alert")
    expect(conflict).to_contain_text("Somebody else saved this dashboard")
    expect(conflict).to_contain_text("Theirs")
    page.get_by_role("button", name="Save mine as a copy").click()
    expect(page.get_by_role("heading", name="Mine (copy)")).to_be_visible()
    assert ask(page, "GET", f"/dashboards/{slug}")["title"] == "Theirs"
    context.close()


def test_markdown_runs_nothing(page: Page, web: Web) -> None:
    text = (
        f"{ATTACK}\n\n[here](javascript:window.attacked=1) <script>window.attacked=1</script>\n\n![x](data:text/html,x)"
    )
    slug = new_board(page, web, ATTACK, [text_widget(text, title=ATTACK)])
    page.goto(f"{web.lupus}/d/{slug}")
    expect(page.get_by_role("heading", level=1)).to_have_text(ATTACK)
    body = page.locator(".l-markdown")
    expect(body).to_contain_text("<script>window.attacked=1</script>")
    expect(body).to_contain_text("[here](javascript:window.attacked=1)")
    assert body.locator("script, img, a").count() == 0


def test_a_rule_is_tried_on_one_series_and_on_all(page: Page, web: Web, incident: str) -> None:
    goto(page, web, incident, "workbench")
    tally = page.get_by_role("table").filter(has_text="Alerts a month").first
    expect(tally).to_contain_text("Findings")
    expect(page.get_by_label("Change of the file").first).to_contain_text("sensitivity: 6")
    page.get_by_role("spinbutton", name=re.compile("^sensitivity")).fill("2")
    expect(page).to_have_url(re.compile("sensitivity=2"))
    expect(page.get_by_label("Change of the file").first).to_contain_text("sensitivity: 2")
    page.get_by_role("button", name="Try it on the whole project").click()
    expect(page.get_by_role("region", name="Gained")).to_have_count(2, timeout=60_000)
    page.go_back()


def test_a_dashboard_hangs_on_a_wall_and_shows_an_older_day(page: Page, web: Web) -> None:
    day = tiny.day(tiny.DAYS - 10)
    page.goto(f"{web.lupus}/d/starter-loans?kiosk=1&day={day}")
    expect(page.locator("figure canvas").first).to_be_visible()
    expect(page.get_by_role("navigation", name="Lupus")).to_have_count(0)
    expect(page.get_by_role("button", name="Save a copy")).not_to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_dashboard_prints_whole_and_light(browser: Browser, logged_in: dict[str, Any], web: Web, theme: str) -> None:
    with watched(new_context(browser, theme=theme, storage_state=logged_in)) as page:
        page.goto(f"{web.lupus}/d/starter-loans")
        expect(page.locator("figure canvas").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        page.emulate_media(media="print")
        expect(page.get_by_role("navigation", name="Lupus")).not_to_be_visible()
        expect(page.get_by_role("button", name="Save a copy")).not_to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator(".lupus")).to_have_css("background-color", "rgb(255, 255, 255)")
        expect(page.locator(".lupus")).to_have_css("color", "rgb(17, 24, 39)")
        pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", landscape=True)))
        height = page.evaluate("document.querySelector('.l-main').scrollHeight")
        assert height > 900
        assert pages > 1  # not only what was in the window
