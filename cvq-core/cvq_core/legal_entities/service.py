"""Opening accounts of companies and associations, who belongs to them, and the cards that end with that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import RightKind
from cvq_core.access.store import end_right, give_right
from cvq_core.access.tables import Entitlement
from cvq_core.cards.life import By, block
from cvq_core.cards.making_rules import Channel
from cvq_core.cards.rules import BlockedReason, CardStatus
from cvq_core.cards.store import add_card, locked_card
from cvq_core.cards.tables import Card
from cvq_core.clock import Clock, local_day
from cvq_core.database import Database
from cvq_core.errors import NotFound
from cvq_core.families.departures import add_member, end_member, open_account
from cvq_core.journal.store import SYSTEM, record
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.legal_entities.rules import (
    ENTITY_ROLES,
    HOLDERS_MAX,
    PROFESSIONAL_SERVICES,
    BadEntity,
    EntityKind,
    EntityKnown,
    NoProfessionals,
    NotAHolder,
    TooManyHolders,
    UnknownEntity,
    entity_numbers,
)
from cvq_core.legal_entities.tables import EntityCard, LegalEntity
from cvq_core.once import insert_once
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import in_force
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.services.rules import ServiceCode

WITHDRAW_EVERY_S = 60.0
FOUND_MAX = 50


@dataclass(frozen=True, slots=True)
class Entity:
    """A company or an association with its account."""

    entity: LegalEntity
    account: FamilyAccount


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who belongs to an account, as what and since when, with the account's cards that they carry."""

    person: Person
    membership: Membership
    cards: tuple[Card, ...]


async def open_entity(
    db: AsyncSession,
    account_id: UUID,
    *,
    kind: EntityKind,
    name: str,
    siret: str = "",
    rna: str = "",
    email: str | None = None,
    by: UUID | None,
    now: datetime,
) -> Entity:
    """Open an account for a company or an association; the same id with the same content gives the first one.

    Raises:
        BadEntity: see `rules.entity_numbers`, or it has no name.
        EntityKnown: another account has one of its numbers.
        IdempotencyMismatch: this id came before with another content.
    """
    numbers = entity_numbers(kind, siret, rna)
    label = " ".join(name.split())
    if not 2 <= len(label) <= 120:
        raise BadEntity
    first = await db.get(LegalEntity, account_id)
    if first is None:
        await _check_unknown(db, numbers.siret, numbers.rna)
    account = await open_account(db, account_id, label=label, email=email, now=now)
    if first is not None:
        if (first.kind, first.siret, first.rna) != (kind, numbers.siret, numbers.rna):
            raise IdempotencyMismatch
        return Entity(first, account)
    row = {
        "account_id": account_id,
        "kind": kind,
        "siret": numbers.siret,
        "rna": numbers.rna,
        "recorded_at": now,
        "recorded_by": by,
    }
    if not await insert_once(db, LegalEntity.__table__, row):
        # A rival was faster, and has committed by now.
        await _check_unknown(db, numbers.siret, numbers.rna)
    return Entity(await db.get_one(LegalEntity, account_id), account)


async def entity_of(db: AsyncSession, account_id: UUID) -> Entity:
    """Return a company or an association.

    Raises:
        UnknownEntity
    """
    row = await db.get(LegalEntity, account_id)
    account = await db.get(FamilyAccount, account_id)
    if row is None or account is None:
        raise UnknownEntity
    return Entity(row, account)


async def is_entity(db: AsyncSession, account_id: UUID) -> bool:
    """Whether an account is a company's or an association's."""
    return await db.get(LegalEntity, account_id) is not None


async def find_entities(db: AsyncSession, query: str) -> list[Entity]:
    """Return those whose name holds a text, or whose number begins with it; all where the text is empty."""
    text = "".join(query.split())
    like = func.lower(FamilyAccount.label).contains(query.strip().lower(), autoescape=True)
    wanted: ColumnElement[bool] = or_(
        like, LegalEntity.siret.startswith(text, autoescape=True), FamilyAccount.number == text
    )
    rows = await db.execute(
        select(LegalEntity, FamilyAccount)
        .join(FamilyAccount, FamilyAccount.id == LegalEntity.account_id)
        .where(wanted)
        .order_by(FamilyAccount.closed_on.is_not(None), FamilyAccount.label, FamilyAccount.number)
        .limit(FOUND_MAX)
    )
    return [Entity(entity, account) for entity, account in rows]


