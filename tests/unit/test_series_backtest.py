"""`lupus backtest --series`: files in, what is said of each value out."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from lupus.cli.main import app
from lupus.model import LupusError
from lupus.stages import SeriesFileError, backtest_series, find_change_points, judge_series, read_series, rule_from_text

RANDOM = np.random.default_rng(3)


def frame(values, name="a", start="2026-01-01", freq="D"):
    dates = pd.date_range(start, periods=len(values), freq=freq)
    return pd.DataFrame({"series_id": name, "date": dates.astype(str), "value": values})


def written(tmp_path, table, name="in.csv"):
    path = tmp_path / name
    if name.endswith(".parquet"):
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)
    return path


def spiked(size=80):
    values = RANDOM.normal(50, 1, size)
    values[-1] = 90
    return values


@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz", "in.parquet"])
@pytest.mark.parametrize("out", ["out.csv", "out.csv.gz", "out.parquet"])
def test_every_format_in_and_out(tmp_path, name, out):
    path = written(tmp_path, frame(spiked()), name)
    assert backtest_series(path, tmp_path / out) == {"series": 1, "values": 80, "flags": 1}
    flags = pd.read_parquet(tmp_path / out) if out.endswith("t") else pd.read_csv(tmp_path / out)
    names = "series_id date flag score rule status expected lower upper reason"
    assert list(flags.columns) == names.split()
    last = flags.iloc[-1]
    assert (last.date, last.flag, last.rule, last.status) == ("2026-03-21", 1, "recent_average", "anomaly")
    assert "a 90 is above" in last.reason


def test_order_and_gaps_in_the_file_do_not_matter(tmp_path):
    whole = frame(spiked())
    whole.loc[[3, 17], "value"] = np.nan
    said = judge_series(read_series(written(tmp_path, whole)))
    shuffled = judge_series(read_series(written(tmp_path, whole.sample(frac=1, random_state=1))))
    without = judge_series(read_series(written(tmp_path, whole.dropna())))
    pd.testing.assert_frame_equal(said.reset_index(drop=True), shuffled.reset_index(drop=True))
    pd.testing.assert_frame_equal(said.reset_index(drop=True), without.reset_index(drop=True))
    assert len(said) == 78


def test_nothing_said_of_a_day_changes_when_later_days_come(tmp_path):
    table = pd.concat([frame(spiked(), "a"), frame(RANDOM.normal(0.5, 0.01, 120), "b", "2025-01-01")])
    table = table.assign(date=pd.to_datetime(table["date"], utc=True))
    cut = table[table["date"] <= "2026-02-20"]
    whole = judge_series(table)
    before = whole[pd.to_datetime(whole["date"], utc=True) <= "2026-02-20"]
    pd.testing.assert_frame_equal(judge_series(cut).reset_index(drop=True), before.reset_index(drop=True))


def test_two_values_for_one_day_are_an_error_and_the_same_twice_is_not(tmp_path):
    table = frame(spiked())
    twice = pd.concat([table, table.iloc[[5]], table.iloc[[9]].assign(value=1.0)])
    said = judge_series(read_series(written(tmp_path, twice)))
    assert said["status"].value_counts()["error"] == 1
    (row,) = said[said["status"] == "error"].itertuples()
    assert (row.date, row.flag, row.reason) == ("2026-01-10", 1, "two different values for 2026-01-10")


def test_cadences(tmp_path):
    weekly = judge_series(read_series(written(tmp_path, frame(spiked(), freq="7D", start="2026-01-07"))))
    assert (weekly.iloc[-1].date, weekly.iloc[-1].flag) == ("2027-07-14", 1)
    # The hour that comes twice in autumn has two offsets.
    hours = pd.date_range("2026-10-20", periods=400, freq="h", tz="Europe/Berlin")
    table = pd.DataFrame({"series_id": "h", "date": hours.astype(str), "value": RANDOM.normal(5, 1, 400)})
    hourly = judge_series(read_series(written(tmp_path, table)))
    assert len(hourly) == 400
    assert set(hourly["status"]) == {"ok"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("series_id,date\na,2026-01-01\n", "has no column value; it must have series_id, date, value"),
        ("series_id,date,value\na,2026-01-01,1\na,soon,2\n", "row 3: date 'soon' is no date; correct it"),
        ("series_id,date,value\na,2026-01-01,many\n", "row 2: value 'many' is no number; correct it"),
        ("series_id,date,value\n,2026-01-01,1\n", "row 2: series_id nan is no name"),
        ("series_id,date,value\na,2026-01-01T10:30,1\n", "is no full hour"),
        ("series_id,date,value\na,1026-01-01,1\na,2026-01-01,1\n", "is one of them mistyped"),
        ("", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, message):
    path = tmp_path / "in.csv"
    path.write_text(text)
    with pytest.raises(SeriesFileError, match=message):
        judge_series(read_series(path))


@pytest.mark.parametrize(
    "values", [[], [1.0], [np.nan] * 5, [1e300] * 40, [1e-300] * 40, [np.inf, 1e305, 3.0], [0.0] * 40]
)
def test_odd_values_give_verdicts_with_finite_numbers(tmp_path, values):
    said = judge_series(read_series(written(tmp_path, frame(values))))
    assert len(said) == np.count_nonzero(~np.isnan(values))
    numbers = said[["score", "expected", "lower", "upper"]].astype(float).to_numpy()
    assert not np.isinf(numbers).any()


def test_rules_from_text():
    spec = rule_from_text("recent_average:sensitivity=5,direction=up")
    assert (spec.kind, spec.parameters) == ("recent_average", {"sensitivity": 5, "direction": "up"})
    for text, message in (
        ("recent_averge", "did you mean 'recent_average'"),
        ("recent_average:windw=3", "no parameter 'windw'; did you mean 'window'"),
        ("recent_average:window", "not of the form parameter=value"),
        ("recent_average:window=2", "min_history must be between"),
        ("threshold", "a threshold rule needs min or max"),
    ):
        with pytest.raises(LupusError, match=message):
            rule_from_text(text)


def test_the_command(tmp_path):
    path, out = written(tmp_path, frame(spiked())), tmp_path / "out.csv"
    done = CliRunner().invoke(app, ["backtest", "--series", str(path), "--out", str(out), "--rule", "threshold:max=80"])
    assert done.exit_code == 0, done.output
    assert pd.read_csv(out)["flag"].sum() == 1
    for arguments in (
        [],
        ["--series", "none.csv", "--out", "x"],
        ["--series", str(path), "--out", "x", "--rule", "zz"],
    ):
        assert CliRunner().invoke(app, ["backtest", *arguments]).exit_code == 2


def test_change_points_of_a_file(tmp_path):
    values = RANDOM.normal(0, 1, 100) + 9 * (np.arange(100) >= 60)
    table = pd.DataFrame({"series_id": "a", "t": range(100), "value": values}).sample(frac=1, random_state=2)
    assert find_change_points(written(tmp_path, table), tmp_path / "cp.csv") == {"series": 1, "changes": 1}
    assert (tmp_path / "cp.csv").read_text() == "series_id,t\na,60\n"
    dated = frame(values)
    find_change_points(written(tmp_path, dated), tmp_path / "cp.csv")
    assert (tmp_path / "cp.csv").read_text() == "series_id,t\na,60\n"
    with pytest.raises(SeriesFileError, match="has no column value"):
        find_change_points(written(tmp_path, dated.drop(columns="value")), tmp_path / "cp.csv")
