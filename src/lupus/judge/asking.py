"""One rule asked about a history: its answer, point by point, as Verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.absence import absent
from lupus.judge.chance import Control
from lupus.judge.restarts import assess
from lupus.judge.rule import Anomaly, Assessment, Matrix, Rule
from lupus.judge.sentences import record
from lupus.model import (
    Cadence,
    History,
    Interval,
    LupusError,
    RuleSpec,
    SeriesKey,
    Severity,
    Status,
    Verdict,
    format_value,
)

# Half bands from the expectation at which an anomaly becomes medium, high, critical.
_STEPS: Final = ((4.0, Severity.CRITICAL), (2.5, Severity.HIGH), (1.5, Severity.MEDIUM))
_JUST_OUTSIDE: Final = float(np.nextafter(1.0, 2.0))


@dataclass(frozen=True, slots=True)
class AcceptedLevel:
    """The level of `series` that began at `since` has lasted, and is accepted at the interval `at` by the `rule`."""

    series: SeriesKey
    rule: str
    at: Interval
    since: Interval
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class Asking:
    """One rule being asked about a history.

    `whole` is the history as a matrix, `immature` (S, T) what has to wait, `reach` how far back any of the rules looks.
    `told` grows: the points of which an earlier rule has said that there is no value, or that it has to wait. `quiet`
    when what the rule finds is for a composite to tell. `segmented` (S,) are the series of segments, when the series
    are one project's.
    """

    history: History
    whole: Matrix
    immature: NDArray[np.bool_]
    cadence: Cadence
    spec: RuleSpec
    rule: Rule
    mature_at: float
    reach: int
    only_findings: bool
    told: set[tuple[int, int]]
    quiet: bool
    segmented: NDArray[np.bool_] | None

    def verdicts(self, rows: NDArray[np.intp], accepted: list[AcceptedLevel] | None) -> Iterator[Verdict]:
        """What the rule says of `rows`; levels that it accepts are added to `accepted`."""
        whole = self.whole
        matrix = whole.rows(rows)
        broken = ""
        try:
            answer = _checked(assess(self.rule, matrix), (rows.size, whole.at.size))
        except Exception as error:  # one broken rule must not silence the others
            broken = f"rule {self.spec.name!r} failed: {type(error).__name__}: {error}"
            answer = _nothing((rows.size, whole.at.size))
        names = rows.tolist()
        if accepted is not None:
            accepted.extend(self._accepted(names, answer))
        for column in range(whole.at.size):
            yield from self._of_interval(names, matrix.values, answer, column=column, broken=broken)

    def _of_interval(
        self, rows: list[int], values: NDArray[np.float64], answer: Assessment, *, column: int, broken: str
    ) -> Iterator[Verdict]:
        position = int(self.whole.at[column])
        series, interval, name = self.history.series, self.history.intervals[position], self.spec.name
        value_of = values[:, position]
        expected, lower, upper, score = (
            part[:, column] for part in (answer.expected, answer.lower, answer.upper, answer.score)
        )
        tested = value_of if answer.tested is None else answer.tested[:, column]
        outside = (tested < lower) | (tested > upper)
        # The way back from the even scale rounds: what left the band is said to have left it.
        score = np.where(outside, np.fmax(score, _JUST_OUTSIDE), np.minimum(score, 1.0))
        judged = (answer.seen[:, column] >= answer.needed) & ~np.isnan(value_of) & ~self.immature[rows, position]
        held = self._held(rows, score, judged & outside, judged)
        if self.only_findings:
            told = judged & outside & ~np.isin(np.arange(len(rows)), list(held))
            yield from self._findings(rows, position, answer, told, tested, column=column, broken=broken)
            return
        plain, anomalous = (judged & ~outside & (not broken)).tolist(), (judged & outside).tolist()
        bands = list(zip(*(_optional(part) for part in (expected, lower, upper, score)), strict=True))
        shown = bands if answer.drawn else [(None, None, None, band[3]) for band in bands]
        for local, (row, value) in enumerate(zip(rows, value_of.tolist(), strict=True)):
            if plain[local]:
                remark = answer.remarks.get((local, column), "")
                yield Verdict(series[row].key, interval, name, Status.OK, value, remark, None, *shown[local])
            elif anomalous[local]:
                one = self._anomaly(row, position, bands[local], answer, (local, column), tested=float(tested[local]))
                yield one if local not in held else _warning(one, held[local])
            elif isnan(value):
                yield from self._without_value(row, position, answer.absent.get((local, column), ""))
            elif self.immature[row, position]:
                if self._first_to_tell(row, position):
                    yield self._plainly((row, position), Status.IMMATURE, value, self._waiting(row, position))
            elif broken:
                yield self._plainly((row, position), Status.ERROR, value, broken, Severity.MEDIUM)
            else:
                sentence = f"not enough history: {answer.seen[local, column]} of {answer.needed} intervals"
                yield self._plainly((row, position), Status.OK, value, sentence)

    def _findings(
        self,
        rows: list[int],
        position: int,
        answer: Assessment,
        anomalous: NDArray[np.bool_],
        tested: NDArray[np.float64],
        *,
        column: int,
        broken: str,
    ) -> Iterator[Verdict]:
        """What `_of_interval` says, as far as it is a finding."""
        missing = np.isnan(self.whole.values[rows, position])
        wanted = np.flatnonzero((anomalous & (not self.quiet)) | missing | bool(broken))
        for local in wanted.tolist():
            row = rows[local]
            if missing[local]:
                absence = answer.absent.get((local, column), "")
                yield from (one for one in self._without_value(row, position, absence) if one.status.is_finding)
            elif broken:
                if not self.immature[row, position]:
                    value = float(self.whole.values[row, position])
                    yield self._plainly((row, position), Status.ERROR, value, broken, Severity.MEDIUM)
            else:
                parts = (answer.expected, answer.lower, answer.upper, answer.score)
                expected, lower, upper, score = (_optional(part[local : local + 1, column])[0] for part in parts)
                band = (expected, lower, upper, max(score or 0.0, _JUST_OUTSIDE))
                yield self._anomaly(row, position, band, answer, (local, column), tested=float(tested[local]))

    def _held(
        self,
        rows: list[int],
        score: NDArray[np.float64],
        anomalous: NDArray[np.bool_],
        judged: NDArray[np.bool_],
    ) -> dict[int, str]:
        """What of the `anomalous` (S,) is held back because chance gives as much among these series, and the words."""
        if self.segmented is None or self.quiet:
            return {}
        control = Control.of(self.rule, self.segmented[rows])
        if control is None:
            return {}
        held = np.flatnonzero(control.held(score, anomalous, judged)).tolist()
        return {local: control.words(local, float(score[local]), judged) for local in held}

    def _accepted(self, rows: list[int], answer: Assessment) -> Iterator[AcceptedLevel]:
        intervals = self.history.intervals
        for (local, column), began in sorted(answer.accepted.items()):
            note = answer.remarks.get((local, column), "")
            series, at = self.history.series[rows[local]].key, intervals[int(self.whole.at[column])]
            yield AcceptedLevel(series, self.spec.name, at, intervals[began], note)

    def _plainly(
        self,
        where: tuple[int, int],
        status: Status,
        value: float | None,
        sentence: str,
        severity: Severity | None = None,
    ) -> Verdict:
        row, position = where
        key, interval = self.history.series[row].key, self.history.intervals[position]
        return Verdict(key, interval, self.spec.name, status, value, sentence, severity)

    def _first_to_tell(self, row: int, position: int) -> bool:
        """Whether no rule has spoken of what is not the rules' business: an absent value, labels that are awaited."""
        first = (row, position) not in self.told
        self.told.add((row, position))
        return first

    def _without_value(self, row: int, position: int, absence: str) -> Iterator[Verdict]:
        if absence and (row, position) not in self.history.failures and isnan(self.history.values[row, position]):
            least = self.spec.severity or self.rule.least_severity
            yield self._plainly((row, position), Status.NO_DATA, None, absence, least)
            return
        if not self._first_to_tell(row, position):
            return
        failure = self.history.failures.get((row, position))
        key, raw = self.history.series[row].key, float(self.history.values[row, position])
        if failure is not None:
            status, severity, sentence = absent(key, failure, closed=bool(self.history.closed[position]))
            yield self._plainly((row, position), status, None, sentence, severity)
        elif not isnan(raw):
            sentence = f"{key.metric} is {format_value(raw)}: no metric can be, so look at who computed it"
            yield self._plainly((row, position), Status.ERROR, None, sentence, Severity.HIGH)

    def _anomaly(
        self,
        row: int,
        position: int,
        band: tuple[float | None, float | None, float | None, float | None],
        answer: Assessment,
        place: tuple[int, int],
        *,
        tested: float,
    ) -> Verdict:
        """The verdict on a point that left its `band`; its `place` is where it is in the `answer`."""
        series, interval = self.history.series[row], self.history.intervals[position]
        expected, lower, upper, score = band
        value, seasonal = float(self.whole.values[row, position]), bool(answer.seasonal[place])
        # No further back than the rules look: what is said must not depend on how much history was loaded.
        first = max(0, position - self.reach)
        remark = record(self.whole.values[row, first:], position - first, self.cadence)
        anomaly = Anomaly(series, interval, self.cadence, value, expected, lower, upper, seasonal, remark, tested)
        sentence = self._sentence(anomaly, answer, place)
        status, severity = Status.ANOMALY, self.spec.severity or _severity(score or 1.0, self.rule.least_severity)
        if self.quiet:
            status, severity = Status.WARN, Severity.LOW
        drawn = (expected, lower, upper) if answer.drawn else (None, None, None)
        return Verdict(series.key, interval, self.spec.name, status, value, sentence, severity, *drawn, score)

    def _sentence(self, anomaly: Anomaly, answer: Assessment, place: tuple[int, int]) -> str:
        try:
            return self.rule.sentence(anomaly) if answer.says is None else answer.says(*place, anomaly)
        except Exception as error:  # the finding counts for more than its wording
            return f"{anomaly.series.key.metric} left its band (rule {self.spec.name!r} cannot say more: {error})"

    def _waiting(self, row: int, position: int) -> str:
        arrived = format_value(float(self.history.maturity[row, position]), "ratio")
        return f"{arrived} of the expected labels have arrived; judged from {format_value(self.mature_at, 'ratio')}"


