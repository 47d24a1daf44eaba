"""Finding cards and giving them; what happens to them is in `cards.life`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.access.changes import note_change
from cvq_core.cards.rules import (
    CardFacts,
    CardStatus,
    card_number,
    card_uid,
    standing,
    standing_date,
)
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.errors import N_, NotFound
from cvq_core.legal_entities.tables import EntityCard
from cvq_core.text import short_date, translator


class UnknownCard(NotFound):
    """No card has this number or this uid."""

    slug = "unknown-card"
    message = N_("Cette carte n’est pas connue ici.")
    what_to_do = N_("Vérifiez que c’est bien une carte de vie quotidienne. Sans carte, on est servi tout de même.")


async def find_card(db: AsyncSession, *, uid: str | None = None, number: str | None = None) -> Card:
    """Return the card that a reader saw (`uid`) or whose printed `number` somebody typed.

    Raises:
        BadCardUid, BadCardNumber: it cannot be right.
        UnknownCard: no card has it.
    """
    assert (uid is None) != (number is None), "either a uid or a number"
    condition = Card.uid == card_uid(uid) if uid is not None else Card.number == card_number(number or "")
    card: Card | None = await db.scalar(select(Card).where(condition))
    if card is None:
        raise UnknownCard
    return card


async def cards_of(db: AsyncSession, person_ids: Collection[UUID]) -> dict[UUID, list[Card]]:
    """Return the cards of some people (at most 500), the newest first; people without a card are absent."""
    assert len(person_ids) <= 500, "asked for too many people at once"
    rows = await db.scalars(
        select(Card).where(Card.person_id.in_(person_ids)).order_by(Card.valid_from.desc(), Card.id.desc())
    )
    found: dict[UUID, list[Card]] = {}
    for card in rows:
        found.setdefault(card.person_id, []).append(card)
    return found


def carried_cards(person_id: UUID | None = None) -> Select[tuple[UUID]]:
    """Select the ids of the cards that people, or a person, carry for a company or an association, and not as theirs.

    What took the place of such a card is one too.
    """
    given = select(EntityCard.card_id.label("id"))
    if person_id is not None:
        given = given.where(EntityCard.person_id == person_id)
    line = given.cte("carried_cards", recursive=True)
    later = aliased(Card)
    following = select(later.replaced_by_id).join(line, later.id == line.c.id).where(later.replaced_by_id.is_not(None))
    return select(line.union(following).c.id)


async def add_card(
    db: AsyncSession,
    *,
    card_id: UUID,
    person_id: UUID,
    number: str,
    uid: str,
    valid_from: date,
    valid_until: date,
    now: datetime,
    status: CardStatus = CardStatus.ACTIVE,
) -> Card:
    """Give a person a card; one that is only made opens nothing until it is handed over.

    Raises:
        BadCardUid, BadCardNumber: what is printed on it or what a reader sees of it cannot be right.
    """
    card = Card(
        id=card_id,
        number=card_number(number),
        uid=card_uid(uid),
        person_id=person_id,
        status=status,
        status_since=now,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    db.add(card)
    await db.flush()
    note_change(db, now=now, persons=[person_id])
    return card


def card_facts(card: Card) -> CardFacts:
    """Return what the rules want to know of a card."""
    return CardFacts(
        status=card.status,
        since=local_day(card.status_since),
        valid_from=card.valid_from,
        valid_until=card.valid_until,
        blocked_reason=card.blocked_reason,
    )


def standing_in_words(card: CardFacts, today: date, *, phone: str = "", language: str = "fr") -> str:
    """Return what is said to the person whose card does not work, "" when it does.

    `phone` is whom to call; without one, it is the town hall.
    """
    found = standing(card, today)
    if found.usable:
        return ""
    _ = translator(language).gettext
    contact = _("le {phone}").format(phone=phone) if phone else _("votre mairie")
    words = f"{_(found.message)} {_(found.what_to_do)}".strip()
    return words.format(date=short_date(standing_date(card, today), language), contact=contact)


async def locked_card(db: AsyncSession, card_id: UUID) -> Card:
    """Return a card that nobody else changes until the transaction ends.

    Raises:
        UnknownCard: there is none.
    """
    card: Card | None = await db.scalar(select(Card).where(Card.id == card_id).with_for_update())
    if card is None:
        raise UnknownCard
    return card
