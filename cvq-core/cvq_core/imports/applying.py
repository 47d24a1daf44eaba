"""Taking staged families over, some at a time: each portion stands whole or not at all, and none is ever made twice.

What is made has identifiers that come from the old base's own numbers (`rules`), so that whoever begins again after
a power cut goes on where it stopped. A family with a person about whom something is still to be decided waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.clock import Clock, local_day
from cvq_core.database import Database, lost_a_race
from cvq_core.imports.comparing import compare
from cvq_core.imports.making import Made, Making
from cvq_core.imports.rules import NotToApply
from cvq_core.imports.staging import batch_of, locked_batch
from cvq_core.imports.tables import BatchState, FamilyState, ImportBatch, ImportFamily, ImportPerson
from cvq_core.journal.store import Actor, record
from cvq_core.people.tables import FamilyAccount

FAMILIES_AT_ONCE = 100
ATTEMPTS_MAX = 5
Told = Callable[[int, int], None]
"""Told how many families were looked at, of how many."""


@dataclass(slots=True)
class Applied:
    """What a run did: families taken over, and those that wait, with why."""

    families: int = 0
    persons_made: int = 0
    persons_linked: int = 0
    waiting: int = 0


async def apply(database: Database, base: str, *, by: str, clock: Clock, told: Told | None = None) -> Applied:
    """Take over every family of a base about which nothing is left to decide; run again, it goes on.

    Raises:
        UnknownImport: no such import.
        NotToApply: it was taken over whole, or taken back.
    """
    async with database.read() as db:
        batch = await batch_of(db, base)
        waiting = await _count(db, batch.id)
    if batch.state not in (BatchState.STAGED, BatchState.APPLYING):
        raise NotToApply
    async with database.write() as db:
        # People may have come into our base since, at a counter or with another commune.
        await compare(db, await locked_batch(db, batch.id))
    done, looked_at, after = Applied(), 0, None
    while True:
        portion = await _portion(database, batch.id, after, by=by, clock=clock)
        if portion is None:
            break
        after, looked_at = portion.last, looked_at + portion.looked_at
        done.families += portion.made.families
        done.persons_made += portion.made.persons
        done.persons_linked += portion.made.linked
        if told is not None:
            told(min(looked_at, waiting), waiting)
    async with database.write() as db:
        done.waiting = await _finish(db, batch.id, done, by=by, now=clock())
    return done


@dataclass(frozen=True, slots=True)
class _Portion:
    last: UUID
    looked_at: int
    made: Made


async def _portion(database: Database, batch_id: UUID, after: UUID | None, *, by: str, clock: Clock) -> _Portion | None:
    """Take over the next families in a transaction of their own; nothing when there are no more."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            async with database.write() as db:
                return await _take(db, batch_id, after, by=by, now=clock())
        except DBAPIError as error:
            # Another import, or a counter, drew the same account number or gave the same card out.
            if attempt == ATTEMPTS_MAX or not lost_a_race(error):
                raise
    raise AssertionError("unreachable")


async def _take(db: AsyncSession, batch_id: UUID, after: UUID | None, *, by: str, now: datetime) -> _Portion | None:
    batch = await locked_batch(db, batch_id)
    if batch.state is BatchState.APPLIED and after is not None:
        # Another run found nothing left after our last portion, and closed the batch: what we took is taken.
        return None
    if batch.state not in (BatchState.STAGED, BatchState.APPLYING):
        raise NotToApply
    wanted = select(ImportFamily).where(
        ImportFamily.batch_id == batch_id, ImportFamily.state == FamilyState.WAITING, ImportFamily.content.is_not(None)
    )
    if after is not None:
        wanted = wanted.where(ImportFamily.id > after)
    families = list(await db.scalars(wanted.order_by(ImportFamily.id).limit(FAMILIES_AT_ONCE)))
    if not families:
        return None
    batch.state = BatchState.APPLYING
    persons = await db.scalars(
        select(ImportPerson)
        .where(ImportPerson.family_id.in_([family.id for family in families]))
        .order_by(ImportPerson.family_id, ImportPerson.position)
    )
    making = Making(db, batch, now)
    await making.look(families, list(persons))
    made = making.make()
    await _write(db, making, by, now)
    return _Portion(families[-1].id, len(families), made)


async def _write(db: AsyncSession, making: Making, by: str, now: datetime) -> None:
    """Write what is made, in the order that foreign keys allow, and note at each family what became of it."""
    await db.flush()
    for table, rows in making.rows.items():
        if rows:
            await db.execute(insert(table), rows)
    if making.reopened:
        await db.execute(update(FamilyAccount), making.reopened)
    if making.family_changes:
        await db.execute(update(ImportFamily), making.family_changes)
    if making.person_changes:
        await db.execute(update(ImportPerson), making.person_changes)
    actor = Actor("system", None, by)
    for account_id in making.accounts_made:
        record(db, now=now, actor=actor, action="account-imported", account_id=account_id)
    note_change(db, now=now, everybody=True)


async def _count(db: AsyncSession, batch_id: UUID) -> int:
    waiting = select(func.count()).where(ImportFamily.batch_id == batch_id, ImportFamily.state == FamilyState.WAITING)
    return int(await db.scalar(waiting) or 0)


async def _finish(db: AsyncSession, batch_id: UUID, done: Applied, *, by: str, now: datetime) -> int:
    """Close the batch when no family waits any more, and return how many do."""
    batch: ImportBatch = await locked_batch(db, batch_id)
    waiting = await _count(db, batch_id)
    if waiting == 0 and batch.state in (BatchState.STAGED, BatchState.APPLYING):
        batch.state, batch.applied_at = BatchState.APPLIED, now
    record(
        db,
        now=now,
        actor=Actor("system", None, by),
        action="import-applied",
        subject=("import", batch_id),
        personal={"base": batch.base, "families": done.families, "waiting": waiting, "on": str(local_day(now))},
    )
    return waiting
