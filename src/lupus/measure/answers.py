"""Answers: the rows of a plan's query, as Profiles, cells and category counts by item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lupus.measure.cells import Cells
from lupus.measure.metrics import Profile
from lupus.measure.plan import Derive, Item, Plan
from lupus.measure.query import SUMS, Answer
from lupus.measure.states import Moments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Labels = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """The categories of a column: how many, in how many rows, their entropy in bits, the commonest by rows."""

    distinct: int
    total: int
    entropy: float
    top: int
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Answers:
    """What the query said of `rows` rows, by item number; segments by (segment number, labels)."""

    rows: int = 0
    cells: dict[int, Cells] = field(default_factory=dict)
    quantiles: dict[int, Mapping[float, float]] = field(default_factory=dict)
    categories: dict[int, Counted] = field(default_factory=dict)
    segments: dict[tuple[int, Labels], tuple[int, dict[int, Profile]]] = field(default_factory=dict)
    segment_cells: dict[tuple[int, Labels], dict[int, Cells]] = field(default_factory=dict)
    keys: tuple[int, int] = (0, 0)

    def profile(self, number: int, item: Item) -> Profile | None:
        """What is known of an item over the whole slice; None where the slice has no rows."""
        cells, counted = self.cells.get(number), self.categories.get(number)
        if item.wants_categories:
            if not self.rows:
                return None
            present = counted.total if counted is not None else 0
            moments = Moments(rows=self.rows, present=present, count=present, mean=1.0 if present else 0.0)
            if counted is None:
                return Profile(moments)
            return Profile(moments, distinct=counted.distinct, entropy=counted.entropy, top=counted.top)
        if cells is None:
            return None
        return profile_of(cells, item, quantiles=item.quantiles, exact=self.quantiles.get(number))

    def add(self, other: Answers, *, first: int) -> None:
        """Take in the answers of a plan whose items are those from number `first` on."""
        self.cells |= {first + number: cells for number, cells in other.cells.items()}
        self.quantiles |= {first + number: quantiles for number, quantiles in other.quantiles.items()}
        self.categories |= {first + number: counted for number, counted in other.categories.items()}
        for name, (rows, profiles) in other.segments.items():
            own = self.segments.setdefault(name, (rows, {}))
            own[1].update({first + number: profile for number, profile in profiles.items()})
        for name, cells in other.segment_cells.items():
            self.segment_cells.setdefault(name, {}).update({first + at: one for at, one in cells.items()})
        if other.keys != (0, 0):
            self.keys = other.keys


def profile_of(
    cells: Cells, item: Item, *, quantiles: Sequence[float], exact: Mapping[float, float] | None = None
) -> Profile:
    """The profile of an item from its cells; `quantiles` from the cells where there are no `exact` ones."""
    found = exact if exact is not None else cells.quantiles(quantiles)
    if item.derive is not Derive.HOURS or item.grid is None:
        return Profile(cells.moments, found)
    over = int(cells.counts(item.grid.cells + 2)[-1])
    return Profile(cells.moments, found, gap=cells.gap(item.grid.cells), over=over, span=item.grid.high)


def by_slice(found: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """The rows of a plan of many slices, by the slice's number."""
    import numpy as np

    slices = np.asarray(found["slice"])
    order = np.argsort(slices, kind="stable")
    numbers, starts = np.unique(slices[order], return_index=True)
    ordered = {name: values[order] for name, values in found.items() if name != "slice"}
    bounds = zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True)
    return {
        int(number): {name: values[start:end] for name, values in ordered.items()}
        for number, (start, end) in zip(numbers, bounds, strict=True)
    }


