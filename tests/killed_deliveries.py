"""Delivers in forks, each killed at one step, or several at once. See test_deliver_killed.py.

A step is the moment before or after a call to the store that writes, or to Slack.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

STORE = ("take_lease", "save_post", "mark_notice", "release")
SLACK = ("post", "edit", "reply", "upload", "find_post", "find_reply")


def arm(step: int) -> None:
    """Put the killer at step number `step`, counted from 1; 0 is nowhere."""
    from forks import die
    from lupus.act import SlackChannel
    from lupus.store import Store

    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            die()

    for owner, names in ((Store, STORE), (SlackChannel, SLACK)):
        for name in names:
            original = getattr(owner, name)

            def wrapped(*arguments: Any, _original: Any = original, **options: Any) -> Any:
                count()
                result = _original(*arguments, **options)
                count()
                return result

            setattr(owner, name, wrapped)


def work(order: dict[str, Any]) -> None:
    from unittest import mock

    from act_cases import House
    from delivery_cases import Clock, Desk, FixedConnections
    from lupus.model import Connection
    from lupus.stages import Patience, Settings, Workspace, deliver, thread
    from lupus.store import open_store
    from slack_server import TOKEN

    folder = Path(order["folder"])
    settings = Settings(folder, folder, folder, order["url"], "https://airflow.example")
    connections = FixedConnections(Connection("slack", secret=TOKEN, extra={"base_url": order["server"]}))
    with open_store(order["url"]) as store, mock.patch.object(thread, "series_chart", return_value=b"\x89PNG"):
        desk = Desk(Workspace(settings, store, connections), house=House())
        arm(order["step"])
        if order["now"]:
            desk.clock = Clock(datetime.fromisoformat(order["now"]))
            desk.deliver()
        else:  # those that race need a clock that all share
            deliver(desk.workspace, desk.house.project.name, patience=Patience(120.0))


def main() -> None:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    import slack_sdk  # noqa: F401

    import lupus.act
    import lupus.stages.deliver
    import lupus.stages.thread
    import lupus.store  # noqa: F401
    from forks import serve

    serve(work)


if __name__ == "__main__":
    main()
