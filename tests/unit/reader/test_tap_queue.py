"""Taps on their way: on disk before anything else, in memory while there is none, never twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cvq_core.ids import new_id
from cvq_reader.deciding import Taken
from cvq_reader.queue import INTERRUPTED, QueuedTap, State, TapQueue

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
UID = "04A25B6C7D8E90"


def tap(state: State = State.ASKED, *, minutes: int = 0, allowed: bool | None = None) -> QueuedTap:
    at = NOON + timedelta(minutes=minutes)
    taken = Taken(new_id(), new_id(), 350, None, (2, "2026-11-24"))
    return QueuedTap(new_id(), state, new_id(), at, sure=True, uid=UID, allowed=allowed, reason="paid", taken=taken)


async def opened(file: Path, memory_max: int = 100) -> TapQueue:
    queue = TapQueue(file, memory_max=memory_max)
    await queue.start()
    return queue


def on_disk(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.iterdir())


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[TapQueue]:
    queue = await opened(tmp_path / "queue.sqlite")
    yield queue
    await queue.close()


async def test_a_tap_comes_back_from_the_disk_as_it_was(queue: TapQueue) -> None:
    there = tap(State.DECIDED, allowed=True)
    assert await queue.put(there)
    assert await queue.waiting(State.DECIDED, 10) == [there]


async def test_what_was_asked_when_the_power_went_is_sent_as_interrupted(tmp_path: Path) -> None:
    file = tmp_path / "queue.sqlite"
    queue = await opened(file)
    asked = tap()
    await queue.put(asked)
    await queue.close()
    again = TapQueue(file, memory_max=100)
    [found] = await again.start()
    assert (found.id, found.state, found.allowed, found.reason) == (asked.id, State.DECIDED, False, INTERRUPTED)
    await again.close()


async def test_the_oldest_go_first_and_no_more_than_were_asked_for(queue: TapQueue) -> None:
    taps = [tap(State.DECIDED, minutes=minutes) for minutes in (3, 1, 2)]
    for each in taps:
        await queue.put(each)
    assert [each.at.minute for each in await queue.waiting(State.DECIDED, 2)] == [1, 2]
    assert await queue.count() == (3, NOON + timedelta(minutes=1))


async def test_a_card_number_is_gone_from_the_disk_once_the_core_has_the_tap(tmp_path: Path) -> None:
    file = tmp_path / "queue.sqlite"
    queue = await opened(file)
    there = tap(State.DECIDED)
    await queue.put(there)
    await queue.settle([replace(there, state=State.SENT)])
    [sent] = await queue.waiting(State.SENT, 10)
    assert (sent.uid, sent.taken) == (None, there.taken)
    await queue.close()
    assert UID.encode() not in on_disk(tmp_path)


async def test_while_the_disk_takes_nothing_taps_stay_in_memory_and_are_written_once_it_does(queue: TapQueue) -> None:
    before = tap(State.DECIDED)
    await queue.put(before)
    broken = _breaks(queue)
    during = [tap(State.DECIDED, minutes=minutes) for minutes in range(1, 4)]
    assert [await queue.put(each) for each in during] == [False] * 3
    assert queue.full
    assert await queue.waiting(State.DECIDED, 10) == [before, *during]
    assert (await queue.count())[0] == 4
    await queue.settle([replace(during[0], state=State.SENT)])
    await queue.forget([during[1].id, before.id])
    broken.mend()
    await queue.flush()
    assert not queue.full
    assert [each.id for each in await queue.waiting(State.SENT, 10)] == [during[0].id]
    assert [each.id for each in await queue.waiting(State.DECIDED, 10)] == [during[2].id]


async def test_memory_has_a_bound_and_loses_refusals_first_and_says_so(tmp_path: Path) -> None:
    queue = await opened(tmp_path / "queue.sqlite", memory_max=3)
    _breaks(queue)
    taps = [tap(State.DECIDED, minutes=minutes, allowed=minutes != 1) for minutes in range(5)]
    for each in taps:
        await queue.put(each)
    assert queue.lost == 2
    assert [each.at.minute for each in await queue.waiting(State.DECIDED, 10)] == [2, 3, 4]
    await queue.close()


class _breaks:  # noqa: N801 - reads like a verb
    """Has the disk under a queue take nothing until it is mended."""

    def __init__(self, queue: TapQueue) -> None:
        self._queue = queue
        base = queue._connection()
        base.execute("PRAGMA query_only = ON")

    def mend(self) -> None:
        self._queue._connection().execute("PRAGMA query_only = OFF")
