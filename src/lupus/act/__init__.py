"""Verdicts to incidents, messages and retraining requests.

Deciding and rendering are pure functions without a clock: the time is the run's `Interval`. I/O happens in the
sinks only. In the order of a run: `update_incidents`, `decide_notices`, `decide_retrain`, all of which the caller
stores in one transaction; then `open_sink(...).deliver(...)` for what is to be sent.
"""

from lupus.act.before_after import compare_retraining
from lupus.act.changes import TRANSITIONS, apply_change, refusal, standing, state_of
from lupus.act.comparison import better_of, compare_versions, default_metric
from lupus.act.incidents import IncidentChanges, as_of, counts, update_incidents
from lupus.act.message import Links, render_slack
from lupus.act.notices import decide_notices
from lupus.act.outbox import OutboxMessage, OutboxSink, read_outbox
from lupus.act.ranking import Cause, causes, worst
from lupus.act.retrain import Matured, ask_retrain, decide_retrain
from lupus.act.sinks import Sink, SinkFactory, destination_of, open_sink
from lupus.act.slack import SlackSink
from lupus.act.text import is_mention
from lupus.act.upstream import UpstreamCause, is_held, is_open_at, upstream_causes, with_upstream

__all__ = [
    "TRANSITIONS",
    "Cause",
    "IncidentChanges",
    "Links",
    "Matured",
    "OutboxMessage",
    "OutboxSink",
    "Sink",
    "SinkFactory",
    "SlackSink",
    "UpstreamCause",
    "apply_change",
    "as_of",
    "ask_retrain",
    "better_of",
    "causes",
    "compare_retraining",
    "compare_versions",
    "counts",
    "decide_notices",
    "decide_retrain",
    "default_metric",
    "destination_of",
    "is_held",
    "is_mention",
    "is_open_at",
    "open_sink",
    "read_outbox",
    "refusal",
    "render_slack",
    "standing",
    "state_of",
    "update_incidents",
    "upstream_causes",
    "with_upstream",
    "worst",
]
