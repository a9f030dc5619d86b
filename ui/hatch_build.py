"""The wheel's build hook: puts the Web UI's bundle into it. Whoever installs a wheel never needs Node."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _bundle() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lupus_ui_build", Path(__file__).with_name("build.py"))
    if spec is None or spec.loader is None:
        raise ImportError("ui/build.py is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class BundleHook(BuildHookInterface):
    """Builds the bundle for wheels and source archives, and for an editable install where that is possible."""

    def dependencies(self) -> list[str]:
        """Node as a package, on a machine that has none."""
        bundle = _bundle()
        return [] if bundle.is_built() or bundle.system_node() else [bundle.NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the interface
        """Called before files are collected."""
        if os.environ.get("LUPUS_BUILD_WITHOUT_UI") == "1":
            return
        bundle = _bundle()
        try:
            bundle.build()
        except bundle.BuildError as error:
            if version != "editable":
                raise
            self.app.display_warning(f"The Web UI was not built (`make ui` builds it): {error}")
