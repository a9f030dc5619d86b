"""`lupus backtest PROJECT`: rules replayed over a real store."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from typer.testing import CliRunner

from lupus.cli.main import app
from lupus.config import load_project
from lupus.judge import judge
from lupus.model import (
    Finding,
    Incident,
    IncidentState,
    LupusError,
    MetricPoint,
    Outcome,
    Resolution,
    RuleSpec,
    Series,
    SeriesKey,
    Severity,
)
from lupus.stages import EnvironmentConnections, Settings, act, backtest, edited_rules, open_workspace, suggest
from lupus.stages import judge as judge_run

YAML = """
project: shop
start: 2026-01-01
tables:
  data: {source: {connection: warehouse, table: orders}, time: day}
rules:
  ceiling: {kind: threshold, where: {column: b}, max: 70}
"""
LONG = 120


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A workspace with 120 days of three series: a calm, b calm with two incidents, c at a new level from day 80."""
    monkeypatch.setenv("LUPUS_HOME", str(tmp_path))
    monkeypatch.setenv("LUPUS_PROJECTS", str(tmp_path))
    monkeypatch.delenv("LUPUS_STORE_URL", raising=False)
    (tmp_path / "shop.yaml").write_text(YAML)
    project = load_project(tmp_path / "shop.yaml", environ={})
    random = np.random.default_rng(5)
    values = random.normal(50, 1, (3, LONG))
    values[1, [60, 61, 90]] = [80, 82, 30]
    values[2, 80:] += 8
    keys = [SeriesKey("shop", "data", column, "mean") for column in "abc"]
    first = project.cadence.parse("2026-01-01")
    intervals = list(project.cadence.between(first, project.cadence.shift(first, LONG - 1)))
    settings = Settings.from_environment({"LUPUS_HOME": str(tmp_path), "LUPUS_PROJECTS": str(tmp_path)})
    with open_workspace(settings, connections=EnvironmentConnections({})) as workspace:
        for column, interval in enumerate(intervals):
            points = [
                MetricPoint(Series(key, "input"), interval, float(values[row, column]), 1000)
                for row, key in enumerate(keys)
            ]
            workspace.store.replace_points("shop", interval, points, scope="table:data")
            workspace.store.start_run("shop", interval, "judge", datetime(2026, 6, 1, tzinfo=UTC))
        yield workspace, project, intervals


def judged(workspace, project, interval, column, outcome):
    """Save an incident of one finding that a person judged, and so resolved."""
    key = SeriesKey("shop", "data", column, "mean")
    history = workspace.store.history("shop", [interval])
    rule = RuleSpec("r", "threshold", parameters={"max": -1})
    (verdict,) = (v for v in judge(history, [rule], project.cadence, at=[0]) if v.series == key)
    finding = Finding(interval, verdict)
    one = Incident(
        f"id{interval.key}",
        "shop",
        IncidentState.RESOLVED,
        Severity.HIGH,
        interval,
        interval,
        (finding,),
        "t",
        outcome=outcome,
        resolution=outcome and Resolution.PERSON,
    )
    workspace.store.save_incidents([one])


def test_what_the_rules_in_force_would_have_said(shop):
    workspace, project, intervals = shop
    answer = backtest(workspace, project)
    assert (answer.series, len(answer.intervals), answer.new, answer.gone) == (3, LONG, (), ())
    found = {(verdict.series.column, verdict.interval.key) for verdict in answer.findings}
    assert {("b", intervals[60].key), ("b", intervals[61].key), ("b", intervals[90].key)} <= found
    assert not [column for column, _ in found if column == "a"]
    assert ("c", intervals[80].key) in found
    firsts = [alarm.first for alarm in answer.alarms]
    assert firsts == sorted(firsts)
    assert intervals[60] in firsts
    one = answer.alarms[firsts.index(intervals[60])]
    assert (one.last, one.severity) == (intervals[61], Severity.CRITICAL)
    assert answer.per_month == pytest.approx(len(answer.alarms) / (LONG / 30.44))
    assert sum(sum(days.values()) for days in answer.calendar().values()) == len(answer.findings)
    assert list(answer.calendar()) == ["2026-01", "2026-02", "2026-03", "2026-04"]


def test_a_replay_says_what_each_day_said(shop):
    workspace, project, intervals = shop
    whole = backtest(workspace, project)
    part = backtest(workspace, project, first=intervals[85], last=intervals[100])
    assert part.intervals == tuple(intervals[85:101])
    assert part.findings == tuple(one for one in whole.findings if intervals[85] <= one.interval <= intervals[100])


