"""Real suites in real Great Expectations; our kept plans give what GX itself gives."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lupus.model import (
    Cadence,
    CadenceKind,
    ExpectationSeverity,
    Group,
    Project,
    Snapshot,
    SnapshotStatus,
    Validation,
    ValidationError,
)
from lupus.validate import build_data_docs, validate_snapshot, validation_points
from lupus.validate.suite import great_expectations

DAY = Cadence(CadenceKind.DAILY).parse("2026-01-05")
PROJECT = Project("wolves", "me", Cadence(CadenceKind.DAILY), datetime(2026, 1, 1, tzinfo=UTC), ())


def frame(rows: int, shift: int = 0) -> pa.Table:
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "x": pa.array([None if i % 10 == 0 else (i + shift) / 2 for i in range(rows)], pa.float64()),
            "kind": pa.array(["abc"[(i + shift) % 3] for i in range(rows)], pa.string()),
            "day": pa.array([date(2026, 1, 5)] * rows, pa.date32()),
            "at": pa.array([datetime(2026, 1, 5, i % 24, tzinfo=UTC) for i in range(rows)], pa.timestamp("us", "UTC")),
            "flag": pa.array([i % 4 == 0 for i in range(rows)], pa.bool_()),
            "void": pa.nulls(rows, pa.float64()),
            'sch"lecht 🐺': pa.array([1.0] * rows, pa.float64()),
        }
    )


def snapshot(folder: Path, table: pa.Table, status: SnapshotStatus = SnapshotStatus.OK) -> Snapshot:
    path = folder / f"{uuid4().hex}.parquet"
    pq.write_table(table, path)
    return Snapshot("wolves", "data", DAY, status, path, table.num_rows, (), "hash")


def suite(folder: Path, *expectations: dict[str, Any], name: str = "suite") -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"name": name, "expectations": list(expectations)}))
    return path


def expect(kind: str, severity: str | None = None, /, **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": kwargs} | ({"severity": severity} if severity else {})


EVERY_KIND = [
    expect("column_values_to_not_be_null", column="x", mostly=0.95),
    expect("column_values_to_not_be_null", column="x", mostly=0.85),
    expect("column_values_to_be_null", column="void"),
    expect("column_values_to_be_between", column="x", min_value=0, max_value=20),
    expect("column_values_to_be_in_set", column="kind", value_set=["a", "b"]),
    expect("column_values_to_not_be_in_set", column="kind", value_set=["z"]),
    expect("column_values_to_be_unique", column="id"),
    expect("column_values_to_be_of_type", column="id", type_="int64"),
    expect("column_values_to_be_in_type_list", column="kind", type_list=["str", "object"]),
    expect("column_values_to_match_regex", column="kind", regex="^[ab]$", mostly=0.5),
    expect("column_value_lengths_to_equal", column="kind", value=1),
    expect("column_values_to_be_increasing", column="id"),
    expect("column_values_to_be_between", column="nowhere", min_value=0),
    expect("column_values_to_match_regex", column="x", regex="^a$"),
    expect("column_values_to_be_between", column="kind", min_value=0, max_value=1),
    expect("column_values_to_not_be_null", column='sch"lecht 🐺'),
    expect("column_mean_to_be_between", column="x", min_value=0, max_value=1),
    expect("column_mean_to_be_between", column="kind", min_value=0, max_value=1),
    expect("column_median_to_be_between", column="x", min_value=0),
    expect("column_stdev_to_be_between", column="x", min_value=0),
    expect("column_sum_to_be_between", column="x", min_value=0),
    expect("column_min_to_be_between", column="x", min_value=0),
    expect("column_max_to_be_between", column="at", max_value="2026-01-06T00:00:00+00:00"),
    expect(
        "column_quantile_values_to_be_between",
        column="x",
        quantile_ranges={"quantiles": [0.5], "value_ranges": [[0, 9]]},
    ),
    expect("column_distinct_values_to_be_in_set", column="kind", value_set=["a", "b", "c"]),
    expect("column_distinct_values_to_equal_set", column="kind", value_set=["a", "b"]),
    expect("column_proportion_of_unique_values_to_be_between", column="id", min_value=0.5),
    expect("column_unique_value_count_to_be_between", column="kind", max_value=2),
    expect("column_most_common_value_to_be_in_set", column="flag", value_set=[False]),
    expect(
        "column_kl_divergence_to_be_less_than",
        column="kind",
        partition_object={"values": ["a", "b", "c"], "weights": [0.3, 0.3, 0.4]},
        threshold=0.1,
    ),
    expect("column_pair_values_a_to_be_greater_than_b", column_A="id", column_B="x", or_equal=True),
    expect("column_pair_values_to_be_equal", column_A="id", column_B="x"),
    expect("compound_columns_to_be_unique", column_list=["id", "kind"]),
    expect("select_column_values_to_be_unique_within_record", column_list=["id", "x"]),
    expect("column_to_exist", column="nowhere"),
    expect("table_row_count_to_be_between", min_value=1, max_value=40),
    expect("table_row_count_to_equal", value=50),
    expect("table_column_count_to_equal", value=8),
    expect("table_columns_to_match_set", column_set=["id", "x"], exact_match=False),
    expect("table_columns_to_match_ordered_list", column_list=["id"]),
    expect(
        "column_values_to_be_in_set",
        column="kind",
        value_set=["a"],
        row_condition={"type": "comparison", "column": {"name": "x"}, "operator": ">", "parameter": 10},
    ),
]


@pytest.mark.oracle("success_ratio", "unexpected_ratio:…", by="Great Expectations", on="random")
@pytest.mark.oracle("success_ratio", "unexpected_ratio:…", by="Great Expectations", on="degenerate")
def test_as_great_expectations_itself(tmp_path: Path) -> None:
    """On several days in turn, so that a kept plan is used for other data than it was made for."""
    import pandas as pd

    gx = great_expectations()
    path = suite(tmp_path, *EVERY_KIND)
    context = gx.get_context(mode="ephemeral")
    batches = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("w")
    for rows, shift in ((50, 0), (30, 7), (50, 1), (1, 0)):
        taken = snapshot(tmp_path, frame(rows, shift))
        validation = validate_snapshot("wolves", taken, path)
        ours, said = validation.outcomes, []
        batch = batches.get_batch({"dataframe": pd.read_parquet(taken.path)})
        for outcome, item in zip(ours, EVERY_KIND, strict=True):
            one = gx.ExpectationSuite(name="one", expectations=[dict(item)])
            theirs = batch.validate(one, result_format="BASIC").results[0]
            said.append(theirs)
            assert outcome.success == theirs.success, (rows, item)
            percent = theirs.result.get("unexpected_percent")
            assert outcome.unexpected_ratio == (None if percent is None else pytest.approx(percent / 100)), (rows, item)
            assert bool(outcome.reason) is not outcome.success
        points = {one.series.key.metric: one.value for one in validation_points(PROJECT, validation)}
        assert points.pop("success_ratio") == pytest.approx(np.mean([one.success for one in said]))
        percents = [one.result.get("unexpected_percent") for one in said]
        assert all(name.startswith("unexpected_ratio:") for name in points)
        expected = sorted(one / 100 for one in percents if one is not None)
        assert sorted(one for one in points.values() if one is not None) == pytest.approx(expected)


def outcomes(tmp_path: Path, *expectations: dict[str, Any], table: pa.Table | None = None) -> dict[str, Any]:
    validation = validate_snapshot(
        "wolves", snapshot(tmp_path, frame(50) if table is None else table), suite(tmp_path, *expectations)
    )
    return {outcome.id: outcome for outcome in validation.outcomes}


def test_reasons_are_sentences_with_numbers(tmp_path: Path) -> None:
    found = outcomes(
        tmp_path,
        expect("column_values_to_not_be_null", column="x", mostly=0.95),
        expect("table_row_count_to_be_between", min_value=60, max_value=70),
        expect("column_values_to_be_in_set", column="nope", value_set=[1]),
        expect("column_mean_to_be_between", column="kind", min_value=0),
        expect("column_values_to_not_be_null", column="id"),
    )
    assert {name: outcome.reason for name, outcome in found.items() if "kind" not in name} == {
        "x.values_to_not_be_null": "5 of 50 values (10 %) are unexpected, at most 5 % may be",
        "table.row_count_to_be_between": "observed 50; expected min_value 60, max_value 70",
        "nope.values_to_be_in_set": "could not be checked: there is no column 'nope'",
        "id.values_to_not_be_null": "",
    }
    assert found["kind.mean_to_be_between"].reason == "could not be checked: TypeError on column 'kind' of type str"
    assert found["id.values_to_not_be_null"].success


def test_no_value_of_a_row_is_in_an_outcome(tmp_path: Path) -> None:
    table = pa.table({"name": ["Romulus", "Remus"] * 3, "x": [1.5, 2.5] * 3})
    found = outcomes(
        tmp_path,
        expect("column_values_to_be_in_set", column="name", value_set=["a"]),
        expect("column_distinct_values_to_be_in_set", column="name", value_set=["a"]),
        expect("column_max_to_be_between", column="name", max_value=1),
        expect("column_mean_to_be_between", column="name", max_value=1),
        expect("column_values_to_be_between", column="name", max_value=1),
        expect("column_most_common_value_to_be_in_set", column="name", value_set=["a"]),
        table=table,
    )
    assert not any(outcome.success for outcome in found.values())
    assert "Rom" not in repr(found)
    assert "Rem" not in repr(found)


def test_severity_is_critical_unless_said(tmp_path: Path) -> None:
    path = suite(
        tmp_path,
        expect("column_values_to_be_null", column="id"),
        expect("column_values_to_be_null", "warning", column="kind"),
        expect("column_values_to_be_null", "info", column="flag"),
        expect("column_values_to_be_null", "critical", column="void"),
    )
    validation = validate_snapshot("wolves", snapshot(tmp_path, frame(10)), path)
    assert [o.severity for o in validation.outcomes] == [
        ExpectationSeverity.CRITICAL,
        ExpectationSeverity.WARNING,
        ExpectationSeverity.INFO,
        ExpectationSeverity.CRITICAL,
    ]
    assert [o.column for o in validation.critical_failures] == ["id"]
    assert validation.success_ratio == 0.25


def test_ids_are_stable_and_unique(tmp_path: Path) -> None:
    twice = expect("column_values_to_be_between", column="x", min_value=0)
    found = outcomes(
        tmp_path,
        twice,
        twice,
        expect("compound_columns_to_be_unique", column_list=["id", "x"]),
        expect("column_pair_values_to_be_equal", column_A="id", column_B="x"),
        expect("table_row_count_to_equal", value=1),
    )
    assert list(found) == [
        "x.values_to_be_between",
        "x.values_to_be_between#2",
        "id,x.compound_columns_to_be_unique",
        "id,x.column_pair_values_to_be_equal",
        "table.row_count_to_equal",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"expectations": [\n  {,', ":2:4: no JSON: "),
        ("[]", "no suite; it must be an object"),
        ('{"expectations": [{"type": "expect_nothing"}]}', "expectation 1 (expect_nothing): "),
        ('{"expectations": [{"expectation_type": "expect_x"}]}', 'the key is "type" since GX 1.0'),
        ('{"expectations": [{"type": "expect_column_values_to_be_unique"}]}', "column"),
        (
            '{"expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "x"}, "severity": "bad"}]}',
            "severity",
        ),
        (
            '{"expectations": [{"type": "expect_table_row_count_to_equal", "kwargs": {"value": {"$PARAMETER": "n"}}}]}',
            "suite parameters are not supported",
        ),
        ("\xff", "cannot be read"),
    ],
)
def test_a_broken_suite_says_where(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValidationError) as caught:
        validate_snapshot("wolves", snapshot(tmp_path, frame(5)), path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_missing_suite(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"nowhere.json: the suite cannot be read .No such file"):
        validate_snapshot("wolves", snapshot(tmp_path, frame(5)), tmp_path / "nowhere.json")


def test_a_changed_suite_is_read_again(tmp_path: Path) -> None:
    taken = snapshot(tmp_path, frame(5))
    first = validate_snapshot("wolves", taken, suite(tmp_path, expect("column_values_to_be_null", column="void")))
    second = validate_snapshot("wolves", taken, suite(tmp_path, expect("table_row_count_to_equal", value=5)))
    assert [o.id for v in (first, second) for o in v.outcomes] == ["void.values_to_be_null", "table.row_count_to_equal"]


@pytest.mark.parametrize("status", [SnapshotStatus.NO_DATA, SnapshotStatus.FAILED])
def test_only_usable_snapshots(status: SnapshotStatus, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to validate"):
        validate_snapshot("wolves", snapshot(tmp_path, frame(1), status), suite(tmp_path))


def test_an_empty_snapshot(tmp_path: Path) -> None:
    found = outcomes(
        tmp_path,
        expect("table_row_count_to_be_between", min_value=1),
        expect("column_values_to_not_be_null", column="x"),
        expect("column_mean_to_be_between", column="x", min_value=1),
        table=frame(0),
    )
    assert found["table.row_count_to_be_between"].reason == "observed 0; expected min_value 1"
    assert found["x.values_to_not_be_null"].success
    assert found["x.values_to_not_be_null"].unexpected_ratio in (None, 0.0)
    assert not found["x.mean_to_be_between"].success


def test_a_corrupt_snapshot(tmp_path: Path) -> None:
    taken = snapshot(tmp_path, frame(5))
    assert taken.path
    taken.path.write_bytes(b"PAR1 no more")
    with pytest.raises(ValidationError, match="extract it again"):
        validate_snapshot("wolves", taken, suite(tmp_path, expect("table_row_count_to_equal", value=1)))


def test_points(tmp_path: Path) -> None:
    path = suite(
        tmp_path,
        expect("column_values_to_not_be_null", column="x"),
        expect("table_row_count_to_equal", value=50),
        expect("column_values_to_be_in_set", column="nope", value_set=[1]),
    )
    validation = validate_snapshot("wolves", snapshot(tmp_path, frame(50)), path)
    points = validation_points(PROJECT, validation)
    assert [(str(p.series.key), p.value, p.n) for p in points] == [
        ("data success_ratio", pytest.approx(1 / 3), 3),
        ("data.x unexpected_ratio:x.values_to_not_be_null", 0.1, 50),
    ]
    assert {(p.series.group, p.series.unit) for p in points} == {(Group.VALIDATION, "ratio")}
    empty = validation_points(PROJECT, Validation("wolves", "data", DAY, "s", ()))
    assert [(p.value, p.n) for p in empty] == [(1.0, 0)]


def test_data_docs(tmp_path: Path) -> None:
    path = suite(tmp_path, expect("column_values_to_not_be_null", column="x"), name="first")
    other = suite(tmp_path, expect("column_values_to_be_in_set", column="nope", value_set=[1]), name="second")
    taken = snapshot(tmp_path, frame(50))
    index = build_data_docs([(taken, path), (taken, other)], tmp_path / "docs")
    assert index == tmp_path / "docs" / "index.html"
    assert "wolves.data" in index.read_text()
    pages = [page.read_text() for page in (tmp_path / "docs" / "validations").rglob("*.html")]
    assert len(pages) == 2
    assert any("nope" in page for page in pages)
