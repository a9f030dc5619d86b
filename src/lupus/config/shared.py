"""What is said for all projects of an installation: the file lupus.yaml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lupus.config.document import MAX_BYTES, read_document
from lupus.config.explain import explain
from lupus.config.fields import Patterns
from lupus.config.routing import Destinations, QuietHoursFile, RouteFile, build_quiet_hours, build_routes
from lupus.model import ConfigError, Problem, Routing


class SharedRouteFile(RouteFile):
    """A route of all projects, or of some of them. It comes on top of what the projects say themselves."""

    project: Patterns | None = Field(default=None, description="Names of projects, as shell patterns.")
    owner: Patterns | None = Field(default=None, description="Owners of projects, as shell patterns.")


class SharedFile(BaseModel):
    """What is said for all projects of an installation: lupus.yaml, beside the folder of the project files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default: Destinations | None = Field(
        default=None, description="Who is told of projects that name no channel and no route; left out, the outbox."
    )
    routes: tuple[SharedRouteFile, ...] = Field(
        default=(), description="Who is told as well, of which projects and findings."
    )
    quiet_hours: QuietHoursFile | None = Field(
        default=None, description="When nobody is disturbed, for projects that do not say so themselves."
    )


def load_routing(path: Path, *, environ: Mapping[str, str] | None = None) -> Routing:
    """What the installation's file at `path` says; nothing when there is no such file.

    Raises `ConfigError` with every problem found.
    """
    try:
        content = path.read_bytes()[: MAX_BYTES + 1]
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        return Routing()
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(str(path), 0, 0, f"the file cannot be read: {error}", "check its rights; save it as UTF-8")
        raise ConfigError((problem,)) from None
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        return Routing()
    document = read_document(str(path), text, os.environ if environ is None else environ)
    file: SharedFile | None = None
    if document.root is not None:
        try:
            file = SharedFile.model_validate(document.values)
        except ValidationError as error:
            explain(document, error, SharedFile)
    if file is None or document.problems:
        raise ConfigError(tuple(sorted(document.problems)))
    return Routing(
        routes=build_routes(file.routes, f"{path.name}: routes"),
        default=file.default or (),
        quiet_hours=build_quiet_hours(file.quiet_hours, ""),
    )
