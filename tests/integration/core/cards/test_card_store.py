"""Cards found, blocked and replaced, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.life import By, block, events_of, unblock
from cvq_core.cards.making_rules import CardEventKind, IdentityCheck
from cvq_core.cards.rules import BadCardNumber, BadCardUid, BlockedReason, CardStatus, check_digit
from cvq_core.cards.store import UnknownCard, add_card, cards_of, find_card
from cvq_core.cards.tables import Card
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.people.store import add_person
from cvq_core.people.tables import Person

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
UNTIL = date(2031, 3, 3)
AT_THE_DESK = By(SYSTEM, NOW, identity=IdentityCheck.VOUCHED)


def number(start: int) -> str:
    digits = f"{start:09d}"
    return digits + check_digit(digits)


@pytest.fixture
async def db(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.write() as db:
        yield db


@pytest.fixture
async def card(db: AsyncSession) -> Card:
    """Jeanne's card."""
    jeanne = Person(id=new_id(), family_name="Moreau", given_names="Jeanne", birth_date=date(1941, 5, 12))
    await add_person(db, jeanne)
    return await give(db, jeanne.id, 1)


async def give(db: AsyncSession, person_id: UUID, count: int) -> Card:
    return await add_card(
        db,
        card_id=new_id(),
        person_id=person_id,
        number=number(count),
        uid=f"04A22B1C5D6E{count:02X}",
        valid_from=date(2026, 1, 1),
        valid_until=UNTIL,
        now=NOW,
    )


async def test_a_card_is_found_by_what_a_reader_sees_and_by_what_is_printed(db: AsyncSession, card: Card) -> None:
    assert (await find_card(db, uid="04:a2:2b:1c:5d:6e:01")).id == card.id
    assert (await find_card(db, number=f"{card.number[:4]} {card.number[4:]}")).id == card.id


async def test_a_strangers_card_is_unknown_and_nonsense_is_refused(db: AsyncSession, card: Card) -> None:
    with pytest.raises(UnknownCard):
        await find_card(db, uid="04FFFFFFFFFF80")
    with pytest.raises(BadCardUid):
        await find_card(db, uid="'; DROP TABLE card; --")
    with pytest.raises(BadCardNumber):
        await find_card(db, number="1234567890")


async def test_a_lost_card_is_blocked_and_works_again_once_found(db: AsyncSession, card: Card) -> None:
    await block(db, card.id, BlockedReason.LOST, AT_THE_DESK)
    assert (card.status, card.blocked_reason) == (CardStatus.BLOCKED, BlockedReason.LOST)
    await unblock(db, card.id, AT_THE_DESK)
    assert (card.status, card.blocked_reason) == (CardStatus.ACTIVE, None)
    life = [event.what for event in await events_of(db, card.id)]
    assert life == [CardEventKind.UNBLOCKED, CardEventKind.BLOCKED]


async def test_the_newest_card_of_a_person_comes_first(db: AsyncSession, card: Card) -> None:
    new = await give(db, card.person_id, 2)
    assert [each.id for each in (await cards_of(db, [card.person_id]))[card.person_id]] == [new.id, card.id]
    assert await cards_of(db, [new_id()]) == {}


async def test_no_two_cards_share_a_number(db: AsyncSession, card: Card) -> None:
    with pytest.raises(IntegrityError):
        async with db.begin_nested():
            await give(db, card.person_id, 1)


async def test_the_database_itself_keeps_a_block_without_a_reason_out(db: AsyncSession, card: Card) -> None:
    with pytest.raises(IntegrityError):
        async with db.begin_nested():
            card.status = CardStatus.BLOCKED
