"""The catalogue: every series, dictionary-coded in columns, so that the browser can search all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from lupus.model import Status
from lupus.store.text import unescape
from lupus.ui.charts import roles
from lupus.ui.schemas.common import SEVERITIES, STATUSES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lupus.store.views.rows import ProjectStand

_STALE: Final = {"hourly": 3, "daily": 60, "weekly": 180}
"""Days after which the newest verdict says nothing about today."""
_DAY: Final = 86_400
_STATUS: Final[dict[str | None, int]] = {None: -1} | {name: number for number, name in enumerate(STATUSES)}
_RANKS: Final[dict[str | None, int]] = {None: -1} | {status.value: status.rank for status in Status}
_NOTHING: Final = (None,) * 6
_DICTIONARIES: Final = (
    "projects", "groups", "roles", "tables", "columns", "metrics", "segments", "units", "tags", "days", "incidents",
)  # fmt: skip
_SEVERITY: Final[dict[str | None, int]] = {None: -1} | {name: number for number, name in enumerate(SEVERITIES)}


class _Words:
    """Words by place, in the order in which they came."""

    def __init__(self) -> None:
        self._words: list[str] = []

    def codes(self, words: Iterable[str]) -> NDArray[np.int64]:
        """The place of each word. To be asked once."""
        import numpy as np
        import pyarrow as pa

        # Escaped text, as the store has it, is text for Arrow too.
        coded = pa.array(list(words), pa.string()).dictionary_encode()
        self._words = coded.dictionary.to_pylist()
        return coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)  # type: ignore[no-any-return]

    def codes_of_pairs(
        self, one: NDArray[np.int64], other: NDArray[np.int64], tell: Callable[[int, int], str]
    ) -> NDArray[np.int64]:
        """The place of the word that `tell` says of each pair of codes; it is asked once for each different pair."""
        import numpy as np

        size = int(other.max(initial=0)) + 1
        pairs, back = np.unique(one * size + other, return_inverse=True)
        return self.codes(tell(*divmod(pair, size)) for pair in pairs.tolist())[back]

    def all(self) -> list[str]:
        return [unescape(word) for word in self._words]


def catalogue(
    stands: Sequence[ProjectStand],
    rows: Sequence[Sequence[Any]],
    then: Mapping[int, Sequence[Any]] | None,
    incidents: Mapping[int, str],
    keys: Mapping[tuple[int, int], str],
    *,
    version: str,
) -> dict[str, Any]:
    """A `Catalog` as plain values; `rows`, `then`, `incidents` and `keys` are what `Views.catalog` gives."""
    import numpy as np

    columns = list(zip(*rows, strict=True)) or [()] * 15
    numbers, homes, groups, tables, names, metrics, segments, units, tags = columns[:9]
    by_id = {one.id: one for one in stands}
    home_ids, home = np.unique(np.array(homes, np.int64), return_inverse=True)
    home_of = [by_id[number] for number in home_ids.tolist()]
    if then is None:
        verdicts = columns[9:15]
    else:
        verdicts = list(zip(*(then.get(number, _NOTHING) for number in numbers), strict=True)) or [()] * 6
    starts, statuses, severities, scores, values, expected = verdicts
    start_ids, start = np.unique(np.array([one or 0 for one in starts], np.int64), return_inverse=True)
    judged = start_ids[start] > 0
    if then is None:
        oldest = [(one.latest_start or 0) - _STALE.get(one.cadence, 60) * _DAY for one in home_of]
        judged &= start_ids[start] >= np.array(oldest, np.int64)[home]
    score = _floats(scores)
    ranks = np.array([_RANKS[status] for status in statuses], np.int64)
    badness = np.where(judged, ranks, -1)
    order = np.lexsort((np.array(numbers, np.int64), -np.nan_to_num(score), -badness))

    def ordered(codes: Any) -> list[Any]:
        return np.asarray(codes, np.int64)[order].tolist()  # type: ignore[no-any-return]

    def figures(column: Any) -> list[float | None]:
        """Four significant digits: a list shows no more, and the exact value comes with the chart."""
        short = _rounded(np.where(judged, _floats(column), np.nan))[order]
        found: list[float | None] = short.tolist()
        return [None if value != value else value for value in found] if np.isnan(short).any() else found  # noqa: PLR0124

    words = {name: _Words() for name in _DICTIONARIES}
    table = words["tables"].codes(tables)
    known, role_of = words["tables"].all(), [roles(one.about) for one in home_of]
    role = words["roles"].codes_of_pairs(home, table, lambda place, one: role_of[place].get(known[one], ""))
    day = words["days"].codes_of_pairs(
        home, start, lambda place, one: keys.get((int(home_ids[place]), int(start_ids[one])), "")
    )
    held = [incidents.get(number) for number in numbers]
    has = np.array([one is not None for one in held], bool)
    columns_out = {
        "id": ["%016x" % numbers[place] for place in order.tolist()],  # noqa: UP031 - a hundred thousand times
        "project": ordered(words["projects"].codes(one.name for one in home_of)[home] if numbers else []),
        "group": ordered(words["groups"].codes(groups)),
        "role": ordered(role),
        "table": ordered(table),
        "column": ordered(words["columns"].codes(names)),
        "metric": ordered(words["metrics"].codes(metrics)),
        "segment": ordered(words["segments"].codes(segments)),
        "unit": ordered(words["units"].codes(units)),
        "tag": ordered(words["tags"].codes(tags)),
        "day": ordered(np.where(judged, day, -1)),
        "status": ordered(np.where(judged, [_STATUS[status] for status in statuses], -1)),
        "severity": ordered(np.where(judged, [_SEVERITY[severity] for severity in severities], -1)),
        "score": figures(scores),
        "value": figures(values),
        "expected": figures(expected),
    }
    open_ones = [one for one in held if one is not None]
    places = np.full(len(numbers), -1, np.int64)
    places[has] = words["incidents"].codes(open_ones)
    columns_out["incident"] = ordered(places)
    dictionaries = {name: found.all() for name, found in words.items()}
    dictionaries["tags"] = [_tags(text) for text in dictionaries["tags"]]
    return {
        "version": version,
        "statuses": list(STATUSES),
        "severities": list(SEVERITIES),
        **dictionaries,
        **columns_out,
    }


def _floats(column: Sequence[float | None]) -> NDArray[np.float64]:
    import numpy as np

    found = np.array(column, dtype=np.float64)  # None becomes NaN
    found[np.isinf(found)] = np.nan
    return found


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """To four significant digits, so that each number is short when it is written out."""
    import numpy as np

    found = values.copy()
    used = np.isfinite(values) & (values != 0)
    exponents = np.zeros(len(values), np.int64)
    exponents[used] = np.floor(np.log10(np.abs(values[used]))).astype(np.int64)
    for exponent in np.unique(exponents[used]).tolist():
        if -300 < exponent < 300:
            chosen = used & (exponents == exponent)
            found[chosen] = np.round(values[chosen], 3 - exponent)
    return found


def _tags(text: str) -> str:
    return ",".join(f"{name}={value}" for name, value in json.loads(text or "{}").items())
