"""Work of the background is done, tried again, given up and forgotten; a process that dies loses none of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from cvq_core.database import Database
from cvq_core.jobs import JobRunner, enqueue
from cvq_core.jobs.runner import ASK_AGAIN_S
from cvq_core.jobs.store import ATTEMPTS_MAX, KEPT, LEASE, count_failed, lease_next, purge, renew
from cvq_core.jobs.tables import Job

NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)
PAYLOAD = {"to": "lucette@example.org"}


class Ground:
    """A runner whose clock the test moves, and what its handler was given."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOON
        self.given: list[dict[str, Any]] = []
        self.runner = self.another_process(self._note)

    def another_process(self, handler: Callable[[dict[str, Any]], Awaitable[None]]) -> JobRunner:
        runner = JobRunner(self.database, lambda: self.now)
        runner.handlers["mail"] = handler
        return runner

    async def _note(self, payload: dict[str, Any]) -> None:
        self.given.append(payload)

    async def file(self, **more: Any) -> None:
        async with self.database.write() as db:
            await enqueue(db, "mail", PAYLOAD, now=self.now, **more)

    async def job(self) -> Job:
        async with self.database.read() as db:
            return (await db.scalars(select(Job))).one()


@pytest.fixture
def ground(database: Database) -> Ground:
    return Ground(database)


async def _break(payload: dict[str, Any]) -> None:
    raise OSError("no route to the mail server")


async def test_a_job_is_done_once_and_then_names_nobody(ground: Ground) -> None:
    await ground.file()
    assert [await ground.runner.run_one() for _ in range(2)] == [True, False]
    assert ground.given == [PAYLOAD]
    job = await ground.job()
    assert (job.done_at, job.payload, job.attempts) == (NOON, {}, 1)


async def test_what_was_filed_twice_under_one_key_is_one_job_even_after_it_is_done(ground: Ground) -> None:
    await ground.file(unique_key="summary-of-the-visit")
    await ground.runner.run_one()
    await ground.file(unique_key="summary-of-the-visit")
    assert await ground.runner.run_one() is False
    assert len(ground.given) == 1


async def test_what_many_file_at_once_under_one_key_is_one_job(ground: Ground) -> None:
    await asyncio.gather(*(ground.file(unique_key="summary-of-the-visit") for _ in range(8)))
    assert (await ground.job()).unique_key == "summary-of-the-visit"


async def test_a_job_for_later_waits_for_its_hour(ground: Ground) -> None:
    await ground.file(run_at=NOON + timedelta(hours=1))
    assert await ground.runner.run_one() is False
    ground.now += timedelta(hours=1)
    assert await ground.runner.run_one() is True


async def test_a_job_that_fails_is_tried_again_later_each_time_and_at_last_given_up(ground: Ground) -> None:
    told: list[dict[str, Any]] = []
    runner = ground.another_process(_break)

    async def tell(payload: dict[str, Any]) -> None:
        told.append(payload)

    runner.give_ups["mail"] = tell
    await ground.file()
    pauses = []
    for _ in range(ATTEMPTS_MAX):
        assert told == []
        assert await runner.run_one() is True
        job = await ground.job()
        assert "no route to the mail server" in str(job.last_error)
        pauses.append(job.run_at - ground.now)
        ground.now = max(ground.now, job.run_at)
    assert pauses[:-1] == sorted(set(pauses[:-1])), "each pause is longer than the one before"
    assert ground.now - NOON > timedelta(hours=1)
    assert told == [PAYLOAD]
    ground.now += timedelta(days=1)
    assert await runner.run_one() is False
    async with ground.database.read() as db:
        assert await count_failed(db) == {"mail": 1}
    assert (await ground.job()).payload == {}


