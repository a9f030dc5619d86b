"""The plain sentence of a verdict, with numbers and units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lupus.model import Cadence, CadenceKind, Interval, format_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lupus.judge.rule import Anomaly

_LONG_ENOUGH: Final = 14  # "the lowest in 3 days" is no news
_NOUNS: Final = {CadenceKind.HOURLY: "hours", CadenceKind.DAILY: "days", CadenceKind.WEEKLY: "weeks"}
_WEEKDAYS: Final = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def tell(anomaly: Anomaly, *, because: str, bound: str = "{value}") -> str:
    """``roc_auc 0.57 is below 0.62–0.68, <because>; the lowest in 60 days``.

    `bound` is the wording where the band has one side only, with ``{side}`` (minimum, maximum) and ``{value}``.
    """
    key, unit = anomaly.series.key, anomaly.series.unit
    if unit == key.metric:
        unit = ""  # "rows 5", not "rows 5 rows"
    below = anomaly.lower is not None and anomaly.value < anomaly.lower
    crossed = anomaly.lower if below else anomaly.upper
    assert crossed is not None  # noqa: S101 - an anomaly has left its band
    digits = _telling_digits(anomaly.value, crossed, unit)
    side = "below" if below else "above"
    text = f"{key.metric} {format_value(anomaly.value, unit, digits=digits)} is {side} "
    if anomaly.lower is not None and anomaly.upper is not None:
        text += f"{band(anomaly.lower, anomaly.upper, unit, digits=digits)}, {because}"
    else:
        value = format_value(crossed, unit, digits=digits)
        text += bound.format(side="minimum" if below else "maximum", value=value)
        text += "" if "{side}" in bound else f", {because}"
    return text + (f"; {anomaly.record}" if anomaly.record else "")


def band(lower: float, upper: float, unit: str, *, digits: int = 3) -> str:
    """A band, its unit said once.

    >>> band(0.041, 0.0523, "ratio"), band(-1, 2.5, ""), band(900, 1100, "rows")
    ('4.1–5.23 %', '-1 to 2.5', '900–1,100 rows')
    """
    first, last = (format_value(bound, unit, digits=digits) for bound in (lower, upper))
    number, space, suffix = first.rpartition(" ")
    if space and last.endswith(suffix):
        first = number
    return f"{first} to {last}" if first.startswith("-") or last.startswith("-") else f"{first}–{last}"


def nouns(cadence: Cadence) -> str:
    """What the cadence's intervals are called: hours, days, weeks, or intervals."""
    return _NOUNS.get(cadence.kind, "intervals")


def seasons(cadence: Cadence, interval: Interval, count: int) -> str:
    """The last `count` of the interval's own kind: ``4 Mondays``, ``4 days at 13:00 UTC``; ``""`` without a season."""
    if cadence.kind is CadenceKind.DAILY:
        return f"{count} {_WEEKDAYS[cadence.local_date(interval).weekday()]}"
    if cadence.kind is CadenceKind.HOURLY:
        return f"{count} days at {interval.start:%H:%M} UTC"
    return ""


def record(values: NDArray[np.float64], position: int, cadence: Cadence) -> str:
    """``the lowest in 60 days``, when true of ``values[position]`` among the values (T,) up to it, else ``""``."""
    value, past = values[position], values[:position]
    for word, others in (("lowest", past <= value), ("highest", past >= value)):
        since = np.flatnonzero(others)
        length = position - int(since[-1]) if since.size else position + 1
        # Of what is compared, most must be there: three values in sixty days make no record.
        if length > _LONG_ENOUGH and np.isfinite(past[position + 1 - length :]).sum() >= length / 2:
            return f"the {word} in {length} {nouns(cadence)}"
    return ""


def _telling_digits(value: float, bound: float, unit: str) -> int:
    """The digits it takes to see that `value` is not `bound`."""
    for digits in range(3, 12):
        if format_value(value, unit, digits=digits) != format_value(bound, unit, digits=digits):
            return digits
    return 12
