"""What a visitor waits for in headless Chromium: a cold page, a chart, a search, a large dashboard."""

from __future__ import annotations

import random
import shutil
import statistics
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

if TYPE_CHECKING:
    from ui.race import Api

CHARTS: Final = 50
Measured = tuple[str, list[float], int | None]
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
_WORDS: Final = ("mean", "country=JP", "bench-07", "p9", "sev:finding", "metric:std -seg:country=TH", "nothing")

# Notes when the page has a table and so many painted charts, and when the last answer with their data had come.
_WATCH: Final = """
window.lupusPainted = {};
const look = () => {
  window.lupusTable ??= document.querySelector('table') ? performance.now() : undefined;
  const count = document.querySelectorAll('.l-chart canvas').length;
  window.lupusPainted[count] ??= performance.now();
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
_AFTER_DATA: Final = """(count) => {
  const painted = window.lupusPainted[count];
  const data = performance.getEntriesByType('resource')
    .filter((one) => /series:batch|\\/series\\/[0-9a-f]{16}\\?/.test(one.name) && one.responseEnd <= painted);
  return painted - Math.max(0, ...data.map((one) => one.responseEnd));
}"""
_COLD: Final = """() => [
  window.lupusTable,
  performance.getEntriesByType('resource').find((one) => one.name.endsWith('/lupus.js')).startTime,
]"""
_KEYSTROKE: Final = """async ([text]) => {
  const box = document.querySelector('[role=combobox]');
  const sum = document.querySelector('.l-explorer-sum strong');
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
  const changed = new Promise((done) => {
    const seen = new MutationObserver(() => { seen.disconnect(); done(performance.now()); });
    seen.observe(sum, {childList: true, characterData: true, subtree: true});
    setTimeout(() => done(NaN), 3000);
  });
  const started = performance.now();
  set.call(box, text);
  box.dispatchEvent(new Event('input', {bubbles: true}));
  const found = (await changed) - started;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [found, performance.now() - started];
}"""


def look(address: str, api: Api, catalog: dict[str, Any]) -> int:
    """Print the table of the browser; how many lines miss their budget. Without a browser it says so."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        print("no browser is installed: its part is left out")
        return 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        lines = _measure(browser, address, api, catalog)
        browser.close()
    print(f"\n{'in the browser':58} {'p50':>8} {'worst':>8} {'budget':>8}")
    missed = 0
    for name, taken, budget in lines:
        middle = statistics.median(taken)
        over = budget is not None and middle > budget
        missed += over
        said = "" if budget is None else f"{budget:>5} ms{'  missed' if over else ''}"
        print(f"{name:58} {middle:>5.0f} ms {max(taken):>5.0f} ms {said}")
    return missed


def _measure(browser: Browser, address: str, api: Api, catalog: dict[str, Any]) -> list[Measured]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "_token", "value": api.token, "url": address}])
    context.add_init_script(_WATCH)
    page = context.new_page()
    home = f"{address}/plugin/lupus"
    page.goto(home)  # once, so that the server has loaded everything
    page.wait_for_selector("table")
    chance = random.Random(2)
    rows = chance.sample(range(len(catalog["id"])), 8)
    charts = [f"{home}/p/{catalog['projects'][catalog['project'][row]]}/m/{catalog['id'][row]}" for row in rows]
    cold = [_cold(browser, address, api.token, home) for _ in range(5)]
    lines: list[Measured] = [
        ("cold page: overview with its table", [one[0] for one in cold], 1500),
        ("of it Airflow's own, before it asks for our script", [one[1] for one in cold], None),
        ("a chart, after its data", [_after_data(page, one, 1) for one in charts], 250),
    ]
    page.goto(f"{home}/explore")
    page.wait_for_selector("[role=row]")
    typed = [page.evaluate(_KEYSTROKE, [word]) for word in _WORDS]
    lines += [
        (f"a keystroke in {len(catalog['id']):,} series: found and in the page", [one[0] for one in typed], 100),
        ("the same, painted", [one[1] for one in typed], 150),
    ]
    widgets = [
        {"kind": "chart", "id": f"c{n}", "title": "", "series": [catalog["id"][row]], "days": 90,
         "place": {"x": 3 * (n % 4), "y": 3 * (n // 4), "w": 3, "h": 3}}
        for n, row in enumerate(chance.sample(range(len(catalog["id"])), CHARTS))
    ]  # fmt: skip
    slug = api.read("/dashboards", method="POST", body={"title": "Benchmark", "widgets": widgets})["slug"]
    lines.append(
        (
            f"a dashboard of {CHARTS} charts, after its data",
            [_after_data(page, f"{home}/d/{slug}", CHARTS) for _ in range(3)],
            400,
        )
    )
    context.close()
    return lines


def _cold(browser: Browser, address: str, token: str, home: str) -> tuple[float, float]:
    """Milliseconds from an empty cache to the table, and until Airflow's own page asks for our script."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "_token", "value": token, "url": address}])
    context.add_init_script(_WATCH)
    page = context.new_page()
    page.goto(home)
    page.wait_for_selector("table")
    taken, asked = page.evaluate(_COLD)
    context.close()
    return taken, asked


def _after_data(page: Page, address: str, count: int) -> float:
    page.goto(address)
    page.wait_for_function("(count) => window.lupusPainted[count] !== undefined", arg=count)
    return float(page.evaluate(_AFTER_DATA, count))
