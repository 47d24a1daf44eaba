"""Acts that arrive together share one transaction: sent at once when nothing is under way, gathered otherwise.

Whoever asks alone waits for nobody. In a rush each commit carries all that arrived during the one before, so that a
disk that takes four milliseconds for a commit is no limit to how many are served.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database, lost_a_race
from cvq_core.errors import Unavailable

WAITING_MAX = 5000
ATTEMPTS_MAX = 3
ALONE_MAX = 16
"""How many transactions are under way where each act has one of its own."""
RUSH = 8
LINGER_S_MAX = 0.005
"""How long the batch after one of a rush waits for as many again.

Whoever was just answered asks again a moment later. Without the wait every second batch holds the one or two acts that
came in the meantime, and a transaction for two costs hardly less than one for thirty.
"""
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Decide = Callable[[AsyncSession, list[Asked]], Awaitable[Sequence[Answer]]]
"""Answers what was asked in the transaction that it is given, one answer each and in the same order."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Asked, Answer]):
    asked: Asked
    answer: asyncio.Future[Answer]


class Gatherer(Generic[Asked, Answer]):
    """Takes what is asked one by one and hands it to the database in batches.

    One batch is under way at a time: what arrives meanwhile makes the next one larger and each act in it cheaper. On
    PostgreSQL a second one begins when so many wait that it will be large anyway; SQLite has one writer. A batch of at
    most one gathers nothing: each act has a transaction of its own.
    """

    def __init__(self, database: Database, decide: Decide[Asked, Answer], *, batch_max: int) -> None:
        self._database = database
        self._decide_in = decide
        self._batch_max = batch_max
        self._next_from = max(1, batch_max // 2)
        self._under_way_max = 1 if database.is_sqlite else ALONE_MAX if batch_max == 1 else 2
        self._waiting: deque[_Waiting[Asked, Answer]] = deque()
        self._under_way = 0
        self._enough = asyncio.Event()
        self._enough_at = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, asked: Asked) -> Answer:
        """Return the answer, once it is durable.

        Raises:
            Unavailable: too many wait already.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise Unavailable
        waiting: _Waiting[Asked, Answer] = _Waiting(asked, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if len(self._waiting) == self._enough_at:
            self._enough.set()
        if self._under_way == 0 or (self._under_way < self._under_way_max and len(self._waiting) >= self._next_from):
            self._under_way += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting.answer

    async def _work(self) -> None:
        try:
            await self._empty_the_queue()
        finally:
            # In the same step that saw the queue empty: whoever asks next starts a task again.
            self._under_way -= 1

    async def _empty_the_queue(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._batch_max, len(self._waiting)))]
            # Whoever hung up before their turn came gets nothing decided: they will ask again.
            batch = [each for each in batch if not each.answer.done()]
            try:
                answers = await self._decide(batch)
            except Exception as error:
                if len(batch) == 1:
                    _fail(batch[0], error)
                else:
                    await self._one_by_one(batch)
                continue
            for each, answer in zip(batch, answers, strict=True):
                if not each.answer.done():
                    each.answer.set_result(answer)
            if len(batch) >= RUSH:
                await self._linger(len(batch))

    async def _linger(self, enough: int) -> None:
        """Wait until `enough` wait, or a moment; alone, so that a second batch under way goes on at once."""
        if len(self._waiting) >= enough or self._under_way > 1:
            return
        self._enough.clear()
        self._enough_at = enough
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S_MAX):
                await self._enough.wait()
        self._enough_at = 0

    async def _one_by_one(self, batch: list[_Waiting[Asked, Answer]]) -> None:
        """Find the one that makes a batch fail, and answer all others."""
        for each in batch:
            try:
                [answer] = await self._decide([each])
            except Exception as error:
                _fail(each, error)
            else:
                if not each.answer.done():
                    each.answer.set_result(answer)

    async def _decide(self, batch: list[_Waiting[Asked, Answer]]) -> Sequence[Answer]:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                async with self._database.write_at_once() as db:
                    return await self._decide_in(db, [each.asked for each in batch])
            except DBAPIError as error:
                if attempt == ATTEMPTS_MAX or not lost_a_race(error):
                    raise
        raise AssertionError("unreachable")


def _fail(waiting: _Waiting[Asked, Answer], error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
