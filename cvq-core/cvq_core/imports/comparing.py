"""Looking for people who are in a staged base and elsewhere: twice in it, in another commune's, or in ours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.tables import Card
from cvq_core.imports.candidates import Pair, pairs_of
from cvq_core.imports.likeness import Level, Record, make_record
from cvq_core.imports.records import person_of
from cvq_core.imports.tables import BatchState, FamilyState, ImportBatch, ImportFamily, ImportPair, ImportPerson
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Commune, Person

IDS_AT_ONCE = 500
ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Compared:
    """How many people were compared with how many, and the pairs that were found."""

    new: int
    others: int
    certain: int
    doubtful: int


async def compare(db: AsyncSession, batch: ImportBatch) -> Compared:
    """Compare the people of a staged batch with each other, with all other staged ones and with our own.

    What was decided of a pair stays decided; a pair that no longer looks alike and was not decided is forgotten.
    """
    new = await _staged(db, [batch.id])
    open_batches = await db.scalars(
        select(ImportBatch.id).where(
            ImportBatch.state.in_((BatchState.STAGED, BatchState.APPLYING)), ImportBatch.id != batch.id
        )
    )
    staged = await _staged(db, list(open_batches))
    mine = {each.id for each in new}
    others = [each for each in (*staged, *await _ours(db)) if each.id not in mine]
    pairs = await asyncio.to_thread(pairs_of, new, others)
    await _forget_open(db, [each.id for each in new], {(pair.low, pair.high) for pair in pairs})
    await _write(db, pairs)
    certain = sum(pair.likeness.level is Level.CERTAIN for pair in pairs)
    return Compared(len(new), len(others), certain, len(pairs) - certain)


async def _staged(db: AsyncSession, batches: list[UUID]) -> list[Record]:
    """Return the people of some batches who still wait to be taken over."""
    rows = await db.execute(
        select(ImportPerson.identity, ImportPerson.key, ImportPerson.role, ImportPerson.content)
        .join(ImportFamily, ImportFamily.id == ImportPerson.family_id)
        .where(
            ImportFamily.batch_id.in_(batches),
            ImportFamily.state == FamilyState.WAITING,
            ImportPerson.person_id.is_(None),
            ImportPerson.content.is_not(None),
        )
        .order_by(ImportPerson.id)
    )
    found: dict[UUID, Record] = {}
    for identity, key, role, content in rows:
        if content is not None:
            found.setdefault(identity, _record(identity, key, role, content))
    return list(found.values())


def _record(identity: UUID, key: str, role: FamilyRole, content: dict[str, Any]) -> Record:
    person = person_of(key, role, content)
    return make_record(
        identity,
        family_name=person.family_name,
        usual_name=person.usual_name,
        given_names=person.given_names,
        birth_date=person.birth_date,
        address=person.address,
        postcode=person.postcode,
        city=person.city,
        phone=person.phone,
        email=person.email,
        card_number=person.card_number,
        birth_place=person.birth_place,
    )


async def _ours(db: AsyncSession) -> list[Record]:
    """Return everybody who is in our base."""
    cards = {row[0]: row[1] for row in await db.execute(select(Card.person_id, Card.number))}
    rows = await db.execute(
        select(
            Person.id,
            Person.family_name,
            Person.usual_name,
            Person.given_names,
            Person.birth_date,
            Person.address,
            Person.postcode,
            Commune.name,
            Person.phone,
            Person.email,
        ).outerjoin(Commune, Commune.insee == Person.commune_insee)
    )
    return [
        make_record(
            person_id,
            family_name=family,
            usual_name=usual,
            given_names=given,
            birth_date=born,
            address=address,
            postcode=postcode,
            city=city,
            phone=phone,
            email=email,
            card_number=cards.get(person_id),
        )
        for person_id, family, usual, given, born, address, postcode, city, phone, email in rows
    ]


async def _forget_open(db: AsyncSession, identities: list[UUID], found: set[tuple[UUID, UUID]]) -> None:
    """Forget undecided pairs of these records that were found before and are not any more."""
    for start in range(0, len(identities), IDS_AT_ONCE):
        some = identities[start : start + IDS_AT_ONCE]
        rows = await db.execute(
            select(ImportPair.low, ImportPair.high).where(
                ImportPair.verdict.is_(None), or_(ImportPair.low.in_(some), ImportPair.high.in_(some))
            )
        )
        for low, high in rows.all():
            if (low, high) not in found:
                await db.execute(delete(ImportPair).where(ImportPair.low == low, ImportPair.high == high))


async def _write(db: AsyncSession, pairs: list[Pair]) -> None:
    """Write pairs, or their score anew; what was decided of one is left alone."""
    dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    for start in range(0, len(pairs), ROWS_AT_ONCE):
        rows = [
            {
                "low": pair.low,
                "high": pair.high,
                "score": pair.likeness.score,
                "certain": pair.likeness.level is Level.CERTAIN,
                "reasons": [reason.value for reason in pair.likeness.reasons],
                "rule": "",
            }
            for pair in pairs[start : start + ROWS_AT_ONCE]
        ]
        asked = dialect.insert(ImportPair).values(rows)
        known = asked.on_conflict_do_update(
            index_elements=["low", "high"],
            set_={name: asked.excluded[name] for name in ("score", "certain", "reasons")},
        )
        await db.execute(known)
