"""The message of one incident in a Slack channel, kept up to date in place, with its news in its thread.

What may be done twice without harm (an edit, an upload that nobody sees) is simply done again after a crash. What may
not (a message, a reply) is announced in the store before it is tried: whoever finds such an announcement asks Slack
first whether it arrived.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lupus.model import (
    ConnectionNotUsableError,
    DeliveryError,
    Notice,
    NoticeState,
    Post,
    Reason,
    SeriesKey,
)
from lupus.stages.charts import series_chart
from lupus.stages.standing import standing_of
from lupus.stages.turn import Turn
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.act import SlackChannel, Standing, Story

_LOUD: Final = frozenset((Reason.WORSE, Reason.REOPENED, Reason.REMINDER))
"""An edit rings no bell, and a thread is far up in the channel by then: these replies are shown in the channel, too."""

Answer = TypeVar("Answer")

_POST: Final = "post"
_MOST_BYTES: Final = 1_000_000


def is_due(notice: Notice, now: datetime) -> bool:
    """Whether `notice` waits, and need not wait any longer."""
    return notice.state is NoticeState.PENDING and (notice.next_try is None or notice.next_try <= now)


@dataclass(frozen=True, slots=True)
class _Now:
    """What the message is to say: what the newest notice tells, and what people have made of it."""

    newest: Notice
    story: Story
    standing: Standing
    version: int


@dataclass(slots=True)
class Thread:
    """One incident's message at one destination. `current` is the notice that is being told, `told` counts them."""

    workspace: Workspace
    channel: SlackChannel
    project: str
    destination: str
    incident: str
    turn: Turn
    current: Notice | None = None
    told: int = 0
    remarks: list[str] = field(default_factory=list)

    def keep(self) -> None:
        """Bring the message and its thread up to date. Raises `DeliveryError` when Slack does not take something."""
        from lupus.act import story_of

        store, now = self.workspace.store, self.turn.patience.clock()
        found = [
            one for one in store.notices(self.project, incident=self.incident) if one.destination == self.destination
        ]
        post = next(
            (one for one in store.posts(self.project, incident=self.incident) if one.destination == self.destination),
            None,
        )
        due = [one for one in found if is_due(one, now)]
        quiet = [one for one in found if post is not None and post.ts and is_quiet(one, post)]
        stories = [(one, story) for one in found if (story := story_of(one.message)) is not None]
        if not stories:
            self._bare(due)
            return
        say = _Now(*stories[-1], *standing_of(self.workspace, self.project, self.incident))
        self.current = due[0] if due else None
        if post is not None and post.ts:
            post = self._edit(post, say, due)
        elif due:
            post = self._post(post, say, due[0])
            if say.newest in due and say.newest.reason is not Reason.FIRST:  # all of it is in the message itself
                self._done(post, say.newest, post.ts)
                due.remove(say.newest)
        else:
            return
        for notice in sorted((*due, *quiet), key=lambda one: one.interval.start):
            self.current = notice if notice in due else None
            post = self._tell(post, notice, say)

    # The steps

    def _post(self, post: Post | None, say: _Now, first: Notice) -> Post:
        """The message is in the channel afterwards: found there, or posted."""
        tried_before = post is not None and post.begun == _POST
        post = replace(
            post or Post(self.incident, self.destination, self.project, first.interval), begun=_POST, ts="", shown=""
        )
        if not tried_before:
            self._save(post)
        found = self._look_for_post(post) if tried_before else None
        if found is None:
            post = self._with_chart(post, say)
            message = self._message(say, post)
            self.turn.call()
            with self._announced(post):
                channel, ts = self.channel.post(message, self.incident)
            post = replace(post, channel=channel, ts=ts, shown=_digest(message), version=say.version)
            post = replace(post, begun="", sealed=False)
        else:
            channel, ts = found
            post = replace(post, channel=channel, ts=ts, begun="")
        self._save(post)
        return self._edit(post, say, [first]) if found else post

    def _edit(self, post: Post, say: _Now, due: Sequence[Notice]) -> Post:
        """The message says what is known now; posted anew when somebody deleted it and there is news to tell."""
        from lupus.act import Edited

        if not post.sealed:
            post = self._with_chart(post, say)
        message = self._message(say, post)
        digest = _digest(message)
        if digest != post.shown and not post.sealed:
            self.turn.call()
            match self.channel.edit(post.channel, post.ts, message, self.incident):
                case Edited.GONE if due:
                    self._save(post := replace(post, ts="", begun=""))
                    return self._post(post, say, due[0])
                case Edited.SEALED:
                    post = replace(post, sealed=True)
            post = replace(post, shown=digest, version=say.version)
            self._save(post)
        elif post.version != say.version:
            post = replace(post, version=say.version)
            self._save(post)
        return post

    def _tell(self, post: Post, notice: Notice, say: _Now) -> Post:
        """What is new goes into the thread; the notice is done afterwards."""
        from lupus.act import Edited, note, story_of, thread_message

        story = story_of(notice.message)
        message = thread_message(story) if story else note(str(notice.message["text"]))
        receipt = post.ts
        if message is not None:
            receipt = self._look_for_reply(post, notice) if post.begun == notice.id else ""
            if not receipt:
                post = replace(post, begun=notice.id)
                self._save(post)
                self.turn.call()
                loud = notice.reason in _LOUD or (post.sealed and notice.reason is Reason.RESOLVED)
                with self._announced(post):
                    outcome, receipt = self.channel.reply(post.channel, post.ts, message, notice.id, broadcast=loud)
                if outcome is not Edited.DONE and self.current is not None:
                    # Deleted between the edit and now: the new message has all that this reply would have said.
                    self._save(post := replace(post, ts="", begun=""))
                    post = self._post(post, say, notice)
                    receipt = post.ts
        return self._done(replace(post, begun=""), notice, receipt)

    def _done(self, post: Post, notice: Notice, receipt: str) -> Post:
        sent = notice.state is NoticeState.PENDING
        self.workspace.store.mark_notice(
            notice.id,
            NoticeState.SENT if sent else notice.state,
            receipt=receipt or "deleted",
            error="; ".join(self.remarks),
            delivered_at=self.turn.patience.clock(),
            post=post,
            missing_ok=True,
        )
        self.told += sent
        return post

    def _bare(self, due: Sequence[Notice]) -> None:
        """Notices that are of no incident's story (a digest, an announcement): each is a message of its own."""
        from lupus.act import note

        store = self.workspace.store
        for notice in due:
            self.current = notice
            known = next((one for one in store.posts(self.project, incident=notice.id)), None)
            found = self._look_for_post(known) if known is not None and known.begun == _POST else None
            post = known or Post(notice.id, self.destination, self.project, notice.interval, begun=_POST)
            if known is None:
                self._save(post)
            if found is None and not post.ts:
                self.turn.call()
                found = self.channel.post(note(str(notice.message["text"])), notice.id)
            channel, ts = found or (post.channel, post.ts)
            store.mark_notice(
                notice.id,
                NoticeState.SENT,
                receipt=ts,
                delivered_at=self.turn.patience.clock(),
                post=replace(post, channel=channel, ts=ts, begun=""),
                missing_ok=True,
            )
            self.told += 1

    # What the steps need

    def _message(self, say: _Now, post: Post) -> dict[str, Any]:
        from lupus.act import channel_message, sign

        signature = None
        if has_listener(self.workspace, self.destination):
            signature = sign(self.channel.token, self.incident, self.destination)
        return channel_message(say.story, say.standing, chart=post.file, signature=signature)

    def _with_chart(self, post: Post, say: _Now) -> Post:
        """`post` with a chart of what the newest notice tells. A message without a chart is better than none."""
        newest = say.newest
        if post.file_of == newest.id or not say.story.items:
            return post
        item = say.story.items[0]
        try:
            key = SeriesKey(self.project, *item.series)
            png = series_chart(self.workspace, key, until=newest.interval, title=item.name)
            if png is None:
                return replace(post, file="", file_of=newest.id)
            if len(png) > _MOST_BYTES:
                raise DeliveryError(f"the chart of {len(png):,} bytes is too large")
            self.turn.call(writes=False)
            file = self.channel.upload(png, title=item.name)
        except DeliveryError as error:
            if error.for_all and not error.permanent:  # no answer, or too many calls: the message would not fare better
                raise
            self.remarks.append(f"without a chart: {error}")
            return replace(post, file="", file_of="")  # the next edit tries again
        post = replace(post, file=file, file_of=newest.id)
        self._save(post)
        return post

    def _look_for_post(self, post: Post) -> tuple[str, str] | None:
        self.turn.call(writes=False)
        channel = post.channel or next(
            (
                one.channel
                for one in self.workspace.store.posts(self.project)
                if one.destination == self.destination and one.channel
            ),
            "",
        )
        return self._asked(lambda: self.channel.find_post(post.incident, channel=channel))

    def _look_for_reply(self, post: Post, notice: Notice) -> str:
        self.turn.call(writes=False)
        return self._asked(lambda: self.channel.find_reply(post.channel, post.ts, notice.id)) or ""

    def _asked(self, question: Callable[[], Answer]) -> Answer | None:
        """The answer, or None when the app may not read the channel: then it is better told twice than not at all."""
        try:
            return question()
        except DeliveryError as error:
            if not error.permanent:
                raise
            self.remarks.append(f"whether it had arrived could not be looked up: {error}")
            return None

    @contextmanager
    def _announced(self, post: Post) -> Iterator[None]:
        """Takes back what was announced when Slack says for certain that it was not done."""
        try:
            yield
        except DeliveryError as error:
            if error.permanent or error.retry_after_seconds is not None:
                self._save(replace(post, begun=""))
            raise

    def _save(self, post: Post) -> None:
        self.workspace.store.save_post(post)


def is_quiet(notice: Notice, post: Post) -> bool:
    """Whether `notice` was not sent, for a reason that the thread may know of, and is not told there yet."""
    return (
        notice.state is NoticeState.NOT_SENT
        and notice.reason in QUIET
        and not notice.receipt
        and notice.interval.start > post.since.start
    )


QUIET: Final = (Reason.REPEAT, Reason.ACKNOWLEDGED)
"""Not worth a message, but in the thread they are the daily progress."""


def has_listener(workspace: Workspace, destination: str) -> bool:
    """Whether a Slack app can hear presses of buttons: its app-level token is the connection ``<name>_app``."""
    name = destination.split(":")[1]
    try:
        return bool(workspace.connections.get(f"{name}_app").secret)
    except ConnectionNotUsableError:
        return False


def _digest(message: Any) -> str:
    return blake2b(json.dumps(message, sort_keys=True).encode(), digest_size=12).hexdigest()