async def holders_of(db: AsyncSession, account_id: UUID, on: date) -> list[Holder]:
    """Return who belongs to an account on a day, with the cards that it gave them and that were not withdrawn.

    A card that was replaced is not told any more: the one that took its place is the account's.
    """
    rows = await db.execute(
        select(Person, Membership)
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.account_id == account_id, in_force(on))
        .order_by(Person.search_key, Person.id, Membership.role)
        .limit(2 * HOLDERS_MAX)
    )
    found = [(person, membership) for person, membership in rows]
    cards: dict[UUID, list[Card]] = {}
    for given in await db.scalars(
        select(Card)
        .join(EntityCard, EntityCard.card_id == Card.id)
        .where(EntityCard.account_id == account_id, EntityCard.withdrawn_at.is_(None))
        .order_by(Card.valid_from.desc(), Card.id)
    ):
        card = (await _line(db, given))[-1]
        cards.setdefault(card.person_id, []).append(card)
    return [Holder(person, membership, tuple(cards.get(person.id, ()))) for person, membership in found]


async def add_holder(
    db: AsyncSession, membership_id: UUID, *, account_id: UUID, person_id: UUID, role: FamilyRole, now: datetime
) -> Membership:
    """Let a person belong to a company or an association from today on.

    Raises:
        UnknownEntity, UnknownPerson, AccountClosed
        BadEntity: the role is a family's.
        TooManyHolders
    """
    if role not in ENTITY_ROLES:
        raise BadEntity
    await entity_of(db, account_id)
    held = select(func.count(func.distinct(Membership.person_id))).where(
        Membership.account_id == account_id, in_force(local_day(now))
    )
    if (await db.scalar(held) or 0) >= HOLDERS_MAX:
        raise TooManyHolders
    return await add_member(db, membership_id, account_id=account_id, person_id=person_id, role=role, now=now)


async def end_holder(
    db: AsyncSession, *, account_id: UUID, person_id: UUID, role: FamilyRole, now: datetime
) -> list[UUID]:
    """Let a person belong to an account no more: from today on, or tomorrow where they came today.

    Returns the cards that were withdrawn.

    Raises:
        UnknownEntity, NotAMember
    """
    await entity_of(db, account_id)
    today = local_day(now)
    first = await db.scalar(
        select(func.max(Membership.valid_from)).where(
            Membership.account_id == account_id,
            Membership.person_id == person_id,
            Membership.role == role,
            in_force(today),
        )
    )
    last_day = max(first, today - timedelta(days=1)) if first is not None else today
    await end_member(db, account_id=account_id, person_id=person_id, role=role, last_day=last_day, now=now)
    # Somebody who came and went on one day belongs to the account until midnight; their card does not.
    return await _withdraw(db, now, account_id=account_id, person_id=person_id, gone_from=today + timedelta(days=1))


async def give_card(
    db: AsyncSession,
    card_id: UUID,
    *,
    account_id: UUID,
    person_id: UUID,
    number: str,
    uid: str,
    valid_until: date,
    by: UUID | None,
    now: datetime,
) -> Card:
    """Give a person a card of an account that they belong to; the same id again gives the first card.

    Raises:
        UnknownEntity, NotAHolder, BadCardNumber, BadCardUid
        IdempotencyMismatch: this id is another card.
    """
    await entity_of(db, account_id)
    first = await db.get(EntityCard, card_id)
    if first is not None:
        card = await db.get_one(Card, card_id)
        if (first.account_id, first.person_id, card.uid) != (account_id, person_id, uid.upper()):
            raise IdempotencyMismatch
        return card
    belongs = await db.scalar(
        select(Membership.id)
        .where(Membership.account_id == account_id, Membership.person_id == person_id, in_force(local_day(now)))
        .limit(1)
    )
    if belongs is None:
        raise NotAHolder
    card = await add_card(
        db,
        card_id=card_id,
        person_id=person_id,
        number=number,
        uid=uid,
        valid_from=local_day(now),
        valid_until=valid_until,
        now=now,
    )
    db.add(EntityCard(card_id=card_id, account_id=account_id, person_id=person_id, given_at=now, given_by=by))
    await db.flush()
    return card


async def account_of_card(db: AsyncSession, card: Card) -> UUID | None:
    """Return the account for which somebody carries a card, or carried the one that it replaced.

    None is a card of their own, or one that was withdrawn.
    """
    given = await db.execute(
        select(Card, EntityCard.account_id)
        .join(EntityCard, EntityCard.card_id == Card.id)
        .where(EntityCard.person_id == card.person_id, EntityCard.withdrawn_at.is_(None))
        .order_by(EntityCard.given_at, EntityCard.card_id)
    )
    for first, account_id in given.all():
        if card.id in {each.id for each in await _line(db, first)}:
            return account_id
    return None


