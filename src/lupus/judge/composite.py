"""`all`, `any` and `for`: rules over other rules, which they name.

- **all**: every named rule finds an anomaly, in the same series, or somewhere in the `same` column, table or project.
  The score is the smallest of theirs.
- **any**: at least one does. The score is the largest of theirs.
- **for**: the named rule finds an anomaly now and at `n` of the last `of` intervals. The score is the n-th largest of
  those: what has lasted is as bad as it was for so long.

A named rule keeps its own `where`; the composite's `where` says in which of those series the composite speaks. The
verdict has the band and the words of the named rule with the largest score. The named rules tell nothing by themselves
(`judge.verdicts`). n of m consecutive values outside of limits is a run rule of statistical process control (Western
Electric, Statistical Quality Control Handbook, 1956).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lupus.judge.restarts import assess
from lupus.judge.rule import Anomaly, Assessment, Matrix, Rule
from lupus.judge.sentences import nouns
from lupus.model import AllParameters, AnyParameters, ForParameters, RuleSpec, Series, Severity

Parts = Sequence[tuple[RuleSpec, Rule]]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What one named rule says: its answer on the `matrix` rows (P,) that it is about, and where it found something."""

    name: str
    rule: Rule
    answer: Assessment
    place: Mapping[int, int]  # row of the composite's matrix to row of the answer
    anomalous: NDArray[np.bool_]  # (S, A), of the composite's rows
    score: NDArray[np.float64]  # (S, A), 0 where nothing was found


class AllRule:
    """Anomalous is what all of the named rules find."""

    restarts = False  # its parts' baselines are theirs

    def __init__(self, parameters: Mapping[str, Any], parts: Parts) -> None:
        self.parameters = AllParameters(**parameters)
        self.parts = parts

    @property
    def least_severity(self) -> Severity:
        return max((rule.least_severity for _, rule in self.parts), key=lambda severity: severity.rank)

    def lookback(self, season: int) -> int:
        return max(rule.lookback(season) for _, rule in self.parts)

    def assess(self, matrix: Matrix) -> Assessment:
        same = self.parameters.same
        whole = matrix if same == "series" else matrix.project or matrix
        found = [_ask(spec, rule, whole, matrix.at) for spec, rule in self.parts]
        if same != "series":
            found = _shared(found, matrix, whole, same)
        every = np.all([one.anomalous for one in found], axis=0)
        if same != "series":
            # The series in which something was found speaks; in which another rule did, does not matter.
            every &= np.any([one.score > 0 for one in found], axis=0)
            score = np.max([one.score for one in found], axis=0)
        else:
            score = np.min([one.score for one in found], axis=0)
        names = ", ".join(one.name for one in found)
        return _answer(matrix, found, every, score, before=f"{names} at once: ")

    def sentence(self, anomaly: Anomaly) -> str:
        return f"{anomaly.series.key.metric} is in all of {', '.join(self.parameters.rules)}"


class AnyRule:
    """Anomalous is what at least one of the named rules finds."""

    restarts = False  # its parts' baselines are theirs

    def __init__(self, parameters: Mapping[str, Any], parts: Parts) -> None:
        self.parameters = AnyParameters(**parameters)
        self.parts = parts

    @property
    def least_severity(self) -> Severity:
        return min((rule.least_severity for _, rule in self.parts), key=lambda severity: severity.rank)

    def lookback(self, season: int) -> int:
        return max(rule.lookback(season) for _, rule in self.parts)

    def assess(self, matrix: Matrix) -> Assessment:
        found = [_ask(spec, rule, matrix, matrix.at) for spec, rule in self.parts]
        some = np.any([one.anomalous for one in found], axis=0)
        return _answer(matrix, found, some, np.max([one.score for one in found], axis=0), before="")

    def sentence(self, anomaly: Anomaly) -> str:
        return f"{anomaly.series.key.metric} is in one of {', '.join(self.parameters.rules)}"


class ForRule:
    """Anomalous is what the named rule finds now and has found at `n` of the last `of` intervals."""

    restarts = False  # its parts' baselines are theirs

    def __init__(self, parameters: Mapping[str, Any], parts: Parts) -> None:
        self.parameters = ForParameters(**parameters)
        self.parts = parts

    @property
    def least_severity(self) -> Severity:
        return self.parts[0][1].least_severity

    def lookback(self, season: int) -> int:
        return self.parts[0][1].lookback(season) + self.parameters.of - 1

    def assess(self, matrix: Matrix) -> Assessment:
        n, of = self.parameters.n, self.parameters.of
        steps = np.arange(of)
        at = np.unique(np.maximum(matrix.at[:, None] - steps, 0))
        spec, rule = self.parts[0]
        longer = _ask(spec, rule, matrix, at)
        # (A, of): the places in `at` of the last intervals, 0 back first; -1 before the beginning.
        places = np.where(
            matrix.at[:, None] >= steps, np.searchsorted(at, np.maximum(matrix.at[:, None] - steps, 0)), -1
        )
        scores = np.where(places >= 0, longer.score[:, places], 0.0)
        score = np.sort(scores, axis=-1)[..., of - n]
        now = np.searchsorted(at, matrix.at)
        found = replace(
            longer, answer=_columns(longer.answer, now), anomalous=longer.anomalous[:, now], score=longer.score[:, now]
        )
        lasting = found.anomalous & (score > 0)
        kind = nouns(matrix.cadence) if matrix.cadence is not None else "intervals"
        return _answer(matrix, [found], lasting, score, before=f"on {n} of {of} {kind} at least: ")

    def sentence(self, anomaly: Anomaly) -> str:
        return f"{anomaly.series.key.metric} has been in {self.parameters.rule} for {self.parameters.n} intervals"


