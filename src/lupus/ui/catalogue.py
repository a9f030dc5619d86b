"""The catalogue: every series, dictionary-coded in columns, so that the browser can search all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from lupus.store.standing import badness
from lupus.store.text import unescape
from lupus.ui.charts import roles
from lupus.ui.schemas.common import SEVERITIES, STATUSES

if TYPE_CHECKING:
    from lupus.store.views.rows import ProjectStand

_STALE: Final = {"hourly": 3, "daily": 60, "weekly": 180}
"""Days after which the newest verdict says nothing about today."""
_DAY: Final = 86_400
_STATUS: Final = {name: number for number, name in enumerate(STATUSES)}
_SEVERITY: Final[dict[str | None, int]] = {None: -1} | {name: number for number, name in enumerate(SEVERITIES)}


class _Words:
    """Words by place, in the order in which they came."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def place(self, word: str) -> int:
        return self._places.setdefault(word, len(self._places))

    def column(self, words: Sequence[str]) -> list[int]:
        known = self._places
        for word in dict.fromkeys(words):
            known.setdefault(word, len(known))
        return [known[word] for word in words]

    def all(self) -> list[str]:
        return [unescape(word) for word in self._places]


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
    by_id = {one.id: one for one in stands}
    if then is None:
        oldest = {one.id: (one.latest_start or 0) - _STALE.get(one.cadence, 60) * _DAY for one in stands}
        joined = [(row[:9], row[9:] if row[9] is not None and row[9] >= oldest[row[1]] else None) for row in rows]
    else:
        joined = [(row, then.get(row[0])) for row in rows]
    joined.sort(key=_worst_first, reverse=True)
    series = [one for one, _ in joined]
    words = {name: _Words() for name in ("projects", "groups", "roles", "tables", "columns", "metrics", "segments")}
    words |= {name: _Words() for name in ("units", "tags", "days", "incidents")}
    role_of = {(one.id, table): role for one in stands for table, role in roles(one.about).items()}
    columns: dict[str, list[Any]] = {
        "id": ["%016x" % row[0] for row in series],  # noqa: UP031 - a hundred thousand times
        "project": words["projects"].column([by_id[row[1]].name for row in series]),
        "group": words["groups"].column([row[2] for row in series]),
        "role": words["roles"].column([role_of.get((row[1], row[3]), "") for row in series]),
        "table": words["tables"].column([row[3] for row in series]),
        "column": words["columns"].column([row[4] for row in series]),
        "metric": words["metrics"].column([row[5] for row in series]),
        "segment": words["segments"].column([row[6] for row in series]),
        "unit": words["units"].column([row[7] for row in series]),
        "tag": words["tags"].column([row[8] for row in series]),
    }
    columns["day"] = [
        -1 if said is None else words["days"].place(keys.get((row[1], said[0]), "")) for row, said in joined
    ]
    columns["status"] = [-1 if said is None else _STATUS[said[1]] for _, said in joined]
    columns["severity"] = [-1 if said is None else _SEVERITY[said[2]] for _, said in joined]
    for name, part in (("score", 3), ("value", 4), ("expected", 5)):
        columns[name] = [None if said is None else _short(said[part]) for _, said in joined]
    columns["incident"] = [words["incidents"].place(incidents[row[0]]) if row[0] in incidents else -1 for row in series]
    dictionaries = {name: found.all() for name, found in words.items()}
    dictionaries["tags"] = [_tags(text) for text in dictionaries["tags"]]
    return {
        "version": version,
        "statuses": list(STATUSES),
        "severities": list(SEVERITIES),
        **dictionaries,
        **columns,
    }


def _worst_first(pair: tuple[Sequence[Any], Sequence[Any] | None]) -> tuple[int, float, int]:
    row, said = pair
    return (-1, 0.0, row[0]) if said is None else (*badness(said[1], said[3]), row[0])


def _short(value: float | None) -> float | None:
    """Four significant digits: a list shows no more, and the exact value is asked for with the chart."""
    return None if value is None else float(f"{value:.4g}")


def _tags(text: str) -> str:
    import json

    return ",".join(f"{name}={value}" for name, value in json.loads(text or "{}").items())
