"""Suites: Great Expectations' own JSON, read and checked once per process and file version."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lupus.model import ExpectationSeverity, ValidationError

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """One expectation of a suite: GX's object, and how Lupus names it."""

    id: str
    type: str
    column: str
    severity: ExpectationSeverity
    kwargs: Mapping[str, Any]
    expectation: Expectation


@dataclass(frozen=True, slots=True, eq=False)
class Suite:
    """A suite as its file says. `content` is the file's JSON."""

    name: str
    path: Path
    expected: tuple[Expected, ...]
    content: Mapping[str, Any]


def load_suite(path: Path) -> Suite:
    """The suite in the file at `path`. Raises `ValidationError` that says what is wrong, and where."""
    try:
        status = path.stat()
    except OSError as error:
        raise ValidationError(
            f"{path}: the suite cannot be read ({error.strerror}); "
            "write it, or take 'expectations' out of the project file"
        ) from error
    return _load(path, status.st_mtime_ns, status.st_size)


def great_expectations() -> Any:
    """Great Expectations, imported quietly: nothing leaves the machine, no progress bars, no chatter in task logs."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # Its own imports are deprecated in newer Pythons; nothing that a user of Lupus can change.
        warnings.simplefilter("ignore", DeprecationWarning)
        import great_expectations as gx
    return gx


@lru_cache(maxsize=256)
def _load(path: Path, modified: int, size: int) -> Suite:  # noqa: ARG001 - they make a changed file a new key
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValidationError(f"{path}:{error.lineno}:{error.colno}: no JSON: {error.msg}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationError(f"{path}: the suite cannot be read: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("expectations"), list):
        raise ValidationError(f'{path}: no suite; it must be an object with a list of "expectations"')
    if content.get("suite_parameters"):
        raise ValidationError(f"{path}: suite parameters are not supported; write the values into the expectations")
    seen: Counter[str] = Counter()
    expected = []
    for number, item in enumerate(content["expectations"], 1):
        expectation = _expectation(item, f"{path}: expectation {number}")
        kwargs = dict(item.get("kwargs") or {})
        name = _identity(item["type"], kwargs)
        seen[name] += 1
        expected.append(
            Expected(
                id=name if seen[name] == 1 else f"{name}#{seen[name]}",
                type=item["type"],
                column=kwargs["column"] if isinstance(kwargs.get("column"), str) else "",
                severity=ExpectationSeverity(str(getattr(expectation.severity, "value", expectation.severity))),
                kwargs=kwargs,
                expectation=expectation,
            )
        )
    return Suite(str(content.get("name") or path.stem), path, tuple(expected), content)


def _expectation(item: Any, where: str) -> Expectation:
    great_expectations()
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        hint = '; the key is "type" since GX 1.0' if isinstance(item, dict) and "expectation_type" in item else ""
        raise ValidationError(f'{where}: it must be an object with a "type"{hint}')
    where = f"{where} ({item['type']})"
    if "$PARAMETER" in json.dumps(item.get("kwargs")):
        raise ValidationError(f"{where}: suite parameters are not supported; write the value itself")
    known = {key: item[key] for key in ("type", "kwargs", "meta", "notes", "severity") if item.get(key) is not None}
    try:
        expectation: Expectation = ExpectationConfiguration(**{"kwargs": {}, **known}).to_domain_obj()
    except Exception as error:
        # GX raises many kinds here: unknown types, missing or impossible arguments, a wrong severity.
        reason = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
        raise ValidationError(f"{where}: {reason or type(error).__name__}") from error
    return expectation


def _identity(type_: str, kwargs: Mapping[str, Any]) -> str:
    """`column.type`, as short as it stays clear; `table.type` for the whole table.

    >>> _identity("expect_column_values_to_be_in_set", {"column": "origin"})
    'origin.values_to_be_in_set'
    >>> _identity("expect_table_row_count_to_be_between", {})
    'table.row_count_to_be_between'
    """
    if isinstance(kwargs.get("column"), str):
        return f"{kwargs['column']}.{type_.removeprefix('expect_column_').removeprefix('expect_')}"
    columns = kwargs.get("column_list") or [kwargs[name] for name in ("column_A", "column_B") if kwargs.get(name)]
    if columns:
        return f"{','.join(map(str, columns))}.{type_.removeprefix('expect_')}"
    return f"table.{type_.removeprefix('expect_table_').removeprefix('expect_')}"
