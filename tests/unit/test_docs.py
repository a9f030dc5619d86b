"""Undocumented means red: names, commands, keys, metrics, variables, words, links and examples."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer

import lupus.model
from lupus.cli.main import app
from lupus.config import json_schema, load_project
from lupus.config.defaults import RULES, SEGMENT_METRICS
from lupus.model import RULE_PARAMETERS, Cadence, CadenceKind, History, RuleSpec, Series, SeriesKey, Status

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "lupus"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
WRITTEN = [page for page in PAGES if page.parent.name != "reference"]
ROOMS = ["lupus", *(f"lupus.{path.parent.name}" for path in sorted(SOURCE.glob("*/__init__.py")))]
COMMANDS = typer.main.get_command(app)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Some rooms load their names when they are first asked for, and some of those are heavy: import in one place.
MODULES = {room: importlib.import_module(room) for room in ROOMS}
PUBLIC = [(room, name) for room, module in MODULES.items() for name in getattr(module, "__all__", ())]


def ids(value: object) -> str | None:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else None


def blocks(language: str) -> list[Any]:
    """(page, text) of every fenced block in `language`."""
    return [
        pytest.param(page, text, id=f"{page.relative_to(ROOT)}:{number}")
        for page in PAGES
        for number, (fenced, text) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")))
        if fenced == language
    ]


def reference(name: str) -> str:
    return (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8")


def row(page: str, word: str) -> str:
    """The rest of the first table row whose first cell names `word`; "" when there is none."""
    found = re.search(rf"^\|(?: `[^`|]*`,)* `{re.escape(word)}`(?:, `[^`|]*`)* \|(.*)$", page, re.MULTILINE)
    return found.group(1) if found else ""


# The generated pages


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    # A process of its own: it measures, and imports Airflow.
    environment = os.environ | {"AIRFLOW_HOME": str(folder / "airflow"), "GX_ANALYTICS_ENABLED": "false"}
    command = [sys.executable, str(DOCS / "generate.py"), "--to", str(folder / "out")]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_the_reference_is_current(generated: Path) -> None:
    made = {path.relative_to(generated): path.read_text(encoding="utf-8") for path in generated.rglob("*.*")}
    assert made, "nothing was generated"
    for path, text in made.items():
        assert (DOCS / path).is_file(), f"docs/{path} is missing: run make reference"
        assert (DOCS / path).read_text(encoding="utf-8") == text, f"docs/{path} is out of date: run make reference"
    kept = {path.relative_to(DOCS) for path in (DOCS / "reference").iterdir()}
    assert kept <= set(made), f"nothing writes {sorted(map(str, kept - set(made)))}"


# Names


@pytest.mark.parametrize(("room", "name"), PUBLIC)
def test_every_public_name_is_documented(room: str, name: str) -> None:
    thing = getattr(MODULES[room], name)
    if inspect.isclass(thing) or inspect.isroutine(thing):
        own = inspect.cleandoc(thing.__doc__ or "")
        assert own, f"{room}.{name} has no docstring"
        assert not own.startswith(f"{name}("), f"{room}.{name} has only the docstring that dataclass makes"
    if room in ("lupus", "lupus.model"):
        assert f"\n### {name}\n" in reference("python")
    else:
        assert row(reference("rooms"), name).strip(" |"), f"{room}.{name} has no line in docs/reference/rooms.md"


def test_every_room_is_documented() -> None:
    text = reference("python") + reference("rooms")
    for room in ROOMS:
        if getattr(MODULES[room], "__all__", ()):
            assert f"\n## {room}\n" in text


@pytest.mark.parametrize(
    "enum",
    [
        one
        for name in lupus.model.__all__
        if isinstance(one := getattr(lupus.model, name), type) and issubclass(one, Enum)
    ],
    ids=lambda enum: str(enum.__name__),
)
def test_every_word_is_explained(enum: type[Enum]) -> None:
    section = reference("words").partition(f"\n## {enum.__name__}\n")[2].partition("\n## ")[0]
    for member in enum:
        assert row(section, str(member.value)).strip(" |"), f"{enum.__name__}.{member.name} is not explained"


# The command line


def commands(group: Any = COMMANDS, words: tuple[str, ...] = ("lupus",)) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


@pytest.mark.parametrize(("name", "command"), [pytest.param(*pair, id=pair[0]) for pair in commands()])
def test_every_command_and_option_is_documented(name: str, command: Any) -> None:
    section = reference("command-line").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert section, f"{name} has no section"
    assert command.help, f"{name} has no help"
    for parameter in command.params:
        assert parameter.help, f"{name} {parameter.name} has no help"
        for option in parameter.opts if parameter.param_type_name == "option" else ():
            assert f"`{option}`" in section
    assert any(f"`{name}" in page.read_text(encoding="utf-8") for page in WRITTEN), f"no page tells of {name}"
    assert row((ROOT / "README.md").read_text(encoding="utf-8"), name), f"README does not list {name}"


def command_lines() -> list[Any]:
    """(text, whether it is a whole line to be typed) of every command of ours in the pages."""
    found: dict[str, bool] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for fenced, block in FENCE.findall(text):
            if fenced in ("sh", "console"):
                lines = (line.partition("  #")[0].strip() for line in block.splitlines())
                found |= {line: True for line in lines if line.startswith("lupus ")}
        for inline in re.findall(r"`(lupus [^`\n]+)`", FENCE.sub("", text)):
            found.setdefault(inline, False)
    return [pytest.param(line, typed, id=line) for line, typed in found.items()]


@pytest.mark.parametrize(("line", "typed"), command_lines())
def test_every_command_line_shown_can_be_typed(line: str, typed: bool) -> None:
    words = re.findall(r"'[^']*'|\S+", line)[1:]
    command: Any = COMMANDS
    while hasattr(command, "commands") and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert command is not COMMANDS or words[0] in ("--help", "..."), f"there is no such command: {line}"
    if typed or "--day" in words:
        command.make_context("lupus", list(words))
    else:
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} - {"--help"} <= known


# Keys, parameters, metrics, variables


def properties(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        for name, member in node.get("properties", {}).items():
            yield name, member
            yield from properties(member)
        for definition in node.get("$defs", {}).values():
            yield from properties(definition)


def test_every_key_of_a_project_file_is_documented() -> None:
    schema, page = json_schema(), reference("project-file")
    names = sorted({name for name, member in properties(schema) if "not" not in member})
    assert len(names) > 50
    assert [name for name in names if not row(page, name).strip(" |")] == []


@pytest.mark.parametrize("kind", sorted(RULE_PARAMETERS))
def test_every_rule_parameter_is_documented(kind: str) -> None:
    section = reference("rules").partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
    for parameter in dataclasses.fields(RULE_PARAMETERS[kind]):
        assert row(section, parameter.name).strip(" |")
    assert "**When to use it.**" in section
    assert "How it judges is told" in section or f"### How {kind} judges" in section
    assert f"\n## {kind}\n" in (DOCS / "how-to" / "rules.md").read_text(encoding="utf-8")


def test_every_default_rule_is_documented() -> None:
    assert all(row(reference("rules"), rule.name) for rule in RULES)


def specified_metrics() -> set[str]:
    """The names of the metrics that the measure room specifies: everything there with a `name` and a `unit`."""
    names: set[str] = set()
    for path in (SOURCE / "measure").glob("*.py"):
        for value in vars(importlib.import_module(f"lupus.measure.{path.stem}")).values():
            members = value if isinstance(value, tuple | list) else [value]
            names |= {
                one.name
                for one in members
                if not isinstance(one, type) and hasattr(one, "name") and hasattr(one, "unit")
            }
    return names


def test_every_metric_is_documented() -> None:
    page = reference("metrics")
    names = specified_metrics() | {name for name in SEGMENT_METRICS if "*" not in name}
    assert {"null_ratio", "roc_auc", "mae", "rows"} <= names
    assert sorted(name for name in names if not row(page, name).strip(" |")) == []


def test_every_environment_variable_is_documented() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    read = [*SOURCE.rglob("*.py"), *(ROOT / "dags").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]
    read += [ROOT / "docker-compose.yml", *(path for path in (ROOT / "docker").iterdir() if path.is_file())]
    names = {
        name
        for path in read
        for name in re.findall(r"\b(?:LUPUS|DEMO)_[A-Z][A-Z_]*\b", path.read_text(encoding="utf-8"))
    }
    assert {"LUPUS_HOME", "LUPUS_STORE_URL", "DEMO_ONCE"} <= names
    assert sorted(name for name in names if not re.search(rf"`[^`\n]*\b{name.rstrip('_')}", text)) == []


# The pages themselves


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_file(), f"{target} does not exist"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", FENCE.sub("", linked.read_text(encoding="utf-8")), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{target}: there is no such heading"


def test_every_page_can_be_reached() -> None:
    linked, queue = set(), [ROOT / "README.md"]
    while queue:
        page = queue.pop()
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            path = (page.parent / target).resolve()
            if "://" not in target and path.suffix == ".md" and path not in linked:
                linked.add(path)
                queue.append(path)
    assert sorted(str(page) for page in DOCS.rglob("*.md") if page.resolve() not in linked) == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_pages_name_no_machine(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(?:work|root|home|tmp|Users)/", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_every_project_shown_is_valid(page: Path, text: str, tmp_path: Path) -> None:
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert body.startswith("project:"), f"{page}: YAML blocks here are whole projects"
    path = tmp_path / "shown.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_project(path, environ={}).tables


@pytest.mark.parametrize(("page", "text"), blocks("json"))
def test_every_json_shown_is_json(page: Path, text: str) -> None:
    assert json.loads(text), page


@pytest.mark.parametrize(
    ("page", "text"), [block for block in blocks("python") if "reference" not in str(block.values[0].parent)]
)
def test_every_python_shown_compiles_and_imports_what_exists(page: Path, text: str) -> None:
    compile(text, str(page), "exec")
    for module, names in re.findall(r"^from (lupus[\w.]*) import (.*)$", text, re.MULTILINE):
        for name in names.split(", "):
            assert hasattr(importlib.import_module(module), name), f"{module} has no {name}"


def test_the_rule_that_is_shown_works(monkeypatch: pytest.MonkeyPatch) -> None:
    text = next(block.values[1] for block in blocks("python") if "class JumpRule" in str(block.values[1]))
    scope: dict[str, Any] = {}
    exec(compile(str(text), "write-an-extension.md", "exec"), scope)
    point = SimpleNamespace(name="jump", load=lambda: scope["JumpRule"])
    monkeypatch.setattr("lupus.judge.rule._installed", lambda: {"jump": point})
    from lupus.judge import judge

    daily = Cadence(CadenceKind.DAILY)
    first = daily.parse("2026-01-01")
    days = tuple(daily.between(first, daily.shift(first, 3)))
    values = np.array([[10.0, 11.0, 30.0, 29.0]])
    history = History(
        series=(Series(SeriesKey("p", "data", "", "rows"), "input", "rows"),),
        intervals=days,
        values=values,
        n=np.ones(values.shape, dtype=np.int64),
        maturity=np.full(values.shape, np.nan),
        excluded=np.zeros(values.shape, dtype=bool),
        closed=np.ones(len(days), dtype=bool),
    )
    verdicts = judge(history, [RuleSpec("jumps", "jump", parameters={"most": 0.5})], daily, at=range(4))
    assert [verdict.status for verdict in verdicts] == [Status.OK, Status.OK, Status.ANOMALY, Status.OK]
    assert verdicts[2].sentence == "rows 30 after 11"


# The README


def test_the_readme_is_short_and_shows_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 200
    assert re.findall(r"^    (make \w+)", text, re.MULTILINE) == ["make demo", "make test"]
    assert "<!-- demo:begin -->" in text
    assert "<!-- demo:end -->" in text


def test_the_readme_shows_a_real_message() -> None:
    message = json.loads((ROOT / "tests" / "golden" / "slack_first.json").read_text(encoding="utf-8"))

    def plain(text: str) -> str:
        text = re.sub(r"<!subteam\^\w+>", "@ml-oncall", text)
        text = re.sub(r"<[^|>]+\|([^>]+)>", r"\1", text)
        return re.sub(r"\*([^*]+)\*", r"\1", text)

    lines = []
    for block in message["blocks"]:
        if "text" in block:
            lines.append(plain(block["text"]["text"]))
        elif block["type"] == "actions":
            lines.append("    " + " ".join(f"[{element['text']['text']}]" for element in block["elements"]))
        else:
            lines.append("    " + " · ".join(plain(element["text"]) for element in block["elements"]))
    shown = "```text\n" + "\n".join(lines) + "\n```"
    assert shown in (ROOT / "README.md").read_text(encoding="utf-8"), f"README should show:\n{shown}"


def test_every_make_target_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        shown = re.findall(
            r"(?:`|^|    )(?:DEMO_\w+=\w+ )?make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
        assert set(shown) <= targets, f"{page}: {set(shown) - targets}"
