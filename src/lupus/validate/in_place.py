"""The suite of a table on a slice that stays in its database: GX counts there, through SQLAlchemy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lupus.model import Snapshot, Validation, ValidationError
from lupus.validate.snapshot import validation_of
from lupus.validate.suite import load_suite

if TYPE_CHECKING:
    import sqlalchemy as sa

ABLE: Final = frozenset({"postgresql"})
"""The databases whose slices GX is known to judge right."""


def validate_in_place(project: str, snapshot: Snapshot, suite_path: Path, *, url: str, sql: str) -> Validation:
    """Runs the suite at `suite_path` on the rows of the query `sql` in the database at `url`, which is only read.

    The outcomes are those of `validate_snapshot`, but for expectations that are about a type: they see the database's.
    Raises `ValidationError` for a suite that cannot be read, and for a database that cannot be asked.
    """
    import sqlalchemy as sa

    name = sa.make_url(url).get_backend_name()
    if name not in ABLE:
        raise ValidationError(
            f"{snapshot.table}: Great Expectations cannot validate a table of {name} in place; remove in_place, so "
            "that the table is copied, or take 'expectations' out of the project file"
        )
    suite = load_suite(suite_path)
    from lupus.validate.plan import results

    read_only = {"options": f"{sa.make_url(url).query.get('options', '')} -c default_transaction_read_only=on".strip()}
    database = sa.create_engine(url, connect_args=read_only, hide_parameters=True)
    try:
        with database.connect():
            pass
        found = results(suite, _engine(database, snapshot, sql), snapshot.schema)
    except sa.exc.SQLAlchemyError as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        raise ValidationError(f"{snapshot.table}: the database cannot be asked ({kind})") from None
    finally:
        database.dispose()
    return validation_of(project, snapshot, suite, found, dict(snapshot.schema))


def _engine(database: sa.Engine, snapshot: Snapshot, sql: str) -> Any:
    from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine

    from lupus.validate.plan import BATCH

    engine = SqlAlchemyExecutionEngine(engine=database, create_temp_table=False)
    # No colon of the query is a parameter.
    rows: Any = SqlAlchemyBatchData(engine, query=sql.replace(":", r"\:"), create_temp_table=False)
    # Where GX looks for a query's columns before it asks a catalogue, which does not know them.
    rows.selectable.selected_columns = _columns(snapshot.schema)
    engine.load_batch_data(BATCH, rows)
    return engine


def _columns(schema: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """The slice's columns, with the types of SQL that are nearest to their Arrow types."""
    import sqlalchemy as sa

    kinds: tuple[tuple[tuple[str, ...], Any], ...] = (
        (("int", "uint"), sa.BigInteger()),
        (("float", "double", "halffloat"), sa.Double()),
        (("decimal",), sa.Numeric()),
        (("bool",), sa.Boolean()),
        (("date",), sa.Date()),
        (("timestamp",), sa.DateTime()),
    )

    def kind(arrow: str) -> Any:
        return next((type_ for names, type_ in kinds if arrow.startswith(names)), sa.Text())

    return {name: sa.column(name, kind(arrow)) for name, arrow in schema}
