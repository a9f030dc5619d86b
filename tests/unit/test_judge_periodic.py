"""`periodic`: weeks, months, years and holidays."""

import sys
from datetime import date

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


def closed_on(*days, size=160):
    """160 days from 2026-01-01 on, with next to nothing on `days`."""
    values = noise(size)
    values[[date.fromisoformat(day).toordinal() - date(2026, 1, 1).toordinal() for day in days]] = 5.0
    return values


def test_holidays_are_expected_or_watched():
    # New Year, Martin Luther King, Washington, Memorial Day; the 9th of June is none.
    values = closed_on("2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-09")
    assert found(values, periodic(holidays="US")) == ["2026-06-09"]
    every = ["2026-02-16", "2026-05-25", "2026-06-09"]
    assert found(values, periodic(holidays="US", on_holidays="watched")) == every
    assert found(values, periodic(holidays="DE")) == ["2026-02-16", "2026-06-09"]  # Whit Monday is on 25 May too
    one = history(values)
    verdicts = judge(one, [periodic(holidays="US")], DAILY, at=[144])
    assert [(verdict.status, verdict.sentence) for verdict in verdicts] == [(Status.OK, "a holiday, so not judged")]
    assert verdicts[0].lower is None


def test_holidays_are_in_no_baseline():
    mondays = ("2026-01-19", "2026-02-16", "2026-05-25")
    values = closed_on(*mondays)
    with_them = judge(history(values), [periodic(on_holidays="watched")], DAILY, at=[151])[0]
    without = judge(history(values), [periodic(holidays="US", on_holidays="watched")], DAILY, at=[151])[0]
    assert without.upper - without.lower <= with_them.upper - with_them.lower
    clean = values.copy()
    clean[[18, 46, 144]] = np.nan
    assert judge(history(clean), [periodic(on_holidays="watched")], DAILY, at=[151])[0] == without


def test_regions_have_holidays_of_their_own():
    corpus_christi = closed_on("2026-06-04")
    assert found(corpus_christi, periodic(holidays="DE-BY")) == []
    assert found(corpus_christi, periodic(holidays="DE-BE")) == ["2026-06-04"]


@pytest.mark.parametrize("country", ["QQ", "DE-XX"])
def test_an_unknown_country_is_named(country):
    with pytest.raises(LupusError, match=f"holidays '{country}' are not known"):
        last(noise(50), periodic(holidays=country))


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
