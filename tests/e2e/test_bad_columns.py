"""Every odd thing that columns, tables or labels can be, in one product through the real command: each fails alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from installation import Installation

DAYS = ("2026-01-05", "2026-01-06")
ROWS = 120_000
EVIL = "\"; DROP TABLE points; -- 'x.y' 🦊 {{ds}}"
LARGEST = 2**63 - 1
LONGEST = 10_000_000


def hostile(day: str, *, rows: int = ROWS) -> pa.Table:
    """One column of every kind of trouble, and one that is well."""
    numbers = range(rows)
    noon = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    second = day == DAYS[1]
    return pa.table(
        {
            "well": pa.array([float(number % 10) for number in numbers]),
            "nothing": pa.nulls(rows, pa.float64()),
            "constant": pa.array([4.5] * rows),
            "many": pa.array([f"category {number % 100_000}" for number in numbers]),
            "long": pa.array(["x" * LONGEST if number == 7 else "short" for number in numbers]),
            "decimals": pa.array([Decimal(number % 400) / 8 for number in numbers], pa.decimal128(20, 3)),
            "int128": pa.array([Decimal(LARGEST) * (number % 5) for number in numbers], pa.decimal128(38, 0)),
            "int256": pa.array([Decimal(10) ** 40 * (number % 5) for number in numbers], pa.decimal256(60, 0)),
            "large": pa.array([LARGEST - number % 3 for number in numbers], pa.int64()),
            "infinite": pa.array([float("inf") if number % 4 == 0 else float(number % 3) for number in numbers]),
            "zones": pa.array(
                [noon + timedelta(minutes=number % 60) for number in numbers], pa.timestamp("us", "Asia/Tokyo")
            ),
            "texts of zones": pa.array([f"{day}T12:00:00{'+09:00' if number % 2 else 'Z'}" for number in numbers]),
            "changes": pa.array([str(number % 7) if second else number % 7 for number in numbers]),
            EVIL: pa.array([number % 3 for number in numbers]),
        }
    )


def labelled(rows: int, label: Any) -> tuple[pa.Table, pa.Table]:
    ids = list(range(rows))
    predictions = pa.table({"id": ids, "p": [0.25] * rows, EVIL: [f"{EVIL}{number % 2}" for number in ids]})
    return predictions, pa.table({"id": ids, "y": [label] * rows})


def project(folder: Path) -> str:
    def table(name: str, more: str = "") -> str:
        return f'  {name}: {{source: {{files: "{folder}/{name}/{{interval}}.parquet"}}{more}}}\n'

    quoted = EVIL.replace("'", "''")
    return (
        "project: odd\nstart: 2026-01-05\ntask: binary_classification\n"
        f"segments: ['{quoted}']\ntables:\n"
        + table("hostile", f", key: '{quoted}'")
        + table("empty", ", ready: {min_rows: 0}")
        + table("one")
        + table("prediction", ", key: id, score: p")
        + table("ground_truth", ", key: id, label: y")
    )


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The two days' answers, by day."""
    folder = tmp_path_factory.mktemp("odd")
    installation = Installation.empty(folder / "lupus")
    installation.add_project("odd", project(folder / "files"))
    found = {}
    for day in DAYS:
        tables = {"hostile": hostile(day), "empty": hostile(day).slice(0, 0), "one": hostile(day).slice(0, 1)}
        if day == DAYS[0]:  # one class of labels, and a constant score
            tables["prediction"], tables["ground_truth"] = labelled(200, 0)
        else:  # predictions without labels, and labels without predictions
            tables["prediction"], labels = labelled(200, 1)
            tables["ground_truth"] = labels.set_column(0, "id", pa.array(range(1000, 1200)))
        for name, table in tables.items():
            path = folder / "files" / name / f"{day}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, path)
        answer = installation.lupus("run", "odd", "--day", day, "--json")
        assert answer.code == 0, answer.text
        found[day] = answer.json
    return found


def of(answer: Mapping[str, Any], table: str, column: str = "", segment: str = "") -> dict[str, Any]:
    """The values of a column's metrics, or their failures' kinds."""
    return {
        one["metric"]: one["value"] if one["failure"] is None else one["failure"]["kind"]
        for one in answer["points"]
        if (one["table"], one["column"], one["segment"]) == (table, column, segment)
    }


