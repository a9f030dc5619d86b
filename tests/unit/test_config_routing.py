"""Routes and quiet hours, in a project file and in the installation's."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from lupus.config import dump, load_project, load_routing
from lupus.model import Alerts, ConfigError, QuietHours, Route, Routing, Selector, Severity

PROJECT = """\
project: shop
timezone: Europe/Berlin
start: 2026-01-01
tables: {data: {source: {python: "a:b"}}}
"""


def _project(path: Path, alerts: str) -> Alerts:
    path.write_text(f"{PROJECT}alerts: {alerts}\n")
    return load_project(path, environ={}).alerts


def test_defaults(tmp_path: Path) -> None:
    assert _project(tmp_path / "shop.yaml", "{}") == Alerts()


def test_routes_of_a_project(tmp_path: Path) -> None:
    alerts = _project(
        tmp_path / "shop.yaml",
        '{quiet_hours: {from: "22:00", to: "7:30"}, escalate_after: 5, remind_after: 7, routes: ['
        '{group: evaluation, segment: "country=*", severity: high, to: ["slack:#leads", "email:smtp:a@b.c,d@b.c"]},'
        '{to: pager:team, mention: "@here"}]}',
    )
    assert alerts.quiet_hours == QuietHours(time(22), time(7, 30), "Europe/Berlin", Severity.CRITICAL)
    assert (alerts.escalate_after, alerts.remind_after) == (5, 7)
    assert alerts.routes == (
        Route(
            ("slack:slack:#leads", "email:smtp:a@b.c,d@b.c"),
            Selector(group=("evaluation",), segment=("country=*",)),
            Severity.HIGH,
            name="alerts.routes[0]",
        ),
        Route(("pager:team",), mention="@here", name="alerts.routes[1]"),
    )


def test_what_is_dumped_is_read_as_the_same(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(
        PROJECT + 'alerts: {quiet_hours: {from: "22:00", to: "7:30", wake_for: high}, backfills: true, news_for: 12h, '
        'routes: [{table: [data, "!x"], to: ["slack:#a", outbox]}], remind_after: 3}\n'
    )
    project = load_project(path, environ={})
    again = tmp_path / "again.yaml"
    again.write_text(dump(project))
    assert load_project(again, environ={}).alerts == project.alerts


def test_the_installation_adds_routes_a_default_and_quiet_hours(tmp_path: Path) -> None:
    path = tmp_path / "lupus.yaml"
    path.write_text(
        'default: "slack:#ml"\n'
        "routes:\n"
        '  - {severity: critical, to: ["slack:oncall:#fire"]}\n'
        "  - {owner: [ml-*, data], project: flights, to: webhook:hub}\n"
        'quiet_hours: {from: "20:00", to: "08:00"}\n'
    )
    assert load_routing(path, environ={}) == Routing(
        routes=(
            Route(("slack:oncall:#fire",), severity=Severity.CRITICAL, name="lupus.yaml: routes[0]"),
            Route(("webhook:hub",), projects=("flights",), owners=("ml-*", "data"), name="lupus.yaml: routes[1]"),
        ),
        default=("slack:slack:#ml",),
        quiet_hours=QuietHours(time(20), time(8), "", Severity.CRITICAL),
    )


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_nothing_said_is_nothing(text: str, tmp_path: Path) -> None:
    assert load_routing(tmp_path / "none.yaml") == Routing()
    path = tmp_path / "lupus.yaml"
    path.write_text(text)
    assert load_routing(path) == Routing()


PROBLEMS = {
    "default: slck:#ml\n": "1:10: item 1 of 'default': 'slck:#ml' is no destination; did you mean 'slack:#ml'?",
    "defalt: outbox\n": "1:1: unknown key 'defalt'; did you mean 'default'?",
    "routes:\n  - {severity: hihg, to: outbox}\n": "2:16: 'severity': 'hihg' is none of low, medium, high, critical; "
    "did you mean 'high'?",
    "routes:\n  - {owner: x}\n": "2:5: item 1 of 'routes' needs 'to'; add it: ",
    "routes:\n  - {to: outbox, ownr: x}\n": "2:18: unknown key 'ownr' in item 1 of 'routes'; did you mean 'owner'?",
    'quiet_hours: {from: "25:00", to: "07:00"}\n': "1:21: 'from': '25:00' is no time of day; write hours and minutes",
    "[a]\n": "1:1: ",
    "default: [\n": "2:1: ",
}


@pytest.mark.parametrize(("text", "expected"), PROBLEMS.items())
def test_problems_of_the_installations_file_have_their_place_and_remedy(
    text: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "lupus.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_routing(path, environ={})
    assert str(caught.value.problems[0]).removeprefix(f"{path}:").startswith(expected)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-03-28T21:59", None),
        ("2026-03-28T22:00", "2026-03-29T07:00:00+02:00"),  # the clocks go forward in this night
        ("2026-03-29T06:59", "2026-03-29T07:00:00+02:00"),
        ("2026-03-29T07:00", None),
    ],
)
def test_quiet_hours_over_midnight(at: str, ends: str | None) -> None:
    quiet = QuietHours(time(22), time(7), "Europe/Berlin")
    local = datetime.fromisoformat(at).replace(tzinfo=quiet_zone())
    found = quiet.ends_after(local.astimezone(UTC))
    assert (found and found.isoformat()) == ends


def quiet_zone():
    from zoneinfo import ZoneInfo

    return ZoneInfo("Europe/Berlin")


def test_quiet_hours_in_the_day() -> None:
    quiet = QuietHours(time(12), time(13), "UTC")
    assert quiet.ends_after(datetime(2026, 1, 5, 12, 30, tzinfo=UTC)) == datetime(2026, 1, 5, 13, tzinfo=UTC)
    assert quiet.ends_after(datetime(2026, 1, 5, 13, tzinfo=UTC)) is None


def test_who_may_press_buttons(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(PROJECT + 'alerts: {responders: ["<@U012AB3CD>", "<!subteam^S012AB3CD>", W012AB3CD]}\n')
    project = load_project(path, environ={})
    assert project.alerts.responders == ("U012AB3CD", "S012AB3CD", "W012AB3CD")
    path.write_text(dump(project))
    assert load_project(path, environ={}).alerts == project.alerts