def _ask(spec: RuleSpec, rule: Rule, matrix: Matrix, at: NDArray[np.intp]) -> _Found:
    """What `rule` finds in those rows of `matrix` that it is about."""
    rows = np.array([row for row, one in enumerate(matrix.series) if spec.where.matches(one)], dtype=np.intp)
    part = matrix.rows(rows, at)
    answer = assess(rule, part)
    values = part.values[:, at]
    tested = values if answer.tested is None else answer.tested
    outside = ((tested < answer.lower) | (tested > answer.upper)) & (answer.seen >= answer.needed) & ~np.isnan(values)
    if part.waiting is not None:
        outside &= ~part.waiting[:, at]
    shape = (matrix.values.shape[0], len(at))
    anomalous, score = np.zeros(shape, dtype=bool), np.zeros(shape)
    anomalous[rows] = outside
    score[rows] = np.where(outside, np.fmax(answer.score, np.nextafter(1.0, 2.0)), 0.0)
    return _Found(spec.name, rule, answer, {row: place for place, row in enumerate(rows.tolist())}, anomalous, score)


def _shared(found: list[_Found], matrix: Matrix, whole: Matrix, same: str) -> list[_Found]:
    """What was `found` in all series, for the rows of `matrix`: in one of a group is in all of it."""
    groups = [_group(one, same) for one in whole.series]
    row_of = {one.key: row for row, one in enumerate(whole.series)}
    rows = [row_of[one.key] for one in matrix.series]
    shared = []
    for one in found:
        there: dict[Any, NDArray[np.bool_]] = {}
        for row, group in enumerate(groups):
            there[group] = there[group] | one.anomalous[row] if group in there else one.anomalous[row]
        place = {local: one.place[row] for local, row in enumerate(rows) if row in one.place}
        anomalous = np.array([there[groups[row]] for row in rows], dtype=bool).reshape(len(rows), -1)
        shared.append(replace(one, place=place, anomalous=anomalous, score=one.score[rows]))
    return shared


def _group(series: Series, same: str) -> tuple[str, ...]:
    key = series.key
    return {"column": (key.table, key.column), "table": (key.table,), "project": ()}[same]


def _columns(answer: Assessment, places: NDArray[np.intp]) -> Assessment:
    """The columns `places` of an answer."""
    column_of = {int(place): column for column, place in enumerate(places.tolist())}

    def kept(texts: Mapping[tuple[int, int], str]) -> dict[tuple[int, int], str]:
        return {(row, column_of[place]): text for (row, place), text in texts.items() if place in column_of}

    says = answer.says
    return replace(
        answer,
        expected=answer.expected[:, places],
        lower=answer.lower[:, places],
        upper=answer.upper[:, places],
        score=answer.score[:, places],
        seen=answer.seen[:, places],
        seasonal=answer.seasonal[:, places],
        tested=None if answer.tested is None else answer.tested[:, places],
        remarks=kept(answer.remarks),
        absent=kept(answer.absent),
        says=None if says is None else lambda row, column, anomaly: says(row, int(places[column]), anomaly),
    )


def _answer(
    matrix: Matrix,
    found: Sequence[_Found],
    anomalous: NDArray[np.bool_],
    score: NDArray[np.float64],
    *,
    before: str,
) -> Assessment:
    """The composite's answer: the band of the named rule with the largest score, where there is an anomaly."""
    parts = Assessment.empty(matrix, needed=0, drawn=all(one.answer.drawn for one in found))
    assert parts.tested is not None  # noqa: S101 - made by Assessment.empty
    teller = np.argmax([one.score for one in found], axis=0)
    for row, column in np.argwhere(anomalous).tolist():
        one = found[teller[row, column]]
        place = one.place[row]
        for name in ("expected", "lower", "upper"):
            getattr(parts, name)[row, column] = getattr(one.answer, name)[place, column]
        tested = one.answer.tested
        parts.tested[row, column] = matrix.values[row, matrix.at[column]] if tested is None else tested[place, column]
        parts.seasonal[row, column] = one.answer.seasonal[place, column]
    parts.score[:] = np.where(anomalous, score, np.minimum(score, 1.0))

    def says(row: int, column: int, anomaly: Anomaly) -> str:
        one = found[teller[row, column]]
        words = one.answer.says
        told: str = one.rule.sentence(anomaly) if words is None else words(one.place[row], column, anomaly)
        return before + told

    return replace(parts, says=says)