@pytest.mark.parametrize("day", DAYS)
def test_each_column_says_what_it_is_and_the_others_are_well(lived: Mapping[str, Any], day: str) -> None:
    answer = lived[day]
    assert answer["failed"] == []
    well = of(answer, "hostile", "well")
    assert (well["mean"], well["min"], well["max"], well["null_ratio"]) == (pytest.approx(4.5), 0, 9, 0)
    nothing = of(answer, "hostile", "nothing")
    assert (nothing["null_ratio"], nothing["mean"]) == (1, "undefined")
    constant = of(answer, "hostile", "constant")
    assert (constant["mean"], constant["std"], constant["p50"], constant["skew"]) == (4.5, 0, 4.5, "undefined")
    assert of(answer, "hostile", "many")["distinct"] == 100_000
    assert not [name for name in of(answer, "hostile", "many") if "category" in name], "rare values are not named"
    assert of(answer, "hostile", "long")["distinct"] == 2
    assert of(answer, "hostile", "decimals")["mean"] == pytest.approx(sum(range(400)) / 400 / 8)
    assert of(answer, "hostile", "int128")["mean"] == pytest.approx(2.0 * LARGEST)
    assert of(answer, "hostile", "int256")["mean"] == pytest.approx(2e40)
    assert of(answer, "hostile", "large")["max"] == pytest.approx(LARGEST)
    infinite = of(answer, "hostile", "infinite")
    assert (infinite["inf_ratio"], infinite["mean"]) == (0.25, pytest.approx(1.0, abs=1e-3))
    assert of(answer, "hostile", "zones")["freshness"] == pytest.approx(12 - 59 / 60)
    assert of(answer, "hostile", "texts of zones")["distinct"] == 2
    assert of(answer, "hostile", EVIL)["null_ratio"] == 0  # it is the key
    assert of(answer, "hostile")["duplicate_key_ratio"] == pytest.approx(1 - 3 / ROWS)


def test_tables_of_no_row_and_of_one(lived: Mapping[str, Any]) -> None:
    for answer in lived.values():
        assert of(answer, "empty") == {"rows": 0}
        assert of(answer, "one")["rows"] == 1
        well = of(answer, "one", "well")
        assert (well["mean"], well["std"]) == (0, "undefined")


def test_a_column_that_changes_its_type_is_told_of(lived: Mapping[str, Any]) -> None:
    assert of(lived[DAYS[0]], "hostile", "changes")["mean"] == pytest.approx(3.0, abs=0.01)
    assert of(lived[DAYS[1]], "hostile", "changes")["mean"] == "wrong_type"
    assert of(lived[DAYS[1]], "hostile")["retyped_columns"] == 1


def test_labels_of_one_class_and_none_at_all(lived: Mapping[str, Any]) -> None:
    first = of(lived[DAYS[0]], "prediction", "p")
    assert (first["roc_auc"], first["pr_auc"], first["recall"]) == ("undefined",) * 3
    assert (first["brier"], first["accuracy"], first["label_maturity"]) == (pytest.approx(0.0625), 1, 1)
    assert (first["std"], first["mean"]) == (0, 0.25)
    reasons = {
        one["metric"]: one["failure"]["reason"]
        for one in lived[DAYS[0]]["points"]
        if one["failure"] and one["metric"] == "roc_auc"
    }
    assert "one class" in reasons["roc_auc"]
    later = of(lived[DAYS[1]], "prediction", "p")
    assert (later["brier"], later["label_maturity"]) == ("no_labels", 0)


def test_a_name_of_any_letters_makes_segments_and_nothing_else(lived: Mapping[str, Any]) -> None:
    segments = {
        one["segment"] for one in lived[DAYS[0]]["points"] if one["table"] == "prediction" and one["metric"] == "mean"
    }
    assert len(segments) == 3
    assert all(segment == "" or "DROP TABLE" in segment for segment in segments)
    # The store is still there: the second day was written to it.
    assert of(lived[DAYS[1]], "prediction")["rows"] == 200
