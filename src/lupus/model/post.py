"""Post: the one message of an incident that stands in a channel, and is kept up to date in place."""

from __future__ import annotations

from dataclasses import dataclass

from lupus.model.interval import Interval


@dataclass(frozen=True, slots=True)
class Post:
    """What is known of an incident's message at a destination whose messages can be edited.

    `since` is the interval of the first notice that it shows. `channel` and `ts` are what Slack calls the message, ""
    until it is known to be there. `shown` is a digest of what it says. `begun` names what was about to be sent when
    this was written (``post``, or the id of a notice): a process that finds it looks first whether it arrived. `file`
    is the chart in it, which shows what the notice `file_of` told of. `version` is the incident's that it shows.
    `sealed` says that the workspace lets nobody edit it any more.
    """

    incident: str
    destination: str
    project: str
    since: Interval
    channel: str = ""
    ts: str = ""
    shown: str = ""
    begun: str = ""
    file: str = ""
    file_of: str = ""
    version: int = -1
    sealed: bool = False
