"""Verdicts to incidents, messages and retraining requests.

Deciding and rendering are pure functions without a clock: the time is the run's `Interval`. I/O happens in the
sinks only. In the order of a run: `update_incidents`, `decide_notices`, `decide_retrain`, all of which the caller
stores in one transaction. A notice keeps a `Story`, in plain facts; the sinks format it when it is delivered.
"""

from lupus.act.actions import Press, read_press, sign
from lupus.act.before_after import compare_retraining
from lupus.act.changes import TRANSITIONS, apply_change, refusal, standing, state_of
from lupus.act.chart import render_chart
from lupus.act.comparison import better_of, compare_versions
from lupus.act.digest import decide_digests
from lupus.act.incidents import IncidentChanges, as_of, counts, first_concerned, update_incidents
from lupus.act.mail import MailSink
from lupus.act.notices import Occasion, decide_notices
from lupus.act.outbox import OutboxMessage, OutboxSink, read_outbox
from lupus.act.ranking import Cause, causes, worst
from lupus.act.replay import Alarm, alarms, clusters
from lupus.act.retrain import Matured, ask_retrain, decide_retrain
from lupus.act.retrain_notices import retrain_notices
from lupus.act.routing import Addressee, addressees, routes_of
from lupus.act.sinks import Delivery, Sink, SinkFactory, is_reachable, open_sink
from lupus.act.slack import Edited, SlackChannel
from lupus.act.slack_message import channel_message, note, thread_message
from lupus.act.socket import Interaction, is_from_link, open_socket, read_interaction
from lupus.act.story import Item, Links, Standing, Story, story_of, tell
from lupus.act.text import is_mention
from lupus.act.timeline import merge_events, run_events
from lupus.act.upstream import UpstreamCause, is_held, is_open_at, upstream_causes, with_upstream
from lupus.act.webhook import SlackWebhookSink, WebhookSink

__all__ = [
    "TRANSITIONS",
    "Addressee",
    "Alarm",
    "Cause",
    "Delivery",
    "Edited",
    "IncidentChanges",
    "Interaction",
    "Item",
    "Links",
    "MailSink",
    "Matured",
    "Occasion",
    "OutboxMessage",
    "OutboxSink",
    "Press",
    "Sink",
    "SinkFactory",
    "SlackChannel",
    "SlackWebhookSink",
    "Standing",
    "Story",
    "UpstreamCause",
    "WebhookSink",
    "addressees",
    "alarms",
    "apply_change",
    "as_of",
    "ask_retrain",
    "better_of",
    "causes",
    "channel_message",
    "clusters",
    "compare_retraining",
    "compare_versions",
    "counts",
    "decide_digests",
    "decide_notices",
    "decide_retrain",
    "first_concerned",
    "is_from_link",
    "is_held",
    "is_mention",
    "is_open_at",
    "is_reachable",
    "merge_events",
    "note",
    "open_sink",
    "open_socket",
    "read_interaction",
    "read_outbox",
    "read_press",
    "refusal",
    "render_chart",
    "retrain_notices",
    "routes_of",
    "run_events",
    "sign",
    "standing",
    "state_of",
    "story_of",
    "tell",
    "thread_message",
    "update_incidents",
    "upstream_causes",
    "with_upstream",
    "worst",
]
