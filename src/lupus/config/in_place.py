"""Tables that are measured where they lie: what they must be, and what must lie beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lupus.config.derived import SqlDerivedFile
from lupus.config.document import Document, Path
from lupus.config.models import ProjectFile, SqlFile, TableFile
from lupus.model import Role

_COPIED: Final = "remove in_place, so that the table is copied into snapshots"


def check_in_place(file: ProjectFile, roles: Mapping[Role, str], document: Document) -> None:
    """Report tables `in_place` that no database could measure, or whose rows would have to leave it."""
    for name, table in file.tables.items():
        if table.in_place:
            _check_table(table, ("tables", name), document)
    _check_evaluation(file, roles, document)
    _check_multivariate(file, roles, document)
    lists = file.tables[roles[Role.PREDICTION]].recommendations if Role.PREDICTION in roles else None
    for part in (lists.catalogue, lists.popularity) if lists is not None else ():
        if part is not None and part.table in file.tables and file.tables[part.table].in_place:
            message = f"table '{part.table}' is joined with lists of recommendations and measured in place"
            document.report(("tables", part.table, "in_place"), message, _COPIED, at_key=True)


def _check_table(table: TableFile, path: Path, document: Document) -> None:
    if not isinstance(table.source, SqlFile):
        hint = "give it a source with a connection, or remove in_place"
        document.report((*path, "in_place"), "only a database can measure a table in place", hint, at_key=True)
    for name, derived in table.derived.items():
        if not isinstance(derived, SqlDerivedFile):
            message = f"'{name}' is derived in Python, for which rows would have to leave the database"
            document.report((*path, "derived", name), message, f"derive it by sql, or {_COPIED}", at_key=True)
    if table.recommendations is not None:
        message = "lists of recommendations are measured in snapshots"
        document.report((*path, "recommendations"), message, _COPIED, at_key=True)


def _check_evaluation(file: ProjectFile, roles: Mapping[Role, str], document: Document) -> None:
    """Predictions and ground truth are joined: in one database, or in snapshots."""
    if file.task is None or Role.PREDICTION not in roles or Role.GROUND_TRUTH not in roles:
        return
    names = roles[Role.PREDICTION], roles[Role.GROUND_TRUTH]
    prediction, truth = (file.tables[name] for name in names)
    if prediction.in_place is not truth.in_place:
        here, other = names if prediction.in_place else reversed(names)
        message = f"table '{here}' is measured in place and joined with '{other}', which is not"
        document.report(("tables", here, "in_place"), message, f"set in_place for both, or {_COPIED}", at_key=True)
        return
    mine, theirs = prediction.source, truth.source
    two = isinstance(mine, SqlFile) and isinstance(theirs, SqlFile) and mine.connection != theirs.connection
    if prediction.in_place and two:
        message = "predictions and ground truth are joined in place, but lie in two connections"
        hint = f"name one connection that has both, or {_COPIED}"
        document.report(("tables", names[1], "source", "connection"), message, hint)


def _check_multivariate(file: ProjectFile, roles: Mapping[Role, str], document: Document) -> None:
    policy = file.metrics.multivariate
    name = policy.table or roles.get(Role.DATA, "")
    if policy.metrics and name in file.tables and file.tables[name].in_place:
        message = f"multivariate drift looks at rows of '{name}', which is measured in place"
        document.report(("metrics", "multivariate"), message, f"remove multivariate, or {_COPIED}", at_key=True)
