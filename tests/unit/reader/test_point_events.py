"""What doors tell of themselves: kept until the core has it, bounded, and not repeated by a loose contact."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cvq_core.access.facts import PointEventKind
from cvq_core.controllers.wire import ReaderState
from cvq_core.ids import new_id
from cvq_reader.delays import ChangeDelays
from cvq_reader.events import MEMORY_MAX, PointEvents
from cvq_reader.queue import TapQueue

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
POINT = new_id()
OFFLINE, ONLINE, WRONG_KEY = PointEventKind.READER_OFFLINE, PointEventKind.READER_ONLINE, PointEventKind.WRONG_KEY


@dataclass(slots=True)
class Site:
    """A queue on disk, and a clock that the test moves."""

    queue: TapQueue
    seconds: float = 0.0
    events: PointEvents = field(init=False)

    def __post_init__(self) -> None:
        self.events = PointEvents(self.queue, lambda: NOON, silent_after_s=15, steady=lambda: self.seconds)

    def look(self, seconds: float, **reader: bool) -> None:
        self.seconds = seconds
        state = {"online": False, "answers": False} | reader
        self.events.look_at([ReaderState(point_id=POINT, name="OSDP 1", kind="osdp", **state)])

    async def kinds(self) -> list[PointEventKind]:
        return [event.kind for event in await self.events.waiting(5000)]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    queue = TapQueue(tmp_path / "queue.sqlite", memory_max=100)
    await queue.start()
    yield Site(queue)
    await queue.close()


async def test_an_event_is_there_after_a_power_cut_until_the_core_has_it(site: Site) -> None:
    site.events.note(POINT, PointEventKind.FORCED, "OSDP 1")
    [event] = await site.events.waiting(10)
    again = Site(site.queue)
    assert await again.events.waiting(10) == [event]
    await again.events.sent([event.id])
    assert await again.events.waiting(10) == []


async def test_a_loose_contact_says_the_same_once_in_a_while(site: Site) -> None:
    for tenths in range(205):
        site.seconds = tenths / 10
        site.events.note(POINT, PointEventKind.TAMPER)
    assert len(await site.kinds()) == 3


async def test_memory_holds_so_many_and_the_latest(site: Site) -> None:
    for number in range(MEMORY_MAX + 5):
        site.seconds = 60.0 * number
        site.events.note(POINT, PointEventKind.FORCED, str(number))
    found = {event.detail for event in await site.events.waiting(5000)}
    assert (len(found), "4" in found, str(MEMORY_MAX + 4) in found) == (MEMORY_MAX, False, True)


async def test_a_reader_that_goes_is_told_of_once_and_so_is_its_return_after_a_restart_too(site: Site) -> None:
    site.look(0, online=True)
    site.look(10)
    site.look(24)
    assert await site.kinds() == []
    site.look(25)
    site.look(90)
    assert await site.kinds() == [OFFLINE]
    again = Site(site.queue)
    await again.events.start()
    again.look(0, online=True)
    again.look(1, online=True)
    assert sorted(await again.kinds()) == [OFFLINE, ONLINE]


async def test_a_reader_that_answers_without_its_key_is_told_of_as_that(site: Site) -> None:
    site.look(0, answers=True)
    site.look(15, answers=True)
    assert await site.kinds() == [WRONG_KEY]
    site.look(16)
    assert sorted(await site.kinds()) == sorted([WRONG_KEY, OFFLINE])


def test_the_longest_delay_is_that_of_a_day() -> None:
    delays = ChangeDelays()
    assert (delays.last_ms, delays.longest_ms(NOON)) == (None, None)
    for minutes, delay_ms in ((0, 200), (5, 90_000), (40, 300), (60, 100)):
        now = NOON + timedelta(minutes=minutes)
        delays.note(now - timedelta(milliseconds=delay_ms), now)
    assert (delays.last_ms, delays.longest_ms(NOON + timedelta(hours=20))) == (100, 90_000)
    assert delays.longest_ms(NOON + timedelta(hours=24, minutes=30)) == 300
    assert delays.longest_ms(NOON + timedelta(days=3)) is None
