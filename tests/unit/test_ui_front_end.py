"""The front end's own tests (search, numbers, days), run by Node; and what its lock file must not hold."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """The module `ui/build.py`, on a machine that can run it."""
    spec = importlib.util.spec_from_file_location("lupus_ui_build", ROOT / "ui" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.system_node() is None and module.packaged_node() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must have Node")
        pytest.skip(f"no Node of {module.OLDEST_NODE} or newer (pip install '{module.NODE_PACKAGE}')")
    return module


def test_the_front_end_passes_its_own_tests(build: ModuleType) -> None:
    build.install()
    build.run_npm("test")


def test_a_failing_command_says_what_node_said(build: ModuleType) -> None:
    with pytest.raises(build.BuildError, match="no-such-script"):
        build.run_npm("run", "no-such-script")


def test_the_bundle_is_built_from_these_sources_and_small_enough(build: ModuleType) -> None:
    import gzip

    code = build.build().read_bytes()
    assert build.is_built()
    assert len(gzip.compress(code, 9)) <= build.MOST_GZIPPED_BYTES


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((ROOT / "ui" / "package-lock.json").read_text())["packages"]
    assert len(packages) > 20
    assert not [name for name, one in packages.items() if "resolved" in one]
    assert all("integrity" in one for name, one in packages.items() if name)
