"""What is said of points without a value. Absence is a signal, and its kinds are different signals.

| failure | status | severity | why |
|---|---|---|---|
| `no_data`, `not_read` | no_data | critical for a table's `rows`, else high | the product runs blind |
| `missing_column`, `wrong_type` | error | high | the feed changed under the monitor |
| `not_derived` | error | high | the column's expression or function does not fit the rows |
| `invalid` | warn | medium | the failed validation is the finding; its victims must not ask for retraining |
| `undefined` | warn | low | the rows are there but the statistic does not exist for them |
| `no_labels`, still waited for | immature | none | judged when they arrive |
| `no_labels`, no longer waited for | warn | low | one finding is enough, and the series `label_maturity` is judged |
| a value that is infinite or beyond 1e300 | error | high | no metric is; whoever pushed it has a bug |

A series without value and without failure was not measured: nothing is said of it here, because its
table's `rows` already says whether the table was there. A rule's `severity` is about anomalies and changes
none of this.
"""

from __future__ import annotations

from typing import Final

from lupus.model import WHOLE, Failure, FailureKind, SeriesKey, Severity, Status

_ANSWERS: Final = {
    FailureKind.NO_DATA: (Status.NO_DATA, Severity.HIGH, "no data"),
    FailureKind.NOT_READ: (Status.NO_DATA, Severity.HIGH, "not read"),
    FailureKind.MISSING_COLUMN: (Status.ERROR, Severity.HIGH, "missing column"),
    FailureKind.WRONG_TYPE: (Status.ERROR, Severity.HIGH, "wrong type"),
    FailureKind.NOT_DERIVED: (Status.ERROR, Severity.HIGH, "not derived"),
    FailureKind.INVALID: (Status.WARN, Severity.MEDIUM, "not measured"),
    FailureKind.UNDEFINED: (Status.WARN, Severity.LOW, "undefined"),
    FailureKind.NO_LABELS: (Status.WARN, Severity.LOW, "no labels"),
}


def absent(key: SeriesKey, failure: Failure, *, closed: bool) -> tuple[Status, Severity | None, str]:
    """Status, severity and sentence of a point that failed; `closed` when its labels are no longer waited for.

    >>> absent(SeriesKey("p", "data", "", "rows"), Failure(FailureKind.NO_DATA, "not there by 09:00"), closed=False)
    (<Status.NO_DATA: 'no_data'>, <Severity.CRITICAL: 'critical'>, 'rows: no data, not there by 09:00')
    """
    status, severity, words = _ANSWERS[failure.kind]
    reason = failure.reason.strip()
    sentence = f"{key.metric}: {words}" + (f", {reason}" if reason else "")
    if failure.kind is FailureKind.NO_LABELS and not closed:
        return Status.IMMATURE, None, sentence
    if status is Status.NO_DATA and key.metric == "rows" and key.column == WHOLE and key.segment == WHOLE:
        severity = Severity.CRITICAL
    return status, severity, sentence
