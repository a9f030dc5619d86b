"""No request that the OpenAPI document allows, and none near it, makes the API fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from lupus.store import open_store
from lupus.ui.app import document
from ui_cases import Person, api, fill

ANN = Person("ann", {"ads"}, {"ads"}, {"ads"})


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("schemathesis")
    url = f"sqlite:///{folder / 'store.db'}"
    with open_store(url) as store:
        fill(store, "ads")
    with api(url, folder, create=False) as (app, client):
        client(ANN)
        # Mounted as Airflow mounts it: the document's server is /lupus.
        from fastapi import FastAPI

        outer = FastAPI()
        outer.mount("/lupus", app)
        yield _loaded(document(app), outer)


def _loaded(found: dict[str, Any], outer: Any) -> Any:
    loaded = schemathesis.openapi.from_dict(found)
    loaded.app = outer
    return loaded


lazy = schemathesis.pytest.from_fixture("schema")


@lazy.parametrize()
@settings(
    max_examples=12, deadline=None, phases=(Phase.explicit, Phase.generate), derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_nothing_makes_the_api_fail(case: Any) -> None:
    response = case.call(headers={"x-test-person": "ann", "x-lupus-request": "1"})
    checks = (not_a_server_error, status_code_conformance, response_schema_conformance)
    case.validate_response(response, checks=checks)