def read_answers(found: Mapping[str, Any], plan: Plan) -> Answers:
    """The rows of `lupus.measure.query.build`, given by column, sorted into `Answers`."""
    import numpy as np

    answers = Answers()
    kind = np.asarray(found["answer"])
    _read_cells(found, plan, answers)
    counts: dict[int, list[tuple[str, int]]] = {}
    for row in _rows(found, kind == Answer.CATEGORY):
        counts.setdefault(row["item"], []).append((row["label0"], int(row["v0"])))
    for row in _rows(found, (kind != Answer.CATEGORY) & (kind != Answer.CELL) & (kind != Answer.SEGMENT_CELL)):
        number = row["item"]
        numbers = row["numbers"].tolist() if row["numbers"] is not None else []
        if row["answer"] == Answer.QUANTILES:
            pairs = zip(plan.exact, numbers, strict=False)
            answers.quantiles[number] = {quantile: value for quantile, value in pairs if value is not None}
        elif row["answer"] == Answer.CATEGORIES:
            total = row["v1"]
            own = tuple(sorted(counts.get(number, ()), key=lambda pair: (-pair[1], pair[0])))
            bits = row["v2"]
            if len(own) == row["v0"]:  # added up in one order, so that it is the same however it was asked for
                n = np.array([rows for _, rows in own], dtype=np.float64)
                bits = float((n * np.log(n)).sum())
            # n·ln n summed over categories, to H = log2 N - Σ n log2 n / N; a single category has none.
            entropy = max((np.log(total) - bits / total) / np.log(2), 0.0) if row["v0"] > 1 else 0.0
            answers.categories[number] = Counted(int(row["v0"]), int(total), float(entropy), int(row["v3"]), own)
        elif row["answer"] == Answer.SEGMENT:
            labels = (row["label0"], row["label1"])[: len(plan.segments[number])]
            answers.segments[number, labels] = _segment(plan, numbers)
        elif row["v0"] is not None:
            answers.keys = (int(row["v0"]), int(row["v1"]))
    return answers


def _rows(found: Mapping[str, Any], where: Any) -> list[dict[str, Any]]:
    """The rows in which `where` is true; None where a value is masked."""
    columns = [values[where].tolist() for values in found.values()]
    return [dict(zip(found, row, strict=True)) for row in zip(*columns, strict=True)]


def _read_cells(found: Mapping[str, Any], plan: Plan, answers: Answers) -> None:
    """The cells of every item, and of every item in every segment."""
    import numpy as np

    kind = np.asarray(found["answer"])
    where = np.flatnonzero((kind == Answer.CELL) | (kind == Answer.SEGMENT_CELL))
    if not len(where):
        return
    kind, item = kind[where], np.asarray(found["item"])[where]
    place = _floats(found["place"][where])
    labels = [_coded(found[name][where]) for name in ("label0", "label1")]
    order = np.lexsort((place, *(codes for codes, _ in labels), item, kind))
    grouped = np.column_stack([kind, item, *(codes for codes, _ in labels)])[order]
    starts = np.flatnonzero(np.any(np.diff(grouped, axis=0, prepend=grouped[:1] - 1) != 0, axis=1))
    named = {"n": "v0"} | {name: f"v{at}" for at, name in enumerate(SUMS, start=1)}
    columns = {name: np.nan_to_num(_floats(found[alias][where]))[order] for name, alias in named.items()}
    place = place[order]
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        number, own = int(grouped[start, 1]), slice(start, end)
        part = {name: values[own] for name, values in columns.items()}
        if grouped[start, 0] == Answer.CELL:
            asked = plan.items[number]
            answers.cells[number] = Cells.of(place[own], part, center=asked.center, grid=asked.grid)
            continue
        segment, number = divmod(number, len(plan.items))
        both = [names[code] for code, (_, names) in zip(grouped[start, 2:], labels, strict=True)]
        of = answers.segment_cells.setdefault((segment, tuple(both[: len(plan.segments[segment])])), {})
        asked = plan.items[number]
        of[number] = Cells.of(place[own], part, center=asked.center, grid=asked.grid)


def _floats(values: Any) -> NDArray[np.float64]:
    """As floats, NaN where masked."""
    import numpy as np

    return np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)


def _coded(labels: Any) -> tuple[NDArray[np.intp], list[str | None]]:
    """Labels as numbers, and what each number stands for; null has one as well."""
    import numpy as np

    codes: dict[str | None, int] = {}
    numbers = [codes.setdefault(label, len(codes)) for label in labels.tolist()]
    return np.array(numbers, np.intp), list(codes)


def _segment(plan: Plan, numbers: Sequence[float | None]) -> tuple[int, dict[int, Profile]]:
    """Rows, and by item what the sums of `lupus.measure.query._segment` say."""
    rows, at = int(numbers[0] or 0), 1
    profiles = {}
    for number, item in enumerate(plan.items):
        if not item.segment_metrics:
            continue
        needs = item.segment_needs
        present, count = int(numbers[at] or 0), int(numbers[at + 1] or 0)
        sums = {need: value or 0.0 for need, value in zip(needs, numbers[at + 2 :], strict=False)}
        at += 2 + len(needs)
        moments = Moments.from_sums(rows=rows, present=present, count=count, center=item.center, sums=sums)
        profiles[number] = Profile(moments)
    return rows, profiles
