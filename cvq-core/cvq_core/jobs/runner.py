"""The loop that does the jobs, inside each server process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cvq_core.clock import Clock
from cvq_core.database import Database
from cvq_core.jobs import store
from cvq_core.jobs.tables import Job

log = structlog.get_logger(__name__)

Handler = Callable[[dict[str, Any]], Awaitable[None]]
IDLE_S = 0.5
ASK_AGAIN_S = 1.0
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Periodic:
    """Work that comes again and again; safe to run in several processes at once."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[Any]]


class JobRunner:
    """Leases due jobs and runs their handlers; a handler may run twice, so it must be idempotent."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.handlers: dict[str, Handler] = {}
        self.give_ups: dict[str, Handler] = {}
        """By kind of job, what else is to be done when it has failed for good."""
        self.periodic: list[Periodic] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._wake = asyncio.Event()

    async def start(self) -> None:
        """Start the workers and the clocks of the periodic work."""
        self._tasks = [asyncio.create_task(self._work(), name=f"jobs-{n}") for n in range(WORKERS)]
        self._tasks += [asyncio.create_task(self._repeat(work), name=work.name) for work in self.periodic]

    async def stop(self) -> None:
        """Stop; a job in hand is given back."""
        pending = set(self._tasks)
        while pending:
            # A library may have taken a cancellation for one of its own: whoever still works is asked again.
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=ASK_AGAIN_S)

    def wake(self) -> None:
        """Look for due jobs now."""
        self._wake.set()

    async def run_one(self) -> bool:
        """Do one due job; return False when there was none."""
        now = self._clock()
        async with self._database.read() as db:
            # Looking costs no write lock; only a job that is there is leased.
            if await store.next_due(db, list(self.handlers), now) is None:
                return False
        async with self._database.write() as db:
            job = await store.lease_next(db, list(self.handlers), now)
        if job is None:
            return False
        if job.attempts > store.ATTEMPTS_MAX:
            # A handler that fails is put back; only one that takes its process with it comes here.
            await self._failed(job, "no process outlived it")
            return True
        keeping = asyncio.create_task(self._keep(job.id), name=f"keep-{job.kind}")
        try:
            await self.handlers[job.kind](job.payload)
        except asyncio.CancelledError:
            await _to_its_end(self._release(job))
            raise
        except Exception as error:
            log.warning("job_failed", kind=job.kind, job=str(job.id), attempts=job.attempts, exc_info=True)
            await self._failed(job, f"{type(error).__name__}: {error}")
        else:
            async with self._database.write() as db:
                await store.finish(db, job.id, self._clock())
        finally:
            keeping.cancel()
        return True

    async def _release(self, job: Job) -> None:
        async with self._database.write() as db:
            await store.release(db, job, self._clock())

    async def _failed(self, job: Job, error: str) -> None:
        if job.attempts < store.ATTEMPTS_MAX:
            async with self._database.write() as db:
                await store.put_back(db, job, self._clock(), error)
            return
        log.error("job_given_up", kind=job.kind, job=str(job.id), error=error)
        if job.kind in self.give_ups:
            await self.give_ups[job.kind](job.payload)
        async with self._database.write() as db:
            await store.give_up(db, job, self._clock(), error)

    async def _keep(self, job_id: UUID) -> None:
        """Renew the lease while the work goes on; a process that dies stops renewing, and another takes the job."""
        while True:
            await asyncio.sleep(store.RENEW_EVERY_S)
            try:
                async with self._database.write() as db:
                    await store.renew(db, job_id, self._clock())
            except (SQLAlchemyError, OSError):
                log.warning("job_lease_not_renewed", job=str(job_id), exc_info=True)

    async def _work(self) -> None:
        while True:
            try:
                if await self.run_one():
                    continue
            except Exception:
                log.exception("job_loop")
            self._wake.clear()
            # Before Python 3.12, `wait_for` loses a cancellation that comes at the moment of what it waits for.
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S):
                    await self._wake.wait()

    async def _repeat(self, work: Periodic) -> None:
        while True:
            try:
                await work.run()
            except Exception:
                log.exception("periodic_work", name=work.name)
            await asyncio.sleep(work.every_s)


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Do it whole: who stops us asks again and again, and the second time must not end what the first time began."""
    task = asyncio.create_task(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    task.result()
