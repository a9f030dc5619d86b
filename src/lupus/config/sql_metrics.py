"""Metrics from SQL queries in a project file: their shape, what they must agree on, and their way to the nouns."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from lupus.config.document import Document, Path
from lupus.config.fields import Name, Names, Text, columns_of
from lupus.model import SqlMetric

QUERY_PARAMETER: Final = re.compile(r"(?<![:\w]):(?:start|end|start_date|end_date|interval)\b")
"""What makes a query one of an interval."""

TABLE: Final = "sql"
"""The table name that these metrics' series have."""


class SqlMetricFile(BaseModel):
    """A metric that a query gives: one row with one number for the interval, or a row per segment or name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connection: Text = Field(description="Name of the database's connection.", examples=["warehouse"])
    query: Text = Field(
        description="Query for the numbers of an interval. Uses :start, :end (UTC instants), :start_date, :end_date "
        "(dates, end exclusive) or :interval (the key); they are bound, never written into the text.",
        examples=["SELECT sum(amount) FROM orders WHERE placed >= :start AND placed < :end"],
    )
    group: Text = Field(default="business", description="Their metric group.")
    unit: str = Field(default="", description="Their unit: ratio, rows, ms, ...", examples=["EUR"])
    value: str = Field(default="", description="Column with the number; the only other one when left out.")
    n: str = Field(default="", description="Column with the number of rows behind the number, if any.")
    segment: Names = Field(default=(), description="Column, or two, whose values name the row's segment.")
    names: str = Field(
        default="", description="Column whose value is put behind the metric's name, as in orders:refunded."
    )


def check_sql_metrics(metrics: Mapping[str, SqlMetricFile], tables: Collection[str], document: Document) -> None:
    """Report queries that are the same for every interval, and columns that are named for two things."""
    path: Path = ("metrics", "sql")
    if metrics and TABLE in tables:
        hint = "rename the table: metrics from queries are series of a table of that name"
        document.report(
            ("tables", TABLE), f"a table '{TABLE}' and metrics.sql cannot stand together", hint, at_key=True
        )
    for name, metric in metrics.items():
        here: Path = (*path, name)
        if QUERY_PARAMETER.search(metric.query) is None:
            hint = "use :start and :end, :start_date and :end_date, or :interval in it"
            document.report((*here, "query"), "the query gives the same for every interval", hint)
        if len(metric.segment) > 2:
            hint = "name one column, or two that are crossed"
            document.report((*here, "segment"), "'segment' has more than two columns", hint)
        seen: dict[str, str] = {}
        for field in ("value", "n", "segment", "names"):
            for column in columns_of(getattr(metric, field)):
                if column and column in seen:
                    shown = document.shown((*here, field), column)
                    document.report(
                        (*here, field), f"{shown} is named as {seen[column]} and as {field}", "name it once"
                    )
                seen.setdefault(column, field)


def build_sql_metrics(metrics: Mapping[str, SqlMetricFile]) -> tuple[SqlMetric, ...]:
    """The metrics, in the file's order."""
    fields = SqlMetricFile.model_fields
    return tuple(
        SqlMetric(name=name, **{field: getattr(one, field) for field in fields}) for name, one in metrics.items()
    )


def dump_sql_metrics(metrics: Collection[SqlMetric]) -> dict[str, dict[str, Any]]:
    """The metrics as a file has them."""
    tree = {}
    for one in metrics:
        values = {field: getattr(one, field) for field in SqlMetricFile.model_fields}
        values["segment"] = list(one.segment)
        tree[one.name] = values
    return tree


SqlMetrics = dict[Name, SqlMetricFile]
