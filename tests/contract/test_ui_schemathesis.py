"""No request that the OpenAPI document allows, and none near it, makes the API fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from lupus.store import open_store
from lupus.ui.app import document
from ui_cases import Person, api, fill

ANN = Person("ann", {"ads"}, {"ads"}, {"ads"})
CHECKS = (not_a_server_error, status_code_conformance, response_schema_conformance)


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    """Every operation of the API over a small store."""
    folder: Path = tmp_path_factory.mktemp("schemathesis")
    url = f"sqlite:///{folder / 'store.db'}"
    with open_store(url) as store:
        fill(store, "ads")
    with api(url, folder, create=False) as (app, client):
        client(ANN)
        found = document(app)
        del found["servers"]  # Airflow's mount, which is not here
        schema = schemathesis.openapi.from_dict(found)
        schema.app = app
        yield [one.ok() for one in schema.get_all_operations()]


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: str(mode.value))
def test_nothing_makes_the_api_fail(operations: list[Any], mode: Any) -> None:
    assert len(operations) > 25
    failed = []
    for operation in operations:

        @settings(
            max_examples=15, deadline=None, phases=(Phase.explicit, Phase.generate), derandomize=True,
            suppress_health_check=list(HealthCheck), database=None,
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            response = case.call(headers={"x-test-person": "ann", "x-lupus-request": "1"})
            case.validate_response(response, checks=CHECKS)

        try:
            ask()
        except BaseExceptionGroup as group:
            failed += [f"{operation.label}: {error}" for error in group.exceptions]
    assert not failed, "\n".join(failed)
