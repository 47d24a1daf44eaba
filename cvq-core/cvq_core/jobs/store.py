"""Filing jobs and leasing them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ids import new_id
from cvq_core.jobs.tables import Job

LEASE = timedelta(seconds=45)
"""How long a job stays with a process that no longer says that it works on it."""

RENEW_EVERY_S = 15.0
ATTEMPTS_MAX = 8


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
    if unique_key is not None:
        known = await db.scalar(select(Job.id).where(Job.unique_key == unique_key))
        if known is not None:
            return known
    job = Job(
        id=new_id(), kind=kind, payload=payload, unique_key=unique_key, created_at=now, run_at=run_at or now, attempts=0
    )
    db.add(job)
    return job.id


async def lease_next(db: AsyncSession, kinds: list[str], now: datetime) -> Job | None:
    """Take the oldest due job; others do not see it until its lease is over."""
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
    job = (await db.scalars(due)).first()
    if job is not None:
        job.leased_until = now + LEASE
        job.attempts += 1
    return job


async def renew(db: AsyncSession, job_id: UUID, now: datetime) -> None:
    """Keep a job that is still being worked on."""
    await db.execute(update(Job).where(Job.id == job_id).values(leased_until=now + LEASE))


async def finish(db: AsyncSession, job_id: UUID, now: datetime) -> None:
    """Mark a job as done."""
    await db.execute(update(Job).where(Job.id == job_id).values(done_at=now, leased_until=None))


async def put_back(db: AsyncSession, job: Job, now: datetime, error: str) -> bool:
    """Plan another try, later each time; return False when it was the last and the job has failed."""
    last = job.attempts >= ATTEMPTS_MAX
    again_in = timedelta(seconds=min(2.0**job.attempts, 3600.0))
    await db.execute(
        update(Job)
        .where(Job.id == job.id)
        .values(
            leased_until=None,
            last_error=error[:2000],
            run_at=now + again_in,
            failed_at=now if last else None,
        )
    )
    return not last
