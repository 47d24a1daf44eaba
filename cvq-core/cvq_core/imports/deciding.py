"""What people, or a rule that an operator chose, decide about two records that look alike."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.tables import Card
from cvq_core.imports.likeness import Reason
from cvq_core.imports.records import person_of
from cvq_core.imports.rules import AlreadyApplied, UnknownPair
from cvq_core.imports.tables import (
    BatchState,
    FamilyState,
    ImportBatch,
    ImportFamily,
    ImportPair,
    ImportPerson,
    Verdict,
)
from cvq_core.journal.store import Actor, record
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Commune, Membership, Person
from cvq_core.staff.rules import Principal

OPEN_STATES = (BatchState.STAGED, BatchState.APPLYING)


@dataclass(frozen=True, slots=True)
class Side:
    """One of two records, as it is shown beside the other. `base` is "" for somebody of our own base."""

    identity: UUID
    base: str
    title: str
    family: str
    role: FamilyRole | None
    family_name: str
    usual_name: str | None
    given_names: str
    birth_date: date | None
    birth_place: str | None
    address: str | None
    postcode: str | None
    city: str | None
    phone: str | None
    email: str | None
    card_number: str | None
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToDecide:
    """A pair with both its sides; the staged one that is asked about comes first."""

    low: UUID
    high: UUID
    score: int
    certain: bool
    reasons: tuple[Reason, ...]
    verdict: Verdict | None
    sides: tuple[Side, Side]


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
        .where(_of(batches), or_(ImportPair.verdict.is_(None), ImportPair.verdict == Verdict.LATER))
        .order_by(
            ImportPair.verdict.is_not(None), ImportPair.decided_at, ImportPair.certain.desc(), ImportPair.score.desc()
        )
        .order_by(ImportPair.low, ImportPair.high)
        .limit(1)
    )
    pair = await db.scalar(wanted)
    return None if pair is None else await _shown(db, pair, batches)


async def pair_of(db: AsyncSession, low: UUID, high: UUID, batches: Collection[UUID]) -> ToDecide:
    """Return one pair of some batches.

    Raises:
        UnknownPair
    """
    pair = await db.scalar(select(ImportPair).where(_of(batches), ImportPair.low == low, ImportPair.high == high))
    if pair is None:
        raise UnknownPair
    return await _shown(db, pair, batches)


async def decided_lately(db: AsyncSession, batches: Collection[UUID], limit: int = 8) -> list[ImportPair]:
    """Return what was decided by people last, the latest first: one may come back to it."""
    rows = await db.scalars(
        select(ImportPair)
        .where(_of(batches), ImportPair.verdict.in_((Verdict.SAME, Verdict.DIFFERENT)), ImportPair.rule == "")
        .order_by(ImportPair.decided_at.desc())
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
    by: Principal,
    now: datetime,
) -> ImportPair:
    """Say whether two records are one person; it may be said otherwise until one of the families is taken over.

    Raises:
        UnknownPair: there is none, or it is not of these batches.
        AlreadyApplied: both are people by now.
    """
    pair = await db.scalar(
        select(ImportPair).where(_of(batches), ImportPair.low == low, ImportPair.high == high).with_for_update()
    )
    if pair is None:
        raise UnknownPair
    if pair.verdict is verdict and pair.decided_by == by.id:
        return pair
    if not await _waits(db, low, high):
        raise AlreadyApplied
    pair.verdict, pair.decided_at, pair.decided_by, pair.rule = verdict, now, by.id, ""
    record(
        db,
        now=now,
        actor=by.actor,
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
    undecided = or_(ImportPair.verdict.is_(None), ImportPair.verdict == Verdict.LATER)
    await db.execute(
        delete(ImportPair)
        .where(undecided, or_(ImportPair.low.in_(mine), ImportPair.high.in_(mine)))
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


async def _shown(db: AsyncSession, pair: ImportPair, batches: Collection[UUID]) -> ToDecide:
    sides = {identity: await _side(db, identity, batches) for identity in (pair.low, pair.high)}
    # What is staged in these batches is asked about, and stands on the left.
    first, second = sorted(sides.values(), key=lambda side: (not side.base, side.identity))
    return ToDecide(
        low=pair.low,
        high=pair.high,
        score=pair.score,
        certain=pair.certain,
        reasons=tuple(Reason(word) for word in pair.reasons),
        verdict=pair.verdict,
        sides=(first, second),
    )


async def _side(db: AsyncSession, identity: UUID, batches: Collection[UUID]) -> Side:
    row = (
        await db.execute(
            select(ImportPerson, ImportFamily, ImportBatch)
            .join(ImportFamily, ImportFamily.id == ImportPerson.family_id)
            .join(ImportBatch, ImportBatch.id == ImportFamily.batch_id)
            .where(
                ImportPerson.identity == identity,
                ImportPerson.content.is_not(None),
                ImportFamily.state == FamilyState.WAITING,
            )
            .order_by(ImportBatch.id.in_(batches).desc(), ImportPerson.id)
            .limit(1)
        )
    ).first()
    return await _our_side(db, identity) if row is None else await _staged_side(db, *row)


async def _staged_side(db: AsyncSession, mine: ImportPerson, family: ImportFamily, batch: ImportBatch) -> Side:
    others = await db.scalars(
        select(ImportPerson)
        .where(ImportPerson.family_id == family.id, ImportPerson.id != mine.id)
        .order_by(ImportPerson.position)
    )
    person = person_of(mine.key, mine.role, mine.content or {})
    return Side(
        identity=mine.identity,
        base=batch.base,
        title=batch.title,
        family=family.number,
        role=mine.role,
        family_name=person.family_name,
        usual_name=person.usual_name,
        given_names=person.given_names,
        birth_date=person.birth_date,
        birth_place=person.birth_place,
        address=person.address,
        postcode=person.postcode,
        city=person.city,
        phone=person.phone,
        email=person.email,
        card_number=person.card_number,
        others=tuple(
            f"{other.content['given_names']} {other.content.get('usual_name') or other.content['family_name']}"
            for other in others
            if other.content
        ),
    )


async def _our_side(db: AsyncSession, identity: UUID) -> Side:
    person = await db.get(Person, identity)
    if person is None:
        raise UnknownPair
    city = await db.scalar(select(Commune.name).where(Commune.insee == person.commune_insee))
    card = await db.scalar(select(Card.number).where(Card.person_id == identity).order_by(Card.valid_from.desc()))
    mine = select(Membership.account_id).where(Membership.person_id == identity, Membership.valid_until.is_(None))
    family = await db.scalars(
        select(Person)
        .where(
            Person.id.in_(select(Membership.person_id).where(Membership.account_id.in_(mine))), Person.id != identity
        )
        .order_by(Person.search_key)
        .limit(12)
    )
    return Side(
        identity=identity,
        base="",
        title="",
        family="",
        role=None,
        family_name=person.family_name,
        usual_name=person.usual_name,
        given_names=person.given_names,
        birth_date=person.birth_date,
        birth_place=None,
        address=person.address,
        postcode=person.postcode,
        city=city,
        phone=person.phone,
        email=person.email,
        card_number=card,
        others=tuple(f"{each.given_names} {each.usual_name or each.family_name}" for each in family),
    )
