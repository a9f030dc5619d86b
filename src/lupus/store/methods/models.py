"""The store's methods about models: retraining, versions, comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lupus.model import (
    Comparison,
    ComparisonKind,
    Interval,
    ModelChange,
    RetrainRequest,
    RetrainState,
    StoreError,
    VersionShare,
)
from lupus.store import comparisons as comparison_rows
from lupus.store import retrain as retrain_rows
from lupus.store.methods.access import Access
from lupus.store.names import touch


class Models(Access):
    """Which models predict, and which are to be trained."""

    def retrain_requests(self, project: str | None = None) -> list[RetrainRequest]:
        """Retrain requests, oldest first."""
        with self._database.reading() as connection:
            return retrain_rows.read_retrain(connection, self._names, project)

    def retrain_request(self, request: str) -> RetrainRequest:
        """The retrain request with this id; `StoreError` when there is none."""
        with self._database.reading() as connection:
            found = retrain_rows.read_retrain(connection, self._names, None, request)
        if not found:
            raise StoreError(f"there is no retrain request {request!r}; `lupus retrain` lists them")
        return found[0]

    def add_retrain(self, request: RetrainRequest) -> None:
        """Write a request that a person has made."""
        with self._writing(request.project) as connection:
            retrain_rows.add_retrain(connection, self._names, request)

    def mark_retrain(
        self,
        request: str,
        state: RetrainState,
        note: str = "",
        *,
        by: str = "",
        executed_at: datetime | None = None,
        only_from: tuple[RetrainState, ...] = (),
    ) -> bool:
        """Record what became of the request with this id; False when it stands in none of `only_from`."""
        with self._writing() as connection:
            done = retrain_rows.mark_retrain(connection, request, state, note, by, executed_at, only_from)
            touch(connection, retrain_rows.owners(connection, request))
            return done

    def replace_comparisons(self, project: str, interval: Interval, comparisons: Sequence[Comparison]) -> None:
        """Make `comparisons` all that the run of `interval` made."""
        with self._writing(project) as connection:
            comparison_rows.replace_comparisons(connection, self._names, project, interval, comparisons)

    def comparisons(self, project: str | None = None, *, kind: ComparisonKind | None = None) -> list[Comparison]:
        """Comparisons of models, oldest first."""
        with self._database.reading() as connection:
            return comparison_rows.read_comparisons(connection, self._names, project, kind)

    def replace_versions(self, project: str, interval: Interval, versions: Sequence[VersionShare]) -> None:
        """Make `versions`, the one with most rows first, all that made predictions at `interval`."""
        with self._writing(project) as connection:
            comparison_rows.replace_versions(connection, self._names, project, interval, versions)

    def model_versions(self, project: str) -> dict[Interval, list[VersionShare]]:
        """The versions that made predictions, by interval, oldest first; the one with most rows first."""
        with self._database.reading() as connection:
            return comparison_rows.read_versions(connection, self._names, project)

    def model_changes(self, project: str) -> list[ModelChange]:
        """Where a model version was new, or began to make most predictions; oldest first. For markers on charts."""
        return comparison_rows.changes_of(project, self.model_versions(project))
