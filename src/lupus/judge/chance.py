"""What chance alone gives among many series: control of false discoveries across the series of one interval.

A rule that is right about 995 of 1,000 quiet points is wrong fifty times a day about 10,000 series. So what it finds at
one interval is looked at together, a family of whole tables and one of segments for each rule:

1. **p-value.** P(score >= s) = `share` x s ** -`decay` for s >= 1: the tail of the rule's own scores on quiet days.
   Scores are in units of each series' own residual tails (see the rules), so that one tail fits all: a power law over
   three decades, as heavy-tailed residuals have it (Hill, A simple general approach to inference about the tail of a
   distribution, Ann. Statist. 3, 1975). It was measured on the normal days of 262 public series and on 275 days of 764
   series of flights (docs/how-to/backtest.md; `make bench-rules` prints it).
2. **Control.** Benjamini and Hochberg's procedure over all series of the family that were judged (Controlling the
   false discovery rate, JRSS B 57, 1995): the k smallest p-values are told when the largest of them is at most
   rate x k / series. Series that move together, which is what a fault makes them do, raise k and pass together; one
   alone passes when it is far enough out. Under positive dependence the rate holds as well (Benjamini and Yekutieli,
   Annals of Statistics 29, 2001).

What is held back becomes a warning that says so. Rules whose bounds a person has set are not held back, nor are the
parts of composites, nor series of a file, which need not belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lupus.judge.rule import Rule

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tail:
    """How often a rule's score is at least s >= 1 on a quiet day: ``share * s ** -decay``."""

    share: float
    decay: float

    def of_wider(self, times: float) -> Tail:
        """The tail of scores in bands that are so many times as wide.

        >>> Tail(0.01, 2.0).of_wider(2.0)
        Tail(share=0.0025, decay=2.0)
        """
        return Tail(min(1.0, self.share * times**-self.decay), self.decay)

    def beyond(self, scores: Floats) -> Floats:
        """The p-values of `scores`, all of them at least 1.

        >>> Tail(0.01, 2.0).beyond(np.array([1.0, 10.0])).tolist()
        [0.01, 0.0001]
        """
        return self.share * np.power(np.maximum(scores, 1.0), -self.decay)


def discoveries(p_values: Floats, rate: float, *, among: int | None = None) -> Flags:
    """Which of the `p_values` (N,) are discoveries at this false discovery `rate`, by Benjamini and Hochberg (1995).

    `among` is the number of tests, when it is more than N: the p-values not given are larger than all that are.

    >>> discoveries(np.array([0.01, 0.9, 0.02, 0.5]), 0.05).tolist()
    [True, False, True, False]
    >>> discoveries(np.array([0.01, 0.02]), 0.05, among=400).tolist()
    [False, False]
    """
    if not p_values.size:
        return np.zeros(0, dtype=bool)
    ordered = np.sort(p_values)
    below = np.flatnonzero(ordered <= rate * np.arange(1, p_values.size + 1) / (among or p_values.size))
    return np.asarray(p_values <= ordered[below[-1]]) if below.size else np.zeros(p_values.size, dtype=bool)


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """Control of what one rule finds at one interval; `segmented` (S,) says which of its series are of segments."""

    tail: Tail
    rate: float
    segmented: Flags

    @classmethod
    def of(cls, rule: Rule, segmented: Flags) -> Control | None:
        """The control of `rule`, if it is one to be controlled: it has a `tail`, and its rate is below 1."""
        tail = getattr(rule, "tail", None)
        rate = getattr(getattr(rule, "parameters", None), "false_discoveries", 1.0)
        return cls(tail, rate, segmented) if isinstance(tail, Tail) and rate < 1 else None

    def held(self, score: Floats, anomalous: Flags, judged: Flags) -> Flags:
        """Which (S,) of the `anomalous` are held back, by their `score`, among all that were `judged`."""
        held = np.zeros(anomalous.shape, dtype=bool)
        if anomalous.any():
            for family in (self.segmented, ~self.segmented):
                among = np.flatnonzero(anomalous & family)
                told = discoveries(self.tail.beyond(score[among]), self.rate, among=int((judged & family).sum()))
                held[among] = ~told
        return held

    def words(self, row: int, score: float, judged: Flags) -> str:
        """Why the series in `row` is held back: ``chance gives 2.1 such values an interval among 764 series``."""
        among = int((judged & (self.segmented == self.segmented[row])).sum())
        expected = among * float(self.tail.beyond(np.array([score]))[0])
        return f"not told: chance alone gives {expected:.2g} such values an interval among {among:,} series"
