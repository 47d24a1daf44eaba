"""What people, or a rule that an operator chose, decide about two records that look alike."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.imports.rules import AlreadyApplied, DecidedMeanwhile, UnknownPair
from cvq_core.imports.sides import ToDecide, beside
from cvq_core.imports.tables import (
    FamilyState,
    ImportBatch,
    ImportFamily,
    ImportPair,
    ImportPerson,
    Verdict,
)
from cvq_core.journal.store import Actor, record

PAIRS_MAX = 50
LATELY_MAX = 8
REFERENCE_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Progress:
    """How many pairs of some batches are open (`later` of them put off), and how many were decided."""

    open: int
    later: int
    certain: int
    decided: int


async def progress_of(db: AsyncSession, batches: Collection[UUID]) -> Progress:
    """Return how far deciding is."""
    rows = await db.execute(
        select(ImportPair.verdict, ImportPair.certain, func.count())
        .where(_of(batches))
        .group_by(ImportPair.verdict, ImportPair.certain)
    )
    counts = {(verdict, certain): count for verdict, certain, count in rows}
    later = sum(count for (verdict, _), count in counts.items() if verdict is Verdict.LATER)
    fresh = sum(count for (verdict, _), count in counts.items() if verdict is None)
    done = sum(count for (verdict, _), count in counts.items() if verdict in (Verdict.SAME, Verdict.DIFFERENT))
    sure = sum(count for (verdict, certain), count in counts.items() if verdict is None and certain)
    return Progress(fresh + later, later, sure, done)


async def next_pair(db: AsyncSession, batches: Collection[UUID]) -> ToDecide | None:
    """Return what is to be decided next: the most alike first, what was put off last."""
    wanted = (
        select(ImportPair)
        .where(_of(batches), _is_open())
        .order_by(
            ImportPair.verdict.is_not(None), ImportPair.decided_at, ImportPair.certain.desc(), ImportPair.score.desc()
        )
        .order_by(ImportPair.low, ImportPair.high)
        .limit(1)
    )
    pair = await db.scalar(wanted)
    return None if pair is None else await beside(db, pair, batches)


async def pair_of(db: AsyncSession, low: UUID, high: UUID, batches: Collection[UUID]) -> ToDecide:
    """Return one pair of some batches.

    Raises:
        UnknownPair
    """
    pair = await db.scalar(select(ImportPair).where(_of(batches), ImportPair.low == low, ImportPair.high == high))
    if pair is None:
        raise UnknownPair
    return await beside(db, pair, batches)


class Wanted(StrEnum):
    """Which pairs of an import one looks through."""

    OPEN = "open"
    DECIDED = "decided"


async def pairs_in(
    db: AsyncSession, batches: Collection[UUID], wanted: Wanted, *, offset: int = 0, limit: int = PAIRS_MAX
) -> list[ImportPair]:
    """Return pairs of some batches: open ones the most alike first, decided ones the latest first."""
    rows = select(ImportPair).where(_of(batches)).offset(offset).limit(limit)
    if wanted is Wanted.OPEN:
        rows = rows.where(_is_open()).order_by(ImportPair.certain.desc(), ImportPair.score.desc())
    else:
        rows = rows.where(~_is_open()).order_by(ImportPair.decided_at.desc())
    return list(await db.scalars(rows.order_by(ImportPair.low, ImportPair.high)))


def reference_of(low: UUID, high: UUID) -> str:
    """Return a word for a pair that people can type: the beginnings of both identifiers."""
    return f"{low.hex[:REFERENCE_DIGITS]}-{high.hex[:REFERENCE_DIGITS]}"


async def pair_by_reference(db: AsyncSession, reference: str, batches: Collection[UUID]) -> ImportPair:
    """Return the pair that a reference names.

    Raises:
        UnknownPair: none, or more than one.
    """
    rows = await db.execute(select(ImportPair.low, ImportPair.high).where(_of(batches)))
    keys = [(low, high) for low, high in rows if reference_of(low, high) == reference.strip().lower()]
    if len(keys) != 1:
        raise UnknownPair
    return await db.get_one(ImportPair, keys[0])


async def decided_lately(
    db: AsyncSession, batches: Collection[UUID], *, by: UUID | None, limit: int = LATELY_MAX
) -> list[ImportPair]:
    """Return what somebody decided last, the latest first: one may come back to it."""
    rows = await db.scalars(
        select(ImportPair)
        .where(
            _of(batches),
            ImportPair.verdict.in_((Verdict.SAME, Verdict.DIFFERENT)),
            ImportPair.rule == "",
            ImportPair.decided_by == by,
        )
        .order_by(ImportPair.decided_at.desc(), ImportPair.low, ImportPair.high)
        .limit(limit)
    )
    return list(rows)


async def decide(
    db: AsyncSession,
    low: UUID,
    high: UUID,
    verdict: Verdict,
    *,
    batches: Collection[UUID],
    by: Actor,
    now: datetime,
    seen: Verdict | None = None,
) -> ImportPair:
    """Say whether two records are one person; it may be said otherwise until their families are taken over.

    `seen` is what was decided when the person looked: of two who decide at once, the second is told.

    Raises:
        UnknownPair: there is none, or it is not of these batches.
        AlreadyApplied: both are people by now.
        DecidedMeanwhile: it was decided otherwise since the person looked.
    """
    # Whoever takes families over holds their batch: what was decided does not change under their hands.
    await _lock_batches(db, low, high)
    pair = await db.scalar(
        select(ImportPair)
        .where(ImportPair.low == low, ImportPair.high == high)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if pair is None or not await _belongs(db, batches, low, high):
        raise UnknownPair
    if pair.verdict is verdict and pair.decided_by == by.id:
        return pair
    if not await _waits(db, low, high):
        raise AlreadyApplied
    if _settled(pair.verdict) is not _settled(seen):
        raise DecidedMeanwhile
    pair.verdict, pair.decided_at, pair.decided_by, pair.rule = verdict, now, by.id, ""
    record(
        db,
        now=now,
        actor=by,
        action=f"import-pair-{verdict.value}",
        subject=("person", high),
        personal={"other": str(low), "score": pair.score},
    )
    await db.flush()
    return pair


async def accept_certain(db: AsyncSession, batch: ImportBatch, *, rule: str, actor: Actor, now: datetime) -> int:
    """Take all certain pairs of a batch that nobody decided for the same, because an operator chose so."""
    done = await db.execute(
        update(ImportPair)
        .where(_of([batch.id]), ImportPair.verdict.is_(None), ImportPair.certain)
        .values(verdict=Verdict.SAME, decided_at=now, decided_by=actor.id, rule=rule[:80])
        .returning(ImportPair.low)
        .execution_options(synchronize_session=False)
    )
    count = len(done.all())
    record(
        db,
        now=now,
        actor=actor,
        action="import-certain-accepted",
        subject=("import", batch.id),
        personal={"rule": rule, "pairs": count},
    )
    return count


async def forget_pairs(db: AsyncSession, batch_id: UUID) -> None:
    """Forget what was found about a batch's people and not decided; what was decided is kept for the next reading."""
    mine = (
        select(ImportPerson.identity)
        .join(ImportFamily, ImportFamily.id == ImportPerson.family_id)
        .where(ImportFamily.batch_id == batch_id)
    )
    await db.execute(
        delete(ImportPair)
        .where(_is_open(), or_(ImportPair.low.in_(mine), ImportPair.high.in_(mine)))
        .execution_options(synchronize_session=False)
    )


