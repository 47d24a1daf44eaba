"""The booth's card reader on a real pcscd: cards laid, lifted, swapped, broken, and the service gone and back."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

import pytest

from cvq_booth.devices.cards import CardEvent, CardReader, CardUnreadable, ReaderBack, ReaderMissing
from cvq_booth.virtual.cards import READER, Fault, VirtualCards, virtual_cards
from cvq_desk.wire import CardGone, CardSeen

TIMEOUT_S = 30.0
JEANNE = "04A1B2C3D4E5F6"
PAUL = "0499887766"

Event = TypeVar("Event", bound=CardEvent)


class Booth:
    """A reader whose events a test takes one by one."""

    def __init__(self, reader: CardReader, events: AsyncIterator[CardEvent]) -> None:
        self.reader = reader
        self._events = events

    async def expect(self, kind: type[Event]) -> Event:
        """Return the next event, which must be of a kind."""
        async with asyncio.timeout(TIMEOUT_S):
            event = await anext(self._events)
        assert isinstance(event, kind), event
        return event

    def state(self) -> tuple[str, str | None]:
        status = self.reader.status()
        return status.state, status.trouble


@pytest.fixture
async def booth(cards: VirtualCards) -> AsyncIterator[Booth]:
    """Return a reader in order, with no card on it."""
    reader = CardReader()
    async with aclosing(reader.events()) as events:
        booth = Booth(reader, events)
        await booth.expect(ReaderBack)
        yield booth


async def test_a_reader_in_order_is_ready_and_has_a_name(booth: Booth) -> None:
    assert booth.state() == ("ready", None)
    assert booth.reader.status().detail == READER


async def test_a_card_is_seen_and_gone(booth: Booth, cards: VirtualCards) -> None:
    await cards.lay(JEANNE.lower())
    assert (await booth.expect(CardSeen)).uid == JEANNE
    await cards.remove()
    await booth.expect(CardGone)
    await cards.lay(PAUL)
    assert (await booth.expect(CardSeen)).uid == PAUL


async def test_a_card_that_lay_there_before_is_seen(cards: VirtualCards) -> None:
    await cards.lay(JEANNE)
    reader = CardReader()
    async with aclosing(reader.events()) as events:
        booth = Booth(reader, events)
        await booth.expect(ReaderBack)
        assert (await booth.expect(CardSeen)).uid == JEANNE


async def test_a_card_swapped_at_once_is_gone_before_the_other_is_seen(booth: Booth, cards: VirtualCards) -> None:
    await cards.lay(JEANNE)
    await booth.expect(CardSeen)
    await cards.lay(PAUL)
    await booth.expect(CardGone)
    assert (await booth.expect(CardSeen)).uid == PAUL


async def test_a_card_that_trembles_never_left(cards: VirtualCards) -> None:
    reader = CardReader(settle_s=TIMEOUT_S)
    async with aclosing(reader.events()) as events:
        booth = Booth(reader, events)
        await booth.expect(ReaderBack)
        await cards.lay(JEANNE)
        await booth.expect(CardSeen)
        trembles = asyncio.create_task(booth.expect(CardGone))
        for _ in range(2):
            await cards.remove()
            await cards.lay(JEANNE)
            async with asyncio.timeout(TIMEOUT_S):
                await cards.until_read()
        await cards.lay(PAUL)  # ends the first card's stay, and must be all that is told of it
        await trembles
        assert (await booth.expect(CardSeen)).uid == PAUL


@pytest.mark.parametrize("fault", [Fault.NOISE, Fault.SILENT])
async def test_a_card_that_answers_nonsense_is_a_trouble_that_ends_with_it(
    booth: Booth, cards: VirtualCards, fault: Fault
) -> None:
    await cards.lay(JEANNE, fault)
    await booth.expect(CardUnreadable)
    assert booth.state() == ("trouble", "card_unreadable")
    await cards.remove()
    await booth.expect(CardGone)
    assert booth.state() == ("ready", None)
    await cards.lay(PAUL)
    assert (await booth.expect(CardSeen)).uid == PAUL


async def test_pcscd_killed_takes_card_and_reader_and_brings_them_back(booth: Booth, cards: VirtualCards) -> None:
    await cards.lay(JEANNE)
    await booth.expect(CardSeen)
    await cards.kill()
    await booth.expect(CardGone)
    await booth.expect(ReaderMissing)
    assert booth.state() == ("missing", None)
    await cards.start()
    await booth.expect(ReaderBack)
    assert (await booth.expect(CardSeen)).uid == JEANNE


async def test_without_pcscd_the_reader_is_missing_until_it_comes(cards: VirtualCards) -> None:
    await cards.kill()
    reader = CardReader()
    async with aclosing(reader.events()) as events:
        booth = Booth(reader, events)
        await booth.expect(ReaderMissing)
        await cards.start()
        await booth.expect(ReaderBack)


async def test_a_reader_of_another_name_is_missing(cards: VirtualCards) -> None:
    await cards.lay(JEANNE)
    reader = CardReader("ACS ACR122U")
    async with aclosing(reader.events()) as events:
        await Booth(reader, events).expect(ReaderMissing)
        assert reader.status().state == "missing"


async def test_a_reader_is_found_by_a_part_of_its_name(cards: VirtualCards) -> None:
    reader = CardReader("PCD 00 01")
    async with aclosing(reader.events()) as events:
        await Booth(reader, events).expect(ReaderBack)
        assert reader.status().detail == "Virtual PCD 00 01"


def card_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("card-")]


async def test_closing_ends_both_threads(cards: VirtualCards) -> None:
    reader = CardReader()
    for _ in range(5):
        async with aclosing(reader.events()) as events:
            await Booth(reader, events).expect(ReaderBack)
            assert len(card_threads()) == 2
        assert card_threads() == []
        assert reader.status().state == "missing"


async def test_closing_does_not_hang_on_a_card_that_never_answers(cards: VirtualCards) -> None:
    await cards.lay(JEANNE, Fault.SILENT)
    reader = CardReader(read_timeout_s=0.2)
    async with asyncio.timeout(TIMEOUT_S), aclosing(reader.events()) as events:
        booth = Booth(reader, events)
        await booth.expect(ReaderBack)
        await booth.expect(CardUnreadable)
    await cards.remove()


async def test_closing_does_not_hang_without_pcscd(cards: VirtualCards) -> None:
    await cards.kill()
    reader = CardReader()
    async with asyncio.timeout(TIMEOUT_S), aclosing(reader.events()) as events:
        await Booth(reader, events).expect(ReaderMissing)
    assert card_threads() == []


WATCH = """
import asyncio
from cvq_booth.devices.cards import CardReader
async def main():
    async for event in CardReader().events():
        print("event", type(event).__name__, getattr(event, "uid", ""), flush=True)
asyncio.run(main())
"""


async def test_two_readers_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    async with virtual_cards(tmp_path / "one") as one, virtual_cards(tmp_path / "two") as two:
        booths = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", WATCH, env=os.environ | cards.environment, stdout=asyncio.subprocess.PIPE
            )
            for cards in (one, two)
        ]
        try:
            assert [await line(booth) for booth in booths] == ["ReaderBack", "ReaderBack"]
            await one.lay(JEANNE)
            assert await line(booths[0]) == f"CardSeen {JEANNE}"
            await one.kill()
            assert [await line(booths[0]) for _ in range(2)] == ["CardGone", "ReaderMissing"]
            await two.lay(PAUL)
            assert await line(booths[1]) == f"CardSeen {PAUL}"
        finally:
            for booth in booths:
                booth.kill()
                await booth.wait()


async def line(booth: asyncio.subprocess.Process) -> str:
    """Return the next event that a booth prints among its log."""
    assert booth.stdout is not None
    async with asyncio.timeout(TIMEOUT_S):
        while not (said := (await booth.stdout.readline()).decode()).startswith("event "):
            assert said, "the booth ended"
    return said.removeprefix("event ").strip()
