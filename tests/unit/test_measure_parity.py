"""Fairness as series: from the counts of segments to points, and through all stages of a product."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import fairlearn.metrics as fairlearn
import numpy as np
import pytest

import tiny
from installation import Installation
from lupus.measure import Confusion, SegmentConfusion, decision_points, error_points
from lupus.model import FailureKind, FairnessPolicy, Group, MetricPoint, Project, Series, SeriesKey, segment_name

FAIR = "metrics: {fairness: {segments: region, min_rows: 1}}\n"


@pytest.fixture(scope="module")
def fair(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    made = Installation.tiny(tmp_path_factory.mktemp("fair") / "lupus", days=8)
    made.project_file().write_text(tiny.PROJECT + FAIR)
    made.run(*map(tiny.day, range(5)))
    return made


def points(installation: Installation, day: int) -> dict[str, MetricPoint]:
    return {one.series.key.metric: one for one in installation.points(tiny.day(day), metric="*:region")}


def decided(project: Project, groups: dict[str, tuple[float, int]]) -> list[MetricPoint]:
    interval = project.cadence.parse(tiny.day(1))
    return [
        MetricPoint(
            Series(SeriesKey("loans", "prediction", "p_default", "positive_ratio", segment), Group.PREDICTION, "ratio"),
            interval,
            share,
            n,
        )
        for segment, (share, n) in groups.items()
    ]


def test_a_products_gaps_are_fairlearns(fair: Installation) -> None:
    with sqlite3.connect(fair.warehouse) as warehouse:
        rows = warehouse.execute(
            "SELECT region, p_default, defaulted FROM scores JOIN outcomes USING (loan_id) WHERE day = ?",
            (tiny.day(1),),
        ).fetchall()
    warehouse.close()
    region, score, truth = (np.array(column) for column in zip(*rows, strict=True))
    found = points(fair, 1)
    assert len(found) == 8
    for name, point in found.items():
        family = name.partition(":")[0]
        if not family.startswith("predictive"):
            expected = getattr(fairlearn, family)(truth, score >= 0.5, sensitive_features=region)
            assert point.value == pytest.approx(expected, rel=1e-9), name
        assert point.low is not None
        assert point.high is not None
        assert point.value is not None
        assert 0 <= point.low <= point.value <= point.high <= 1
        assert point.series.key.segment == ""
        assert point.maturity == (None if family.startswith("demographic") else 1.0)
        assert point.series.group == (Group.PREDICTION if family.startswith("demographic") else Group.EVALUATION)


def test_demographic_parity_does_not_wait_for_labels(fair: Installation) -> None:
    found = points(fair, 4)
    assert found["demographic_parity_difference:region"].value is not None
    assert not any(name.startswith(("equal", "predictive")) for name in found)


def test_why_says_where_the_groups_are(fair: Installation) -> None:
    answer = fair.lupus("why", "loans", "--metric", "demographic_parity_ratio:region", "--day", tiny.day(4))
    assert answer.code == 0
    assert "lupus metrics loans --metric positive_ratio --segment 'region=*' shows their rates" in answer.text


def test_gaps_are_judged_like_any_series(fair: Installation) -> None:
    judged = {one.series.metric for one in fair.verdicts(tiny.day(1))}
    assert {"demographic_parity_difference:region", "equalized_odds_ratio:region"} <= judged


def test_without_fairness_nothing_is_added(fair: Installation) -> None:
    project = replace(fair.project(), metrics=replace(fair.project().metrics, fairness=FairnessPolicy()))
    whole = SegmentConfusion(project.cadence.parse(tiny.day(1)), (), Confusion(1, 2, 3, 4), 10, 1.0)
    assert decision_points(project, decided(project, {"": (0.5, 100)})) == []
    assert error_points(project, [whole]) == []


def test_groups_are_of_the_protected_columns_only_and_null_is_none(fair: Installation) -> None:
    project = fair.project()
    groups = {
        "": (0.5, 400),
        segment_name(("region", "north")): (0.5, 100),
        segment_name(("region", "south,=")): (0.4, 100),
        segment_name(("region", "(null)")): (0.0, 100),
        segment_name(("region", "north"), ("sex", "f")): (1.0, 100),
        segment_name(("sex", "f")): (0.9, 100),
    }
    found = {one.series.key.metric: one for one in decision_points(project, decided(project, groups))}
    gap = found["demographic_parity_difference:region"]
    assert (gap.value, gap.n) == (pytest.approx(0.1), 200)
    crossed = replace(
        project, metrics=replace(project.metrics, fairness=FairnessPolicy((("region", "sex"),), min_rows=1))
    )
    [point, _] = decision_points(crossed, decided(crossed, groups))
    assert point.series.key.metric == "demographic_parity_difference:region,sex"
    assert point.failure is not None
    assert point.failure.reason == "1 of 1 groups has at least 1 rows to compare; two are needed"


def test_no_group_at_all_says_what_to_change(fair: Installation) -> None:
    project = fair.project()
    found = decision_points(project, decided(project, {"": (0.5, 100)}))
    assert {one.failure.kind for one in found if one.failure} == {FailureKind.UNDEFINED}
    assert all(one.failure and "metrics.segment_metrics" in one.failure.reason for one in found)
    assert decision_points(project, []) == []


def test_weights_do_not_make_an_interval_narrower(fair: Installation) -> None:
    project = fair.project()
    day = project.cadence.parse(tiny.day(1))
    counts = {"": Confusion(30, 20, 10, 40), "north": Confusion(20, 10, 5, 15), "south": Confusion(10, 10, 5, 25)}

    def of(weight: float) -> list[MetricPoint]:
        return error_points(
            project,
            [
                SegmentConfusion(
                    day,
                    (("region", name),) if name else (),
                    Confusion(*(weight * one for one in (c.tp, c.fp, c.fn, c.tn))),
                    int(c.total),
                    0.5,
                )
                for name, c in counts.items()
            ],
        )

    for one, other in zip(of(1.0), of(1000.0), strict=True):
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
        assert one.maturity == 0.5


def test_excluded_names_are_not_measured(tmp_path: Path) -> None:
    made = Installation.tiny(tmp_path / "lupus", days=2)
    text = FAIR.replace("metrics: {", 'metrics: {exclude: ["*_ratio:region", "equal*"], ')
    made.project_file().write_text(tiny.PROJECT + text)
    made.run(tiny.day(0))
    assert set(points(made, 0)) == {"demographic_parity_difference:region"}


def test_two_columns_are_crossed_compared_and_explained(tmp_path: Path) -> None:
    made = Installation.tiny(tmp_path / "lupus", days=5)
    with sqlite3.connect(made.warehouse) as warehouse:
        warehouse.execute("UPDATE scores SET model_version = 'v' || (1 + loan_id % 2)")
    warehouse.close()
    text = tiny.PROJECT.replace("segments: [region]", "segments: [region, [region, model_version]]")
    made.project_file().write_text(
        text + "metrics: {min_segment_rows: 5, fairness: {segments: [[region, model_version]], min_rows: 5}}\n"
    )
    made.run(*map(tiny.day, range(3)))
    shares = {
        point.series.key.segment: point
        for point in made.points(tiny.day(2), metric="positive_ratio")
        if point.series.key.segment.startswith("region=") and "," in point.series.key.segment
    }
    assert shares.keys() == {
        f"region={region},model_version={version}" for region in ("north", "south") for version in ("v1", "v2")
    }
    [gap] = made.points(tiny.day(2), metric="demographic_parity_difference:region,model_version")
    rates = [point.value for point in shares.values() if point.value is not None]
    assert gap.value == pytest.approx(max(rates) - min(rates))
    told = made.lupus("why", "loans", "prediction.p_default mean [region=north]", "--day", tiny.day(2), "--json").json
    [split] = told["splits"]
    assert split["segments"] == ["region", "model_version"]
    assert {part["segment"] for part in split["parts"]} == {
        "region=north,model_version=v1", "region=north,model_version=v2"
    }  # fmt: skip
    assert sum(part["mix"] + part["within"] for part in split["parts"]) == pytest.approx(split["change"], abs=1e-12)
