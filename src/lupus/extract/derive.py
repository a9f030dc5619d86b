"""Derived columns: computed batch by batch while a slice is written, so that every later stage reads one snapshot.

A derivation that fails takes nothing else down: its columns are left out of the snapshot, which says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from lupus.extract.arrow import canonical_array
from lupus.extract.source import Slice, unknown
from lupus.model import Connections, Derivation, LupusError, PythonDerivation, SqlDerivation, parse_expression

if TYPE_CHECKING:
    import pyarrow as pa

Compute = Callable[["pa.RecordBatch"], Any]
"""One value per row of a batch, as an Arrow array; a struct array gives several columns. Raises `NotDerivedError`."""

_LONGEST_REASON: Final = 500


class NotDerivedError(LupusError):
    """A derived column could not be computed; the text says why, without any value of the data."""


class Derived:
    """The derived columns of one slice.

    `failed` has the reason, by column, of those that could not be computed; the `partial` ones among them were
    computed for earlier batches.
    """

    def __init__(self, wanted: Slice, connections: Connections) -> None:
        self._wanted = wanted
        self._connections = connections
        self._computes: dict[str, Compute] = {}
        self._columns: dict[str, list[str]] = {}
        self._stopped: set[str] = set()
        self.failed: dict[str, str] = {}
        self.partial: set[str] = set()

    def added(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The `batches` with the derived columns, without those that were only read for them."""
        for batch in batches:
            whole, given = batch, set[str]()
            for derivation in self._wanted.table.derived:
                if derivation.name not in self._stopped:
                    before, whole = whole, self._with(derivation, whole)
                    given.update(whole.schema.names[before.num_columns :])
            yield whole.select([name for name in whole.schema.names if name in given or self._wanted.keeps(name)])

    def _with(self, derivation: Derivation, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`batch` with the columns of `derivation`; as it is when that fails."""
        import pyarrow as pa

        try:
            array = self._compute(derivation)(batch)
            if len(array) != batch.num_rows:
                raise NotDerivedError(f"it gave {len(array)} values for {batch.num_rows} rows; give one per row")
            columns = _by_name(derivation.name, array)
            if taken := [name for name in columns if name in batch.schema.names]:
                raise NotDerivedError(f"there is a column {taken[0]!r} already; give the derived one another name")
        except NotDerivedError as error:
            self._stopped.add(derivation.name)
            # In part they would look like data that is missing.
            self.partial.update(self._columns.get(derivation.name, ()))
            for name in self._columns.get(derivation.name, [derivation.name]):
                self.failed[name] = str(error)[:_LONGEST_REASON]
            return batch
        known = self._columns.setdefault(derivation.name, [])
        known += [name for name in columns if name not in known]
        names = [*batch.schema.names, *columns]
        return pa.RecordBatch.from_arrays([*batch.columns, *columns.values()], names=names)

    def _compute(self, derivation: Derivation) -> Compute:
        compute = self._computes.get(derivation.name)
        if compute is None:
            compute = self._computes[derivation.name] = _compute_for(derivation, self._wanted, self._connections)
        return compute


def inputs_of(derived: Iterable[Derivation]) -> frozenset[str]:
    """The columns that `derived` need, in lower case; an expression that cannot be parsed needs none."""
    names: set[str] = set()
    for derivation in derived:
        if isinstance(derivation, SqlDerivation):
            try:
                names.update(parse_expression(derivation.sql).columns)
            except ValueError:
                continue
        elif isinstance(derivation, PythonDerivation):
            names.update(derivation.columns)
        else:
            names.add(derivation.files.column)
    return frozenset(name.casefold() for name in names)


def column_named(name: str, names: Sequence[str]) -> str:
    """The one of `names` that is `name`, or is so but for upper and lower case, as DuckDB has it."""
    if name in names:
        return name
    alike = [one for one in names if one.casefold() == name.casefold()]
    if len(alike) > 1:
        raise NotDerivedError(f"{name!r} may be {' or '.join(map(repr, alike))}; write one of them exactly")
    if not alike:
        raise NotDerivedError(unknown("column", name, names))
    return alike[0]


def _compute_for(derivation: Derivation, wanted: Slice, connections: Connections) -> Compute:
    if isinstance(derivation, SqlDerivation):
        from lupus.extract.derive_sql import sql_compute

        return sql_compute(derivation, wanted.table.timezone)
    if isinstance(derivation, PythonDerivation):
        from lupus.extract.derive_python import python_compute

        return python_compute(derivation)
    from lupus.extract.media import media_compute

    return media_compute(derivation, connections)


def _by_name(name: str, array: Any) -> dict[str, Any]:
    """The columns that `array` gives, in canonical types: itself, or one per field of a struct."""
    import pyarrow as pa

    if not pa.types.is_struct(array.type):
        return {name: canonical_array(array)}
    fields = [array.type.field(place).name for place in range(array.type.num_fields)]
    if not fields or len(set(fields)) < len(fields):
        raise NotDerivedError("it gave a struct without fields, or with two of one name")
    return {f"{name}_{field}": canonical_array(part) for field, part in zip(fields, array.flatten(), strict=True)}
