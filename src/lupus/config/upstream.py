"""`upstream` across the files of a folder: names that exist, and no project that depends on itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from lupus.config.document import Document
from lupus.config.fields import closest

ASSET_PREFIX: Final = "lupus://"
"""What the URI of a project's asset begins with; the project's name follows."""


def check_names(upstream: Sequence[str], name: str, document: Document) -> None:
    """What one file can know: no other assets than those of projects, and not the project itself."""
    seen: set[str] = set()
    for index, written in enumerate(upstream):
        path = ("upstream", index)
        project = written.removeprefix(ASSET_PREFIX)
        if "://" in project:
            hint = f"only projects have incidents: write the name of one, or {ASSET_PREFIX}name"
            document.report(path, f"{document.shown(path, written)} is no project's asset", hint)
        elif project == name:
            document.report(path, "the project is upstream of itself", "take it out of upstream")
        elif project in seen:
            document.report(path, f"{document.shown(path, written)} stands here twice", "name each project once")
        seen.add(project)


def report_unknown(upstream: Sequence[str], known: Collection[str], document: Document) -> None:
    """Report every project of `upstream` that none of `known` is."""
    for index, name in enumerate(upstream):
        if name not in known:
            path = ("upstream", index)
            near = None if document.is_secret(path) else closest(name, known)
            others = ", ".join(sorted(known)[:10]) or "none"
            hint = f"did you mean {near!r}?" if near else f"the other projects here are {others}"
            document.report(path, f"no project is called {document.shown(path, name)}", hint)


def report_circle(circle: Sequence[str], upstream: Sequence[str], document: Document) -> None:
    """Report that the project depends on itself, at the item of `upstream` that closes the `circle`."""
    document.report(
        ("upstream", upstream.index(circle[1])),
        f"the project is upstream of itself: {' <- '.join(reversed(circle))}",
        "take one of them out of the other's upstream",
    )


def circle_of(name: str, upstream: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The shortest way from `name` through what is upstream back to itself; empty when there is none.

    >>> circle_of("a", {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]})
    ('a', 'b', 'c', 'a')
    >>> circle_of("d", {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]})
    ()
    """
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    for way in ways:  # grows while it is walked: nearer ones first
        for other in upstream.get(way[-1], ()):
            if other == name:
                return (*way, name)
            if other not in seen:
                seen.add(other)
                ways.append((*way, other))
    return ()
