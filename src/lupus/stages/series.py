"""The rules over a file of series that Lupus did not measure: `lupus backtest --series`.

A file has the columns series_id, date and value; an empty value is a missing interval. Rows may come in any order.
The cadence is read off the dates: hourly when any has a time of day, weekly when all gaps are whole weeks, else daily.
Units are not in the file, and are guessed from the first values of each series, so that no later value changes what
was said of an earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lupus.model import (
    Cadence,
    CadenceKind,
    FlatlineParameters,
    History,
    Interval,
    LupusError,
    RecentAverageParameters,
    RuleSpec,
    Series,
    SeriesKey,
    Status,
    TrendChangeParameters,
    Verdict,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SERIES_RULES: Final = (
    RuleSpec("recent_average", "recent_average", parameters=asdict(RecentAverageParameters())),
    RuleSpec("trend_change", "trend_change", parameters=asdict(TrendChangeParameters())),
    RuleSpec("flatline", "flatline", parameters=asdict(FlatlineParameters())),
)
"""What judges a file when nobody says otherwise: one fixed configuration for all series."""

FLAG_COLUMNS: Final = (
    "series_id",
    "date",
    "flag",
    "score",
    "rule",
    "status",
    "expected",
    "lower",
    "upper",
    "reason",
)
"""The columns of what is said: one row for each value, of the rule that found the most in it."""

_COLUMNS: Final = ("series_id", "date", "value")
_HOURS: Final = {CadenceKind.HOURLY: 1, CadenceKind.DAILY: 24, CadenceKind.WEEKLY: 168}
_UNCOUNTABLE: Final = 1e15
_FIRST: Final = 28  # values that the unit is guessed from
_APART: Final = 200  # intervals between the starts of series that still share a matrix
_MOST: Final = 200_000  # intervals in one matrix: daily data of five centuries


class SeriesFileError(LupusError):
    """A file or frame of series that cannot be judged as it is; the message says what is wrong, and where."""


def read_series(path: Path) -> pd.DataFrame:
    """The series in a .csv, .csv.gz or .parquet file, with dates and numbers in place of texts.

    Raises `SeriesFileError` for a file that cannot be read, a missing column, and the first row that is no date or
    number.
    """
    import pandas as pd

    try:
        # Identifiers and dates stay as they are written: 007 is no number.
        texts = {"series_id": str, "date": str}
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=texts)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise SeriesFileError(f"{path} cannot be read: {error}; it must be .csv, .csv.gz or .parquet") from error
    return series_in(frame, str(path), first_row=2)


def series_in(frame: pd.DataFrame, where: str, *, first_row: int = 0) -> pd.DataFrame:
    """The columns series_id, date and value of `frame`, with dates (UTC) and numbers in place of texts.

    Raises `SeriesFileError` for a missing column, and for the first row that is no date or number; rows of `where` are
    counted from `first_row`.
    """
    import pandas as pd

    missing = [column for column in _COLUMNS if column not in frame.columns]
    if missing:
        raise SeriesFileError(f"{where} has no column {', '.join(missing)}; it must have {', '.join(_COLUMNS)}")
    frame = frame.loc[:, list(_COLUMNS)]
    numbers = pd.to_numeric(frame["value"], errors="coerce").astype(float)
    wrong = {"value": numbers.isna() & frame["value"].notna() & _written(frame["value"])}
    dates = pd.to_datetime(frame["date"], errors="coerce", utc=True, format="mixed" if len(frame) else None)
    wrong |= {"date": dates.isna(), "series_id": frame["series_id"].isna()}
    for column, rows in wrong.items():
        _refuse(where, frame, rows, column=column, first_row=first_row)
    return pd.DataFrame({"series_id": frame["series_id"].astype(str), "date": dates, "value": numbers})


def judge_series(frame: pd.DataFrame, rules: Sequence[RuleSpec] = SERIES_RULES) -> pd.DataFrame:
    """What `rules` say of every value in `frame` (series_id, date in UTC, value), in the columns `FLAG_COLUMNS`.

    Each value is judged from those before it only. Two different values of one series at one time are an `error`, and
    in no baseline. `flag` is 1 for findings. Raises `LupusError` for an unknown rule or parameters that do not fit.
    """
    import pandas as pd

    from lupus.judge import rule_for

    for rule in rules:  # before anything is read through
        rule_for(rule)
    cadence = _cadence(frame)
    step = pd.Timedelta(hours=_HOURS[cadence.kind])
    found: list[pd.DataFrame] = []
    for start, group in _groups(frame, step):
        found.append(_judge_group(group, start, step, cadence, rules))
    if not found:
        return pd.DataFrame(columns=list(FLAG_COLUMNS))
    return pd.concat(found, ignore_index=True)


def backtest_series(series: Path, out: Path, rules: Sequence[RuleSpec] = SERIES_RULES) -> Mapping[str, int]:
    """Judge the file `series` and write `out` (.csv, .csv.gz, .parquet); how many series, values and flags there are.

    Raises `LupusError` when a file or a rule does not serve.
    """
    flags = judge_series(read_series(series), rules)
    try:
        if out.suffix == ".parquet":
            flags.to_parquet(out, index=False)
        else:
            flags.to_csv(out, index=False)
    except OSError as error:
        raise SeriesFileError(f"{out} cannot be written: {error}") from error
    return {"series": flags["series_id"].nunique(), "values": len(flags), "flags": int(flags["flag"].sum())}


def find_change_points(series: Path, out: Path) -> Mapping[str, int]:
    """Write series_id,t to `out`: where each series in the file changed, looking back; how many series and changes.

    The file has series_id, value, and either date or t (a place in the series). `t` counts from 0. Raises
    `SeriesFileError` when a file does not serve.
    """
    import pandas as pd

    from lupus.judge import change_points

    try:
        frame = (
            pd.read_parquet(series) if series.suffix == ".parquet" else pd.read_csv(series, dtype={"series_id": str})
        )
    except (OSError, ValueError) as error:
        raise SeriesFileError(f"{series} cannot be read: {error}; it must be .csv, .csv.gz or .parquet") from error
    order = "t" if "t" in frame.columns else "date"
    missing = [column for column in ("series_id", order, "value") if column not in frame.columns]
    if missing:
        raise SeriesFileError(
            f"{series} has no column {', '.join(missing)}; it must have series_id, value, and t or date"
        )
    parts = []
    for name, part in frame.groupby("series_id", sort=False):
        at = part["t"] if order == "t" else pd.to_datetime(part["date"], utc=True, format="mixed")
        values = pd.to_numeric(part.assign(_at=at).sort_values("_at")["value"], errors="coerce").to_numpy(dtype=float)
        parts.append(pd.DataFrame({"series_id": name, "t": change_points(values)}))
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["series_id", "t"])
    try:
        found.to_csv(out, index=False)
    except OSError as error:
        raise SeriesFileError(f"{out} cannot be written: {error}") from error
    return {"series": len(parts), "changes": len(found)}


def guess_unit(values: NDArray[np.float64]) -> str:
    """What the first values (T,) of a series look like: ``rows`` (whole, none negative), ``ratio`` (0–1), or ``""``.

    >>> import numpy as np
    >>> [guess_unit(np.array(values)) for values in ([3.0, 17.0], [0.2, 0.7], [-1.5, 2.0], [0.0, 1.0])]
    ['rows', 'ratio', '', '']
    """
    import numpy as np

    first = values[np.isfinite(values)][:_FIRST]
    if not first.size or (first < 0).any() or np.isin(first, (0, 1)).all():
        return ""
    if (first <= 1).all():
        return "ratio"
    return "rows" if (first == np.round(first)).all() and first.max() < _UNCOUNTABLE else ""


def _written(values: pd.Series[Any]) -> pd.Series[bool]:
    """Where a text is more than the spaces and words that stand for nothing."""
    texts = values.astype(str).str.strip().str.lower()
    return ~texts.isin(("", "nan", "na", "null", "none"))


def _refuse(where: str, frame: pd.DataFrame, wrong: pd.Series[bool], *, column: str, first_row: int) -> None:
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        value = frame[column].iloc[row]
        kind = {"value": "number", "date": "date", "series_id": "name"}[column]
        count = int(wrong.sum())
        more = f" ({count:,} rows like this)" if count > 1 else ""
        raise SeriesFileError(f"{where}, row {row + first_row}: {column} {value!r} is no {kind}{more}; correct it")


def _cadence(frame: pd.DataFrame) -> Cadence:
    dates = frame["date"]
    if dates.empty:
        return Cadence(CadenceKind.DAILY)
    if (dates != dates.dt.floor("D")).any():
        odd = dates != dates.dt.floor("h")
        if odd.any():
            raise SeriesFileError(f"{dates[odd].iloc[0]} is no full hour; give one value for each hour, day or week")
        return Cadence(CadenceKind.HOURLY)
    days = frame.drop_duplicates(["series_id", "date"]).sort_values("date")
    gaps = days.groupby("series_id")["date"].diff().dropna().dt.days
    weekly = len(gaps) and (gaps % 7 == 0).all() and dates.dt.day_of_week.nunique() == 1
    return Cadence(CadenceKind.WEEKLY if weekly else CadenceKind.DAILY)


def _groups(frame: pd.DataFrame, step: pd.Timedelta) -> list[tuple[pd.Timestamp, pd.DataFrame]]:
    """The series that share a matrix, with its first date: those that begin near each other."""
    if frame.empty:
        return []
    starts = frame.groupby("series_id", sort=False)["date"].min().sort_values(kind="stable")
    groups: list[tuple[pd.Timestamp, list[str]]] = []
    for name, start in starts.items():
        if not groups or start - groups[-1][0] > _APART * step:
            groups.append((start, []))
        groups[-1][1].append(str(name))
    return [(start, frame[frame["series_id"].isin(names)]) for start, names in groups]


def _judge_group(
    group: pd.DataFrame, start: pd.Timestamp, step: pd.Timedelta, cadence: Cadence, rules: Sequence[RuleSpec]
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from lupus.judge import judge

    names = list(dict.fromkeys(group["series_id"]))
    row = group["series_id"].map({name: number for number, name in enumerate(names)}).to_numpy()
    place = ((group["date"] - start) // step).to_numpy()
    length = int(place.max()) + 1
    if length > _MOST:
        raise SeriesFileError(f"the dates span {length:,} intervals from {start}; is one of them mistyped?")
    values = np.full((len(names), length), np.nan)
    given = group["value"].to_numpy()
    twice = _contradictions(row, place, given)
    values[row, place] = given
    for one in twice:
        values[one] = np.nan
    first = cadence.parse(start.date().isoformat() if cadence.kind is not CadenceKind.HOURLY else start.isoformat())
    intervals = tuple(cadence.between(first, cadence.shift(first, length - 1)))
    history = History(
        series=tuple(
            Series(SeriesKey("file", "series", "", name), "business", guess_unit(values[number]))
            for number, name in enumerate(names)
        ),
        intervals=intervals,
        values=values,
        n=np.zeros(values.shape, dtype=np.int64),
        maturity=np.full(values.shape, np.nan),
        excluded=np.zeros(values.shape, dtype=bool),
        closed=np.ones(length, dtype=bool),
    )
    form = "%Y-%m-%dT%H:%M:%SZ" if cadence.kind is CadenceKind.HOURLY else "%Y-%m-%d"
    written = {interval: (start + number * step).strftime(form) for number, interval in enumerate(intervals)}
    best = _best(judge(history, rules, cadence, at=range(length)))
    rows = [_row(name, written[interval], verdict) for (name, interval), verdict in best.items()]
    for number, column in twice:
        reason = f"two different values for {written[intervals[column]]}"
        rows.append(
            (names[number], written[intervals[column]], 1, None, "", str(Status.ERROR), None, None, None, reason)
        )
    flags = pd.DataFrame(rows, columns=list(FLAG_COLUMNS))
    order = flags["series_id"].map({name: number for number, name in enumerate(names)})
    return flags.assign(_order=order).sort_values(["_order", "date"], kind="stable").drop(columns="_order")


def _contradictions(row: NDArray[Any], place: NDArray[Any], given: NDArray[Any]) -> list[tuple[int, int]]:
    """(row, place) that have two different values."""
    seen: dict[tuple[int, int], float] = {}
    found: dict[tuple[int, int], None] = {}
    for key, value in zip(zip(row.tolist(), place.tolist(), strict=True), given.tolist(), strict=True):
        other = seen.setdefault(key, value)
        if other != value and not (isnan(other) and isnan(value)):
            found[key] = None
    return list(found)


def _best(verdicts: Sequence[Verdict]) -> dict[tuple[str, Interval], Verdict]:
    """For each value the verdict that found the most in it; of equal ones the first rule's."""
    best: dict[tuple[str, Interval], Verdict] = {}
    for verdict in verdicts:
        key = (verdict.series.metric, verdict.interval)
        other = best.get(key)
        if other is None or _weight(verdict) > _weight(other):
            best[key] = verdict
    return best


def _weight(verdict: Verdict) -> tuple[bool, bool, float]:
    # Of what is fine, a band says more than a lack of history does, and a lack more than a rule without a band.
    return verdict.status.is_finding, verdict.lower is not None or verdict.upper is not None, verdict.score or 0.0


def _row(name: str, written: str, verdict: Verdict) -> tuple[Any, ...]:
    return (
        name,
        written,
        int(verdict.status.is_finding),
        verdict.score,
        verdict.rule,
        str(verdict.status),
        verdict.expected,
        verdict.lower,
        verdict.upper,
        verdict.sentence,
    )