def test_its_incidents_are_those_of_runs_made_day_by_day(shop):
    workspace, project, intervals = shop
    project = replace(project, alerts=replace(project.alerts, resolve_after=7))
    for interval in intervals[50:]:
        judge_run(workspace, project, interval)
        act(workspace, project, interval, send=False)
    lived = sorted(workspace.store.incidents("shop"), key=lambda one: one.first)
    replayed = backtest(workspace, project, first=intervals[50]).alarms
    told = [(one.first, one.last, one.severity, one.title, one.cause, len(one.findings)) for one in lived]
    assert told == [(one.first, one.last, one.severity, one.title, one.cause, one.findings) for one in replayed]
    assert {"data.b", "data.c"} <= {one.cause for one in replayed}
    # b breaks while c, which has nothing to do with it, is still going on.
    c, b = replayed[-2:]
    assert (c.cause, c.first, c.last) == ("data.c", intervals[80], intervals[86])
    assert (b.cause, b.first) == ("data.b", intervals[90])


def test_what_a_person_resolved_takes_nothing_found_later(shop):
    workspace, project, intervals = shop
    before = [one.first for one in backtest(workspace, project).alarms]
    assert intervals[61] not in before
    judged(workspace, project, intervals[60], "b", Outcome.FALSE_ALARM)
    assert [one.first for one in backtest(workspace, project).alarms] == sorted([*before, intervals[61]])


LATE = """
project: late
start: 2026-01-01
tables:
  prediction: {source: {connection: warehouse, table: p}, time: day, key: id, score: p}
  truth:
    {role: ground_truth, source: {connection: warehouse, table: t}, time: day, key: id, label: y, arrives_within: 3d}
task: binary_classification
rules:
  ceiling: {kind: threshold, where: {group: evaluation}, max: 0.7}
"""


def test_evaluation_is_found_when_labels_are_enough(tmp_path):
    (tmp_path / "late.yaml").write_text(LATE)
    project = load_project(tmp_path / "late.yaml", environ={})
    project = replace(project, rules=tuple(one for one in project.rules if one.name == "ceiling"))
    first = project.cadence.parse("2026-01-01")
    intervals = list(project.cadence.between(first, project.cadence.shift(first, 39)))
    values, maturity = np.full(40, 0.5), np.ones(40)
    values[[10, 20, 39]] = 0.9
    maturity[20] = 0.4  # never enough, so it is judged when no more are waited for
    maturity[-3:] = [0.95, 0.6, 0.2]  # labels are enough after two runs, and those of the newest have not come yet
    series = Series(SeriesKey("late", "prediction", "p", "log_loss"), "evaluation")
    settings = Settings.from_environment({"LUPUS_HOME": str(tmp_path)})
    with open_workspace(settings, connections=EnvironmentConnections({})) as workspace:
        for interval, value, share in zip(intervals, values.tolist(), maturity.tolist(), strict=True):
            point = MetricPoint(series, interval, value, 1000, maturity=share)
            workspace.store.replace_points("late", interval, [point], scope="evaluation")
            workspace.store.start_run("late", interval, "judge", datetime(2026, 6, 1, tzinfo=UTC))
        answer = backtest(workspace, project)
    assert [one.interval for one in answer.findings] == [intervals[10], intervals[20]]
    assert [one.first for one in answer.alarms] == [intervals[12], intervals[23]]


def test_changed_rules_against_those_in_force(shop):
    workspace, project, intervals = shop
    rules = [one for one in project.rules if one.kind == "threshold"]
    answer = backtest(workspace, project, rules=rules)
    assert {verdict.interval for verdict in answer.findings} == {intervals[60], intervals[61]}
    assert answer.new == ()
    assert ("b", intervals[90]) in {(verdict.series.column, verdict.interval) for verdict in answer.gone}
    lower = [replace(rules[-1], parameters={"max": 45.0})]
    assert len(backtest(workspace, project, rules=lower).new) > 90


def test_agreement_with_people(shop):
    workspace, project, intervals = shop
    judged(workspace, project, intervals[60], "b", Outcome.FIXED)
    judged(workspace, project, intervals[20], "a", Outcome.NEW_NORMAL)
    judged(workspace, project, intervals[90], "b", Outcome.FALSE_ALARM)
    judged(workspace, project, intervals[30], "a", Outcome.EXPECTED)
    judged(workspace, project, intervals[40], "a", None)
    said = backtest(workspace, project).agreement
    assert (said.confirmed, said.caught, said.refused, said.cried) == (2, 1, 2, 1)
    assert (said.precision, said.recall) == (0.5, 0.5)


def test_false_alarms_count_against_the_rule_that_told_them(shop):
    workspace, project, intervals = shop
    judged(workspace, project, intervals[60], "b", Outcome.FIXED)
    judged(workspace, project, intervals[90], "b", Outcome.FALSE_ALARM)
    records = {one.rule: one for one in backtest(workspace, project).records}
    assert (records["recent_average"].agreement.caught, records["recent_average"].agreement.cried) == (1, 1)
    assert (records["ceiling"].agreement.caught, records["ceiling"].agreement.cried) == (1, 0)
    assert records["ceiling"].agreement.precision == 1
    assert records["ceiling"].findings == 2
    shown = " ".join(CliRunner().invoke(app, ["backtest", "shop"]).output.split())
    assert "1 of 1 confirmed ones found, 1 of 1 expected ones and false alarms told all the same" in shown
    assert "(precision 50 %, recall 100 %)" in shown


