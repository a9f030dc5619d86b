"""Estimates, concept drift and multivariate drift through the stages: what they know, when, and that reruns agree."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

import tiny
from installation import Installation
from lupus.model import ChangeKind, IncidentChange, Interval, MetricPoint, Outcome, Status
from lupus.stages import change_incident
from lupus.stages.reference import left_out

DAYS = 20
TURNED = range(15, 17)
"""The days on which the same scores stand for the opposite."""
MOVED = 18
"""The day on which amounts and incomes no longer are what they were."""
METRICS = """\
metrics:
  estimates: {concept_drift: true}
  multivariate: {metrics: [pca_reconstruction_error, domain_auc], min_rows: 50, window: 10}
  segment_metrics: [rows, concept_drift, pca_reconstruction_error, domain_auc]
"""
RULE = "  another_world: {kind: drift, where: {metric: concept_drift}, min_rows: 100}\n"


@contextmanager
def warehouse(installation: Installation) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(installation.warehouse)) as connection, connection:
        yield connection


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The tiny product with everything asked for, some days long. Not to be changed."""
    installation = Installation.tiny(tmp_path_factory.mktemp("watched") / "tiny", days=DAYS)
    path = installation.project_file()
    path.write_text(path.read_text().replace("rules:\n", f"rules:\n{RULE}") + METRICS)
    with warehouse(installation) as connection:
        connection.execute(
            "UPDATE outcomes SET defaulted = 1 - defaulted WHERE loan_id / 1000 BETWEEN ? AND ?",
            (TURNED.start, TURNED.stop - 1),
        )
        connection.execute("UPDATE loans SET amount = income / 5, income = amount WHERE day = ?", (tiny.day(MOVED),))
    installation.run(*map(tiny.day, range(DAYS)))
    return installation


def point(installation: Installation, number: int, metric: str) -> MetricPoint:
    [found] = [one for one in installation.points(tiny.day(number), metric=metric) if not one.series.key.segment]
    return found


def value(installation: Installation, number: int, metric: str) -> float:
    found = point(installation, number, metric)
    assert found.value is not None, found.failure
    return found.value


def test_there_is_an_estimate_as_soon_as_enough_labels_are_complete(watched: Installation) -> None:
    early = point(watched, 5, "estimated_brier")
    assert early.failure is not None
    assert early.failure.reason == (
        "there are 480 labelled rows to learn from, and 1,000 are needed (metrics.estimates.min_labels)"
    )
    # Of day 10's labels none is there on day 10, and of days 9 and 10 not all: eight or nine days are learnt from.
    for number in range(10, DAYS):
        found = point(watched, number, "estimated_brier")
        assert found.low is not None
        assert found.high is not None
        assert found.value is not None
        assert found.low < found.value < found.high
        assert found.n == tiny.ROWS
    assert point(watched, DAYS - 1, "brier").value is None
    inside = [
        number
        for number in range(10, 15)
        for found in [point(watched, number, "estimated_brier")]
        if (found.low or 1) < value(watched, number, "brier") < (found.high or 0)
    ]
    assert len(inside) >= 4


def test_the_error_is_estimated_minus_true_once_labels_are_complete(watched: Installation) -> None:
    for metric in ("brier", "roc_auc", "recall"):
        error = point(watched, 12, f"estimate_error:{metric}")
        true = value(watched, 12, metric)
        assert error.value == pytest.approx(value(watched, 12, f"estimated_{metric}") - true)
        assert error.maturity == 1.0
    names = {one.series.key.metric for one in watched.points(tiny.day(DAYS - 1))}
    assert not {name for name in names if name.startswith("estimate_error:")}


def test_what_only_labels_tell_shows_as_error_and_as_concept_drift(watched: Installation) -> None:
    for number in range(10, 18):
        drift, error = point(watched, number, "concept_drift"), value(watched, number, "estimate_error:brier")
        assert drift.maturity == 1.0
        assert drift.low is not None
        assert drift.value is not None
        if number in TURNED:
            assert drift.low > 0.1
            assert error < -0.1
        else:
            assert drift.low < 0.05
            assert abs(error) < 0.1
    # The inputs moved, the concept did not, and labels of the last days may still come.
    assert {one.series.key.metric for one in watched.points(tiny.day(DAYS - 2))} & {"concept_drift"} == set()


def test_segments_are_compared_with_their_own_reference(watched: Installation) -> None:
    def of(number: int, metric: str) -> dict[str, MetricPoint]:
        return {one.series.key.segment: one for one in watched.points(tiny.day(number), metric=metric)}

    regions = {"region=north", "region=south"}
    for number in range(10, 18):
        found = of(number, "concept_drift")
        rows = of(number, "rows")
        for segment in found.keys() - {""}:
            one = found[segment]
            assert one.n == rows[segment].n
            if number in TURNED:
                assert one.value is not None
                assert one.value > 0.2
            elif one.value is not None:
                assert one.low is not None
                assert one.low < 0.05
    assert of(17, "concept_drift").keys() == {"", *regions}
    for metric, quiet in (("domain_auc", 0.7), ("pca_reconstruction_error", 1.3)):
        for number in (14, MOVED):
            found = of(number, metric)
            assert {segment for segment in found if segment} <= regions
            for segment, one in found.items():
                assert one.value is not None, one.failure
                assert (one.value > quiet) is (number == MOVED), (segment, one.value)
    assert of(MOVED, "domain_auc").keys() == {"", *regions}


