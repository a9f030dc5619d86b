"""What belongs to no baseline: accepted levels, the start, by hand, and what the judgement of an incident changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lupus.cli.main import app
from lupus.config import load_project
from lupus.model import (
    ExclusionReason,
    Finding,
    Incident,
    IncidentState,
    Interval,
    LupusError,
    MetricPoint,
    Outcome,
    Project,
    Series,
    SeriesKey,
    Severity,
    Status,
    StoreError,
)
from lupus.stages import (
    EnvironmentConnections,
    Settings,
    Workspace,
    backtest,
    effect_of_outcome,
    judge,
    leave_out,
    open_workspace,
)

YAML = """
project: shop
start: 2026-01-11
tables:
  data: {source: {connection: warehouse, table: orders}, time: day}
"""
LONG = 180
SHIFT = 100
KEYS = [SeriesKey("shop", "data", column, "mean", "") for column in "abc"]
Shop = tuple[Workspace, Project, list[Interval]]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """180 days from ten days before the start: a calm, b with a fault on two days, c at a new level from day 100."""
    monkeypatch.setenv("LUPUS_HOME", str(tmp_path))
    monkeypatch.setenv("LUPUS_PROJECTS", str(tmp_path))
    monkeypatch.delenv("LUPUS_STORE_URL", raising=False)
    (tmp_path / "shop.yaml").write_text(YAML)
    project = load_project(tmp_path / "shop.yaml", environ={})
    values = np.random.default_rng(5).normal(50, 1, (3, LONG))
    values[1, [170, 171]] = [80, 82]
    values[2, SHIFT:] += 8
    first = project.cadence.parse("2026-01-01")
    intervals = list(project.cadence.between(first, project.cadence.shift(first, LONG - 1)))
    settings = Settings.from_environment({"LUPUS_HOME": str(tmp_path), "LUPUS_PROJECTS": str(tmp_path)})
    with open_workspace(settings, connections=EnvironmentConnections({})) as workspace:
        for column, interval in enumerate(intervals):
            points = [
                MetricPoint(Series(key, "input"), interval, float(values[row, column]), 1000)
                for row, key in enumerate(KEYS)
            ]
            workspace.store.replace_points("shop", interval, points, scope="table:data")
            workspace.store.start_run("shop", interval, "judge", datetime(2026, 9, 1, tzinfo=UTC))
        yield workspace, project, intervals


def incident(shop: Shop, days: list[int], outcome: Outcome | None = None) -> Incident:
    """The incident of what the rules find in b on `days`, stored."""
    workspace, project, intervals = shop
    findings = []
    for day in days:
        found = [one for one in judge(workspace, project, intervals[day]).verdicts if one.series == KEYS[1]]
        findings += [Finding(intervals[day], one) for one in found if one.status is Status.ANOMALY]
    assert len(findings) == len(days)
    one = Incident(
        "abc",
        "shop",
        IncidentState.RESOLVED,
        Severity.HIGH,
        intervals[days[0]],
        intervals[days[-1]],
        tuple(findings),
        "Mean of data.b",
        outcome=outcome,
    )
    workspace.store.save_incidents([one])
    return one


def accepted(shop: Shop) -> list[tuple[str | None, Interval]]:
    workspace, project, _ = shop
    return [
        (one.column, project.cadence.containing(one.end))
        for one in workspace.store.exclusions("shop")
        if one.reason is ExclusionReason.LEVEL_ACCEPTED
    ]


def test_a_new_level_that_lasts_is_accepted_once_and_stored(shop: Shop) -> None:
    workspace, project, intervals = shop
    replayed = {one.interval: one for one in backtest(workspace, project).findings if one.rule == "trend_change"}
    (told,) = (intervals.index(one) for one in replayed)
    judge(workspace, project, intervals[told + 27])
    assert accepted(shop) == []
    for _ in range(2):
        report = judge(workspace, project, intervals[told + 28])
        assert accepted(shop) == [("c", intervals[SHIFT])]
    (remark,) = (one.sentence for one in report.verdicts if one.series == KEYS[2] and one.rule == "trend_change")
    assert remark == "the new level has lasted for 28 intervals and is accepted"
    judge(workspace, project, intervals[told + 29])
    (one,) = (one for one in workspace.store.exclusions("shop") if one.restart)
    assert (one.since, one.source) == (intervals[told + 28].end, "trend_change")
    assert one.note == f"{remark}; it began on {intervals[SHIFT]}"


def test_after_an_accepted_level_the_baseline_holds_the_new_one_only(shop: Shop) -> None:
    workspace, project, intervals = shop

    def band(day: int) -> float:
        found = judge(workspace, project, intervals[day]).verdicts
        (one,) = (one for one in found if one.series == KEYS[2] and one.rule == "recent_average")
        assert one.upper is not None
        assert one.lower is not None
        return one.upper - one.lower

    told = next(
        intervals.index(one.interval)
        for one in backtest(workspace, project).findings
        if one.rule == "trend_change" and one.series == KEYS[2]
    )
    before = band(told + 29)
    judge(workspace, project, intervals[told + 28])
    assert band(told + 29) < 0.8 * before


def test_a_replay_of_stored_history_says_what_the_runs_said(shop: Shop) -> None:
    workspace, project, intervals = shop
    said = []
    for day in range(120, LONG):
        said += [one for one in judge(workspace, project, intervals[day]).verdicts if one.status is Status.ANOMALY]
    assert accepted(shop)
    found = list(backtest(workspace, project, first=intervals[120]).findings)
    medium = [one for one in said if one.severity is not None and one.severity.rank >= Severity.MEDIUM.rank]
    assert sorted(found, key=repr) == sorted(medium, key=repr)


def test_what_lies_before_the_start_is_in_no_baseline(shop: Shop) -> None:
    workspace, project, intervals = shop
    judge(workspace, project, intervals[150])
    (one,) = workspace.store.exclusions("shop")
    assert (one.reason, one.note) == (ExclusionReason.BEFORE_START, "the project starts on 2026-01-11")
    excluded = workspace.store.history("shop", intervals[:20]).excluded
    assert excluded[:, :10].all()
    assert not excluded[:, 10:].any()


# The judgement of an incident


@pytest.mark.parametrize("outcome", [Outcome.FIXED, Outcome.EXPECTED])
def test_a_fault_is_left_out_and_the_next_band_is_narrower(shop: Shop, outcome: Outcome) -> None:
    workspace, project, intervals = shop
    incident(shop, [170, 171])
    effect = effect_of_outcome(workspace, "abc", outcome)
    assert (effect.points, effect.intervals, effect.series, effect.restart) == (2, 2, 1, False)
    assert effect.sentence == "leaves 2 points of 1 series at 2 intervals out of the baselines"
    (band,) = (one for one in effect.bands if one.rule == "recent_average")
    assert band.change_ratio is not None
    assert band.change_ratio < -0.1
    assert str(band).startswith("data.b mean: the next band of recent_average becomes ")
    assert str(band).endswith(" % narrower")

    # What is foretold is what comes.
    incident(shop, [170, 171], outcome)
    following = project.cadence.next(intervals[-1])
    workspace.store.replace_points(
        "shop", following, [MetricPoint(Series(KEYS[1], "input"), following, 50.0, 1000)], scope="table:data"
    )
    report = judge(workspace, project, following)
    (verdict,) = (one for one in report.verdicts if one.rule == "recent_average")
    assert (verdict.expected, verdict.lower, verdict.upper) == (
        band.after.expected,
        band.after.lower,
        band.after.upper,
    )


def test_a_new_normal_restarts_and_a_false_alarm_changes_nothing(shop: Shop) -> None:
    workspace, _, _ = shop
    incident(shop, [170, 171])
    anew = effect_of_outcome(workspace, "abc", Outcome.NEW_NORMAL)
    assert (anew.points, anew.restart) == (0, True)
    assert anew.sentence == "the baselines of 1 series begin anew with the incident"
    assert any("unknown (too little history)" in str(band) for band in anew.bands)
    stays = effect_of_outcome(workspace, "abc", Outcome.FALSE_ALARM)
    assert stays.sentence == "all points stay in the baselines of 1 series, and count against the rules"
    assert all(band.before == band.after and "stays" in str(band) for band in stays.bands)
    assert stays.bands


def test_a_judgement_that_stands_is_the_state_to_compare_with(shop: Shop) -> None:
    workspace, project, _ = shop
    incident(shop, [170, 171], Outcome.FIXED)
    again = effect_of_outcome(workspace, "abc", Outcome.FIXED, project=project)
    assert all(band.before == band.after for band in again.bands)
    back = effect_of_outcome(workspace, "abc", Outcome.FALSE_ALARM, project=project)
    (band,) = (one for one in back.bands if one.rule == "recent_average")
    assert band.change_ratio is not None
    assert band.change_ratio > 0.1


def test_what_cannot_be_foretold_says_why(shop: Shop, tmp_path: Path) -> None:
    workspace, _, _ = shop
    with pytest.raises(StoreError, match="there is no incident 'nobody'"):
        effect_of_outcome(workspace, "nobody", Outcome.FIXED)
    incident(shop, [170, 171])
    (tmp_path / "shop.yaml").write_text("project: [")
    with pytest.raises(LupusError, match="the file of project shop cannot be read; lupus check"):
        effect_of_outcome(workspace, "abc", Outcome.FIXED)


# By hand


def test_by_hand(shop: Shop) -> None:
    workspace, project, intervals = shop
    one = leave_out(workspace, project, intervals[100], intervals[102], by="vera", note="strike", column="a")
    excluded = workspace.store.history("shop", intervals).excluded
    assert np.argwhere(excluded).tolist() == [[0, 100], [0, 101], [0, 102]]
    leave_out(workspace, project, intervals[101], intervals[101], by="olaf", keep=True)
    assert np.argwhere(workspace.store.history("shop", intervals).excluded).tolist() == [[0, 100], [0, 102]]
    workspace.store.remove_exclusion(one.id)
    assert not workspace.store.history("shop", intervals).excluded.any()
    with pytest.raises(LupusError, match="no stored series of shop is meant"):
        leave_out(workspace, project, intervals[0], intervals[0], by="vera", column="nothing")
    with pytest.raises(LupusError, match="is before"):
        leave_out(workspace, project, intervals[1], intervals[0], by="vera")


def test_the_commands(shop: Shop) -> None:
    workspace, project, intervals = shop
    run = CliRunner().invoke
    assert "nothing is left out" in run(app, ["exclusions", "shop"]).stderr
    span = ["--day", "2026-05-01", "--to", "2026-05-03"]
    done = run(app, ["exclude", "shop", *span, "--column", "a", "--note", "strike", "--by", "vera"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("2026-05-01 to 2026-05-03: left out by vera: strike  (")
    told = json.loads(run(app, ["exclusions", "shop", "--json"]).output)
    (one,) = told
    assert {name: one[name] for name in ("reason", "first", "last", "what", "source", "since")} == {
        "reason": "left_out",
        "first": "2026-05-01",
        "last": "2026-05-03",
        "what": "a",
        "source": "vera",
        "since": None,
    }
    listed = run(app, ["exclusions", "shop", "--day", "2026-05-02"])
    assert "left out by vera: strike" in " ".join(listed.output.split())
    assert "nothing is left out" in run(app, ["exclusions", "shop", "--day", "2026-05-04"]).stderr
    shown = run(app, ["metrics", "shop", "--day", "2026-05-02"], env={"COLUMNS": "200"})
    assert "left out by vera: strike" in shown.output
    points = json.loads(run(app, ["metrics", "shop", "--day", "2026-05-02", "--json"]).output)
    assert [point["left_out"] for point in points if point["column"] != "b"] == [["left out by vera: strike"], []]
    explained = run(app, ["why", "shop", "data.a mean", "--day", "2026-05-02"])
    assert "left out by vera: strike" in explained.output
    taken = run(app, ["exclude", "shop", "--undo", one["id"]])
    assert taken.output == f"{one['id']} is taken back\n"
    assert workspace.store.exclusions("shop") == []
    for wrong in (
        ["exclude", "shop"],
        ["exclude", "shop", "--day", "2026-05-01", "--undo", "x"],
        ["exclude", "shop", "--day", "2026-05-02", "--to", "2026-05-01"],
    ):
        assert run(app, wrong).exit_code == 2
    assert isinstance(run(app, ["exclude", "shop", "--undo", "x"]).exception, StoreError)
    assert project.cadence.parse("2026-05-01") == intervals[120]


def test_incidents_with_findings_of_many_series_are_foretold_by_the_worst(shop: Shop) -> None:
    workspace, project, intervals = shop
    one = incident(shop, [170, 171])
    verdict = one.findings[0].verdict
    more = [replace(verdict, series=key, score=score) for key, score in ((KEYS[0], 1.1), (KEYS[2], 1.2))]
    found = (*one.findings, *(Finding(intervals[170], other) for other in more))
    workspace.store.save_incidents([replace(one, findings=found)])
    effect = effect_of_outcome(workspace, "abc", Outcome.FIXED, project=project)
    assert (effect.points, effect.intervals, effect.series) == (4, 2, 3)
    assert [band.series.column for band in effect.bands if band.rule == "recent_average"] == ["b", "c", "a"]
