"""Histories to Verdicts, all series of a project at once.

`judge` asks every rule for its band around every series and turns the answers into Verdicts. A rule is a pure
function of the columns before a point and the point itself: no clock, no I/O, and the point under test is never in
its own baseline. One interval and a replay of a year run through the same code and give the same verdicts.

    judge.verdicts        the order of questions asked of a point: is it there, is it mature, is it in its band
    judge.asking          one rule's answers as Verdicts
    judge.absence         what is said of points without a value
    judge.rule            the `Rule` protocol, and how kinds are found (entry points ``lupus.rules``)
    judge.threshold       a bound that must not be left, fixed or following another metric or a reference
    judge.recent_average  deviation from the average of recent intervals
    judge.trend_change    a level that went elsewhere and stays there
    judge.periodic        deviation from weekly, monthly and yearly change, with holidays
    judge.noise           how wide a band is
    judge.flatline        the same value again and again
    judge.validity        values that cannot be
    judge.sudden_variance values that jump about more, or less
    judge.new_category    categories and columns that were not there before
    judge.drift           effect sizes of drift, surely above their limit
    judge.missing         what ought to be there and is not
    judge.composite       all, any and n of m of other rules
    judge.kept            what moving windows gave, kept for the next interval
    judge.restarts        baselines that begin anew
    judge.chance          what chance alone gives among many series
    judge.segments        looking back: where a whole series changed
    judge.rolling         statistics of moving windows, over all series at once
    judge.scale           what makes counts, ratios and other numbers comparable
    judge.sentences       the plain sentence of a verdict
"""

from lupus.judge.asking import AcceptedLevel
from lupus.judge.chance import Tail
from lupus.judge.composite import AllRule, AnyRule, ForRule
from lupus.judge.drift import DriftRule
from lupus.judge.flatline import FlatlineRule
from lupus.judge.kept import Kept
from lupus.judge.missing import MissingRule
from lupus.judge.new_category import NewCategoryRule
from lupus.judge.periodic import PeriodicRule
from lupus.judge.recent_average import RecentAverageRule
from lupus.judge.rule import Anomaly, Assessment, Matrix, Rule, parts_of, rule_for
from lupus.judge.segments import change_points
from lupus.judge.sudden_variance import SuddenVarianceRule
from lupus.judge.threshold import ThresholdRule
from lupus.judge.trend_change import TrendChangeRule
from lupus.judge.validity import ValidityRule
from lupus.judge.verdicts import judge, lookback

__all__ = [
    "AcceptedLevel",
    "AllRule",
    "Anomaly",
    "AnyRule",
    "Assessment",
    "DriftRule",
    "FlatlineRule",
    "ForRule",
    "Kept",
    "Matrix",
    "MissingRule",
    "NewCategoryRule",
    "PeriodicRule",
    "RecentAverageRule",
    "Rule",
    "SuddenVarianceRule",
    "Tail",
    "ThresholdRule",
    "TrendChangeRule",
    "ValidityRule",
    "change_points",
    "judge",
    "lookback",
    "parts_of",
    "rule_for",
]
