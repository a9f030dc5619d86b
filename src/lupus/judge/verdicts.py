"""`judge`: the questions asked of every point, in order, and the Verdicts that answer them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.absence import absent
from lupus.judge.rule import Anomaly, Assessment, Matrix, Rule, parts_of, rule_for
from lupus.judge.scale import LARGEST
from lupus.judge.sentences import record
from lupus.model import Cadence, History, LupusError, RuleSpec, Selector, Severity, Status, Verdict, format_value

# Half bands from the expectation at which an anomaly becomes medium, high, critical.
_STEPS: Final = ((4.0, Severity.CRITICAL), (2.5, Severity.HIGH), (1.5, Severity.MEDIUM))
_JUST_OUTSIDE: Final = float(np.nextafter(1.0, 2.0))


def judge(
    history: History,
    rules: Sequence[RuleSpec],
    cadence: Cadence,
    *,
    at: Sequence[int],
    mature_at: float = 0.9,
    only_findings: bool = False,
    of: NDArray[np.bool_] | None = None,
) -> list[Verdict]:
    """The verdicts at the interval positions `at`, of every rule on every series that it matches and that has a point.

    Asked of each point, in this order: is there a value (see `judge.absence`); have enough labels
    come (maturity of at least `mature_at`, or the interval is closed), else `immature`; does the rule know
    enough to judge, else `ok` with a sentence that says how much is missing; is the value in the rule's band.
    Anomalies are low from a score of 1, medium from 1.5, high from 2.5, critical from 4, unless
    the rule's spec says otherwise.

    Of the series only those `of` (S,) are judged, if it is given; others are there for rules that compare with them.
    A rule that a composite names gives `warn` where it found something: the composite decides whether that is told.

    A verdict depends on the point and on columns before it. Excluded and immature points are judged, or not, but
    are in no baseline. What is absent or has to wait is told once, by the first rule that matches.
    Verdicts come rule by rule, interval by interval, in the order of the series. A rule that breaks gives `error`
    verdicts and leaves the others alone; raises `LupusError` for an unknown kind or parameters, `IndexError` for a
    position outside the history. With `only_findings` the other verdicts, nearly all of them, are not even made: a
    replay of a year wants no others.
    """
    positions = sorted(set(at))
    length = len(history.intervals)
    if positions and not 0 <= positions[0] <= positions[-1] < length:
        raise IndexError(f"the positions to judge must be in 0–{length - 1}, got {positions[0]} to {positions[-1]}")
    made = [(spec, rule_for(spec, rules)) for spec in rules]
    parts = {name for spec in rules for name in parts_of(spec)}
    if not positions or not history.series:
        return []
    finite = np.abs(history.values) <= LARGEST  # false for NaN too
    # NaN maturity compares as false both ways: metrics that need no labels are never immature.
    immature = (history.maturity < mature_at) & ~history.closed[None, :]
    whole = Matrix(
        values=np.where(finite, history.values, np.nan),
        baseline=np.where(finite & ~history.excluded & ~immature, history.values, np.nan),
        n=history.n,
        units=np.array([series.unit for series in history.series], dtype=np.str_),
        season=cadence.season,
        at=np.array(positions, dtype=np.intp),
        intervals=history.intervals,
        cadence=cadence,
        series=history.series,
        low=history.low,
        high=history.high,
        waiting=immature if immature.any() else None,
    )
    reach = max((rule.lookback(cadence.season) for _, rule in made), default=0)
    verdicts: list[Verdict] = []
    told: set[tuple[int, int]] = set()
    for spec, rule in made:
        rows = _matching(history, spec, rules, of)
        if rows.size:
            quiet = spec.name in parts
            asking = _Asking(
                history, whole, immature, cadence, spec, rule, mature_at, reach, only_findings, told, quiet
            )
            verdicts.extend(asking.verdicts(rows))
    return verdicts


def lookback(rules: Sequence[RuleSpec], cadence: Cadence) -> int:
    """How many intervals before a point can change its verdict: loading more changes nothing, less is allowed.

    >>> from lupus.model import CadenceKind
    >>> lookback([RuleSpec("deviation", "recent_average")], Cadence(CadenceKind.DAILY))
    126
    """
    return max((rule_for(spec, rules).lookback(cadence.season) for spec in rules), default=0)


def _matching(
    history: History, spec: RuleSpec, rules: Sequence[RuleSpec], of: NDArray[np.bool_] | None
) -> NDArray[np.intp]:
    """The rows that `spec` judges; of a composite, those that one of the rules that it names judges."""
    wanted = np.ones(len(history.series), dtype=bool) if of is None else of.copy()
    if spec.where != Selector():
        wanted &= np.array([spec.where.matches(series) for series in history.series], dtype=bool)
    if names := parts_of(spec):
        by_name = {one.name: one for one in rules}
        among = np.zeros(wanted.shape, dtype=bool)
        for name in names:
            among[_matching(history, by_name[name], rules, None)] = True
        wanted &= among
    return np.flatnonzero(wanted)


@dataclass(frozen=True, slots=True, eq=False)
class _Asking:
    """One rule being asked about a history.

    `whole` is the history as a matrix, `immature` (S, T) what has to wait, `reach` how far back any of the rules looks.
    `told` grows: the points of which an earlier rule has said that there is no value, or that it has to wait. `quiet`
    when what the rule finds is for a composite to tell.
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

    def verdicts(self, rows: NDArray[np.intp]) -> Iterator[Verdict]:
        whole = self.whole
        matrix = whole.rows(rows)
        broken = ""
        try:
            answer = _checked(self.rule.assess(matrix), (rows.size, whole.at.size))
        except Exception as error:  # one broken rule must not silence the others
            broken = f"rule {self.spec.name!r} failed: {type(error).__name__}: {error}"
            answer = _nothing((rows.size, whole.at.size))
        names = rows.tolist()
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
        plain, anomalous = (judged & ~outside & (not broken)).tolist(), (judged & outside).tolist()
        if self.only_findings:
            yield from self._findings(rows, position, answer, judged & outside, tested, column=column, broken=broken)
            return
        bands = list(zip(*(_optional(part) for part in (expected, lower, upper, score)), strict=True))
        shown = bands if answer.drawn else [(None, None, None, band[3]) for band in bands]
        for local, (row, value) in enumerate(zip(rows, value_of.tolist(), strict=True)):
            if plain[local]:
                remark = answer.remarks.get((local, column), "")
                yield Verdict(series[row].key, interval, name, Status.OK, value, remark, None, *shown[local])
            elif anomalous[local]:
                yield self._anomaly(row, position, bands[local], answer, (local, column), tested=float(tested[local]))
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
