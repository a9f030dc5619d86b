"""The suite of a table on its snapshot, expectation by expectation."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from numbers import Real
from pathlib import Path
from typing import Any, Final

from lupus.model import ExpectationOutcome, Snapshot, Validation, ValidationError
from lupus.validate.suite import Expected, Suite, load_suite

# Counts that a reader of an outcome wants; never the values themselves.
_COUNTS: Final = ("element_count", "unexpected_count", "missing_count")
_MISSING: Final = re.compile(r'The column "(.*)" in BatchData does not exist')
_RAISED: Final = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Warning))(?::|$)", re.MULTILINE)
_PERCENTS: Final = ("unexpected_percent", "missing_percent")


def validate_snapshot(project: str, snapshot: Snapshot, suite_path: Path) -> Validation:
    """Runs the suite at `suite_path` on `snapshot`, in pandas.

    An expectation that cannot be checked (its column is missing, its type is wrong) is a failed outcome with a reason.
    Raises `ValidationError` for a suite or snapshot that cannot be read, `ValueError` for a snapshot without
    rows to validate (check ``snapshot.usable``).
    """
    if not snapshot.usable or snapshot.path is None:
        raise ValueError(
            f"the snapshot of {snapshot.table} at {snapshot.interval} is {snapshot.status}: nothing to validate"
        )
    suite = load_suite(suite_path)
    import pandas as pd

    from lupus.validate.plan import engine_of, results

    try:
        frame = pd.read_parquet(snapshot.path)
    except (OSError, ValueError) as error:
        raise ValidationError(f"{snapshot.path}: the snapshot cannot be read ({error}); extract it again") from error
    types = {str(name): str(type_) for name, type_ in frame.dtypes.items()}
    found = results(suite, engine_of(frame), tuple(types.items()))
    return validation_of(project, snapshot, suite, found, types)


def validation_of(
    project: str, snapshot: Snapshot, suite: Suite, found: Sequence[Any], types: Mapping[str, str]
) -> Validation:
    """GX's results `found`, in the suite's order, as a Validation; `types` are those of the columns."""
    outcomes = tuple(_outcome(expected, result, types) for expected, result in zip(suite.expected, found, strict=True))
    return Validation(project, snapshot.table, snapshot.interval, suite.name, outcomes)


def _outcome(expected: Expected, result: Any, types: Mapping[str, str]) -> ExpectationOutcome:
    numbers: Mapping[str, Any] = result.result or {}
    success = bool(result.success)
    details: dict[str, Any] = {name: int(numbers[name]) for name in _COUNTS if _is_number(numbers.get(name))}
    details |= {name: float(numbers[name]) for name in _PERCENTS if _is_number(numbers.get(name))}
    observed = numbers.get("observed_value")
    if observed is not None and (expected.type.startswith("expect_table_") or _may_be_shown(observed)):
        details["observed_value"] = _plain(observed)
    notes = (result.expectation_config.meta or {}).get("notes") if result.expectation_config else None
    if notes:
        details["notes"] = notes
    unexpected: Any = numbers.get("unexpected_percent")
    return ExpectationOutcome(
        id=expected.id,
        expectation=expected.type,
        column=expected.column,
        severity=expected.severity,
        success=success,
        unexpected_ratio=float(unexpected) / 100 if _is_number(unexpected) else None,
        reason="" if success else _reason(expected, result, details, types),
        details=details,
    )


def _reason(expected: Expected, result: Any, details: Mapping[str, Any], types: Mapping[str, str]) -> str:
    """One plain sentence: what was found, and what was expected."""
    if error := _exception(result.exception_info, types, expected.column):
        return f"could not be checked: {error}"
    wanted = ", ".join(f"{k} {_short(v)}" for k, v in expected.kwargs.items() if k not in ("column", "mostly"))
    if "unexpected_count" in details and "element_count" in details:
        share = details.get("unexpected_percent", 0.0)
        mostly = expected.kwargs.get("mostly", 1)
        text = f"{details['unexpected_count']} of {details['element_count']} values ({share:.4g} %) are unexpected"
        if isinstance(mostly, int | float) and mostly < 1:
            text += f", at most {100 - 100 * mostly:.4g} % may be"
    elif "observed_value" in details:
        text = f"observed {_short(details['observed_value'])}"
    else:
        text = "not met"
    return f"{text}; expected {wanted}" if wanted else text


def _exception(info: Any, types: Mapping[str, str], column: str) -> str:
    """Why GX could not check an expectation, from its exception info (flat, or one entry per metric). "" for nothing.

    Only what GX says of names is repeated: pandas quotes the values that it cannot compute with.
    """
    if not info:
        return ""
    for entry in [info] if "raised_exception" in info else list(info.values()):
        inner = entry.get("exception_info", entry)
        if not inner.get("raised_exception"):
            continue
        if missing := _MISSING.search(str(inner.get("exception_message"))):
            return f"there is no column {missing[1]!r}"
        raised = _RAISED.findall(str(inner.get("exception_traceback")))
        kind = raised[0].rpartition(".")[2] if raised else "an error"
        return f"{kind} on column {column!r} of type {types[column]}" if column in types else kind
    return ""


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)


def _may_be_shown(value: Any) -> bool:
    """Numbers and dates are aggregates; texts and lists of values could be somebody's data."""
    return isinstance(value, int | float | date) or hasattr(value, "item")


def _plain(value: Any) -> Any:
    """`value` as JSON has it."""
    if hasattr(value, "item") and not isinstance(value, list | tuple | dict):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
