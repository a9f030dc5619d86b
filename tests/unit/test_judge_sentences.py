"""The wording of verdicts, against tests/golden/judge_sentences.txt (rewritten with LUPUS_UPDATE_GOLDEN=1)."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from judge_cases import DAILY, RECENT, history, last
from lupus.judge import judge
from lupus.model import Cadence, CadenceKind, Failure, FailureKind, RuleSpec, Status, format_value

GOLDEN = Path(__file__).parent.parent / "golden" / "judge_sentences.txt"
NAN = float("nan")


def _noise(size, centre, spread):
    return np.random.default_rng(1).normal(centre, spread, size)


def _bound(**parameters):
    return RuleSpec("bound", "threshold", parameters=parameters)


def sentences():
    auc = np.append(_noise(60, 0.65, 0.006), 0.57)
    weekly = np.append(_noise(61, 1000, 10) - 400 * (np.arange(61) % 7 >= 5), 1000)
    up = RuleSpec("up", "recent_average", parameters={"direction": "up"})
    yield last(auc, metric="roc_auc")
    yield last(np.append(_noise(60, 0.02, 0.002), 0.0832), metric="null_ratio", unit="ratio", n=5000)
    yield last(np.append(_noise(60, 0.02, 0.002), 0.0832), up, metric="null_ratio", unit="ratio", n=5000)
    yield last(np.append(_noise(60, 950, 20), 12_345), metric="rows", unit="rows")
    yield last(np.append(_noise(60, 12_000_000, 100_000), 3_000_000), metric="rows", unit="rows")
    yield last(weekly, metric="duplicates", unit="rows", start="2026-01-05")
    yield last(np.append(_noise(60, 0, 1), -30), metric="bias")
    yield last(np.append(_noise(60, 250, 4), [600, 400]), metric="latency", unit="ms")
    weeks = Cadence(CadenceKind.WEEKLY)
    yield last(np.append(_noise(30, 10, 1), 60), cadence=weeks)
    ticks = Cadence(CadenceKind.CRON, cron="0 */6 * * *")
    yield last(np.append(_noise(30, 10, 1), 60), cadence=ticks)
    yield last([0.12], _bound(max=0.05), metric="null_ratio", unit="ratio")
    yield last([3.0], _bound(min=5), metric="rows", unit="rows")
    yield last([0.9999], _bound(min=1), metric="success_ratio", unit="ratio")
    yield last([1.0000001], _bound(max=1), metric="mean")
    yield last([-0.5], _bound(min=0, max=1), metric="mean")
    yield last(_noise(6, 1, 1))
    yield last([NAN], metric="rows", failures={(0, 0): Failure(FailureKind.NO_DATA, "no file by 09:00")})
    yield last([NAN], failures={(0, 0): Failure(FailureKind.MISSING_COLUMN, "")})
    yield last([np.inf])
    yield last([0.6], metric="roc_auc", maturity=0.624)
    yield last(_noise(60, 1, 0.1))
    yield from _sentences_of_other_kinds()


def _sentences_of_other_kinds():
    def kind(name, **parameters):
        return RuleSpec(name, name, parameters=parameters)

    def first(values, *rules, **more):
        """The first finding of the last rule."""
        one = history(values, **more)
        found = judge(one, rules, DAILY, at=range(len(one.intervals)))
        return next(verdict for verdict in found if verdict.rule == rules[-1].name and verdict.status.is_finding)

    quiet, weekdays = _noise(120, 100, 1), np.where(np.arange(60) % 7 < 5, 40.0, NAN)
    yield first(np.append(quiet, _noise(30, 108, 1)), kind("trend_change"), metric="auc")
    yield first(np.append(quiet, [quiet[-1]] * 4), kind("flatline"), metric="latency", unit="ms")
    yield last([1.2], kind("validity"), metric="positive_ratio", unit="ratio")
    weekly = np.append(_noise(90, 1000, 10) - 400 * (np.arange(90) % 7 >= 5), 200)
    yield first(weekly, kind("periodic"), metric="rows", unit="rows", start="2026-01-05")
    yield first(np.append(quiet, _noise(30, 100, 12)), kind("sudden_variance"), metric="latency", unit="ms")
    yield first(np.append(_noise(60, 0, 12), _noise(60, 0, 0.5)), kind("sudden_variance"), metric="score")
    yield last([0.0] * 9 + [0.05], kind("new_category"), metric="unseen_ratio", unit="ratio", n=900)
    yield last([0.0, 2.0], kind("new_category"), metric="new_columns")
    yield last([0.31], kind("drift"), metric="psi", n=1000)
    weekdays[45] = NAN
    yield first(weekdays, kind("missing"), metric="orders", start="2026-01-05")
    yield first(np.append(_noise(30, 1000, 10), 300), kind("missing"), metric="rows", unit="rows")
    yield last([1.0, 2.0, 0.5], _bound(min={"reference": "first", "intervals": 2, "factor": 0.9}), metric="auc")
    high = RuleSpec("high", "threshold", parameters={"max": 10})
    yield first([12.0, 9.0, 14.0], high, kind("for", rule="high", n=2, of=3))
    yield first([12.0], high, RuleSpec("odd", "validity"), kind("any", rules=["high", "odd"]))
    yield first([12.0], high, _bound(max=11), kind("all", rules=["high", "bound"]))
    shifted = np.append(quiet, _noise(60, 108, 1))
    told = judge(history(shifted, metric="auc"), [kind("trend_change")], DAILY, at=range(180))
    yield next(verdict for verdict in told if "accepted" in verdict.sentence)
    many = np.concatenate([_noise((900, 120), 100, 3), np.append(_noise(119, 100, 3), 130)[None, :]])
    among = judge(history(many, metric="latency", unit="ms"), [RECENT], DAILY, at=[119], together=True)
    yield next(verdict for verdict in among if verdict.status is Status.WARN)


def _line(verdict):
    severity = f" ({verdict.severity})" if verdict.severity else ""
    return f"{verdict.status}{severity}: {verdict.sentence}\n"


def test_sentences_read_well():
    text = "".join(_line(verdict) for verdict in sentences())
    if os.environ.get("LUPUS_UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_a_record_is_said_only_when_it_is_one():
    quiet = _noise(60, 10, 1)
    assert last(np.append(quiet, 30)).sentence.endswith("; the highest in 61 days")
    quiet[30] = 30
    assert last(np.append(quiet, 30)).sentence.endswith("; the highest in 30 days")
    quiet[50] = 30
    assert "highest" not in last(np.append(quiet, 30)).sentence


def test_a_sentence_of_yesterday_knows_nothing_of_today():
    values = np.append(_noise(60, 10, 1), [30, 40])
    before = judge(history(values[:-1]), [RECENT], DAILY, at=[60])
    assert judge(history(values), [RECENT], DAILY, at=[60]) == before


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "ratio", "0 %"),
        (1, "ratio", "100 %"),
        (0.99999, "ratio", "99.999 %"),
        (-0.0, "", "0"),
        (1e300, "", "1.00e+300"),
        (1e-300, "", "1e-300"),
        (999.6e6, "rows", "1,000M rows"),
        (-1, "rows", "-1 row"),
        (float("inf"), "", "infinity"),
        (float("-inf"), "", "-infinity"),
        (NAN, "", "not a number"),
        (1234.5, "ms", "1,234 ms"),
    ],
)
def test_numbers_as_people_read_them(value, unit, text):
    assert format_value(value, unit) == text


def test_importing_the_room_is_light():
    heavy = ("airflow", "great_expectations", "pandas", "statsmodels", "scipy", "duckdb", "ibis", "sqlalchemy")
    code = f"import sys, lupus.judge; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
