"""The walls of the house: who may import whom, and what stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "lupus"
MAY_IMPORT = {
    "model": set(),
    "config": {"model"},
    "extract": {"model"},
    "validate": {"model"},
    "measure": {"model"},
    "judge": {"model"},
    "act": {"model"},
    "store": {"model"},
    "stages": {"model", "config", "extract", "validate", "measure", "judge", "act", "store"},
    "airflow": {"model", "config", "stages"},
    "cli": {"model", "config", "stages", "store"},
    "ui": {"model", "config", "stages", "store", "airflow"},
}
ONLY_IN = {
    "great_expectations": {"validate"},
    "airflow": {"airflow", "ui"},
    "mlflow": {"stages"},
    "slack_sdk": {"act"},
    "ibis": {"extract", "measure"},
    "typer": {"cli"},
    "pydantic": {"config", "ui"},
}
HEAVY = {
    "airflow",
    "great_expectations",
    "pandas",
    "statsmodels",
    "scipy",
    "duckdb",
    "ibis",
    "sqlalchemy",
    "pyarrow",
    "psycopg",
}


def imports(path: Path) -> set[str]:
    """The modules that the file at `path` imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute in this house"
            found.add(node.module or "")
    return found


def test_every_room_is_known() -> None:
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms == set(MAY_IMPORT)


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_it_may(room: str) -> None:
    for path in (SOURCE / room).rglob("*.py"):
        ours = {module.split(".")[1] for module in imports(path) if module.startswith("lupus.")}
        forbidden = ours - MAY_IMPORT[room] - {room}
        assert not forbidden, f"{path.relative_to(SOURCE)} imports {sorted(forbidden)}"


@pytest.mark.parametrize(("library", "rooms"), ONLY_IN.items())
def test_a_library_lives_in_its_rooms(library: str, rooms: set[str]) -> None:
    for path in SOURCE.rglob("*.py"):
        room = path.relative_to(SOURCE).parts[0]
        uses = any(module.split(".")[0] == library for module in imports(path))
        assert not uses or room in rooms, f"{path.relative_to(SOURCE)} imports {library}"


@pytest.mark.parametrize("module", ["lupus", "lupus.model", "lupus.config", "lupus.judge", "lupus.act"])
def test_a_light_module_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)
