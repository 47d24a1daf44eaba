"""Both sides of a pair, as they are shown beside each other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.tables import Card
from cvq_core.imports.likeness import Reason
from cvq_core.imports.records import person_of
from cvq_core.imports.rules import UnknownPair
from cvq_core.imports.tables import FamilyState, ImportBatch, ImportFamily, ImportPair, ImportPerson, Verdict
from cvq_core.people.names import listed_name
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Commune, Membership, Person

IDS_AT_ONCE = 500
OTHERS_MAX = 12


@dataclass(frozen=True, slots=True)
class Side:
    """One of two records, as it is shown beside the other. `base` is "" for somebody of our own base.

    `commune_insee` is whose record it is, None where our own base does not know. `others` are the given names of the
    household: enough to tell a family by.
    """

    identity: UUID
    base: str
    title: str
    commune_insee: str | None
    commune: str
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


async def beside(db: AsyncSession, pair: ImportPair, batches: Collection[UUID]) -> ToDecide:
    """Return a pair with both its sides; what is staged in these batches is asked about, and comes first.

    Raises:
        UnknownPair: one of them is no record any more.
    """
    sides = {identity: await _side(db, identity, batches) for identity in (pair.low, pair.high)}
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


async def names_of(db: AsyncSession, identities: Collection[UUID]) -> dict[UUID, str]:
    """Return who some records are, "MOREAU Claire", for a list; one that is no record any more is left out."""
    found: dict[UUID, str] = {}
    wanted = list(identities)
    for start in range(0, len(wanted), IDS_AT_ONCE):
        some = wanted[start : start + IDS_AT_ONCE]
        ours = await db.execute(
            select(Person.id, Person.family_name, Person.usual_name, Person.given_names).where(Person.id.in_(some))
        )
        found |= {person_id: listed_name(family, usual, given) for person_id, family, usual, given in ours}
        staged = await db.execute(
            select(ImportPerson.identity, ImportPerson.content).where(
                ImportPerson.identity.in_(some), ImportPerson.content.is_not(None)
            )
        )
        for identity, content in staged:
            if content:
                found.setdefault(
                    identity, listed_name(content["family_name"], content.get("usual_name"), content["given_names"])
                )
    return found


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
        .limit(OTHERS_MAX)
    )
    person = person_of(mine.key, mine.role, mine.content or {})
    return Side(
        identity=mine.identity,
        base=batch.base,
        title=batch.title,
        commune_insee=batch.commune_insee,
        commune=await _commune(db, batch.commune_insee),
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
        others=tuple(other.content["given_names"] for other in others if other.content),
    )


async def _our_side(db: AsyncSession, identity: UUID) -> Side:
    # A record that was taken over as somebody whom we knew has no person of its own.
    linked = select(ImportPerson.person_id).where(
        ImportPerson.identity == identity, ImportPerson.person_id.is_not(None)
    )
    person = await db.get(Person, identity) or await db.scalar(select(Person).where(Person.id.in_(linked)).limit(1))
    if person is None:
        raise UnknownPair
    card = await db.scalar(select(Card.number).where(Card.person_id == person.id).order_by(Card.valid_from.desc()))
    mine = select(Membership.account_id).where(Membership.person_id == person.id, Membership.valid_until.is_(None))
    family = await db.scalars(
        select(Person)
        .where(
            Person.id.in_(select(Membership.person_id).where(Membership.account_id.in_(mine))), Person.id != person.id
        )
        .order_by(Person.search_key)
        .limit(OTHERS_MAX)
    )
    commune = await _commune(db, person.commune_insee)
    return Side(
        identity=identity,
        base="",
        title="",
        commune_insee=person.commune_insee,
        commune=commune,
        family="",
        role=None,
        family_name=person.family_name,
        usual_name=person.usual_name,
        given_names=person.given_names,
        birth_date=person.birth_date,
        birth_place=None,
        address=person.address,
        postcode=person.postcode,
        city=commune,
        phone=person.phone,
        email=person.email,
        card_number=card,
        others=tuple(each.given_names for each in family),
    )


async def _commune(db: AsyncSession, insee: str | None) -> str:
    return await db.scalar(select(Commune.name).where(Commune.insee == insee)) or ""
