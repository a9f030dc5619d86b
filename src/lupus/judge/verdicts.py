"""`judge`: the questions asked of every point, in order, and the Verdicts that answer them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lupus.judge.asking import AcceptedLevel, Asking
from lupus.judge.kept import Kept
from lupus.judge.rule import Matrix, parts_of, rule_for
from lupus.judge.scale import LARGEST, unit_of
from lupus.model import WHOLE, Cadence, History, RuleSpec, Verdict


def judge(
    history: History,
    rules: Sequence[RuleSpec],
    cadence: Cadence,
    *,
    at: Sequence[int],
    mature_at: float = 0.9,
    only_findings: bool = False,
    of: NDArray[np.bool_] | None = None,
    together: bool = False,
    accepted: list[AcceptedLevel] | None = None,
    kept: Kept | None = None,
) -> list[Verdict]:
    """The verdicts at the interval positions `at`, of every rule on every series that it matches and that has a point.

    Asked of each point, in this order: is there a value (see `judge.absence`); have enough labels
    come (maturity of at least `mature_at`, or the interval is closed), else `immature`; does the rule know
    enough to judge, else `ok` with a sentence that says how much is missing; is the value in the rule's band.
    Anomalies are low from a score of 1, medium from 1.5, high from 2.5, critical from 4, unless
    the rule's spec says otherwise.

    Of the series only those `of` (S,) are judged, if it is given; others are there for rules that compare with them.
    A rule that a composite names gives `warn` where it found something: the composite decides whether that is told.
    With `together` the series are those of one project, and what chance alone gives among so many is a `warn`, too
    (`judge.chance`). Levels that are accepted at one of the positions are added to `accepted`, when it is given.

    A verdict depends on the point and on columns before it, of the other series as well with `together`. Excluded and
    immature points are judged, or not, but are in no baseline. What is absent or has to wait is told once, by the
    first rule that matches.
    With what rules have `kept` from the interval before they compute less, and say the same.

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
    known = kept or Kept()
    finite = np.abs(history.values) <= LARGEST  # false for NaN too
    # NaN maturity compares as false both ways: metrics that need no labels are never immature.
    immature = (history.maturity < mature_at) & ~history.closed[None, :]
    whole = Matrix(
        values=np.where(finite, history.values, np.nan),
        baseline=np.where(finite & ~history.excluded & ~immature, history.values, np.nan),
        n=history.n,
        units=known.same("units", history.series, lambda: _units(history)),
        season=cadence.season,
        at=np.array(positions, dtype=np.intp),
        intervals=history.intervals,
        cadence=cadence,
        series=history.series,
        low=history.low,
        high=history.high,
        waiting=immature if immature.any() else None,
        since=history.since,
    )
    segmented = np.array([series.key.segment != WHOLE for series in history.series], dtype=bool) if together else None
    reach = max((rule.lookback(cadence.season) for _, rule in made), default=0)
    verdicts: list[Verdict] = []
    told: set[tuple[int, int]] = set()
    for spec, rule in made:
        given = (history.series, rules, None if of is None else of.tobytes())
        rows = known.same(("rows", spec.name), given, partial(_matching, history, spec, rules, of))
        if rows.size:
            quiet = spec.name in parts
            matrix = whole if kept is None else replace(whole, kept=kept.of(spec.name))
            asking = Asking(
                history, matrix, immature, cadence, spec, rule, mature_at, reach, only_findings, told, quiet, segmented
            )
            verdicts.extend(asking.verdicts(rows, accepted))
    return verdicts


def lookback(rules: Sequence[RuleSpec], cadence: Cadence) -> int:
    """How many intervals before a point can change its verdict: loading more changes nothing, less is allowed.

    >>> from lupus.model import CadenceKind
    >>> lookback([RuleSpec("deviation", "recent_average")], Cadence(CadenceKind.DAILY))
    126
    """
    return max((rule_for(spec, rules).lookback(cadence.season) for spec in rules), default=0)


def _units(history: History) -> NDArray[np.str_]:
    return np.array([unit_of(series) for series in history.series], dtype=np.str_)


def _matching(
    history: History, spec: RuleSpec, rules: Sequence[RuleSpec], of: NDArray[np.bool_] | None
) -> NDArray[np.intp]:
    """The rows that `spec` judges; of a composite, those that one of the rules that it names judges."""
    wanted = np.ones(len(history.series), dtype=bool) if of is None else of.copy()
    if not spec.where.is_any:
        for row in np.flatnonzero(wanted).tolist():
            wanted[row] = spec.where.matches(history.series[row])
    if names := parts_of(spec):
        by_name = {one.name: one for one in rules}
        among = np.zeros(wanted.shape, dtype=bool)
        for name in names:
            among[_matching(history, by_name[name], rules, None)] = True
        wanted &= among
    return np.flatnonzero(wanted)
