"""Settings: where this installation keeps things. All of them from the environment, all with defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from lupus.model import Connection, ConnectionNotUsableError


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are.

    `home` (``LUPUS_HOME``, default ``.lupus``) holds what Lupus itself writes: the SQLite store, the
    snapshots and the outbox. `projects` (``LUPUS_PROJECTS``) and `expectations` (``LUPUS_EXPECTATIONS``)
    are what people write, and so is `shared` (``LUPUS_CONFIG``, default ``lupus.yaml`` beside the folder of the
    projects), which says who is told of all of them. `store_url` (``LUPUS_STORE_URL``) is a SQLAlchemy URL. `ui_url`
    (``LUPUS_UI_URL``) is put in front of links in messages; without it they link to the Airflow whose task wrote them.
    """

    home: Path
    projects: Path
    expectations: Path
    store_url: str
    ui_url: str = ""
    config: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """The settings that `environ` asks for.

        >>> Settings.from_environment({"LUPUS_HOME": "/srv/lupus"}).snapshots
        PosixPath('/srv/lupus/snapshots')
        """
        home = Path(environ.get("LUPUS_HOME") or ".lupus").absolute()
        return cls(
            home=home,
            projects=Path(environ.get("LUPUS_PROJECTS") or "dags/projects").absolute(),
            expectations=Path(environ.get("LUPUS_EXPECTATIONS") or "expectations").absolute(),
            store_url=environ.get("LUPUS_STORE_URL") or f"sqlite:///{home / 'store.db'}",
            ui_url=(environ.get("LUPUS_UI_URL") or "").rstrip("/"),
            config=environ.get("LUPUS_CONFIG") or "",
        )

    @property
    def shared(self) -> Path:
        """The file with what is said for all projects; it need not be there."""
        return Path(self.config).absolute() if self.config else self.projects.parent / "lupus.yaml"

    @property
    def snapshots(self) -> Path:
        """The folder of extracted slices; with several workers it must be shared by all of them."""
        return self.home / "snapshots"

    @property
    def outbox(self) -> Path:
        """The file that takes messages for which there is no usable destination."""
        return self.home / "outbox.jsonl"


@dataclass(frozen=True, slots=True)
class EnvironmentConnections:
    """Connections from environment variables: ``LUPUS_CONN_WAREHOUSE=postgresql://user:password@host/database``.

    For Slack ``LUPUS_CONN_SLACK=token:xoxb-...``, for a webhook its address, for a mail server
    ``smtp://login:password@host:587``. JSON says all that there is to say:
    ``{"secret": "...", "url": "...", "host": "...", "port": 587, "login": "...", "extra": {...}}``.
    """

    environ: Mapping[str, str]

    def get(self, name: str) -> Connection:
        """The connection called `name`; raises `ConnectionNotUsableError` that says how to define it."""
        variable = "LUPUS_CONN_" + "".join(letter if letter.isalnum() else "_" for letter in name.upper())
        text = self.environ.get(variable, "")
        if not text:
            raise ConnectionNotUsableError(
                f"connection {name!r} is not defined; on the command line set {variable}, a SQLAlchemy URL like "
                f"postgresql://user:password@host/database or token:<secret>; in Airflow create the connection {name!r}"
            )
        if text.startswith("token:"):
            return Connection(name, secret=text.removeprefix("token:"))
        if text.startswith("{"):
            return _from_json(name, variable, text)
        if text.startswith(("smtp://", "smtps://")):
            return _mail_server(name, text)
        if "://" not in text:
            raise ConnectionNotUsableError(
                f"connection {name!r}: {variable} must be a SQLAlchemy URL (with ://), token:<secret> or JSON"
            )
        return Connection(name, url=text)


_JSON_FIELDS: Final = {"url": str, "secret": str, "host": str, "login": str, "port": int, "extra": dict}


def _from_json(name: str, variable: str, text: str) -> Connection:
    # The text holds a secret: it is not repeated.
    try:
        fields = json.loads(text)
    except ValueError:
        raise ConnectionNotUsableError(f"connection {name!r}: {variable} begins with {{ and is no JSON") from None
    wrong = sorted(one for one in fields if not isinstance(fields[one], _JSON_FIELDS.get(one, ())))
    if wrong:
        raise ConnectionNotUsableError(
            f"connection {name!r}: {variable} has {', '.join(map(repr, wrong))}, which is not one of "
            f"{', '.join(_JSON_FIELDS)} or of the wrong type"
        )
    return Connection(name, **fields)


def _mail_server(name: str, text: str) -> Connection:
    """``smtp://login:password@host:587?from_email=a@b``; smtps for servers that speak TLS from the start."""
    parts = urlsplit(text)
    extra: dict[str, str] = dict(parse_qsl(parts.query))
    if parts.scheme == "smtp":
        extra.setdefault("disable_ssl", "true")
    try:
        port = parts.port
    except ValueError:
        raise ConnectionNotUsableError(f"connection {name!r}: the port of the mail server is no number") from None
    return Connection(
        name,
        secret=unquote(parts.password or ""),
        extra=extra,
        host=parts.hostname or "",
        port=port,
        login=unquote(parts.username or ""),
    )
