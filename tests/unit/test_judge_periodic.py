"""`periodic`: weeks, months, years and holidays."""

import sys
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from judge_cases import DAILY, history, last
from lupus.judge import judge, lookback
from lupus.model import Cadence, CadenceKind, LupusError, PeriodicParameters, RuleSpec, Status

RANDOM = np.random.default_rng(11)


def periodic(**parameters):
    return RuleSpec("periodic", "periodic", parameters=parameters)


def found(values, rule, **more):
    one = history(values, **more)
    verdicts = judge(one, [rule], more.get("cadence", DAILY), at=range(len(one.intervals)))
    return [verdict.interval.key for verdict in verdicts if verdict.status is Status.ANOMALY]


def noise(size):
    return RANDOM.normal(100, 1, size)


def test_a_weekday_that_is_not_as_usual():
    weekly = noise(120) - 40 * (np.arange(120) % 7 == 2)
    assert found(weekly, periodic()) == []
    as_usual = np.append(weekly, 100.0)
    verdict = last(np.append(as_usual, 100.0), periodic())  # day 121 is such a weekday
    assert verdict.status is Status.ANOMALY
    assert "expected from the periodical change over the last 8" in verdict.sentence
    assert last(np.append(as_usual, 60.0), periodic()).status is Status.OK


def test_the_last_of_the_month():
    dates = [date.fromordinal(date(2025, 1, 1).toordinal() + day) for day in range(400)]
    payday = np.array([(date.fromordinal(day.toordinal() + 1)).day == 1 for day in dates])
    values = noise(400) + 30 * payday
    late = {key for key in found(values, periodic(), start="2025-01-01") if key >= "2025-09-01"}
    blind = {key for key in found(values, periodic(monthly=False), start="2025-01-01") if key >= "2025-09-01"}
    assert late == set()
    assert {
        day.isoformat() for day, pays in zip(dates, payday, strict=True) if pays and day >= date(2025, 9, 1)
    } >= blind


def test_the_same_week_of_last_year():
    days = np.arange(364 * 3)
    values = noise(days.size) + 30 * (days % 364 >= 350)
    start = f"{history(np.zeros((1, days.size))).intervals[364 * 2].key}"
    knowing = [key for key in found(values, periodic(yearly=True, monthly=False)) if key >= start]
    blind = [key for key in found(values, periodic(monthly=False)) if key >= start]
    assert len(knowing) < len(blind)


def test_hours_of_the_day():
    hourly = Cadence(CadenceKind.HOURLY)
    values = 50 + 30 * np.sin(np.arange(24 * 12) / 24 * 2 * np.pi) + RANDOM.normal(0, 1, 24 * 12)
    assert last(np.append(values, 50), periodic(), cadence=hourly).status is Status.OK
    assert last(np.append(values, 80), periodic(), cadence=hourly).status is Status.ANOMALY


@pytest.fixture
def calendar(monkeypatch):
    def country_holidays(country, subdiv=None, years=()):
        if country != "XX":
            raise NotImplementedError(f"Entity {country} not available")
        return {date(year, month, 2): "a day" for year in years for month in range(1, 13)}

    monkeypatch.setitem(sys.modules, "holidays", SimpleNamespace(country_holidays=country_holidays))


@pytest.mark.usefixtures("calendar")
def test_holidays_are_in_no_baseline_and_expected_or_watched():
    values = noise(125)  # 2026-01-01 to 2026-05-05
    days = np.array([date(2026, 1, 1).toordinal() + day for day in range(125)])
    free = np.array([date.fromordinal(day).day == 2 for day in days])
    values[free] = 0
    assert found(values, periodic(holidays="XX")) == []
    assert found(values, periodic(holidays="XX", on_holidays="watched", monthly=False))[-2:] == [
        "2026-04-02",
        "2026-05-02",
    ]
    one = history(values)
    verdicts = judge(one, [periodic(holidays="XX")], DAILY, at=[121])
    assert [(verdict.status, verdict.sentence) for verdict in verdicts] == [(Status.OK, "a holiday, so not judged")]
    assert verdicts[0].lower is None


@pytest.mark.usefixtures("calendar")
def test_an_unknown_country_is_named():
    with pytest.raises(LupusError, match="holidays 'QQ' are not known"):
        last(noise(50), periodic(holidays="QQ"))


def test_without_the_package_the_remedy_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(LupusError, match=r"pip install 'lupus\[holidays\]'"):
        last(noise(50), periodic(holidays="DE"))


def test_more_history_than_the_lookback_changes_nothing():
    for rule in (periodic(), periodic(monthly=False), periodic(yearly=True)):
        reach = lookback([rule], DAILY)
        values = RANDOM.normal(100, 1, (3, reach + 40)) + 20 * (np.arange(reach + 40) % 30 == 3)
        values[1, ::13] = np.nan
        whole = judge(history(values), [rule], DAILY, at=[reach + 39])
        start = history(values).intervals[39].key
        assert judge(history(values[:, 39:], start=start), [rule], DAILY, at=[reach]) == whole


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seasons": 1}, "seasons must be"),
        ({"min_history": 2}, "min_history must be"),
        ({"sensitivity": -1}, "positive"),
    ],
)
def test_parameters_that_do_not_fit(given, message):
    with pytest.raises(ValueError, match=message):
        PeriodicParameters(**given)
