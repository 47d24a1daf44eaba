"""Filing jobs and leasing them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ids import new_id
from cvq_core.jobs.tables import Job
from cvq_core.once import insert_once

LEASE = timedelta(seconds=45)
"""How long a job stays with a process that no longer says that it works on it."""

RENEW_EVERY_S = 15.0

ATTEMPTS_MAX = 12
"""Tries of a job, each twice as long after the one before: the last comes some two hours after the first."""

KEPT = timedelta(days=30)
"""How long a job that is over is known, so that its `unique_key` files nothing again."""


async def enqueue(
    db: AsyncSession,
    kind: str,
    payload: dict[str, Any],
    *,
    now: datetime,
    run_at: datetime | None = None,
    unique_key: str | None = None,
) -> UUID:
    """File a job in the caller's transaction; a known `unique_key` files nothing and returns its job."""
    job_id = new_id()
    row = {
        "id": job_id,
        "kind": kind,
        "payload": payload,
        "unique_key": unique_key,
        "created_at": now,
        "run_at": run_at or now,
        "attempts": 0,
    }
    if await insert_once(db, Job.__table__, row):
        return job_id
    # Whoever filed it first has committed by now: a rival is waited for.
    known = await db.scalar(select(Job.id).where(Job.unique_key == unique_key))
    assert known is not None, "a job that is over is known for a month"
    return known


async def next_due(db: AsyncSession, kinds: list[str], now: datetime) -> Job | None:
    """Return the oldest due job that nobody works on."""
    due = (
        select(Job)
        .where(
            Job.kind.in_(kinds),
            Job.done_at.is_(None),
            Job.failed_at.is_(None),
            Job.run_at <= now,
            or_(Job.leased_until.is_(None), Job.leased_until < now),
        )
        .order_by(Job.run_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await db.scalars(due)).first()


async def lease_next(db: AsyncSession, kinds: list[str], now: datetime) -> Job | None:
    """Take the oldest due job; others do not see it until its lease is over."""
    job = await next_due(db, kinds, now)
    if job is not None:
        job.leased_until = now + LEASE
        job.attempts += 1
    return job


async def renew(db: AsyncSession, job_id: UUID, now: datetime) -> None:
    """Keep a job that is still being worked on."""
    await db.execute(update(Job).where(Job.id == job_id).values(leased_until=now + LEASE))


async def release(db: AsyncSession, job: Job, now: datetime) -> None:
    """Give back a job that a stopping process cut short; this does not count as a try."""
    await db.execute(
        update(Job).where(Job.id == job.id).values(leased_until=None, run_at=now, attempts=job.attempts - 1)
    )


async def finish(db: AsyncSession, job_id: UUID, now: datetime) -> None:
    """Mark a job as done. Its payload may name somebody (an e-mail does) and is of no more use."""
    await db.execute(update(Job).where(Job.id == job_id).values(done_at=now, leased_until=None, payload={}))


async def put_back(db: AsyncSession, job: Job, now: datetime, error: str) -> None:
    """Plan another try, later each time."""
    again_in = timedelta(seconds=min(2.0**job.attempts, 3600.0))
    await db.execute(
        update(Job).where(Job.id == job.id).values(leased_until=None, last_error=error[:2000], run_at=now + again_in)
    )


async def give_up(db: AsyncSession, job: Job, now: datetime, error: str) -> None:
    """Mark a job as failed for good; like a finished one, it names nobody any more."""
    await db.execute(
        update(Job)
        .where(Job.id == job.id)
        .values(leased_until=None, last_error=error[:2000], failed_at=now, payload={})
    )


async def purge(db: AsyncSession, now: datetime) -> int:
    """Forget jobs that were over long ago; return how many."""
    gone = delete(Job).where(or_(Job.done_at < now - KEPT, Job.failed_at < now - KEPT))
    done = await db.execute(gone)
    assert isinstance(done, CursorResult)
    return done.rowcount


async def count_failed(db: AsyncSession) -> dict[str, int]:
    """Return how many jobs of each kind have failed for good."""
    rows = await db.execute(select(Job.kind, func.count()).where(Job.failed_at.is_not(None)).group_by(Job.kind))
    return {row.kind: row[1] for row in rows}
