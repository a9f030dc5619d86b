"""Project files to Projects: one, or a folder of them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from lupus.config.build import build
from lupus.config.checks import check
from lupus.config.document import MAX_BYTES, Document, read_document
from lupus.config.document import Path as ValuePath
from lupus.config.explain import explain
from lupus.config.fields import NAME_PATTERN
from lupus.config.models import ProjectFile
from lupus.config.upstream import circle_of, report_circle, report_unknown
from lupus.model import ConfigError, Problem, Project

_SUFFIXES: Final = frozenset({".yaml", ".yml"})
_NAME = re.compile(NAME_PATTERN.removesuffix("$") + r"\Z")
_NAME_LINE = re.compile(
    r"^[\"']?project[\"']?[ ]*:[ ]*[\"']?([a-z][a-z0-9_-]{0,63})[\"']?[ ]*(?:#.*)?\r?$", re.MULTILINE
)
_STAND_INS: Final = {"project": "x", "start": "2000-01-01", "tables": {"x": {"source": {"python": "x:x"}}}}


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """One project file: its `project`, or the `problems` why there is none.

    `name` is unique among the files loaded together: the project's name, or for a file that cannot be used what
    it seems to be called. `text` is the file as it is, variables unresolved.
    """

    name: str
    path: Path
    text: str = field(repr=False)
    project: Project | None
    problems: tuple[Problem, ...] = ()


def load_project(path: Path, *, environ: Mapping[str, str] | None = None) -> Project:
    """The Project that the YAML file at `path` describes.

    ``${VAR}`` is taken from `environ`, by default the process's. Raises `ConfigError` with every problem found.
    """
    loaded = _load(Path(path), os.environ if environ is None else environ)
    if loaded.project is None:
        raise ConfigError(loaded.problems)
    return loaded.project


def load_projects(
    folder: Path, *, environ: Mapping[str, str] | None = None, only: str | None = None
) -> tuple[LoadedProject, ...]:
    """Every ``*.yaml`` and ``*.yml`` in `folder` (not below it), by path; a broken file has problems and no project.

    With `only`, the one of that name (or none); just the files that may bear on it are parsed. Files that name
    the same project are all refused, and so are projects whose `upstream` does not exist or leads back to
    themselves. Raises `ConfigError` when there is no such folder.
    """
    environ = os.environ if environ is None else environ
    folder = Path(folder)
    try:
        paths = sorted(path for path in folder.iterdir() if _is_project_file(path))
    except OSError as error:
        problem = Problem(
            str(folder), 0, 0, f"the folder cannot be read: {error.strerror}", "give the projects' folder"
        )
        raise ConfigError((problem,)) from None
    if only is None:
        files = [_load(path, environ) for path in paths]
        return _linked(_named(files), files, {one.name for one in files}, environ)
    texts = {path: _peek(path) for path in paths}
    wanted = {only, re.sub(r"_\d+\Z", "", only)}
    first = _load_mentioning(wanted, texts, environ)
    # A name that is taken twice belongs to neither, so whoever shares a name with a candidate has a say too.
    names = {loaded.name for loaded in first.values()}
    rest = _load_mentioning(names, {path: texts[path] for path in paths if path not in first}, environ)
    candidates = _with_upstream({**first, **rest}, texts, environ)
    files = [candidates[path] for path in paths if path in candidates]
    known = {one.name for one in files} | {_guess_name(text, path) for path, text in texts.items()}
    return tuple(loaded for loaded in _linked(_named(files), files, known, environ) if loaded.name == only)


def _with_upstream(
    candidates: Mapping[Path, LoadedProject], texts: Mapping[Path, str], environ: Mapping[str, str]
) -> dict[Path, LoadedProject]:
    """`candidates`, and the files of all projects that are upstream of them, however far."""
    found, looked_for = dict(candidates), {one.name for one in candidates.values()}
    while True:
        wanted = {name for one in found.values() if one.project for name in one.project.upstream} - looked_for
        if not wanted:
            return found
        looked_for |= wanted
        found |= _load_mentioning(wanted, {path: text for path, text in texts.items() if path not in found}, environ)


def _linked(
    named: Iterable[LoadedProject], files: Iterable[LoadedProject], known: Collection[str], environ: Mapping[str, str]
) -> tuple[LoadedProject, ...]:
    """`named` without the projects whose upstream does not exist or leads back to themselves; all others stay."""
    upstream = {one.name: one.project.upstream for one in files if one.project is not None}
    return tuple(_checked(one, upstream, known, environ) for one in named)


def _checked(
    one: LoadedProject, upstream: Mapping[str, tuple[str, ...]], known: Collection[str], environ: Mapping[str, str]
) -> LoadedProject:
    if one.project is None or not one.project.upstream:
        return one
    names, circle = one.project.upstream, circle_of(one.name, upstream)
    if not circle and all(name in known for name in names):
        return one
    document = read_document(str(one.path), one.text, environ)
    report_unknown(names, set(known) - {one.name}, document)
    if circle:
        report_circle(circle, names, document)
    return replace(one, project=None, problems=tuple(sorted(document.problems)))


def _load_mentioning(
    names: Iterable[str], texts: Mapping[Path, str], environ: Mapping[str, str]
) -> dict[Path, LoadedProject]:
    """The files that may declare one of `names`, or be called by it."""
    names = tuple(names)
    return {
        path: _load(path, environ)
        for path, text in texts.items()
        if _stem(path) in names or "\\" in text or any(name in text for name in names)
    }


def _is_project_file(path: Path) -> bool:
    return path.suffix in _SUFFIXES and not path.name.startswith(".") and not path.is_dir()


def _peek(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _named(files: Iterable[LoadedProject]) -> tuple[LoadedProject, ...]:
    """The same files with unique names; those that share a project's name are refused."""
    loaded = list(files)
    holders = {name: [one for one in loaded if one.project is not None and one.name == name] for name in _names(loaded)}
    named: dict[int, LoadedProject] = {}
    for index, one in enumerate(loaded):
        others = [other for other in holders[one.name] if other is not one]
        if others and (one.project is not None or _declares(one)):
            named[index] = _refused(one, others)
        else:
            named[index] = replace(one, name=_stem(one.path)) if others else one
    # Good projects choose first, so that no broken file can take their name.
    taken: Counter[str] = Counter()
    for index in sorted(named, key=lambda index: (named[index].project is None, index)):
        name = named[index].name
        while taken[name]:
            taken[named[index].name] += 1
            name = f"{named[index].name}_{taken[named[index].name]}"
        taken[name] += 1
        named[index] = replace(named[index], name=name)
    return tuple(named[index] for index in range(len(loaded)))


