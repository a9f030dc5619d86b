"""Connection: where a named system is and how to get in, whoever keeps the secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Connection:
    """A named connection. `url` is a SQLAlchemy URL *with* its password, or the web address of a service, or "";
    `secret` is a token or password. Neither is shown by ``repr``. Mail servers have `host`, `port` and `login`.
    """

    name: str
    url: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    host: str = ""
    port: int | None = None
    login: str = ""


class Connections(Protocol):
    """Finds connections: from the environment on the command line, from Airflow in a task."""

    def get(self, name: str) -> Connection:
        """The connection called `name`; raises `ConnectionNotUsableError` that says how to define it."""
        ...
