"""The catalogue: every series, dictionary-coded in columns, so that the browser can search all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lupus.model import Status
from lupus.ui.charts import roles
from lupus.ui.columnar import document, short, slugs
from lupus.ui.schemas.common import SEVERITIES, STATUSES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lupus.store.listings import Listing
    from lupus.store.views.rows import ProjectStand

_STALE: Final = {"hourly": 3, "daily": 60, "weekly": 180}
"""Days after which the newest verdict says nothing about today."""
_DAY: Final = 86_400
_STATUS: Final = {name: number for number, name in enumerate(STATUSES)}
_SEVERITY: Final = {name: number for number, name in enumerate(SEVERITIES)}
_RANK: Final = [Status(name).rank for name in STATUSES]
_NAMES: Final = ("group", "table", "column", "metric", "segment", "unit")


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """The verdict of each series of a listing, in its order: start 0, codes -1 and NaN where there is none."""

    start: NDArray[np.int64]
    status: NDArray[np.int64]
    severity: NDArray[np.int64]
    score: NDArray[np.float64]
    value: NDArray[np.float64]
    expected: NDArray[np.float64]


def catalogue(
    stands: Sequence[ProjectStand],
    listing: Listing,
    verdicts: NDArray[Any],
    incidents: Mapping[int, str],
    keys: Mapping[tuple[int, int], str],
    *,
    version: str,
    newest: bool,
) -> bytes:
    """A `Catalog` as JSON; `listing`, `verdicts`, `incidents` and `keys` are what `Views.catalog` gives.

    Of the `newest` verdicts those that say nothing about today any more are left out.
    """
    import numpy as np

    by_id = {one.id: one for one in stands}
    home_of = [by_id[number] for number in listing.projects]
    by_number = np.argsort(listing.ids)
    said = _verdicts(listing.ids, by_number, verdicts)
    judged = said.start > 0
    if newest:
        oldest = [(one.latest_start or 0) - _STALE.get(one.cadence, 60) * _DAY for one in home_of]
        judged &= said.start >= np.array(oldest, np.int64)[listing.home]
    rank = np.where(judged, np.array(_RANK)[said.status], -1)
    order = np.lexsort((listing.ids, -np.nan_to_num(said.score), -rank))

    table_words, role_of = listing.words["table"], [roles(one.about) for one in home_of]
    role, role_words = _words_of_pairs(
        listing.home, listing.codes["table"], lambda at, one: role_of[at].get(table_words[one], "")
    )
    starts, start = np.unique(said.start, return_inverse=True)
    day, day_words = _words_of_pairs(
        listing.home, start, lambda at, one: keys.get((listing.projects[at], int(starts[one])), "")
    )
    incident_words = sorted(set(incidents.values()))
    incident = np.full(len(listing.ids), -1)
    held = np.array(list(incidents), np.int64)
    place, there = _places(listing.ids, by_number, held)
    codes = {one: code for code, one in enumerate(incident_words)}
    incident[place] = np.array([codes[one] for one in incidents.values()], np.int64)[there]

    def coded(values: NDArray[Any]) -> NDArray[Any]:
        return np.where(judged, values, -1)[order]

    def figures(values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Four significant digits: a list shows no more, and the exact value comes with the chart."""
        return short(np.where(judged, values, np.nan)[order])

    plain = {
        "version": version,
        "statuses": list(STATUSES),
        "severities": list(SEVERITIES),
        "projects": [one.name for one in home_of],
        "roles": role_words,
        **{f"{name}s": listing.words[name] for name in _NAMES},
        "tags": [_tags(text) for text in listing.words["tags"]],
        "days": day_words,
        "incidents": incident_words,
    }
    columns: dict[str, NDArray[Any]] = {
        "project": listing.home[order],
        "role": role[order],
        **{name: listing.codes[name][order] for name in _NAMES},
        "tag": listing.codes["tags"][order],
        "day": coded(day),
        "status": coded(said.status),
        "severity": coded(said.severity),
        "score": figures(said.score),
        "value": figures(said.value),
        "expected": figures(said.expected),
        "incident": incident[order],
    }
    return document(plain, columns, {"id": slugs(listing.ids[order])})


def _verdicts(ids: NDArray[np.int64], by_number: NDArray[np.int64], rows: NDArray[Any]) -> _Verdicts:
    """The worst of `rows` (`lupus.store.newest.ROW`) for each of `ids`."""
    import numpy as np

    from lupus.store import newest

    place, there = _places(ids, by_number, rows["series"])
    rows = rows[there]
    status = np.array([_STATUS[name] for name in newest.STATUSES])[rows["status"]]
    severity = np.array([*(_SEVERITY[name] for name in newest.SEVERITIES), -1])[rows["severity"]]
    # Of several on one series the last one written is the worst.
    order = np.lexsort((np.nan_to_num(rows["score"]), np.array(_RANK)[status]))

    def spread(values: NDArray[Any], nothing: Any) -> NDArray[Any]:
        found = np.full(len(ids), nothing, values.dtype)
        found[place[order]] = values[order]
        return found

    return _Verdicts(
        spread(rows["start"], 0),
        spread(status, -1),
        spread(severity, -1),
        *(spread(_finite(rows[name]), np.nan) for name in ("score", "value", "expected")),
    )


def _places(
    ids: NDArray[np.int64], by_number: NDArray[np.int64], numbers: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where in `ids` (which `by_number` sorts) each of `numbers` stands, and which of them stand there at all."""
    import numpy as np

    if not len(ids):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    found = by_number[np.minimum(np.searchsorted(ids, numbers, sorter=by_number), len(ids) - 1)]
    there = np.flatnonzero(ids[found] == numbers)
    return found[there], there


def _words_of_pairs(
    one: NDArray[Any], other: NDArray[Any], tell: Callable[[int, int], str]
) -> tuple[NDArray[np.int64], list[str]]:
    """Codes and words of what `tell` says of each pair; it is asked once for each different pair."""
    import numpy as np

    size = int(other.max(initial=0)) + 1
    pairs, back = np.unique(one * size + other, return_inverse=True)
    places: dict[str, int] = {}
    codes = [places.setdefault(tell(*divmod(pair, size)), len(places)) for pair in pairs.tolist()]
    return np.array(codes, np.int64)[back], list(places)


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return np.where(np.isfinite(values), values, np.nan)


def _tags(text: str) -> str:
    return ",".join(f"{name}={value}" for name, value in json.loads(text or "{}").items())