async def give_professional_right(
    db: AsyncSession,
    right_id: UUID,
    *,
    account_id: UUID,
    service: ServiceCode,
    valid_until: datetime | None,
    now: datetime,
) -> Entitlement:
    """Let everybody of an account use a service as professionals, who are charged; the same id again is once.

    Raises:
        UnknownEntity
        NoProfessionals: the service knows none.
        IdempotencyMismatch: this id came before for another right.
    """
    if service not in PROFESSIONAL_SERVICES:
        raise NoProfessionals
    await entity_of(db, account_id)
    known = await db.get(Entitlement, right_id)
    return await give_right(
        db,
        right_id,
        kind=RightKind.PROFESSIONAL,
        service=service,
        account_id=account_id,
        valid_from=known.valid_from if known is not None else now,
        valid_until=valid_until,
        now=now,
    )


async def end_professional_right(db: AsyncSession, right_id: UUID, *, account_id: UUID, now: datetime) -> bool:
    """Let an account's people use a service as professionals no more; return whether they still did.

    Raises:
        UnknownEntity
        NotFound: it is no such right of this account. What else it holds ends where it was given.
    """
    await entity_of(db, account_id)
    right = await db.get(Entitlement, right_id)
    if right is None or right.account_id != account_id or right.kind is not RightKind.PROFESSIONAL:
        raise NotFound
    return await end_right(db, right_id, now=now)


async def rights_of(db: AsyncSession, account_id: UUID, now: datetime) -> Sequence[Entitlement]:
    """Return what an account's people may use through it, now or later."""
    rows = await db.scalars(
        select(Entitlement)
        .where(
            Entitlement.account_id == account_id,
            or_(Entitlement.valid_until.is_(None), Entitlement.valid_until > now),
        )
        .order_by(Entitlement.service_code, Entitlement.id)
        .limit(200)
    )
    return list(rows)


async def withdraw_cards(database: Database, clock: Clock) -> int:
    """Withdraw the cards of everybody who belongs to their account no more, however that ended; return how many."""
    now = clock()
    async with database.read() as db:
        if not (await db.scalars(_gone(local_day(now)).limit(1))).first():
            return 0
    async with database.write() as db:
        return len(await _withdraw(db, now))


async def _withdraw(
    db: AsyncSession,
    now: datetime,
    *,
    account_id: UUID | None = None,
    person_id: UUID | None = None,
    gone_from: date | None = None,
) -> list[UUID]:
    wanted = _gone(gone_from or local_day(now))
    if account_id is not None:
        wanted = wanted.where(EntityCard.account_id == account_id, EntityCard.person_id == person_id)
    withdrawn = []
    for row in list(await db.scalars(wanted.order_by(EntityCard.card_id).with_for_update(of=EntityCard))):
        row.withdrawn_at = now
        card = (await _line(db, await locked_card(db, row.card_id), locked=True))[-1]
        if card.status is CardStatus.ACTIVE:
            await block(db, card.id, BlockedReason.WITHDRAWN, By(SYSTEM, now, Channel.SYSTEM))
        withdrawn.append(card.id)
        record(
            db,
            now=now,
            actor=SYSTEM,
            action="entity-card-withdrawn",
            subject=("person", row.person_id),
            account_id=row.account_id,
        )
    await db.flush()
    return withdrawn


async def _line(db: AsyncSession, card: Card, *, locked: bool = False) -> list[Card]:
    """Return a card and those that took its place, one after the other; the last is the one in hand."""
    line = [card]
    while (following := line[-1].replaced_by_id) is not None:
        line.append(await locked_card(db, following) if locked else await db.get_one(Card, following))
    return line


def _gone(on: date) -> Select[EntityCard]:
    """Select the cards whose bearer does not belong to their account on a day, or whose account is closed."""
    belongs = exists().where(
        and_(Membership.account_id == EntityCard.account_id, Membership.person_id == EntityCard.person_id, in_force(on))
    )
    closed = exists().where(
        FamilyAccount.id == EntityCard.account_id, FamilyAccount.closed_on.is_not(None), FamilyAccount.closed_on <= on
    )
    return select(EntityCard).where(EntityCard.withdrawn_at.is_(None), or_(~belongs, closed))


async def _check_unknown(db: AsyncSession, siret: str | None, rna: str | None) -> None:
    # A number that one has not is nobody's: `== None` would be everybody's who has not got it either.
    given = ((LegalEntity.siret, siret), (LegalEntity.rna, rna))
    known = await db.scalar(
        select(FamilyAccount.number)
        .join(LegalEntity, LegalEntity.account_id == FamilyAccount.id)
        .where(or_(*(column == number for column, number in given if number is not None)))
        .limit(1)
    )
    if known is not None:
        raise EntityKnown(number=known)
