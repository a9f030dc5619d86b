"""`lupus deliver` and `lupus slack-listen`, as people use them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tiny
from installation import Installation
from slack_server import APP_TOKEN, TOKEN, SlackServer


@pytest.fixture
def server(slack: SlackServer) -> SlackServer:
    return slack


@pytest.fixture
def loans(history: Installation, tmp_path: Path, server: SlackServer) -> Installation:
    """Forty days of loans, whose messages go to Slack from now on."""
    made = history.copied(tmp_path / "tiny")
    file = made.project_file()
    text = file.read_text()
    assert "\nalerts: {" in text
    file.write_text(text.replace("\nalerts: {", '\nalerts: {slack: {channel: "#ml-flights"}, '))
    extra = {"base_url": server.url}
    return made.with_environ(
        LUPUS_CONN_SLACK=json.dumps({"secret": TOKEN, "extra": extra}),
        LUPUS_CONN_SLACK_APP=json.dumps({"secret": APP_TOKEN, "extra": extra}),
        LUPUS_UI_URL="https://airflow.example",
    )


def test_what_had_failed_is_sent_when_it_is_mended(loans: Installation, server: SlackServer) -> None:
    server.mode = "channel_not_found"
    assert loans.lupus("run", "loans", "--day", tiny.day(34)).code == 0, "a message that fails makes no run fail"
    said = loans.lupus("doctor")
    assert "channel_not_found; check the channel in the project file" in said.text
    assert "lupus deliver loans --again" in said.text
    server.mode = "ok"
    assert loans.lupus("deliver", "loans").out == ""
    assert server.messages == []
    done = loans.lupus("deliver", "loans", "--again")
    assert (done.code, "sent" in done.out) == (0, True)
    assert len(server.threads) >= 1
    assert "channel_not_found" not in loans.lupus("doctor").text
    assert loans.lupus("deliver", "--again").out == ""
    assert loans.lupus("deliver", "loan").code == 2


def test_what_cannot_be_sent_says_so(loans: Installation, server: SlackServer) -> None:
    server.mode = "token_revoked"
    loans.lupus("run", "loans", "--day", tiny.day(34))
    answer = loans.lupus("deliver", "--again")
    assert answer.code == 3
    assert "token_revoked; put a valid bot token" in answer.text
    assert TOKEN not in answer.text


def test_listening(loans: Installation, server: SlackServer) -> None:
    """A process of its own: it hears a press, sends what waits, and ends when it is told to."""
    assert loans.lupus("run", "loans", "--day", tiny.day(34)).code == 0
    (head,) = [message for message in server.messages if "thread_ts" not in message][:1]
    (elements,) = [block["elements"] for block in head["blocks"] if block["type"] == "actions"]
    button = next(one for one in elements if one["action_id"] == "lupus_acknowledge")
    process = subprocess.Popen(
        [sys.executable, "-m", "lupus.cli.main", "slack-listen", "--every", "1"],
        env=loans.process_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening; stop with Ctrl-C\n"
        assert server.push(server.payload("U0VERA001", head, button)) < 3
        with loans.workspace() as opened:
            for _ in range(200):
                acknowledged = [one for one in opened.store.incidents("loans") if one.acknowledged_by]
                if acknowledged and any("👀" in json.dumps(one, ensure_ascii=False) for one in server.messages):
                    break
                server.delay.wait(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        log = process.stderr.read()
    assert [one.acknowledged_by for one in acknowledged] == ["Vera Rubin (Slack U0VERA001)"]
    assert "acknowledge of" in log
    assert TOKEN not in log
    assert APP_TOKEN not in log


def test_listening_without_a_token(loans: Installation) -> None:
    answer = loans.with_environ(LUPUS_CONN_SLACK_APP="").lupus("slack-listen")
    assert answer.code == 3
    assert "slack_app" in answer.text
