"""Taps that arrive together share one transaction: sent at once when nothing is under way, gathered otherwise.

A door that asks alone waits for nobody. Under load each commit carries all that arrived during the one before, so that
a disk that takes four milliseconds for a commit is no limit to how many people pass.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.scene import TapRequest
from cvq_core.access.taps import TapAnswer, take_taps
from cvq_core.clock import Clock
from cvq_core.database import Database, lost_a_race
from cvq_core.devices.store import principals_of_tokens
from cvq_core.errors import NotSignedIn, Refusal, Unavailable
from cvq_core.staff.rules import ANONYMOUS, Permission, Principal

WAITING_MAX = 5000
ATTEMPTS_MAX = 3
Answered = tuple[Principal, TapAnswer | Refusal]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request that waits for its answer; `build` makes the tap once it is known who asks."""

    token: str
    permission: Permission
    build: Callable[[Principal], TapRequest]
    answer: asyncio.Future[Answered]


class TapBatcher:
    """Takes taps from all readers and hands them to the database in batches.

    One batch is under way at a time: what arrives meanwhile makes the next one larger and each tap in it cheaper. On
    PostgreSQL a second one begins when so many wait that it will be large anyway; SQLite has one writer.
    """

    def __init__(self, database: Database, clock: Clock, *, batch_max: int) -> None:
        self._database = database
        self._clock = clock
        self._batch_max = batch_max
        self._second_from = None if database.is_sqlite else max(2, batch_max // 2)
        self._waiting: deque[Waiting] = deque()
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, token: str, permission: Permission, build: Callable[[Principal], TapRequest]) -> Answered:
        """Return who asked and the answer, once it is durable.

        Raises:
            Unavailable: too many wait already.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise Unavailable
        waiting = Waiting(token, permission, build, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._under_way == 0 or (self._under_way == 1 and self._second_is_due()):
            self._under_way += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting.answer

    def _second_is_due(self) -> bool:
        return self._second_from is not None and len(self._waiting) >= self._second_from

    async def _work(self) -> None:
        try:
            await self._empty_the_queue()
        finally:
            # In the same step that saw the queue empty: whoever asks next starts a task again.
            self._under_way -= 1

    async def _empty_the_queue(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._batch_max, len(self._waiting)))]
            # A reader that hung up before its turn came gets nothing decided: it will ask again.
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

    async def _one_by_one(self, batch: list[Waiting]) -> None:
        """Find the one that makes a batch fail, and answer all others."""
        for each in batch:
            try:
                [answer] = await self._decide([each])
            except Exception as error:
                _fail(each, error)
            else:
                if not each.answer.done():
                    each.answer.set_result(answer)

    async def _decide(self, batch: list[Waiting]) -> list[Answered]:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                async with self._database.write() as db:
                    return await self._decide_in(db, batch)
            except DBAPIError as error:
                if attempt == ATTEMPTS_MAX or not lost_a_race(error):
                    raise
        raise AssertionError("unreachable")

    async def _decide_in(self, db: AsyncSession, batch: list[Waiting]) -> list[Answered]:
        now = self._clock()
        principals = await principals_of_tokens(db, {each.token for each in batch}, now=now)
        built = [_build(each, principals.get(each.token, ANONYMOUS)) for each in batch]
        requests = [made for _, made in built if isinstance(made, TapRequest)]
        answers = iter(await take_taps(db, requests, now=now) if requests else [])
        return [(who, next(answers) if isinstance(made, TapRequest) else made) for who, made in built]


def _build(waiting: Waiting, principal: Principal) -> tuple[Principal, TapRequest | Refusal]:
    """Return who asks and the tap, or why this principal may not ask for it."""
    if principal.kind == "anonymous":
        return principal, NotSignedIn()
    try:
        principal.require(waiting.permission)
        return principal, waiting.build(principal)
    except Refusal as refusal:
        return principal, refusal


def _fail(waiting: Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
