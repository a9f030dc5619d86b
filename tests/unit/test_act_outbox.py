"""The outbox: every notice once, whoever writes, whenever it is killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from act_cases import House, verdict
from lupus.act import Delivery, OutboxSink, SlackChannel, addressees, open_sink, read_outbox
from lupus.model import Connection, ConnectionNotUsableError, DeliveryError, Routing


def _delivery(id: str = "a" * 32, text: str = "hello") -> Delivery:
    (notice,) = House().run(0, verdict(0))
    return Delivery(replace(notice, id=id, message=MappingProxyType({"text": text})), None, lambda: None)


def test_a_notice_is_written_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "outbox.jsonl"
    assert read_outbox(path) == ()
    sink = OutboxSink(path)
    assert sink.deliver(_delivery("1", "first ☂ second line")) == "outbox:1"
    assert sink.deliver(_delivery("2")) == "outbox:2"
    assert sink.deliver(_delivery("1", "changed")) == "outbox:1"
    messages = read_outbox(path)
    assert [(one.id, one.message["text"]) for one in messages] == [("1", "first ☂ second line"), ("2", "hello")]
    assert (messages[0].project, messages[0].reason, messages[0].interval) == ("flights", "first", "2013-03-08")
    assert len(path.read_text().splitlines()) == 2


def test_an_id_inside_a_message_is_not_taken_for_a_line(tmp_path: Path) -> None:
    sink = OutboxSink(tmp_path / "outbox.jsonl")
    sink.deliver(_delivery("1", '\n{"id": "2", '))
    sink.deliver(_delivery("2"))
    assert [one.id for one in read_outbox(sink.path)] == ["1", "2"]


@pytest.mark.parametrize("torn", ['{"id": "9", "project"', "{", '{"id": "9", "text": "' + "x" * 100_000])
@pytest.mark.parametrize("before", [0, 1])
def test_a_line_left_by_a_killed_writer_is_removed(tmp_path: Path, torn: str, before: int) -> None:
    sink = OutboxSink(tmp_path / "outbox.jsonl")
    for number in range(before):
        sink.deliver(_delivery(str(number)))
    with sink.path.open("a") as file:
        file.write(torn)
    assert len(read_outbox(sink.path)) == before
    sink.deliver(_delivery("9"))
    assert [one.id for one in read_outbox(sink.path)] == [str(number) for number in range(before)] + ["9"]


def _write_all(path: Path, ids: list[str]) -> None:
    sink = OutboxSink(path)
    for id in ids:
        sink.deliver(_delivery(id, "x" * 5000))


def test_writers_at_once_neither_lose_nor_double(tmp_path: Path) -> None:
    path = tmp_path / "outbox.jsonl"
    ids = [f"n{number}" for number in range(25)]
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_all, args=(path, order)) for order in (ids, ids[::-1], ids[5:] + ids[:5])]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert sorted(one.id for one in read_outbox(path)) == sorted(ids)


def _die_in_the_middle(path: Path) -> None:
    write = os.write

    def half(file: int, line: bytes) -> int:
        write(file, line[: len(line) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    os.write = half
    OutboxSink(path).deliver(_delivery("2"))


def test_killed_in_the_middle_of_a_line_then_run_again(tmp_path: Path) -> None:
    path = tmp_path / "outbox.jsonl"
    OutboxSink(path).deliver(_delivery("1"))
    victim = multiprocessing.get_context("spawn").Process(target=_die_in_the_middle, args=(path,))
    victim.start()
    victim.join(60)
    assert victim.exitcode == -signal.SIGKILL
    assert not path.read_bytes().endswith(b"\n")
    OutboxSink(path).deliver(_delivery("2"))
    assert [one.id for one in read_outbox(path)] == ["1", "2"]


def _fill(path: Path) -> None:
    OutboxSink(path).deliver(_delivery("1"))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, resource.RLIM_INFINITY))
    with pytest.raises(DeliveryError, match="free space") as caught:
        OutboxSink(path).deliver(_delivery("2", "x" * 1000))
    assert not caught.value.permanent
    assert [one.id for one in read_outbox(path)] == ["1"]
    assert path.read_bytes().endswith(b"\n")


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    writer = multiprocessing.get_context("spawn").Process(target=_fill, args=(tmp_path / "outbox.jsonl",))
    writer.start()
    writer.join(60)
    assert writer.exitcode == 0


def test_a_path_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeliveryError, match=r"cannot write the outbox .*file/outbox.jsonl: .*; make the file writable"):
        OutboxSink(tmp_path / "file" / "outbox.jsonl").deliver(_delivery())


def test_the_file_is_not_for_everyone(tmp_path: Path) -> None:
    sink = OutboxSink(tmp_path / "outbox.jsonl")
    sink.deliver(_delivery())
    assert sink.path.stat().st_mode & 0o007 == 0
    assert json.loads(sink.path.read_text())["id"] == "a" * 32


class _Connections:
    def __init__(self, *known: Connection) -> None:
        self.known = {one.name: one for one in known}

    def get(self, name: str) -> Connection:
        if name not in self.known:
            raise ConnectionNotUsableError(f"no connection {name!r}")
        return self.known[name]


def test_destinations(tmp_path: Path) -> None:
    house = House()
    token = Connection("slack", secret="xoxb-1", extra={"base_url": "http://127.0.0.1:1/api/"})
    for connections, expected in (
        (_Connections(), "outbox"),
        (_Connections(Connection("slack")), "outbox"),
        (_Connections(token), "slack:slack:#ml-flights"),
    ):
        (one,) = addressees(house.project, Routing(), connections)
        assert one.destination == expected

    path = tmp_path / "outbox.jsonl"
    slack = open_sink("slack:slack:#a:b", connections=_Connections(token), outbox=path)
    assert slack == SlackChannel("xoxb-1", "#a:b", base_url="http://127.0.0.1:1/api/")
    assert "xoxb" not in repr(slack)
    assert open_sink("outbox", connections=_Connections(), outbox=path) == OutboxSink(path)
    with pytest.raises(
        DeliveryError, match=r"no sink called 'pigeon'.*email, outbox, slack, slack_webhook, webhook"
    ) as caught:
        open_sink("pigeon:coop", connections=_Connections(), outbox=path)
    assert caught.value.permanent
