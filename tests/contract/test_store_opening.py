"""Opening, upgrading and refusing stores; every refusal says what to do and keeps the password to itself."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from lupus.model import Cadence, CadenceKind, MetricPoint, Series, SeriesKey, StoreError
from lupus.store import open_store
from lupus.store.database import Database
from lupus.store.schema import HEAD, REVISIONS, VERSION_TABLE
from lupus.store.tables import metadata

DAY = Cadence(CadenceKind.DAILY).parse("2013-03-07")
POINT = MetricPoint(Series(SeriesKey("flights", "data", "delay", "mean"), "input"), DAY, 1.0, 1)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/a folder with %20 and ü/lupus.db"
    return request.getfixturevalue("postgres_url")


def set_revision(url: str, revision: str) -> None:
    database = Database(url)
    with database.writing() as connection:
        table = sa.table(VERSION_TABLE, sa.column("version_num"))
        connection.execute(sa.update(table).values(version_num=revision))
    database.close()


def test_a_new_store_is_made_and_opens_again(url: str) -> None:
    with open_store(url) as store:
        assert store.revision() == (HEAD, HEAD)
        store.upsert_points([POINT], scope="pushed")
        store.upgrade()
    with open_store(url, create=False) as store:
        assert store.points("flights") == [POINT]
        assert "sqlite" in repr(store) or "postgresql" in store.label


def test_migrations_make_the_tables_of_the_code(url: str) -> None:
    open_store(url).close()
    database = Database(url)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []
        inspector = sa.inspect(connection)
        for table in metadata.tables.values():
            assert inspector.get_pk_constraint(table.name)["constrained_columns"] == [
                column.name for column in table.primary_key.columns
            ]
            assert len(inspector.get_foreign_keys(table.name)) == len(table.foreign_key_constraints)
        if database.is_sqlite:
            stored = dict(connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all())
            for table in metadata.tables.values():
                clustered = not table.dialect_options["sqlite"]["with_rowid"]
                assert ("WITHOUT ROWID" in stored[table.name]) == clustered, table.name
    database.close()


def test_the_code_knows_all_migrations_in_their_order() -> None:
    config = Config()
    config.set_main_option("script_location", "lupus.store:migrations")
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == REVISIONS
    assert scripts.get_current_head() == HEAD


def test_migrations_can_be_undone(url: str) -> None:
    from alembic import command

    open_store(url).close()
    database = Database(url)
    config = Config()
    config.set_main_option("script_location", "lupus.store:migrations")
    config.set_main_option("path_separator", "os")
    with database.upgrading() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert set(sa.inspect(connection).get_table_names()) == {VERSION_TABLE}
    database.close()


def test_a_store_of_a_newer_lupus_is_refused(url: str) -> None:
    open_store(url).close()
    set_revision(url, "9999")
    with pytest.raises(StoreError, match=r"schema 9999, which this Lupus .* does not know"):
        open_store(url)
    with open_store(url, check=False) as store, pytest.raises(StoreError, match="does not know"):
        store.upgrade()


def test_a_store_of_an_older_lupus_is_refused_until_it_is_upgraded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(url).close()
    set_revision(url, "0000")
    monkeypatch.setattr("lupus.store.schema.REVISIONS", ("0000", *REVISIONS))
    with pytest.raises(StoreError, match="run `lupus db upgrade`"):
        open_store(url)
    with open_store(url, check=False) as store:
        assert store.revision() == ("0000", HEAD)


def test_a_missing_store_is_not_made_unasked(url: str, tmp_path) -> None:
    with pytest.raises(StoreError, match="run `lupus db upgrade`"):
        open_store(url, create=False)
    assert not list(tmp_path.iterdir())


def test_two_upgrades_at_once_end_well(url: str) -> None:
    script = "import sys; from lupus.store import open_store; print(open_store(sys.argv[1]).revision()[0])"
    running = [
        subprocess.Popen([sys.executable, "-c", script, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    results = [process.communicate(timeout=120) for process in running]
    assert [out.strip() for out, _ in results] == [HEAD] * 3, results


def test_a_database_with_other_tables_of_our_names_is_left_alone(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE runs (mine int)"))
    with pytest.raises(StoreError, match="runs"):
        open_store(postgres_url)
    assert sa.inspect(engine).get_table_names() == ["runs"]
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "URL cannot be read; write sqlite:///"),
        ("postgresql://u:s3cret@host:port/db", "URL cannot be read"),
        ("postgresql://u:top@s3cret@host/db", "write %40"),
        ("mysql+pymysql://root:s3cret@127.0.0.1/test", "cannot be 'mysql'"),
        ("sqlite:////proc/nothing/lupus.db", "the folder /proc/nothing for the metric store cannot be made"),
        ("sqlite:////", "cannot be opened for writing"),
    ],
)
def test_a_wrong_url_says_what_to_write(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        open_store(url)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(caught.value.__cause__)


def test_a_file_that_is_no_store_is_refused_and_kept(tmp_path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to look at " * 50)
    before = file.read_bytes()
    with pytest.raises(StoreError, match="damaged or no SQLite file"):
        open_store(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_an_unreachable_server_is_named_without_the_password() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(StoreError, match=f"cannot be reached .*127.0.0.1:{port}") as caught:
            open_store(f"postgresql://lupus:s3cret@127.0.0.1:{port}/lupus?connect_timeout=3&password=s3cret")
    assert "s3cret" not in str(caught.value)
    assert "check that the server runs" in str(caught.value)


def test_a_wrong_password_is_said_without_the_password() -> None:
    """A server that speaks just enough of the protocol to refuse a password as PostgreSQL does."""
    refusal = b'SFATAL\x00VFATAL\x00C28P01\x00Mpassword authentication failed for user "lupus"\x00\x00'
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            for _ in range(2):
                client, _ = server.accept()
                with client:
                    if client.recv(8)[4:] == b"\x04\xd2\x16\x2f":  # may we speak TLS?
                        client.sendall(b"N")
                        client.recv(1024)
                    client.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x03")  # the password, please
                    if client.recv(1024):
                        client.sendall(b"E" + (len(refusal) + 4).to_bytes(4, "big") + refusal)
                        return

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        with pytest.raises(StoreError, match="password authentication failed") as caught:
            open_store(f"postgres://lupus:s3cret@127.0.0.1:{port}/lupus?gssencmode=disable")
        thread.join(10)
    assert "s3cret" not in str(caught.value)
    assert "check database, user and password" in str(caught.value)


def test_an_unknown_database_is_named(postgres_url: str) -> None:
    url = sa.make_url(postgres_url).set(database="lupus_is_not_here")
    with pytest.raises(StoreError, match=r"lupus_is_not_here.* does not exist"):
        open_store(url.render_as_string(hide_password=False))


def test_a_store_that_is_locked_for_too_long_says_so(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/lupus.db"
    open_store(url).close()
    monkeypatch.setattr("lupus.store.database.BUSY_SECONDS", 0)
    blocker = sqlite3.connect(tmp_path / "lupus.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with open_store(url) as store:
        assert store.points("flights") == []  # readers never wait
        with pytest.raises(StoreError, match="written by another process"):
            store.upsert_points([POINT], scope="pushed")
        blocker.execute("ROLLBACK")
        store.upsert_points([POINT], scope="pushed")
        assert store.points("flights") == [POINT]
    blocker.close()


def test_sqlite_is_set_up_for_many_processes(tmp_path) -> None:
    open_store(f"sqlite:///{tmp_path}/lupus.db").close()
    database = Database(f"sqlite:///{tmp_path}/lupus.db")
    with database.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "wal_autocheckpoint")
        }
    database.close()
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
        "wal_autocheckpoint": 16_384,
    }


def test_postgresql_compiles_no_query_of_ours(postgres_url: str) -> None:
    """That takes longer than the query: twenty milliseconds for the catalogue of a day."""
    with open_store(postgres_url) as store, store._database.reading() as connection:
        assert connection.exec_driver_sql("SHOW jit").scalar() == "off"
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "repeatable read"


def test_a_store_in_memory_works_from_any_thread() -> None:
    with open_store("sqlite://") as store:
        thread = threading.Thread(target=store.upsert_points, args=([POINT],), kwargs={"scope": "pushed"})
        thread.start()
        thread.join()
        assert store.points("flights") == [POINT]


def test_importing_the_room_loads_no_database() -> None:
    script = (
        "import sys, lupus.store; print(sorted({'sqlalchemy', 'alembic', 'numpy', 'psycopg'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_opening_a_store_that_is_there_loads_no_alembic(tmp_path) -> None:
    url = f"sqlite:///{tmp_path}/lupus.db"
    open_store(url).close()
    script = "import sys; from lupus.store import open_store; open_store(sys.argv[1]); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