def _warning(verdict: Verdict, why: str) -> Verdict:
    sentence = f"{verdict.sentence}; {why}"
    return replace(verdict, status=Status.WARN, severity=Severity.LOW, sentence=sentence)


def _severity(score: float, least: Severity) -> Severity:
    given = next((severity for edge, severity in _STEPS if score > edge), Severity.LOW)
    return max(given, least, key=lambda severity: severity.rank)


def _optional(part: NDArray[np.float64]) -> list[float | None]:
    """Plain floats, None for what is not finite."""
    if np.isfinite(part).all():
        return list(part.tolist())
    return [value if finite else None for value, finite in zip(part.tolist(), np.isfinite(part).tolist(), strict=True)]


def _checked(answer: Assessment, shape: tuple[int, int]) -> Assessment:
    for part in ("expected", "lower", "upper", "score", "seen", "seasonal"):
        if getattr(answer, part).shape != shape:
            raise LupusError(f"its {part} has shape {getattr(answer, part).shape}, not {shape}")
    if answer.tested is not None and answer.tested.shape != shape:
        raise LupusError(f"its tested has shape {answer.tested.shape}, not {shape}")
    return answer


def _nothing(shape: tuple[int, int]) -> Assessment:
    none, no = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    return Assessment(none, none, none, none, np.zeros(shape, dtype=np.int64), 0, no)