def test_suggestions_give_what_is_wanted(shop):
    workspace, project, _ = shop
    few = {
        spec.name: (spec.parameters["sensitivity"], rate) for spec, rate in suggest(workspace, project, per_month=0.3)
    }
    many = {
        spec.name: (spec.parameters["sensitivity"], rate) for spec, rate in suggest(workspace, project, per_month=9)
    }
    assert set(few) == {"recent_average", "recent_drift", "trend_change"}
    assert few["recent_average"][0] > many["recent_average"][0]
    assert few["recent_average"][1] <= 0.3 < many["recent_average"][1] <= 9
    # No wider bands give as much.
    spec = next(one for one in project.rules if one.name == "recent_average")
    for number in (2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0):
        wider = replace(spec, parameters={**spec.parameters, "sensitivity": number})
        rate = backtest(workspace, project, rules=[wider]).per_month
        if number > many["recent_average"][0]:
            assert rate < many["recent_average"][1]
        elif rate <= 9:
            assert rate >= many["recent_average"][1]


def test_an_empty_store_says_what_to_do(tmp_path):
    (tmp_path / "shop.yaml").write_text(YAML)
    project = load_project(tmp_path / "shop.yaml", environ={})
    settings = Settings.from_environment({"LUPUS_HOME": str(tmp_path)})
    with (
        open_workspace(settings, connections=EnvironmentConnections({})) as workspace,
        pytest.raises(LupusError, match="nothing is stored for shop; lupus run shop"),
    ):
        backtest(workspace, project)


def test_a_rule_is_changed_by_its_name(shop):
    workspace, project, intervals = shop
    ceiling = next(one for one in project.rules if one.name == "ceiling")
    edited = edited_rules(project.rules, ["ceiling:max=81", "ceiling:min=40", "flatline"])
    assert [one.name for one in edited] == [*(one.name for one in project.rules), "flatline"][: len(edited)]
    changed = next(one for one in edited if one.name == "ceiling")
    assert (changed.parameters["min"], changed.parameters["max"]) == (40, 81)
    assert (changed.where, changed.severity) == (ceiling.where, ceiling.severity)
    told = [one for one in backtest(workspace, project, rules=edited).findings if one.rule == "ceiling"]
    assert [(one.series.column, one.interval) for one in told] == [("b", intervals[61]), ("b", intervals[90])]


def test_a_bound_is_taken_away(shop):
    _, project, _ = shop
    edited = edited_rules(project.rules, ["ceiling:min=5,max=null"])
    changed = next(one for one in edited if one.name == "ceiling")
    assert (changed.parameters["min"], changed.parameters["max"]) == (5, None)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cieling:max=81", "the project has no such rule; did you mean 'ceiling'?"),
        ("ceiling:max=many", "max cannot be 'many': Input should be a valid number"),
        ("ceiling:max=true", "max cannot be True: is a truth value, not a number"),
        ("recent_average:direction=sideways", "direction cannot be 'sideways': Input should be 'both', 'up' or 'down'"),
        ("ceiling:mxa=81", "threshold has no parameter 'mxa'; did you mean 'max'?"),
        ("ceiling:max", "is not of the form parameter=value"),
        ("nonsense", "there is no rule kind 'nonsense'"),
    ],
)
def test_a_wrong_change_says_what_is_wrong(text, said):
    done = CliRunner().invoke(app, ["backtest", "shop", "--rule", text])
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", " ").split())


@pytest.mark.usefixtures("shop")
def test_the_command():
    run = CliRunner().invoke
    plain = run(app, ["backtest", "shop"])
    assert plain.exit_code == 0, plain.output
    assert "120 intervals (2026-01-01 to 2026-04-30), 3 series" in " ".join(plain.output.split())
    changed = run(app, ["backtest", "shop", "--rule", "recent_average:sensitivity=40"])
    assert changed.exit_code == 0, changed.output
    assert "against the rules in force: 0 findings new" in " ".join(changed.output.split())
    named = json.loads(run(app, ["backtest", "shop", "--rule", "ceiling:max=49", "--json"]).output)
    assert {one["column"] for one in named["new"]} == {"b"}
    told = json.loads(run(app, ["backtest", "shop", "--json", "--day", "2026-03-01"]).output)
    assert told["incidents"][0]["cause"] == "data.b"
    assert (told["first"], told["last"]) == ("2026-03-01", "2026-04-30")
    nothing = {"confirmed": 0, "caught": 0, "refused": 0, "cried": 0, "precision": None, "recall": None}
    assert told["agreement"] == nothing
    assert {one["rule"] for one in told["rules"]} == {"recent_average", "trend_change", "ceiling"}
    proposed = run(app, ["backtest", "shop", "--suggest", "2"])
    assert "recent_average: {sensitivity:" in proposed.output
    assert run(app, ["backtest", "shop", "--day", "never"]).exit_code == 2