def _of(batches: Collection[UUID]) -> ColumnElement[bool]:
    """Return the condition that a pair has a record that still waits in one of these batches."""
    waiting = _waiting().where(ImportFamily.batch_id.in_(batches))
    return or_(ImportPair.low.in_(waiting), ImportPair.high.in_(waiting))


def _waiting() -> Select[UUID]:
    return (
        select(ImportPerson.identity)
        .join(ImportFamily, ImportFamily.id == ImportPerson.family_id)
        .where(ImportFamily.state == FamilyState.WAITING)
    )


async def _waits(db: AsyncSession, low: UUID, high: UUID) -> bool:
    return bool(await db.scalar(select(exists(_waiting().where(ImportPerson.identity.in_((low, high)))))))


async def _belongs(db: AsyncSession, batches: Collection[UUID], low: UUID, high: UUID) -> bool:
    """Whether one of two records is of these batches, taken over or not."""
    mine = (
        select(ImportPerson.id)
        .join(ImportFamily, ImportFamily.id == ImportPerson.family_id)
        .where(ImportFamily.batch_id.in_(batches), ImportPerson.identity.in_((low, high)))
    )
    return bool(await db.scalar(select(exists(mine))))


async def _lock_batches(db: AsyncSession, low: UUID, high: UUID) -> None:
    """Lock the open batches that two records are of, always in the same order."""
    rows = await db.scalars(
        select(ImportFamily.batch_id)
        .join(ImportPerson, ImportPerson.family_id == ImportFamily.id)
        .where(ImportPerson.identity.in_((low, high)))
        .distinct()
    )
    for batch_id in sorted(rows):
        await db.execute(select(ImportBatch.id).where(ImportBatch.id == batch_id).with_for_update())


def _is_open() -> ColumnElement[bool]:
    return or_(ImportPair.verdict.is_(None), ImportPair.verdict == Verdict.LATER)


def _settled(verdict: Verdict | None) -> Verdict | None:
    """Return what was decided; put off is not decided."""
    return None if verdict is Verdict.LATER else verdict