def test_a_rule_may_judge_concept_drift_when_labels_are_there(watched: Installation) -> None:
    found = {
        number
        for number in range(10, DAYS)
        for one in watched.verdicts(tiny.day(number))
        if one.rule == "another_world" and one.status is Status.ANOMALY
    }
    assert found == set(TURNED)


def test_columns_that_change_places_are_seen_together(watched: Installation) -> None:
    quiet, moved = (point(watched, number, "domain_auc") for number in (14, MOVED))
    assert quiet.low is not None
    assert quiet.low < 0.55
    assert moved.low is not None
    assert moved.low > 0.9
    assert value(watched, MOVED, "pca_reconstruction_error") > 1.5 * value(watched, 14, "pca_reconstruction_error")
    assert value(watched, 14, "pca_reconstruction_error") == pytest.approx(1, abs=0.2)


def test_models_are_kept_for_some_days_and_hold_no_row(watched: Installation) -> None:
    with watched.workspace() as opened:
        states = [
            (one.kind, one.interval.key, one.payload["reference"])
            for kind in ("calibration", "concept_model")
            for one in opened.store.states("loans", "prediction", kind=kind)
        ]
        [model] = opened.store.states("loans", "prediction", kind="concept_model")[:1]
    first, again = tiny.day(10), tiny.day(17)
    reference = {"first": tiny.day(0), "last": tiny.day(8), "intervals": 9}
    assert ("calibration", first, reference) in states
    assert [when for kind, when, _ in states if kind == "calibration"] == [first, again]
    assert {tuple(knots[1]) for knots in model.payload["model"]["encoder"]["knots"]}
    assert len(str(model.payload)) < 20_000


def test_an_estimate_uses_no_label_that_came_later(watched: Installation, tmp_path: Path) -> None:
    """Whether later labels are there when a day is run again changes nothing; whether they are others neither."""
    number = 14
    other = Installation.tiny(tmp_path / "other", days=DAYS)
    other.project_file().write_text(watched.project_file().read_text())
    with warehouse(other) as connection:
        connection.execute("UPDATE outcomes SET defaulted = 1 - defaulted WHERE known_on > ?", (tiny.day(number),))
    other.run(*map(tiny.day, range(number + 1)))
    assert estimates(other, number) == estimates(watched, number)
    other.run(*map(tiny.day, range(number + 1, number + 4)), tiny.day(number))
    assert estimates(other, number) == estimates(watched, number)


def estimates(installation: Installation, number: int) -> list[MetricPoint]:
    found = installation.points(tiny.day(number), metric="estimated_*")
    assert any(one.value is not None for one in found)
    return found


@pytest.mark.parametrize("number", [10, 14, 17, DAYS - 1], ids=["fits", "uses", "fits-again", "last"])
def test_a_day_run_again_leaves_every_row_as_it_was(watched: Installation, tmp_path: Path, number: int) -> None:
    copy = watched.copied(tmp_path / "copy")
    before = copy.dump()
    copy.run(tiny.day(number))
    after = copy.dump()
    assert {table: set(map(repr, rows)) ^ set(map(repr, after[table])) for table, rows in before.items()} == {
        table: set() for table in before
    }


def test_a_dry_run_estimates_the_same(watched: Installation) -> None:
    before = watched.dump()
    answer = watched.lupus("run", "loans", "--day", tiny.day(13), "--dry-run", "--json")
    assert answer.code == 0, answer.text
    shown = {
        one["metric"]: one["value"]
        for one in answer.json["points"]
        if one["interval"] == tiny.day(13) and not one["segment"] and one["metric"].startswith("estimated_")
    }
    assert shown["estimated_roc_auc"] == pytest.approx(value(watched, 13, "estimated_roc_auc"))
    assert watched.dump() == before


def test_the_reference_leaves_out_what_failed_or_was_judged_a_fault(watched: Installation, tmp_path: Path) -> None:
    copy = watched.copied(tmp_path / "copy")
    project = copy.project()
    days = [project.cadence.parse(tiny.day(number)) for number in range(DAYS)]
    with copy.workspace() as opened:
        tables = ["data", "prediction", "ground_truth"]
        assert left_out(opened.store, project, days, tables) == set()
        found: set[Interval] = set()
        for incident in opened.store.incidents("loans"):
            fixed = IncidentChange(ChangeKind.RESOLVE, outcome=Outcome.FIXED)
            change_incident(opened, incident.id, fixed, by="me", at=datetime.now(UTC))
            found |= {one.verdict.interval for one in incident.findings if one.verdict.series.table in tables}
        assert left_out(opened.store, project, days, tables) == found != set()
        assert left_out(opened.store, project, days, ["other"]) == set()
    copy.run(tiny.day(17))
    with copy.workspace() as opened:
        [kept] = opened.store.states("loans", "prediction", kind="calibration", intervals=[days[17]])
    assert kept.payload["reference"]["intervals"] == len([one for one in days[:16] if one not in found])
