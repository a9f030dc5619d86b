"""AirflowConnections: Airflow's Connections as Lupus Connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lupus.model import Connection, ConnectionNotUsableError

STORE_CONNECTION: Final = "lupus_store"
"""The Airflow connection of the metric store. Without it ``LUPUS_STORE_URL`` or the default is used."""

_SERVERS: Final = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
_FILES: Final = {"sqlite": "sqlite", "duckdb": "duckdb"}
# A connection's extra field also holds settings of Airflow's own hooks (cursor classes, cloud roles), which
# a driver would refuse: only what the drivers themselves know goes into the URL.
_DRIVER_OPTIONS: Final = {
    "postgresql+psycopg": frozenset(
        {"application_name", "channel_binding", "connect_timeout", "gssencmode", "keepalives", "keepalives_count"}
        | {"keepalives_idle", "keepalives_interval", "options", "sslcert", "sslcrl", "sslkey", "sslmode"}
        | {"sslrootcert", "target_session_attrs"}
    ),
    "mysql+pymysql": frozenset(
        {"charset", "connect_timeout", "read_timeout", "ssl_ca", "ssl_cert", "ssl_key", "unix_socket"}
    ),
    "duckdb": frozenset({"access_mode"}),
    "sqlite": frozenset({"mode", "uri"}),
}


@dataclass(frozen=True, slots=True)
class AirflowConnections:
    """Finds connections in Airflow: its secrets backends, environment variables and database. Works in tasks only."""

    def get(self, name: str) -> Connection:
        """The Airflow connection `name`; raises `ConnectionNotUsableError` that says how to make it."""
        found = _find(name)
        if found is None:
            raise ConnectionNotUsableError(
                f"Airflow has no connection {name!r}; create it under Admin > Connections, with "
                f"`airflow connections add {name} ...`, or as the environment variable AIRFLOW_CONN_{name.upper()}"
            )
        return from_airflow(found)


def _find(name: str) -> Any | None:
    """Airflow's connection `name`, or None. An API server that does not answer is no "None": it raises, for a retry."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import (
        AirflowNotFoundException,
        AirflowRuntimeError,
        AirflowSecretsBackendAccessDenied,
        ErrorType,
    )

    try:
        return BaseHook.get_connection(name)
    except AirflowNotFoundException:
        return None
    except AirflowSecretsBackendAccessDenied as error:
        raise ConnectionNotUsableError(f"Airflow does not let this task use the connection {name!r}") from error
    except AirflowRuntimeError as error:
        if error.error.error is ErrorType.CONNECTION_NOT_FOUND:
            return None
        raise


def from_airflow(found: Any) -> Connection:
    """The Lupus Connection of an Airflow connection (any object with its fields).

    Databases get a URL made from the fields, since ``get_uri()`` mangles some; all else gets the password as
    its secret. PostgreSQL, MySQL, MariaDB, SQLite and DuckDB are known by their Airflow type; another database by
    its SQLAlchemy driver name in the extra field ``sqlalchemy_driver``. Web services get an address, mail servers their
    host, port and login.
    """
    kind = (found.conn_type or "").lower()
    extra: Mapping[str, Any] = dict(found.extra_dejson or {})
    secret = found.password or ""
    if kind in _FILES:
        # Airflow's own hooks expect the file's path in `host`; its forms also allow it in `schema`.
        path = found.host or found.schema or ""
        if not path:
            raise ConnectionNotUsableError(
                f"connection {found.conn_id!r} of type {kind} names no file; put its path into the host field"
            )
        return Connection(found.conn_id, url=_url(_FILES[kind], {"database": path}, extra), secret=secret, extra=extra)
    driver = _SERVERS.get(kind) or str(extra.get("sqlalchemy_driver", ""))
    if not driver:
        return Connection(
            found.conn_id,
            url=_web_address(found, secret),
            secret=secret,
            extra=extra,
            host=found.host or "",
            port=int(found.port) if found.port else None,
            login=found.login or "",
        )
    if not found.host and "unix_socket" not in extra and kind in _SERVERS:
        raise ConnectionNotUsableError(
            f"connection {found.conn_id!r} of type {kind} has no host; fill in the host field"
        )
    fields = {
        "username": found.login or None,
        "password": found.password or None,
        "host": found.host or None,
        "port": int(found.port) if found.port else None,
        "database": found.schema or None,
    }
    return Connection(found.conn_id, url=_url(driver, fields, extra), secret=secret, extra=extra)


def _web_address(found: Any, secret: str) -> str:
    """The address of a web service, "" where there is none.

    Airflow's HTTP connections have a scheme in `schema`, or a whole address in `host`; of Slack's incoming webhooks the
    path that is secret is the password.
    """
    host = (found.host or "").rstrip("/")
    kind = (found.conn_type or "").lower()
    if kind == "slackwebhook":
        if secret.startswith("https://"):
            return secret
        return f"{host or 'https://hooks.slack.com/services'}/{secret.lstrip('/')}" if secret else ""
    if host.startswith(("http://", "https://")):
        return host
    if kind not in ("http", "https") or not host:
        return ""
    port = f":{found.port}" if found.port else ""
    return f"{found.schema or kind}://{host}{port}"


def store_url(default: str) -> str:
    """The metric store's URL: that of the Airflow connection ``lupus_store``, else `default`."""
    found = _find(STORE_CONNECTION)
    if found is None:
        return default
    url = from_airflow(found).url
    if not url:
        raise ConnectionNotUsableError(
            f"connection {STORE_CONNECTION!r} is no database; make it of type postgres or sqlite, or remove it"
        )
    return url


def _url(driver: str, fields: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
    from sqlalchemy.engine import URL

    known = _DRIVER_OPTIONS.get(driver, frozenset())
    query = {name: str(value) for name, value in extra.items() if name in known and value not in (None, "")}
    return URL.create(driver, query=query, **fields).render_as_string(hide_password=False)
