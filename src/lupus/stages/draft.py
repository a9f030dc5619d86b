"""A first project file and suite, drafted from the data: guesses that people can read and mend."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lupus.model import Connections, FileFormat, FileSource, LupusError, SqlSource

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLE_ROWS = 20_000
_FORMATS = {
    ".parquet": FileFormat.PARQUET,
    ".csv": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
}
_TIME_NAME = re.compile(r"date|day|time|_at$|_on$|^ts$", re.IGNORECASE)
_SCORE_NAME = re.compile(r"^p_|score|prob|predict|y_hat", re.IGNORECASE)
_LABEL_NAME = re.compile(r"label|target|^is_|^y$|actual|outcome", re.IGNORECASE)
_KEY_NAME = re.compile(r"(^|_)(id|key|uuid)$", re.IGNORECASE)

_TEMPLATE = """\
# A Lupus project: what is watched, and who is told.
# `lupus check` shows mistakes; `lupus run {name} --day D --dry-run` tries it.
project: {name}
owner: your-team
cadence: daily            # hourly, daily, weekly, or a cron expression
timezone: UTC
start: {start}
tables:
{tables}
# task: binary_classification      # or regression; needs a prediction and a ground_truth table
# segments: [country]              # every metric by these columns as well
# alerts: {{slack: {{connection: slack, channel: "#your-channel"}}}}
"""


@dataclass(frozen=True, slots=True)
class _Guess:
    """What the sample says about one table."""

    role: str
    time: str
    key: str
    score: str
    label: str
    start: str


def draft_project(folder: Path, *, source: str | None, name: str | None, connections: Connections) -> tuple[Path, ...]:
    """Write ``dags/projects/<name>.yaml``, and a suite when there is a `source` to look at; return the paths.

    Raises `LupusError` when a file is there already, or when the source cannot be read.
    """
    project = _project_name(name or (re.split(r"[:/\\]", source)[-1].split(".")[0] if source else "my-project"))
    written: list[Path] = []
    if source is None:
        tables = "  data: {source: {connection: warehouse, table: features}, time: date}"
        text = _TEMPLATE.format(name=project, start="2026-01-01", tables=tables)
        suite = None
        role = "data"
    else:
        sample = _sample(source, connections)
        guess = _guess(sample)
        role = guess.role
        text = _TEMPLATE.format(name=project, start=guess.start, tables=_table_yaml(project, source, guess))
        suite = _suite(project, sample, guess)
    path = folder / "dags" / "projects" / f"{project}.yaml"
    _write_new(path, text)
    written.append(path)
    if suite is not None:
        path = folder / "expectations" / project / f"{role}.json"
        _write_new(path, json.dumps(suite, indent=2, ensure_ascii=False) + "\n")
        written.append(path)
    return tuple(written)


def _project_name(text: str) -> str:
    name = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")
    return name if name and name[0].isalpha() else f"project-{name}".rstrip("-")


def _sample(source: str, connections: Connections) -> pa.Table:
    from lupus.extract import sample_source

    return sample_source(_source(source), connections, rows=_SAMPLE_ROWS)


def _source(text: str) -> FileSource | SqlSource:
    suffix = Path(text.removesuffix(".gz")).suffix.lower()
    if suffix in _FORMATS:
        return FileSource(str(Path(text).absolute()) if "://" not in text else text, _FORMATS[suffix])
    connection, separator, table = text.partition(":")
    if not separator or not table:
        raise LupusError(
            f"{text!r} is neither a .parquet, .csv or .jsonl file nor connection:table, like warehouse:predictions"
        )
    return SqlSource(connection, table=table)


def _guess(sample: pa.Table) -> _Guess:
    import pyarrow.compute as pc

    times = [name for name in sample.column_names if _looks_like_time(sample, name)]
    times.sort(key=lambda name: _TIME_NAME.search(name) is None)
    keys = [
        name
        for name in sample.column_names
        if _KEY_NAME.search(name) and sample.num_rows and pc.count_distinct(sample[name]).as_py() == sample.num_rows
    ]
    scores = [name for name in sample.column_names if _SCORE_NAME.search(name) and _is_number(sample, name)]
    labels = [name for name in sample.column_names if _LABEL_NAME.search(name) and name not in scores]
    role = "prediction" if scores else "ground_truth" if labels and keys else "data"
    start = "2026-01-01"
    if times and sample.num_rows:
        start = str(pc.min(sample[times[0]]).as_py())[:10]
    time, key, score, label = ((names or [""])[0] for names in (times, keys, scores, labels))
    return _Guess(role, time, key, score, label, start)


def _looks_like_time(sample: pa.Table, name: str) -> bool:
    import pyarrow as pa

    kind = sample.schema.field(name).type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return True
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False
    values = [value for value in sample[name].slice(0, 200).to_pylist() if value is not None]
    return bool(values) and all(re.match(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}|$)", value) for value in values)


def _is_number(sample: pa.Table, name: str) -> bool:
    import pyarrow as pa

    kind = sample.schema.field(name).type
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _table_yaml(project: str, source: str, guess: _Guess) -> str:
    found = _source(source)
    if isinstance(found, FileSource):
        where = f"{{files: {json.dumps(found.path)}}}"
    else:
        where = f"{{connection: {json.dumps(found.connection)}, table: {json.dumps(found.table)}}}"
    lines = [f"  {guess.role}:", f"    source: {where}"]
    fields = [("time", guess.time), ("key", guess.key)]
    if guess.role == "prediction":
        fields.append(("score", guess.score))
    if guess.role == "ground_truth":
        fields.append(("label", guess.label))
    lines += [f"    {field}: {json.dumps(value, ensure_ascii=False)}" for field, value in fields if value]
    if not guess.time:
        lines.append("    time: FILL-IN        # the column that says which day a row belongs to")
    lines.append(f"    expectations: {project}/{guess.role}.json")
    return "\n".join(lines)


def _suite(project: str, sample: pa.Table, guess: _Guess) -> dict[str, Any]:
    import pyarrow.compute as pc

    expectations: list[dict[str, Any]] = []
    for name in sample.column_names:
        column = sample[name]
        if sample.num_rows and column.null_count == 0:
            severity = "critical" if name in (guess.key, guess.score, guess.label) else "warning"
            expectations.append(_expectation("expect_column_values_to_not_be_null", severity, column=name))
        if name == guess.key:
            expectations.append(_expectation("expect_column_values_to_be_unique", "critical", column=name))
        elif name == guess.score and sample.num_rows:
            bounds = pc.min_max(column).as_py()
            if bounds["min"] is not None and bounds["min"] >= 0 and bounds["max"] <= 1:
                expectations.append(
                    _expectation(
                        "expect_column_values_to_be_between", "critical", column=name, min_value=0, max_value=1
                    )
                )
    return {"name": f"{project}.{guess.role}", "expectations": expectations}


def _expectation(kind: str, severity: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": severity}


def _write_new(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise LupusError(f"{path} is there already; delete it or choose another --name") from None
