"""Which versions of the model made an interval's predictions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from lupus.measure.columns import kind_of
from lupus.measure.engine import Engine
from lupus.model import Snapshot, Table, VersionShare

if TYPE_CHECKING:
    import ibis

MOST_VERSIONS: Final = 50
"""More than these, the most frequent ones, are not versions but something else."""

_VIEW: Final = "model_versions"


def measure_versions(table: Table, snapshot: Snapshot, *, engine: Engine) -> tuple[VersionShare, ...]:
    """The versions in the predictions, the one with most rows first; of equal ones the later name.

    Rows without a version count for no version, and to the whole. Empty without a version column.
    """
    types = {name: kind_of(type_) for name, type_ in snapshot.schema}
    if not table.version or table.version not in types or not snapshot.usable or snapshot.path is None:
        return ()
    engine.show(_VIEW, [snapshot.path], [(table.version, "version")])
    kind = types[table.version]
    with engine.orderly(snapshot.rows):
        counted = engine.rows(("versions", kind), partial(_counts, "float64" if kind.numeric else "string"))
    whole = sum(rows for _, rows in counted)
    found = sorted(((str(name), rows) for name, rows in counted if name is not None), reverse=True)
    found.sort(key=lambda one: -one[1])
    return tuple(VersionShare(name, rows, rows / whole) for name, rows in found[:MOST_VERSIONS])


def _counts(type_: str) -> ibis.Table:
    """A row per version: its name and its number of rows."""
    import ibis

    versions = ibis.table({"version": type_}, name=_VIEW)
    names = versions.select(version=versions.version.cast("string"))
    return names.group_by("version").aggregate(rows=names.count())