async def test_the_job_of_a_process_that_died_is_done_by_another_when_its_lease_is_over(ground: Ground) -> None:
    await ground.file()
    async with ground.database.write() as db:
        assert await lease_next(db, ["mail"], NOON)
    assert await ground.runner.run_one() is False
    ground.now += LEASE + timedelta(seconds=1)
    assert await ground.runner.run_one() is True
    assert ground.given == [PAYLOAD]


async def test_a_lease_that_is_renewed_keeps_others_away(ground: Ground) -> None:
    await ground.file()
    async with ground.database.write() as db:
        job = await lease_next(db, ["mail"], NOON)
        assert job is not None
    ground.now += LEASE - timedelta(seconds=1)
    async with ground.database.write() as db:
        await renew(db, job.id, ground.now)
    ground.now += LEASE - timedelta(seconds=1)
    assert await ground.runner.run_one() is False


async def test_a_job_that_kills_each_process_is_given_up(ground: Ground) -> None:
    told: list[dict[str, Any]] = []

    async def tell(payload: dict[str, Any]) -> None:
        told.append(payload)

    ground.runner.give_ups["mail"] = tell
    await ground.file()
    for _ in range(ATTEMPTS_MAX):
        async with ground.database.write() as db:
            assert await lease_next(db, ["mail"], ground.now)
        ground.now += LEASE + timedelta(seconds=1)
    assert await ground.runner.run_one() is True
    assert (ground.given, told) == ([], [PAYLOAD])
    assert (await ground.job()).failed_at == ground.now


async def test_a_process_that_stops_gives_back_what_it_has_in_hand(ground: Ground) -> None:
    began = asyncio.Event()

    async def long_work(payload: dict[str, Any]) -> None:
        began.set()
        await asyncio.Event().wait()

    stopping = ground.another_process(long_work)
    await ground.file()
    await stopping.start()
    await asyncio.wait_for(began.wait(), 30)
    await stopping.stop()
    assert (await ground.job()).attempts == 0
    assert await ground.runner.run_one() is True
    assert ground.given == [PAYLOAD]


async def test_what_is_in_hand_is_given_back_however_often_the_stop_is_asked_for(ground: Ground) -> None:
    began = asyncio.Event()

    async def long_work(payload: dict[str, Any]) -> None:
        began.set()
        await asyncio.Event().wait()

    stopping = ground.another_process(long_work)
    await ground.file()
    await stopping.start()
    await asyncio.wait_for(began.wait(), 30)
    async with ground.database.write() as db:
        # Giving back must wait for this row, longer than the runner waits before it cancels once more.
        await db.execute(update(Job).values(kind=Job.kind))
        ending = asyncio.create_task(stopping.stop())
        await asyncio.sleep(2.5 * ASK_AGAIN_S)
    await ending
    assert (await ground.job()).attempts == 0


async def test_a_worker_that_is_woken_at_the_moment_of_the_stop_ends_all_the_same(ground: Ground) -> None:
    for _ in range(3):
        await ground.runner.start()
        await asyncio.sleep(0.1)
        # In one turn of the loop: what it waits for comes, and so does the cancellation.
        ground.runner.wake()
        async with asyncio.timeout(20):
            await ground.runner.stop()


async def test_many_processes_do_each_job_once(ground: Ground) -> None:
    for _ in range(20):
        await ground.file()
    runners = [ground.another_process(ground.runner.handlers["mail"]) for _ in range(4)]

    async def until_there_is_none(runner: JobRunner) -> None:
        idle = 0
        while idle < 3:
            idle = 0 if await runner.run_one() else idle + 1

    await asyncio.gather(*(until_there_is_none(runner) for runner in runners))
    assert len(ground.given) == 20


async def test_jobs_are_forgotten_a_month_after_they_were_over(ground: Ground) -> None:
    await ground.file()
    await ground.runner.run_one()
    await ground.file()
    ground.now += KEPT + timedelta(days=1)
    async with ground.database.write() as db:
        assert await purge(db, ground.now) == 1
    assert (await ground.job()).done_at is None
