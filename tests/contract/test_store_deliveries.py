"""Notices that wait, posts and leases: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from act_cases import House, day, verdict
from lupus.model import Group, MetricPoint, NoticeState, Post, Series, StoreError
from lupus.store import Store

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
CHANNEL = "slack:slack:#ml-flights"


def _filled(store: Store) -> str:
    house = House()
    (notice,) = house.run(0, verdict(0))
    store.upsert_points([MetricPoint(Series(verdict(0).series, Group.INPUT), day(0), 0.5, n=10)], scope="pushed")
    store.commit_act("flights", day(0), incidents=house.incidents, notices=[notice])
    return notice.id


def test_a_failed_try_says_when_the_next_is_due(store: Store) -> None:
    notice = _filled(store)
    store.mark_notice(notice, NoticeState.PENDING, error="no answer", delivered_at=NOW, next_try=NOW + timedelta(1))
    (found,) = store.notices("flights")
    assert (found.attempts, found.error, found.next_try) == (1, "no answer", NOW + timedelta(1))
    assert store.retry_failed("elsewhere") == 0
    assert store.retry_failed("flights") == 1
    (found,) = store.notices("flights")
    assert (found.attempts, found.state, found.next_try) == (0, NoticeState.PENDING, None)
    store.mark_notice(notice, NoticeState.FAILED, error="no channel")
    assert store.retry_failed() == 1
    assert store.notices("flights")[0].state is NoticeState.PENDING
    with pytest.raises(StoreError, match="withdrawn by a later run"):
        store.mark_notice("0" * 32, NoticeState.SENT)


def test_a_notice_that_was_told_quietly_is_kept_by_a_rerun(store: Store) -> None:
    notice = _filled(store)
    store.mark_notice(notice, NoticeState.NOT_SENT, receipt="1.5")
    house = House()
    (again,) = house.run(0, verdict(0))
    store.commit_act("flights", day(0), incidents=house.incidents, notices=[replace(again, message={"text": "other"})])
    (found,) = store.notices("flights")
    assert (found.receipt, found.message["text"] != "other") == ("1.5", True)


def test_posts(store: Store) -> None:
    notice = _filled(store)
    post = Post("abc", CHANNEL, "flights", day(0), begun="post")
    store.save_post(post)
    assert store.posts() == [post]
    there = replace(post, channel="C1", ts="1.5", shown="d", begun="", file="F1", file_of="n")
    store.mark_notice(notice, NoticeState.SENT, receipt="1.5", post=there)
    assert store.posts("flights", incident="abc") == [there] == store.posts(ts="1.5")
    assert store.posts("other") == [] == store.posts(incident="abd")
    with pytest.raises(StoreError):
        store.mark_notice("0" * 32, NoticeState.SENT, post=replace(there, ts="2.5"))
    assert store.posts() == [there]


def test_one_at_a_time(store: Store) -> None:
    soon = NOW + timedelta(seconds=30)
    assert store.destinations([CHANNEL]) == {}
    assert store.take_lease(CHANNEL, "one", now=NOW, until=soon)
    assert store.take_lease(CHANNEL, "one", now=NOW, until=soon), "renewed"
    assert not store.take_lease(CHANNEL, "two", now=NOW, until=soon)
    assert store.take_lease("outbox", "two", now=NOW, until=soon)
    store.release(CHANNEL, "two")
    assert store.destinations([CHANNEL]) == {CHANNEL: (soon, None)}
    assert store.take_lease(CHANNEL, "two", now=soon, until=soon + timedelta(seconds=30)), "the first has died"
    store.release(CHANNEL, "one", ready=NOW)
    assert store.destinations([CHANNEL]) == {CHANNEL: (soon + timedelta(seconds=30), None)}
    store.release(CHANNEL, "two", ready=soon)
    assert store.destinations([CHANNEL]) == {CHANNEL: (None, soon)}