def _names(loaded: Iterable[LoadedProject]) -> set[str]:
    return {one.name for one in loaded}


def _declares(one: LoadedProject) -> bool:
    return _NAME_LINE.search(one.text) is not None


def _refused(one: LoadedProject, others: list[LoadedProject]) -> LoadedProject:
    match = _NAME_LINE.search(one.text)
    line = one.text.count("\n", 0, match.start(1)) + 1 if match else 0
    column = match.start(1) - one.text.rfind("\n", 0, match.start(1)) if match else 0
    names = " and ".join(other.path.name for other in others)
    message = f"the project name '{one.name}' is taken by {names} too"
    problem = Problem(str(one.path), line, column, message, "give every file a name of its own")
    return replace(one, name=_stem(one.path), project=None, problems=tuple(sorted((*one.problems, problem))))


def _stem(path: Path) -> str:
    """The file's name as a project name."""
    stem = re.sub(r"[^a-z0-9_-]", "_", path.stem.lower())[:64]
    return stem if _NAME.match(stem) else f"p_{stem}"[:64]


def _load(path: Path, environ: Mapping[str, str]) -> LoadedProject:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        problem = Problem(str(path), 0, 0, f"the file cannot be read: {error.strerror}", "check its path and rights")
        return LoadedProject(_stem(path), path, "", None, (problem,))
    if len(content) > MAX_BYTES:
        hint = "a project file is a few kilobytes"
        problem = Problem(str(path), 0, 0, f"the file is larger than {MAX_BYTES:,} bytes", hint)
        return LoadedProject(_stem(path), path, "", None, (problem,))
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        text = content.decode("utf-8", errors="replace")
        before = content[: error.start].decode("utf-8", errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        problem = Problem(str(path), line, column, "the file is not UTF-8 text", "save it as UTF-8")
        return LoadedProject(_guess_name(text, path), path, text, None, (problem,))
    document = read_document(str(path), text, environ)
    project = _project(document, path) if document.root is not None else None
    if project is not None:
        return LoadedProject(project.name, path, text, project)
    declared = document.values.get("project")
    name = declared if isinstance(declared, str) and _NAME.match(declared) else _guess_name(text, path)
    return LoadedProject(name, path, text, None, tuple(sorted(document.problems)))


def _guess_name(text: str, path: Path) -> str:
    match = _NAME_LINE.search(text)
    return match[1] if match else _stem(path)


def _project(document: Document, path: Path) -> Project | None:
    """The Project of `document`, or None with all problems reported on it."""
    if ("project",) in document.variables:
        hint = "write the name itself: files are told apart by it before variables are resolved"
        document.report(("project",), "the project's name cannot come from a variable", hint)
        document.spoilt.add(("project",))
    file: ProjectFile | None = None
    broken: tuple[ValuePath, ...] = tuple(document.spoilt)
    try:
        file = ProjectFile.model_validate(document.values)
    except ValidationError as error:
        broken += explain(document, error, ProjectFile)
        file = _without(document, broken)
    if file is not None:
        document.spoilt.update(broken)
        check(file, document, document.spoilt)
    return build(file, document, path) if file is not None and not document.problems else None


def _without(document: Document, broken: Iterable[ValuePath]) -> ProjectFile | None:
    """The file without its broken parts, so that the rest can still be checked; None if it cannot be saved."""
    values: dict[str, Any] = dict(document.values)
    for path in broken:
        part: str | int | None = path[0] if path else None
        if part in ("tables", "rules") and len(path) > 1 and isinstance(values.get(str(part)), dict):
            # A table stays by name, so that what refers to it still finds it; its contents stand in.
            whole = dict(values[str(part)])
            if part == "tables" and isinstance(path[1], str) and _NAME.match(path[1]):
                whole[path[1]] = _STAND_INS["tables"]["x"]  # type: ignore[index]
            else:
                whole.pop(path[1], None)
            values[str(part)] = whole
        else:
            values.pop(str(part), None)
    for key, stand_in in _STAND_INS.items():
        if not values.get(key):
            values[key] = stand_in
    try:
        return ProjectFile.model_validate(values)
    except ValidationError:
        return None
