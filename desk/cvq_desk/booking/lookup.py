"""Finding who comes, from what a secretary types or her card reader does; every look is written in the journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.rules import NUMBER_LENGTH, BadCardNumber, BadCardUid, standing
from cvq_core.cards.store import UnknownCard, card_facts, cards_of, find_card, standing_in_words
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.journal.store import Actor, record
from cvq_core.people.names import listed_name
from cvq_core.people.query import QUERY_LENGTH_MAX
from cvq_core.people.store import find_people
from cvq_core.people.tables import Commune, Person

DIGITS_SHOWN = 4
QUERY_MIN = 2


@dataclass(frozen=True, slots=True)
class Match:
    """Somebody who was found; birth date, commune and the card's last digits tell homonyms apart."""

    person_id: UUID
    name: str
    birth_date: date | None
    commune: str
    card_digits: str
    card_trouble: str


@dataclass(frozen=True, slots=True)
class Matches:
    """What a look-up found.

    `searched` is false when there was too little to look for; `card_read` when what was typed was a card; `more` when
    others were left out; `approximate` when letters differ from what was typed.
    """

    people: tuple[Match, ...] = ()
    searched: bool = True
    card_read: bool = False
    more: bool = False
    approximate: bool = False


async def look_up(
    db: AsyncSession, typed: str, *, actor: Actor, now: datetime, birth_date: date | None = None, language: str = "fr"
) -> Matches:
    """Find people by name and birth date in any order, or by a card's printed number or uid."""
    text = typed.strip()[:QUERY_LENGTH_MAX]
    if len(text) < QUERY_MIN and birth_date is None:
        return Matches(searched=False)
    if looks_like_card(text):
        card = await _card(db, text)
        # Eight digits may also be a birth date.
        if card is not None or not _is_date_like(text):
            return await _by_card(db, card, text, actor=actor, now=now, language=language)
    today = local_day(now)
    found = await find_people(db, text, today=today, birth_date=birth_date)
    cards = await cards_of(db, [one.person.id for one in found.people])
    matches = Matches(
        tuple(_match(one.person, one.commune, cards.get(one.person.id, ()), today, language) for one in found.people),
        more=found.more,
        approximate=found.approximate,
    )
    seen = [str(one.person_id) for one in matches.people]
    record(db, now=now, actor=actor, action="people-searched", personal={"query": text, "found": seen})
    return matches


def looks_like_card(text: str) -> bool:
    """Whether what was typed is a card rather than a name: a printed number, or what a reader sees of a chip."""
    compact = "".join(text.split()).upper()
    if len(compact) == NUMBER_LENGTH and compact.isdigit():
        return True
    is_hexadecimal = all(letter in "0123456789ABCDEF" for letter in compact)
    return is_hexadecimal and len(compact) in (8, 14, 20) and any(letter.isdigit() for letter in compact)


def _is_date_like(text: str) -> bool:
    return "".join(text.split()).isdigit() and len("".join(text.split())) != NUMBER_LENGTH


async def _card(db: AsyncSession, text: str) -> Card | None:
    compact = "".join(text.split())
    try:
        if len(compact) == NUMBER_LENGTH:
            return await find_card(db, number=compact)
        return await find_card(db, uid=compact)
    except (UnknownCard, BadCardNumber, BadCardUid):
        return None


async def _by_card(
    db: AsyncSession, card: Card | None, text: str, *, actor: Actor, now: datetime, language: str
) -> Matches:
    subject = ("card", card.id if card else None)
    personal = {"query": text, "found": [str(card.person_id)] if card else []}
    record(db, now=now, actor=actor, action="card-looked-up", subject=subject, personal=personal)
    if card is None:
        return Matches(card_read=True)
    rows = await db.execute(
        select(Person, Commune.name)
        .outerjoin(Commune, Commune.insee == Person.commune_insee)
        .where(Person.id == card.person_id, Person.deceased_on.is_(None))
    )
    today = local_day(now)
    people = tuple(_match(person, commune, (card,), today, language) for person, commune in rows)
    return Matches(people, card_read=True)


def _match(person: Person, commune: str | None, cards: Iterable[Card], today: date, language: str) -> Match:
    """Return what is shown of a person, with the card that works, or else the newest and what is wrong with it."""
    known = list(cards)
    card = next((one for one in known if standing(card_facts(one), today).usable), known[0] if known else None)
    return Match(
        person_id=person.id,
        name=listed_name(person.family_name, person.usual_name, person.given_names),
        birth_date=person.birth_date,
        commune=commune or "",
        card_digits=card.number[-DIGITS_SHOWN:] if card else "",
        card_trouble=standing_in_words(card_facts(card), today, language=language) if card else "",
    )
