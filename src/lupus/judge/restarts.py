"""Baselines that begin anew: a rule asked about each point with what the point's baseline may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lupus.judge.rule import Anomaly, Assessment, Matrix, Rule


@dataclass(frozen=True, slots=True)
class _Era:
    """The positions (in `at`) of one row whose baseline begins at the column `since`."""

    row: int
    since: int
    places: NDArray[np.intp]


def assess(rule: Rule, matrix: Matrix) -> Assessment:
    """What `rule` says of `matrix`, of every point with the columns from ``matrix.since`` on in its baseline.

    A row that was restarted is asked about once more for each restart, as a row of its own without what lies before;
    or only so, if all of its points come after one restart. So one interval and a replay give the same answer, and
    what was said before a restart stays. A rule with ``restarts = False``, whose baseline was named by a person or is
    another rule's, is asked as it is.
    """
    eras = _eras(matrix) if getattr(rule, "restarts", True) else []
    if not eras:
        return rule.assess(matrix)
    count, points = matrix.values.shape[0], len(matrix.at)
    whole = [era for era in eras if len(era.places) == points]
    extra = [era for era in eras if len(era.places) < points]
    longer = matrix.rows(np.array([*range(count), *(era.row for era in extra)], dtype=np.intp))
    baseline = longer.baseline.copy()
    for era in whole:
        baseline[era.row, : era.since] = np.nan
    for row, era in enumerate(extra, count):
        baseline[row, : era.since] = np.nan
    answer = rule.assess(replace(longer, baseline=baseline, since=None))
    return _merged(answer, extra, count) if extra else answer


def _eras(matrix: Matrix) -> list[_Era]:
    if matrix.since is None:
        return []
    since = matrix.since[:, matrix.at]
    return [
        _Era(row, cut, np.flatnonzero(since[row] == cut))
        for row in np.flatnonzero(since.any(axis=1)).tolist()
        for cut in np.unique(since[row][since[row] > 0]).tolist()
    ]


def _merged(answer: Assessment, eras: list[_Era], count: int) -> Assessment:
    """The first `count` rows of `answer`, with the rows behind them in place of theirs where an era says so."""
    source = np.broadcast_to(np.arange(count)[:, None], (count, answer.expected.shape[1])).copy()
    for extra, era in enumerate(eras, count):
        source[era.row, era.places] = extra
    columns = np.arange(source.shape[1])

    def taken(part: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(part[source, columns])

    def texts(found: Mapping[tuple[int, int], Any]) -> dict[tuple[int, int], Any]:
        own = {extra: era.row for extra, era in enumerate(eras, count)}
        return {
            (own.get(row, row), column): text
            for (row, column), text in found.items()
            if source[own.get(row, row), column] == row
        }

    says = answer.says

    def said(row: int, column: int, anomaly: Anomaly) -> str:
        assert says is not None  # noqa: S101 - only used when it is there
        return says(int(source[row, column]), column, anomaly)

    return replace(
        answer,
        expected=taken(answer.expected),
        lower=taken(answer.lower),
        upper=taken(answer.upper),
        score=taken(answer.score),
        seen=taken(answer.seen),
        seasonal=taken(answer.seasonal),
        tested=None if answer.tested is None else taken(answer.tested),
        remarks=texts(answer.remarks),
        absent=texts(answer.absent),
        accepted=texts(answer.accepted),
        says=None if says is None else said,
    )
