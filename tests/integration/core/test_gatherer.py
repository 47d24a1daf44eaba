"""What arrives together is done together: who waits for whom."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core import gatherer as module
from cvq_core.database import Database
from cvq_core.gatherer import Gatherer

TRAVEL_S = 0.0005
"""An answer and a question travel so long for the first who asks, twice as long for the second, and so on."""


class Counted:
    """A gatherer that answers with what was asked, and the sizes of its batches."""

    def __init__(self, tmp_path: Path) -> None:
        self.batches: list[int] = []
        self.database = Database(f"sqlite:///{tmp_path}/gathered.sqlite")
        self.gatherer: Gatherer[int, int] = Gatherer(self.database, self._decide, batch_max=128)

    async def _decide(self, _: AsyncSession, asked: list[int]) -> list[int]:
        self.batches.append(len(asked))
        return asked

    async def ask(self, number: int, times: int) -> None:
        """Ask some times, each time a moment after the answer."""
        for _ in range(times):
            assert await self.gatherer.ask(number) == number
            await asyncio.sleep(TRAVEL_S * (number + 1))


async def test_in_a_rush_those_who_ask_again_at_once_share_one_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINGER_S_MAX", 0.5)  # a busy machine is slow, and nothing here measures time
    counted = Counted(tmp_path)
    await asyncio.gather(*(counted.ask(number, 10) for number in range(32)))
    await counted.database.close()
    assert sum(counted.batches) == 320
    assert len(counted.batches) < 320 / 8, "a transaction for few costs hardly less than one for all"


async def test_whoever_asks_alone_has_a_transaction_at_once(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    await counted.ask(1, 5)
    await counted.database.close()
    assert counted.batches == [1] * 5
