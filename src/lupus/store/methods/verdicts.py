"""The store's methods about verdicts and validations."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lupus.model import Exclusion, Interval, SeriesKey, Validation, Verdict
from lupus.store import exclusions as exclusion_rows
from lupus.store import validations as validation_rows
from lupus.store import verdicts as verdict_rows
from lupus.store.methods.access import Access


class Verdicts(Access):
    """What was judged."""

    def replace_verdicts(
        self,
        project: str,
        intervals: Sequence[Interval],
        verdicts: Sequence[Verdict],
        *,
        scopes: Collection[str] | None = None,
        exclusions: Sequence[Exclusion] | None = None,
    ) -> None:
        """Make `verdicts` all that the project has at `intervals`; with `scopes`, all on series of these scopes.

        `exclusions`, when given, are what the judge leaves out of the baselines since the last of `intervals`: levels
        that it accepts there, and what lies before the project's start.
        """
        with self._writing(project) as connection:
            verdict_rows.replace(connection, self._names, project, intervals, verdicts, scopes=scopes)
            if exclusions is not None:
                exclusion_rows.follow_judge(connection, project, intervals[-1], exclusions)

    def verdicts(
        self,
        project: str,
        *,
        intervals: Sequence[Interval] | None = None,
        findings_only: bool = False,
        series: Collection[SeriesKey] | None = None,
    ) -> list[Verdict]:
        """Verdicts by interval, series and rule."""
        with self._database.reading() as connection:
            return verdict_rows.read(
                connection, self._names, project, intervals=intervals, findings_only=findings_only, series=series
            )

    def save_validation(self, validation: Validation) -> None:
        """Make `validation` the one of its table and interval."""
        with self._writing(validation.project) as connection:
            validation_rows.save(connection, self._names, validation)

    def replace_validation(self, project: str, table: str, interval: Interval, validation: Validation | None) -> None:
        """Make `validation` the one of `table` at `interval`; None when there is none any more."""
        with self._writing(project) as connection:
            if validation is None:
                validation_rows.remove(connection, project, table, interval)
            else:
                validation_rows.save(connection, self._names, validation)

    def validations(self, project: str, intervals: Sequence[Interval] | None = None) -> list[Validation]:
        """Validations by interval and table."""
        with self._database.reading() as connection:
            return validation_rows.read(connection, self._names, project, intervals)
