"""What the query answers, sorted into the whole and the segments of every interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lupus.measure.evaluation.metric import Counts
from lupus.measure.evaluation.shape import Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LABELLED = (Outcome.USED, Outcome.BAD_LABEL, Outcome.BAD_OUTPUT)


class Place(NamedTuple):
    """A group of rows: the interval (from 1), the part (-1 for the whole), the segment columns' values."""

    slice: int
    part: int = -1
    a: str | int | None = None
    b: str | int | None = None

    @property
    def order(self) -> tuple[int, int, str, str]:
        return (self.slice, self.part, str(self.a or ""), str(self.b or ""))


@dataclass(frozen=True, slots=True)
class Answers:
    """Rows of the answer by `place`; `group` is the number of a row's place in `places`, and the whole's are last.

    The whole is every row of the first part again, so a row may stand in two groups: `take` says which row of the
    query each is. `cells` are their cells, those below zero left out; `counts` has every place.
    """

    places: tuple[Place, ...]
    counts: Mapping[Place, Counts]
    group: NDArray[np.intp]
    take: NDArray[np.intp]


def sorted_out(arrays: Mapping[str, Any], parts: int) -> Answers:
    """The answer's rows by place; those of no slice, which are labels without a prediction, are left out."""
    import numpy as np

    rows = len(arrays["n"])
    slices = np.ma.filled(arrays["slice"], 0).astype(np.int64)
    part = np.ma.filled(arrays["part"], 0).astype(np.int64) if "part" in arrays else np.zeros(rows, dtype=np.int64)
    if parts:
        columns = [slices, part, *(_numbered(arrays[name]) for name in ("a", "b") if name in arrays)]
        key = np.zeros(rows, dtype=np.int64)
        for column in columns:
            key = key * (int(column.max(initial=0)) + 1) + column
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        values = [arrays[name][first].tolist() for name in ("a", "b") if name in arrays]
        places = [Place(*one) for one in zip(slices[first].tolist(), part[first].tolist(), *values, strict=True)]
    else:
        kinds, group = np.unique(slices, return_inverse=True)
        places = [Place(one) for one in kinds.tolist()]
    take = np.arange(rows)
    if parts:
        first = np.flatnonzero(part == 0)
        kinds, where = np.unique(slices[first], return_inverse=True)
        group = np.concatenate([group, where + len(places)])
        take = np.concatenate([take, first])
        places += [Place(one) for one in kinds.tolist()]
    counts = _counts(places, group, arrays["cell"][take], arrays["n"][take])
    keep = np.asarray((arrays["cell"][take] >= 0) & (slices[take] > 0))
    return Answers(tuple(places), counts, group[keep], take[keep])


def _numbered(values: Any) -> NDArray[np.int64]:
    """A number for each different value; text and nulls through a dictionary, hashes as they are."""
    import numpy as np

    if values.dtype.kind in "iu":
        found: NDArray[np.int64] = np.unique(np.ma.getdata(values), return_inverse=True)[1].astype(np.int64) + 1
        found[np.ma.getmaskarray(values)] = 0
        return found
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values.tolist()], dtype=np.int64)


def _counts(places: Sequence[Place], group: Any, cell: Any, n: Any) -> dict[Place, Counts]:
    import numpy as np

    size = len(places)

    def summed(outcomes: Sequence[Outcome]) -> list[int]:
        wanted = np.zeros(len(cell), dtype=bool)
        for outcome in outcomes:
            wanted |= np.asarray(cell >= 0 if outcome is Outcome.USED else cell == int(outcome))
        return np.bincount(group[wanted], n[wanted], minlength=size).astype(np.int64).tolist()  # type: ignore[no-any-return]

    columns = (
        summed([outcome for outcome in Outcome if outcome is not Outcome.NO_KEY]),
        summed(_LABELLED),
        summed([Outcome.BAD_LABEL]),
        summed([Outcome.USED]),
    )
    found = (Counts(*row) for row in zip(*columns, strict=True))
    return {place: counts for place, counts in zip(places, found, strict=True) if place.slice and counts.keys}


def without_copies(arrays: Mapping[str, Any], *, predictions: int, truths: int) -> bool | None:
    """Whether rows that were joined as they are had no copies of any key: None when predictions must be counted.

    Every row of both tables stands in a full join once, unless its key has a copy on the other side's; copies of
    predictions that have no label are the ones that this does not see.
    """
    import numpy as np

    part = np.ma.filled(arrays["part"], 0) if "part" in arrays else np.zeros(len(arrays["n"]))
    first, slices = part == 0, np.ma.filled(arrays["slice"], 0)
    cell, n = np.ma.filled(arrays["cell"], 0), arrays["n"]
    alone = (cell == int(Outcome.UNLABELLED)) | (cell == int(Outcome.NO_KEY))
    mine = int(n[first & (slices > 0)].sum())
    theirs = int(n[first & ((slices == 0) | ~alone)].sum())
    if (mine, theirs) != (predictions, truths):
        return False
    return None if int(n[first & (slices > 0) & (cell == int(Outcome.UNLABELLED))].sum()) else True


def without_key(arrays: Mapping[str, Any]) -> int:
    """Predictions whose key is not complete."""
    import numpy as np

    first = np.ma.filled(arrays["part"], 0) == 0 if "part" in arrays else np.ones(len(arrays["n"]), dtype=bool)
    mine = np.ma.filled(arrays["slice"], 0) > 0
    return int(arrays["n"][first & mine & (np.ma.filled(arrays["cell"], 0) == int(Outcome.NO_KEY))].sum())


def without_null_hashes(arrays: Mapping[str, Any], hashes: Sequence[Any]) -> dict[str, Any]:
    """The segment columns ``a`` and ``b`` with null in place of the `hashes` of null, which not every engine gives."""
    import numpy as np

    told = [hash_ for hash_ in hashes if hash_ is not None]
    named = {name: np.ma.asarray(arrays[name]) for name in ("a", "b") if name in arrays}
    return {
        name: np.ma.masked_array(values, np.ma.getmaskarray(values) | np.isin(np.ma.getdata(values), told))
        for name, values in named.items()
    }
