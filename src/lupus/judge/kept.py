"""What moving windows gave, kept for the next interval: a day later nearly all of it is what it was.

A column of what a rule computes with windows depends on columns of the values not far before it. Where the values are
those of the last time, so is what was computed from them; the few columns that are new are computed with only as many
columns before them as they depend on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lupus.model import Interval, Series

Floats = NDArray[np.float64]
Compute = Callable[..., tuple[NDArray[Any], ...]]

_CHUNK: Final = 800_000
"""Numbers in the largest array that windows make."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """The last matrix: its `values` (S, T), and what was computed from them, by name."""

    series: tuple[Series, ...]
    intervals: tuple[Interval, ...]
    values: Floats
    parts: dict[str, tuple[NDArray[Any], ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What rules computed the last time. Give the same one to `judge` for the intervals of a project, in order.

    What is found is the same with it and without it, where the histories reach back as far as `lookback`, or to the
    same beginning.
    """

    _inner: dict[Hashable, Kept] = field(default_factory=dict)
    _seen: dict[Hashable, _Seen] = field(default_factory=dict)
    _known: dict[Hashable, tuple[Hashable, Any]] = field(default_factory=dict)

    def of(self, *names: Hashable) -> Kept:
        """What is kept under these names alone."""
        return self._inner.setdefault(names, Kept())

    def same(self, name: Hashable, given: Hashable, compute: Callable[[], Any]) -> Any:
        """What `compute` gives, unless that is known: of the same name and what is `given`, the last time."""
        known = self._known.get(name)
        if known is None or known[0] != given:
            known = self._known[name] = given, compute()
        return known[1]

    def windows(
        self, name: Hashable, values: Floats, series: tuple[Series, ...], intervals: tuple[Interval, ...]
    ) -> Windows:
        """The windows of `values` (S, T), of these `series` and `intervals`; the next ones are compared with them."""
        before = self._seen.get(name)
        windows = Windows(values.shape)
        if before is not None and intervals and intervals[0] in before.intervals:
            windows = _compared(before, values, series, before.intervals.index(intervals[0]))
        self._seen[name] = _Seen(series, intervals, values, windows.parts)
        return windows


class Windows:
    """What is computed from the columns of one matrix (S, T), as far as it has to be.

    Up to the column `fresh` all is as it was the last time, but for the rows `changed`.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        fresh: int = 0,
        changed: NDArray[np.intp] | None = None,
        before: dict[str, tuple[NDArray[Any], ...]] | None = None,
        *,
        rows: NDArray[np.intp] | slice = slice(None),
        offset: int = 0,
    ) -> None:
        self._shape, self._fresh, self._changed, self._before = shape, fresh, changed, before
        self._rows, self._offset = rows, offset
        self.parts: dict[str, tuple[NDArray[Any], ...]] = {}

    def columns(self, name: str, compute: Compute, *inputs: NDArray[Any], reach: int = 0) -> tuple[NDArray[Any], ...]:
        """``compute(*inputs, wanted=W)``: arrays (S, T), or only their last W columns, for no others are looked at.

        A column depends on that of the inputs and on `reach` before it.
        """
        length = self._shape[1]
        old = None if self._before is None else self._before.get(name)
        if old is None:
            self.parts[name] = in_rows(compute, *inputs, wanted=length, numbers=length * reach)
            return self.parts[name]
        first, wanted = max(0, self._fresh - reach), length - self._fresh
        own = in_rows(compute, *(one[:, first:] for one in inputs), wanted=wanted, numbers=(length - first) * reach)
        found = tuple(np.empty(self._shape, dtype=one.dtype) for one in own)
        for whole, last, new in zip(found, old, own, strict=True):
            whole[:, : self._fresh] = last[self._rows, self._offset : self._offset + self._fresh]
            whole[:, self._fresh :] = new[:, new.shape[1] - wanted :]
        if self._changed is not None and self._changed.size:
            changed = (one[self._changed] for one in inputs)
            again = in_rows(compute, *changed, wanted=length, numbers=length * reach)
            for whole, new in zip(found, again, strict=True):
                whole[self._changed] = new
        self.parts[name] = found
        return found


def in_rows(compute: Compute, *inputs: NDArray[Any], numbers: int, **more: Any) -> tuple[NDArray[Any], ...]:
    """``compute(*inputs, **more)``, some rows at a time where it takes arrays of so many `numbers` a row."""
    rows, step = inputs[0].shape[0], max(1, _CHUNK // max(numbers, 1))
    if rows <= step:
        return compute(*inputs, **more)
    parts = [compute(*(one[start : start + step] for one in inputs), **more) for start in range(0, rows, step)]
    return tuple(np.concatenate(some) for some in zip(*parts, strict=True))


def _compared(before: _Seen, values: Floats, series: tuple[Series, ...], offset: int) -> Windows:
    """The windows of `values`, which begin `offset` columns after those from `before`."""
    common = min(before.values.shape[1] - offset, values.shape[1])
    rows: NDArray[np.intp] | slice = slice(None)
    strange = np.zeros(values.shape[0], dtype=bool)
    if series != before.series:
        places = {one.key: row for row, one in enumerate(before.series)}
        found = np.array([places.get(one.key, -1) for one in series], dtype=np.intp)
        strange, rows = found < 0, np.maximum(found, 0)
    # Bit by bit, so that NaN is what it was.
    last = before.values[rows, offset : offset + common].view(np.int64)
    other = np.ascontiguousarray(values[:, :common]).view(np.int64) != last
    first = np.where(other.any(axis=1), other.argmax(axis=1), common)
    first[strange] = 0
    # Late labels change the newest columns of many rows; a row of which older ones have changed is computed again.
    recent = first >= common - common // 4
    fresh = int(first[recent].min()) if recent.any() else 0
    if not fresh:
        return Windows(values.shape)
    return Windows(values.shape, fresh, np.flatnonzero(~recent), before.parts, rows=rows, offset=offset)
