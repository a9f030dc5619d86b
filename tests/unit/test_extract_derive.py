"""Derived columns: what an expression may say, what happens when one fails, and what is written."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus.extract import Waiting, extract_table, load_snapshot
from lupus.extract.derive_sql import _check
from lupus.model import (
    Cadence,
    CadenceKind,
    Derivation,
    ExtractError,
    Project,
    PythonDerivation,
    PythonSource,
    Role,
    Snapshot,
    SqlDerivation,
    Table,
    parse_expression,
)

DAY = Cadence(CadenceKind.DAILY).parse("2026-01-05")
ROWS = pa.table(
    {
        "dep_delay": pa.array([30.0, None, -12.0]),
        "Dist": pa.array([100, 200, 300]),
        'odd "name"; DROP TABLE x; --': pa.array(["a", "b", "c"]),
        "tags": pa.array([["x", "y"], [], None], pa.list_(pa.string())),
        "place": pa.array([{"city": "Oslo"}, {"city": "Rome"}, None]),
        "at": pa.array([datetime(2026, 1, 5, 6, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
    }
)


class NoConnections:
    def get(self, name: str) -> Any:
        raise AssertionError(name)


Deriving = Callable[..., tuple[Snapshot, pa.Table]]


@pytest.fixture
def derive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deriving:
    """Extracts `rows` with derivations; gives the snapshot and what is in it."""

    def deriving(*derived: Derivation, rows: Any = ROWS, **table: Any) -> tuple[Snapshot, pa.Table]:
        module = types.ModuleType("wolf_rows")
        module.give = lambda interval: rows  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "wolf_rows", module)
        described = Table("data", Role.DATA, PythonSource("wolf_rows:give"), derived=derived, **table)
        project = Project("wolves", "me", Cadence(CadenceKind.DAILY), DAY.start, (described,))
        snapshot = extract_table(
            project, described, DAY, root=tmp_path, connections=NoConnections(), now=datetime(2027, 1, 1, tzinfo=UTC)
        )
        assert not isinstance(snapshot, Waiting)
        assert snapshot.path is not None
        assert load_snapshot(tmp_path, "wolves", "data", DAY) == snapshot
        written = pq.read_table(snapshot.path)
        assert [name for name, _ in snapshot.schema] == written.schema.names
        return snapshot, written

    return deriving


@pytest.fixture
def features(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("wolf_features")
    monkeypatch.setitem(sys.modules, "wolf_features", module)
    return module


def sql(text: str) -> SqlDerivation:
    return SqlDerivation("d", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dep_delay / 60.0", [0.5, None, -0.2]),
        ("DEP_DELAY / 60", [0.5, None, -0.2]),
        ("CASE WHEN dep_delay > 15 THEN 'late' ELSE 'fine' END", ["late", "fine", "fine"]),
        ("dist // 200", [0, 1, 1]),
        ('upper("odd ""name""; DROP TABLE x; --")', ["A", "B", "C"]),
        ("len(tags)", [2, 0, None]),
        ("list_transform(tags, t -> upper(t))", [["X", "Y"], [], None]),
        ("place['city']", ["Oslo", "Rome", None]),
        ('TRY_CAST("odd ""name""; DROP TABLE x; --" AS INT) IS NULL', [True, True, True]),
        ("coalesce(dep_delay, 0) BETWEEN -20 AND 0 AND dist IN (200, 300)", [False, True, True]),
        ('hour("at")', [1, 1, 1]),  # six o'clock in UTC, in the table's zone
        ("nullif(dist, 100) -- why not", [None, 200, 300]),
        ("42", [42, 42, 42]),
        ("list_sum([dist, 1])", [101, 201, 301]),
    ],
)
def test_an_expression_gives_a_column(text: str, expected: list[Any], derive: Deriving) -> None:
    snapshot, written = derive(sql(text), timezone="America/New_York")
    assert snapshot.failures == ()
    assert written.column("d").to_pylist() == expected
    assert written.select(ROWS.schema.names).to_pylist() == ROWS.to_pylist()


INJECTIONS = [
    "(SELECT max(dist) FROM data)",
    "1; DROP TABLE data",
    "1) FROM read_csv('/etc/passwd'); --",
    "1 FROM read_csv('/etc/passwd')",
    "(FROM read_text('/etc/passwd'))",
    "read_text('/etc/passwd')",
    "EXISTS (SELECT 1)",
    "dist IN (SELECT 1)",
    "dist = ANY (SELECT 1)",
    "dist = ANY (tags)",
    "ATTACH '/tmp/x.db'",
    "COPY data TO '/tmp/x'",
    "PRAGMA version",
    "SET threads = 4",
    "CALL pragma_version()",
    "INSTALL httpfs",
    "LOAD httpfs",
    "EXPORT DATABASE '/tmp/x'",
    "VALUES (1)",
    "SELECT 1",
    "TABLE data",
    "count(*)",
    "sum(dist)",
    "sum(dist) FILTER (WHERE dist > 1)",
    "mad(dist)",
    "row_number() OVER ()",
    "lag(dist) OVER (ORDER BY dist)",
    "unnest(tags)",
    "COLUMNS(*)",
    "*",
    "dist, dep_delay",
    "dist AS other",
    "data.dist",
    "$1",
    "?",
    "#1",
    "now()",
    "today()",
    "current_date",
    "CURRENT_TIMESTAMP",
    "random()",
    "uuid()",
    "ago(INTERVAL 1 DAY)",
    "getvariable('x')",
    "current_setting('threads')",
    "sleep_ms(1000)",
    "pg_sleep(1)",
    "nextval('s')",
    "write_log('x')",
    "error('x')",
    "query('SELECT 1')",
    "no_such_function(dist)",
    "",
    "  ",
    "-- nothing",
    "dist +",
    "(" * 3000 + "1" + ")" * 3000,
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_nothing_but_an_expression_over_the_row_is_run(text: str, derive: Deriving) -> None:
    snapshot, written = derive(sql(text), SqlDerivation("e", "dist + 1"))
    assert [name for name, _ in snapshot.failures] == ["d"]
    assert snapshot.failures[0][1]
    assert written.schema.names == [*ROWS.schema.names, "e"]
    assert written.column("e").to_pylist() == [101, 201, 301]


@pytest.mark.parametrize(
    "text",
    [
        "(SELECT 1)",
        "EXISTS (SELECT 1)",
        "c0 IN (SELECT 1)",
        "count(*)",
        "row_number() OVER ()",
        "COLUMNS(*)",
        "c1",
        "current_date",
        "rowid",
        "$1",
        "#1",
        "1 FROM c0; SELECT 2",
        "1 FROM read_text('/etc/passwd') --",
        "1 FROM batch_rows; --",
        "1 FROM batch_rows LIMIT 1 --",
        "1 FROM c0 UNION ALL SELECT 2",
        "c0 WHERE (SELECT true)",
        "getvariable('x')",
        "pg_sleep(1)",
        "DEFAULT",
    ],
)
def test_duckdbs_own_reading_is_checked_as_well(text: str) -> None:
    """Were the first parser to read something as an expression that is none, the second gate would hold."""
    import duckdb

    from lupus.extract.derive import NotDerivedError

    with duckdb.connect() as session, pytest.raises(NotDerivedError):
        _check(session, text, frozenset({"c0"}))


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                "dist",
                "(",
                ")",
                "SELECT",
                ",",
                ";",
                "'",
                '"',
                "--",
                "FROM",
                "+",
                "1",
                "*",
                "x",
                "[",
                "]",
                "CASE",
                "END",
                "/*",
            ]
        ),
        max_size=9,
    ).map(" ".join)
)
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    with suppress(ValueError):
        expression = parse_expression(text)
        assert expression.over(dict.fromkeys(expression.columns, "c0"))


def test_an_unknown_column_is_told_with_what_was_meant(derive: Deriving) -> None:
    snapshot, _ = derive(sql("dep_dlay / 60"))
    assert snapshot.failures[0][1].startswith("unknown column 'dep_dlay'; did you mean 'dep_delay'? There are: Dist,")


def test_columns_that_differ_in_case_must_be_said_exactly(derive: Deriving) -> None:
    rows = pa.table({"a": [1], "A": [2]})
    snapshot, written = derive(sql("a * 10"), SqlDerivation("e", '"A" * 10'), rows=rows)
    assert (snapshot.failures, written.column("d").to_pylist(), written.column("e").to_pylist()) == ((), [10], [20])
    snapshot, _ = derive(sql("b * 10"), rows=pa.table({"b ": [1], "B": [1], "ß": [1], "SS": [1]}))
    assert snapshot.failures == ()
    snapshot, _ = derive(sql("AbC"), rows=pa.table({"abc": [1], "ABC": [1]}))
    assert snapshot.failures == (("d", "'AbC' may be 'abc' or 'ABC'; write one of them exactly"),)


def test_a_value_that_does_not_fit_fails_the_column_and_is_not_told(derive: Deriving) -> None:
    rows = pa.table({"card": ["17", "4111-1111"], "n": [2**62, 5]})
    snapshot, written = derive(sql("card::INT"), SqlDerivation("e", "n * n"), SqlDerivation("f", "n - 1"), rows=rows)
    reasons = dict(snapshot.failures)
    assert reasons.keys() == {"d", "e"}
    assert reasons["d"] == (
        "DuckDB could not compute a row (Conversion error); use TRY_CAST or CASE for values that do not fit"
    )
    assert "4111" not in str(reasons)
    assert str(2**62) not in str(reasons)
    assert written.column("f").to_pylist() == [2**62 - 1, 4]


def test_a_column_that_fails_late_is_left_out_of_all_rows(derive: Deriving) -> None:
    rows = pa.table({"text": ["1"] * 100_000 + ["x"]})
    snapshot, written = derive(sql("text::INT"), SqlDerivation("e", "len(text)"), rows=rows)
    assert [name for name, _ in snapshot.failures] == ["d"]
    assert written.schema.names == ["text", "e"]
    assert written.num_rows == 100_001
    again, _ = derive(SqlDerivation("e", "len(text)"), rows=rows)
    assert again.content_hash == snapshot.content_hash, "what failed leaves no trace in the rows"


def test_the_same_rows_give_the_same_bytes_whatever_batches_they_come_in(derive: Deriving) -> None:
    rows = pa.table({"x": np.random.default_rng(3).normal(size=70_000)})
    one, _ = derive(sql("round(sin(x), 3)"), rows=rows)
    other, _ = derive(
        sql("round(sin(x), 3)"), rows=pa.RecordBatchReader.from_batches(rows.schema, rows.to_batches(777))
    )
    assert one.content_hash == other.content_hash


def test_derived_columns_see_those_before_them_and_may_read_what_is_left_out(derive: Deriving) -> None:
    snapshot, written = derive(
        SqlDerivation("hours", "dep_delay / 60"),
        SqlDerivation("days", "hours / 24"),
        SqlDerivation("weeks", "years / 52"),
        columns=("Dist",),
        exclude=("dep_delay",),
    )
    assert written.schema.names == ["Dist", "hours", "days"]
    assert dict(snapshot.failures).keys() == {"weeks"}


def test_a_name_that_is_taken_fails(derive: Deriving) -> None:
    snapshot, written = derive(SqlDerivation("Dist", "1"))
    assert snapshot.failures == (("Dist", "there is a column 'Dist' already; give the derived one another name"),)
    assert written.to_pylist() == ROWS.to_pylist(), "the source's column is left as it is"


def test_nothing_left_is_an_error(derive: Deriving) -> None:
    with pytest.raises(ExtractError, match="no column is left"):
        derive(sql("x::INT"), rows=pa.table({"x": ["y"]}), exclude=("x",))


def test_an_empty_slice_has_its_columns(derive: Deriving) -> None:
    from lupus.model import Ready

    _, written = derive(sql("dist / 2"), rows=ROWS.slice(0, 0), ready=Ready(min_rows=0))
    assert written.schema.field("d").type == pa.float64()
    assert written.num_rows == 0


# ---- Python


def python(name: str, *columns: str, **arguments: Any) -> PythonDerivation:
    return PythonDerivation("d", f"wolf_features:{name}", columns, arguments)


def test_a_function_gives_a_column_or_several(derive: Deriving, features: Any) -> None:
    seen: list[list[str]] = []

    def doubled(batch: pa.RecordBatch, factor: int = 2) -> pa.Array:
        seen.append(batch.schema.names)
        return pa.array([value * factor for value in batch.column("Dist").to_pylist()])

    features.doubled = doubled
    _, written = derive(python("doubled", "dist", factor=3))
    assert written.column("d").to_pylist() == [300, 600, 900]
    derive(python("doubled"), exclude=("place",))
    assert seen == [["Dist"], [name for name in ROWS.schema.names if name != "place"]]
    features.two = lambda batch: pa.StructArray.from_arrays([pa.array([1, 2, 3]), batch.column(0)], ["a", "b"])
    _, written = derive(python("two"))
    assert written.schema.names[-2:] == ["d_a", "d_b"]
    assert written.column("d_b").to_pylist() == [30.0, None, -12.0]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (lambda batch: np.arange(3, dtype="float32"), [0.0, 1.0, 2.0]),
        (lambda batch: pd.Series([1.0, None, 3.0]), [1.0, None, 3.0]),
        (lambda batch: pa.chunked_array([[1], [2, 3]]), [1, 2, 3]),
        (lambda batch: pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
    ],
)
def test_what_a_function_may_give(result: Any, expected: list[Any], derive: Deriving, features: Any) -> None:
    features.it = result
    snapshot, written = derive(python("it"))
    assert snapshot.failures == ()
    assert written.column("d").to_pylist() == expected


def _raises(batch: pa.RecordBatch) -> pa.Array:
    raise ValueError(f"cannot use {batch.column('Dist')[0].as_py()} of secret")


def _exits(batch: pa.RecordBatch) -> Iterator[int]:
    return iter([1])


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda batch: pa.array([1, 2]), "it gave 2 values for 3 rows; give one per row"),
        (lambda batch: pa.array([]), "it gave 0 values for 3 rows; give one per row"),
        (lambda batch: None, "wolf_features:it gave a NoneType; give a pyarrow Array"),
        (lambda batch: [1, 2, 3], "wolf_features:it gave a list; give a pyarrow Array"),
        (lambda batch: 3.5, "wolf_features:it gave a float; give a pyarrow Array"),
        (lambda batch: np.array([object(), 1, "x"]), "wolf_features:it gave an array that Arrow cannot hold"),
        (lambda batch: np.zeros((3, 2)), "wolf_features:it gave an array that Arrow cannot hold"),
        (lambda batch: pa.StructArray.from_arrays([pa.array([1, 2, 3])] * 2, ["a", "a"]), "it gave a struct without"),
        (_raises, "wolf_features:it failed with ValueError at test_extract_derive.py:"),
        (_exits, "wolf_features:it gave a list_iterator;"),
    ],
)
def test_what_a_function_may_not_give(function: Any, reason: str, derive: Deriving, features: Any) -> None:
    features.it = function
    snapshot, written = derive(python("it"), SqlDerivation("e", "dist"))
    assert dict(snapshot.failures)["d"].startswith(reason)
    assert "secret" not in str(snapshot.failures)
    assert written.schema.names == [*ROWS.schema.names, "e"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_such_module_here:f", "cannot import 'no_such_module_here'"),
        ("wolf_features:nothing", "the module 'wolf_features' has no 'nothing'"),
        ("wolf_features:__doc__", "wolf_features:__doc__ is a"),
        ("nonsense", "'nonsense' is no callable; write it as 'module:function'"),
    ],
)
def test_a_function_that_is_not_there(name: str, reason: str, derive: Deriving, features: Any) -> None:
    snapshot, written = derive(PythonDerivation("d", name))
    assert snapshot.failures[0][1].startswith(reason)
    assert written.schema.names == ROWS.schema.names


def test_a_struct_that_fails_late_takes_all_its_columns_with_it(derive: Deriving, features: Any) -> None:
    calls: list[int] = []

    def once(batch: pa.RecordBatch) -> pa.Array:
        calls.append(batch.num_rows)
        if len(calls) == 2:
            raise KeyError
        return pa.StructArray.from_arrays([batch.column(0), batch.column(0)], ["a", "b"])

    features.once = once
    rows = pa.table({"x": np.zeros(50_000)})
    snapshot, written = derive(python("once"), rows=rows)
    assert dict(snapshot.failures).keys() == {"d_a", "d_b"}
    assert written.schema.names == ["x"]
    assert len(calls) == 2, "it is not called again"
