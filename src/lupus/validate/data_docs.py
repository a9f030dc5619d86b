"""Data Docs: Great Expectations' own static pages about suites and what they found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lupus.model import Snapshot, ValidationError
from lupus.validate.plan import RESULT_FORMAT
from lupus.validate.suite import great_expectations, load_suite

_SITE: Final = "lupus"


def build_data_docs(suites: Sequence[tuple[Snapshot, Path]], out: Path) -> Path:
    """Validates each snapshot with its suite and writes Data Docs into the folder `out`; returns their first page.

    Raises `ValidationError` for a suite that cannot be loaded, `ValueError` for a snapshot that is not usable.
    """
    import pandas as pd

    gx = great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    out = out.absolute()
    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(out)}
    # The ephemeral context brings a site of its own in a temporary folder; only ours is wanted.
    for name in list(context.variables.data_docs_sites or {}):
        context.delete_data_docs_site(name)
    context.add_data_docs_site(
        _SITE,
        {
            "class_name": "SiteBuilder",
            "store_backend": backend,
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    source = context.data_sources.add_pandas(_SITE)
    for number, (snapshot, path) in enumerate(suites):
        if not snapshot.usable or snapshot.path is None:
            raise ValueError(f"the snapshot of {snapshot.table} at {snapshot.interval} is {snapshot.status}")
        name = f"{snapshot.project}.{snapshot.table}"
        suite: Any = gx.ExpectationSuite(name=f"{name}.{number}" if _taken(context, name) else name)
        for expected in load_suite(path).expected:
            suite.add_expectation_configuration(expected.expectation.configuration)
        suite = context.suites.add(suite)
        batch = source.add_dataframe_asset(f"{name} {number}").add_batch_definition_whole_dataframe(
            snapshot.interval.key
        )
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(name=f"{name} {snapshot.interval.key} {number}", data=batch, suite=suite)
        )
        definition.run(
            batch_parameters={"dataframe": pd.read_parquet(snapshot.path)},
            result_format=dict(RESULT_FORMAT),
            run_id=gx.RunIdentifier(run_name=snapshot.interval.key),
        )
    pages = context.build_data_docs(site_names=[_SITE])
    index = out / "index.html"
    if not index.is_file():
        raise ValidationError(f"{out}: Great Expectations wrote no first page ({pages})")
    return index


def _taken(context: Any, name: str) -> bool:
    return any(suite.name == name for suite in context.suites.all())
