"""Numbers as people read them, by the unit of their series."""

from __future__ import annotations

from math import copysign, isfinite, isinf
from typing import Final

_LARGE: Final = ((1e15, ""), (1e12, "T"), (1e9, "B"), (1e6, "M"))


def format_value(value: float, unit: str = "", *, digits: int = 3) -> str:
    """`value` with at least `digits` significant digits and its `unit`.

    Ratios become percentages, rows get thousands separators, any other unit is written behind the
    number. A ratio just below 1 is never rounded up to 100 %, nor one just above 0 down to 0 %.

    >>> [format_value(value, "ratio") for value in (0.04321, 0.5, 1, 0.99996)]
    ['4.32 %', '50 %', '100 %', '99.996 %']
    >>> [format_value(value, "rows") for value in (1, 12345, 12_234_567)]
    ['1 row', '12,345 rows', '12.2M rows']
    >>> [format_value(value) for value in (0.5712, 12.3456, 4321.5, -0.000012345)]
    ['0.571', '12.3', '4,322', '-1.23e-05']
    >>> format_value(250, "ms")
    '250 ms'
    """
    if unit == "ratio":
        percent = _significant(100 * value, digits)
        while 0.99 < value < 1 and percent == "100" and digits < 16:
            # The distance from 100 % is what matters here, so that is what gets the digits.
            digits += 1
            percent = _significant(100 * value, digits)
        return f"{percent} %"
    if unit == "rows":
        text = _significant(value, max(digits, 1))
        return f"{text} row" if text in ("1", "-1") else f"{text} rows"
    number = _significant(value, digits)
    return f"{number} {unit}" if unit else number


def _significant(value: float, digits: int) -> str:
    """`value` with `digits` significant digits; whole numbers below ten million keep all of theirs."""
    if not isfinite(value):
        return f"{'-' if copysign(1, value) < 0 else ''}infinity" if isinf(value) else "not a number"
    size = abs(value)
    if size >= 1e15:
        return f"{value:.{digits - 1}e}"
    if size >= 1e7:
        scale, letter = next(pair for pair in _LARGE if size >= pair[0])
        return f"{value / scale:.{digits}g}{letter}" if size / scale < 999 else f"{value / scale:,.0f}{letter}"
    if size >= 10 ** (digits - 1):
        decimals = max(0, digits - len(str(int(size))))
        return f"{value:,.{decimals}f}"
    text = f"{value:.{digits}g}"
    return "0" if text == "-0" else text
