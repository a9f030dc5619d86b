"""The engine: one DuckDB connection that runs compiled Ibis expressions over Parquet snapshots."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from lupus.measure.prepared import PreparedSlices
from lupus.model import MeasureError, Series, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis import Table as Expression


_FEW = 50


class TableEngine(Protocol):
    """What `measure_table` needs of an engine; see `Engine` and `lupus.measure.backends.BackendEngine`.

    `portable` engines are not DuckDB. `slice` is the table that was shown, unless it is read by its name.
    """

    portable: bool
    upright_rows: int
    threads: int
    series: dict[Hashable, Series]
    plans: dict[Hashable, Any]
    queries: list[str]

    @property
    def slice(self) -> Expression | None: ...

    def show_slice(
        self, view: str, slice_: Any, width: int, more: Sequence[int], *, schema: Hashable = None
    ) -> None: ...

    def source(self, snapshot: Snapshot) -> Any: ...

    def show(self, view: str, files: Sequence[Any], columns: Sequence[tuple[str, str]]) -> None: ...

    def stream(self, view: str, batches: pa.RecordBatchReader) -> None: ...

    def arrays(self, key: Hashable, build: Callable[[], Expression]) -> dict[str, Any]: ...

    def rows(self, key: Hashable, build: Callable[[], Expression]) -> list[tuple[Any, ...]]: ...

    def table(
        self, key: Hashable, build: Callable[[], Sequence[Expression]], *, columns: Collection[int] = ()
    ) -> dict[str, Any]: ...

    def modest(self) -> AbstractContextManager[None]: ...

    def orderly(self, rows: int) -> AbstractContextManager[None]: ...


class Engine:
    """Runs one query per table and remembers what Ibis compiled, for compiling costs more than running.

    `threads` defaults to the machine's cores; `memory_limit` is DuckDB's text (``"2GB"``). Use it for many
    intervals, from one thread, and close it, or use it in a ``with`` statement. `queries` lists the SQL
    that was run, oldest first. Slices of up to `upright_rows` rows are turned upright: there planning costs more
    than reading, and quantiles can be exact.
    """

    portable = False

    def __init__(
        self, *, threads: int | None = None, memory_limit: str | None = None, upright_rows: int = 50_000
    ) -> None:
        self.upright_rows = upright_rows
        self.threads = threads or os.cpu_count() or 1
        self.slice: None = None  # what is shown is read by its name
        self._settings: dict[str, Any] = {
            "temp_directory": str(Path(tempfile.gettempdir()) / f"lupus-duckdb-{os.getpid()}"),
            # Names in the data are not Python variables, and nothing is fetched from anywhere.
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            # A file's statistics leave NaN out, and DuckDB would conclude from them that there is none.
            "disabled_optimizers": "statistics_propagation",
            # Rows are counted by 16-bit places: in an array of all of them, not in a hash table.
            "perfect_ht_threshold": 16,
        }
        if threads is not None:
            self._settings["threads"] = threads
        if memory_limit is not None:
            self._settings["memory_limit"] = memory_limit
        # The column in which DuckDB tells the file; no column of the data has this name by accident or on purpose.
        self._file_column = f"lupus_{secrets.token_hex(8)}"
        self._connection: Any = None
        self._prepared: PreparedSlices | None = None
        self._is_prepared = False
        self._is_orderly = False
        self._threads_now = self.threads
        self._shown: Any = ("", None, 0, ())
        self._compiled: dict[Hashable, str] = {}
        self.series: dict[Hashable, Series] = {}
        self.plans: dict[Hashable, Any] = {}
        self.queries: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the memory back; the engine opens again when it is used again."""
        if self._connection is not None:
            if self._prepared is not None:
                self._prepared.close()
            self._connection.close()
            self._connection = self._prepared = None
            self._threads_now = self.threads

    @contextmanager
    def modest(self) -> Iterator[None]:
        """Meanwhile takes 500 MB, or 150 MB per thread if that is more, and puts the rest on disk.

        For queries that would take as much memory as there is for little gain, like joins. A limit that the engine was
        made with stays.
        """
        if "memory_limit" in self._settings:
            yield
            return
        self._execute(f"SET memory_limit = '{max(500, 150 * self.threads)}MB'")
        try:
            yield
        finally:
            self._execute("RESET memory_limit")

    @contextmanager
    def orderly(self, rows: int) -> Iterator[None]:
        """Meanwhile uses one thread, if it is about no more than `upright_rows` rows: more threads would not be faster.

        What they add up they add up in any order; so it is the same to the last digit.
        """
        before, self._is_orderly = self._is_orderly, self._is_orderly or rows <= self.upright_rows
        try:
            yield
        finally:
            self._is_orderly = before

    def show_slice(
        self, view: str, slice_: Path | pa.Table, width: int, more: Sequence[int], *, schema: Hashable = None
    ) -> None:
        """Makes a Parquet file or an Arrow table readable as `view`, its columns renamed by position to c0, c1, ...

        No name of the data gets into SQL, and names that differ only in case stay apart. `more` are columns with one
        number each, after those of the data. With a `schema` the rows are read into a table for all slices that have
        it, so that queries are planned once; rows that cannot all be read are left to queries of fewer columns.
        """
        if isinstance(slice_, Path):
            source = _source(slice_)
        else:
            renamed = slice_.rename_columns([f"c{number}" for number in range(width)])
            self._guarded(lambda connection: connection.register(f"{view}_rows", renamed))
            source = f'"{view}_rows"'
        body = _body(source, width, more)
        self._shown = (view, slice_, width, more)
        self._is_prepared = schema is not None and self._prepare(view, schema, body)
        if not self._is_prepared:
            self._execute(f'CREATE OR REPLACE TEMP VIEW "{view}" AS {body}')

    def show_slices(
        self, view: str, files: Sequence[Path], width: int, more: Sequence[Sequence[int]], *, schema: Hashable
    ) -> None:
        """As `show_slice`, of small `files` that have the same schema: the column ``slice`` counts them from 0.

        Raises `MeasureError` when one of them cannot be read.
        """
        bodies = [
            f"({_body(_source(file), width, own, f', {number}::SMALLINT AS slice')})"
            for number, (file, own) in enumerate(zip(files, more, strict=True))
        ]
        self._shown = (view, None, width, ())
        self._is_prepared = self._prepare(view, (schema, "many"), " UNION ALL ".join(bodies))
        if not self._is_prepared:
            raise MeasureError("one of the snapshots could not be read")

    def _narrow(self, columns: Collection[int]) -> None:
        """Shows only the columns at these positions of the file that is shown.

        DuckDB plans a view of a thousand columns for every branch of a query anew. Where names differ only in case,
        what is shown stays as it is.
        """
        import pyarrow.parquet as pq
        from sqlglot import exp

        view, file, width, more = self._shown
        names = pq.read_schema(file).names
        if len({name.casefold() for name in names}) < len(names):
            return
        paths = exp.Array(expressions=[exp.Literal.string(_not_a_pattern(file))]).sql("duckdb")
        picked = [f"{exp.to_identifier(names[at], quoted=True).sql('duckdb')} AS c{at}" for at in sorted(columns)]
        picked += [f"{int(value)}::BIGINT AS c{width + at}" for at, value in enumerate(more)]
        body = f"SELECT {', '.join(picked)} FROM read_parquet({paths}, hive_partitioning = false)"  # noqa: S608
        self._execute(f'CREATE OR REPLACE TEMP VIEW "{view}" AS {body}')

    def _prepare(self, view: str, schema: Hashable, body: str) -> bool:
        """Whether the rows of `body` could be read into a table."""

        def fill(connection: Any) -> None:
            if self._prepared is None:
                self._prepared = PreparedSlices(connection)
            self._prepared.show(view, schema, body)

        try:
            self._guarded(fill)
        except MeasureError:
            return False
        return True

    def source(self, snapshot: Snapshot) -> Path:
        """The file in which the slice of `snapshot` is."""
        if snapshot.path is None:
            raise MeasureError(f"the snapshot of {snapshot.table} for {snapshot.interval} has no file")
        return snapshot.path

    def show(self, view: str, files: Sequence[Path], columns: Sequence[tuple[str, str]]) -> None:
        """Makes columns of all `files` readable as `view`, by (name, alias); ``slice`` counts the files from 1."""
        from sqlglot import exp

        paths = exp.Array(expressions=[exp.Literal.string(_not_a_pattern(path)) for path in files])
        listed = paths.sql("duckdb")
        plain = exp.Array(expressions=[exp.Literal.string(str(path)) for path in files]).sql("duckdb")
        picked = ", ".join(f'{exp.to_identifier(n, quoted=True).sql("duckdb")} AS "{a}"' for n, a in columns)
        body = (
            f"SELECT list_position({plain}, {self._file_column}) AS slice, {picked} FROM read_parquet({listed}, "  # noqa: S608
            f"hive_partitioning = false, union_by_name = true, filename = '{self._file_column}')"
        )
        self._execute(f'CREATE OR REPLACE TEMP VIEW "{view}" AS {body}')

    def stream(self, view: str, batches: pa.RecordBatchReader) -> None:
        """Makes `batches` readable as `view` by the next query, and by no other."""
        self._guarded(lambda connection: connection.register(view, batches))

    def rows(self, key: Hashable, build: Callable[[], Expression]) -> list[tuple[Any, ...]]:
        """The rows of the expression that `build` makes, compiled once per `key`."""
        sql = self._sql(key, lambda: [build()])
        return self._asked(lambda connection: connection.execute(sql).fetchall())  # type: ignore[no-any-return]

    def table(
        self, key: Hashable, build: Callable[[], Sequence[Expression]], *, columns: Collection[int] = ()
    ) -> dict[str, Any]:
        """As `arrays`, of the rows of all expressions that `build` makes, which have the same columns, from one query.

        `columns` are the positions of the slice's columns that it is about, where somebody knows.
        """
        sql = self._sql(key, build)
        if self._is_prepared and self._prepared is not None:
            prepared = self._prepared
            with self.orderly(0):
                return self._asked(lambda _: prepared.arrays(sql))  # type: ignore[no-any-return]
        narrow = columns and isinstance(self._shown[1], Path) and len(columns) + _FEW < self._shown[2]
        if narrow:
            self._guarded(lambda _: self._narrow(columns))
        try:
            return self._asked(lambda connection: connection.execute(sql).fetchnumpy())  # type: ignore[no-any-return]
        finally:
            if narrow:
                view, slice_, width, more = self._shown
                self.show_slice(view, slice_, width, more)

    def arrays(self, key: Hashable, build: Callable[[], Expression]) -> dict[str, Any]:
        """As `rows`, but column by column as NumPy arrays, masked where there are nulls."""
        sql = self._sql(key, lambda: [build()])
        return self._asked(lambda connection: connection.execute(sql).fetchnumpy())  # type: ignore[no-any-return]

    def _sql(self, key: Hashable, build: Callable[[], Sequence[Expression]]) -> str:
        sql = self._compiled.get(key)
        if sql is None:
            import ibis

            parts = [str(ibis.to_sql(expression, dialect="duckdb")) for expression in build()]
            sql = self._compiled[key] = " UNION ALL ".join(f"({part})" for part in parts) if parts[1:] else parts[0]
        self.queries.append(sql)
        return sql

    def _execute(self, sql: str) -> Any:
        return self._guarded(lambda connection: connection.execute(sql))

    def _asked(self, ask: Callable[[Any], Any]) -> Any:
        """As `_guarded`, of a query, with as many threads as it is to have; to change them takes longer than to ask."""
        wanted = 1 if self._is_orderly else self.threads
        if wanted != self._threads_now:
            self._execute(f"SET threads = {wanted}")
            self._threads_now = wanted
        return self._guarded(ask)

    def _guarded(self, act: Callable[[Any], Any]) -> Any:
        import duckdb

        if self._connection is None:
            self._connection = duckdb.connect(config=self._settings)
        try:
            return act(self._connection)
        except duckdb.Error as error:
            raise MeasureError(f"DuckDB could not read the snapshot: {error}") from error


def _source(file: Path) -> str:
    """The rows of a Parquet file, for a query to select from."""
    from sqlglot import exp

    paths = exp.Array(expressions=[exp.Literal.string(_not_a_pattern(file))]).sql("duckdb")
    return f"read_parquet({paths}, hive_partitioning = false)"


def _body(source: str, width: int, more: Sequence[int], rest: str = "") -> str:
    """A query of the columns of `source`, renamed by position, with the constants `more` and the `rest` after them."""
    names = ", ".join(f"c{number}" for number in range(width))
    constants = "".join(f", {int(value)}::BIGINT AS c{width + at}" for at, value in enumerate(more))
    return f"SELECT *{constants}{rest} FROM {source} AS slice({names})"  # noqa: S608


def _not_a_pattern(path: Path) -> str:
    """`path` with the signs that DuckDB would take for a glob put in brackets."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))
