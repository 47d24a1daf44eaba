"""Cards from the order to the hand of their holder: the stock always adds up, whatever breaks off."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from cvq_booth.virtual.desfire import VirtualDesfire
from cvq_core.card_keys.custody import CardKeysUnavailable, Custody, in_thread
from cvq_core.card_keys.dialogues import AID
from cvq_core.card_keys.keys import make_key, retire_key
from cvq_core.card_keys.service import CardCannotProve
from cvq_core.card_keys.signed import read_signed_id
from cvq_core.card_keys.store import Step, public_keys
from cvq_core.card_keys.tables import CardChip, KeyPurpose, Outcome
from cvq_core.cards import life, making
from cvq_core.cards.encoding import EncoderElsewhere, start_encoding
from cvq_core.cards.making_rules import (
    AlreadyOrdered,
    CardEventKind,
    IdentityCheck,
    IdentityNotChecked,
    NobodyToMakeFor,
    OrderStateRefused,
    OrderStatus,
    ReasonMissing,
    UidInUse,
    Wanted,
)
from cvq_core.cards.rules import BadCardUid, BlockedReason, CardStateRefused, CardStatus, card_number, standing
from cvq_core.cards.store import card_facts
from cvq_core.cards.tables import Card, CardEvent, CardOrder
from cvq_core.cards.verify import verify_cards
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.inactive_values.rules import NotEnoughInStock, Whereabouts
from cvq_core.inactive_values.tables import ValueMovement
from cvq_core.inactive_values.verify import verify_values
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.legal_entities.rules import EntityKind
from cvq_core.legal_entities.tables import EntityCard, LegalEntity
from cvq_core.live.store import flush_events
from cvq_core.live.tables import LiveEvent
from cvq_core.offices.rules import MandateTitle, NotMandatary
from cvq_core.offices.store import appoint
from tests.card_ground import BLANKS, Workshop, open_workshop
from tests.core_examples import NOW, TODAY, create_family, create_officer
from tests.factories import make_card, make_person
from tests.hsm import LABEL, MODULE, PIN, hsm

SEEN = IdentityCheck.PAPER_SHOWN
CHIP = "04782E21801D80"
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What depends on no database is tried on one."""


@pytest.fixture
async def workshop(database: Database) -> Workshop:
    database.before_commit.append(flush_events)
    return await open_workshop(database)


async def _people(workshop: Workshop, *names: str) -> list[UUID]:
    async with workshop.database.write() as db:
        return [(await make_person(db, "Moreau", name)).id for name in names]


async def _card(workshop: Workshop, card_id: UUID) -> Card:
    async with workshop.database.read() as db:
        return await db.get_one(Card, card_id)


async def test_a_card_goes_from_its_order_to_its_holder_and_replaces_the_former_one(workshop: Workshop) -> None:
    async with workshop.database.write() as db:
        person = await make_person(db)
        old = await make_card(db, person)
    batch_id = await workshop.plan([person.id])
    [order] = await workshop.orders(batch_id)
    assert (order.replaces_id, order.number) == (old.id, card_number(order.number))
    step = await workshop.encode(order.number, VirtualDesfire(CHIP))
    assert step is not None
    made = await _card(workshop, order.id)
    assert (made.status, made.uid, made.number) == (CardStatus.MADE, CHIP, order.number)
    assert standing(card_facts(made), TODAY).slug == "card-not-yet-valid"
    async with workshop.database.write() as db:
        with pytest.raises(CardStateRefused):
            await life.block(db, made.id, BlockedReason.LOST, workshop.by())
    assert (await _card(workshop, old.id)).status is CardStatus.ACTIVE
    assert await workshop.left() == BLANKS - 1
    async with workshop.database.write() as db:
        await life.hand_over(db, order.id, workshop.by(SEEN))
    async with workshop.database.write() as db:
        await life.hand_over(db, order.id, workshop.by(SEEN))  # a second time changes nothing
    made, former = await _card(workshop, order.id), await _card(workshop, old.id)
    assert (made.status, former.status, former.replaced_by_id) == (CardStatus.ACTIVE, CardStatus.REPLACED, made.id)
    async with workshop.database.read() as db:
        assert [each.what for each in await life.events_of(db, made.id)][::-1] == [
            CardEventKind.PLANNED,
            CardEventKind.PRINTED,
            CardEventKind.ENCODED,
            CardEventKind.HANDED_OVER,
        ]
        events = await db.scalars(select(LiveEvent).where(LiveEvent.topic == "access"))
        told = [row.payload["persons"] for row in events]
        assert told.count([str(person.id)]) >= 2, told
        assert await verify_values(db) == []
        assert await verify_cards(db) == []


@one_database
async def test_what_is_written_on_a_chip_is_signed_for_that_card(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    [order] = await workshop.orders(await workshop.plan([person_id]))
    chip = VirtualDesfire(CHIP)
    await workshop.encode(order.number, chip)
    async with workshop.database.read() as db:
        row, keys = await db.get_one(CardChip, order.id), await public_keys(db)
    said = read_signed_id(bytes(chip.applications[AID].files[1].content), keys)
    assert said is not None
    assert (said.card_id, said.number, said.uid, row.encoder_id) == (
        order.id,
        order.number,
        CHIP,
        workshop.encoder.actor.id,
    )


@one_database
@pytest.mark.parametrize("pulled_after", [0, 4, 9, 14, 19])
async def test_a_card_that_is_pulled_away_is_laid_down_again_and_counts_once(
    workshop: Workshop, pulled_after: int
) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    [order] = await workshop.orders(await workshop.plan([person_id]))
    chip = VirtualDesfire(CHIP)
    assert await workshop.encode(order.number, chip, pulled_after=pulled_after) is None
    assert await workshop.left() == BLANKS
    assert await workshop.encode(order.number, chip) is not None
    assert await workshop.left() == BLANKS - 1
    async with workshop.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Card)) == 1


async def test_a_spoiled_card_leaves_the_stock_as_such_and_another_is_made_in_its_place(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    batch_id = await workshop.plan([person_id])
    [order] = await workshop.orders(batch_id)
    async with workshop.database.write() as db:
        colleague = await create_officer(db, "paule", "Paule Roy")
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=colleague.staff_id,
            sub_office_id=workshop.place.id,
            title=MandateTitle.MANDATARY,
            valid_from=TODAY,
            valid_until=None,
        )
    for _ in range(2):  # the second time changes nothing
        async with workshop.database.write() as db:
            again = await making.scrap(db, order.id, "Imprimée de travers", colleague, workshop.by(), again=True)
        assert again is not None
    async with workshop.database.write() as db:
        spoiled = await db.scalars(
            select(ValueMovement.moved_by).where(ValueMovement.to_whereabouts == Whereabouts.SPOILED)
        )
        assert spoiled.all() == [workshop.officer.staff_id], "it was of the stock of whoever began the batch"
        assert await making.mark_printed(db, batch_id, colleague, workshop.by(), up_to=1) == 0, "it was not on the PDF"
    first, second = await workshop.orders(batch_id)
    assert (first.status, second.status, second.number != first.number) == (
        OrderStatus.SCRAPPED,
        OrderStatus.PLANNED,
        True,
    )
    assert (await workshop.left(), await workshop.left(Whereabouts.SPOILED)) == (BLANKS - 1, 1)
    async with workshop.database.read() as db:
        assert await verify_values(db) == []
        assert await verify_cards(db) == []


@one_database
async def test_a_made_card_that_is_scrapped_never_opens_anything(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    [order] = await workshop.orders(await workshop.plan([person_id]))
    await workshop.encode(order.number, VirtualDesfire(CHIP))
    async with workshop.database.write() as db:
        assert await making.scrap(db, order.id, "Nom mal écrit", workshop.officer, workshop.by(), again=False) is None
    card = await _card(workshop, order.id)
    assert (card.status, card.blocked_reason) == (CardStatus.BLOCKED, BlockedReason.WITHDRAWN)
    assert (await workshop.left(), await workshop.left(Whereabouts.SPOILED)) == (BLANKS - 1, 0)
    async with workshop.database.write() as db:
        with pytest.raises(CardStateRefused):
            await life.unblock(db, order.id, workshop.by(SEEN))
        with pytest.raises(OrderStateRefused):
            await life.hand_over(db, order.id, workshop.by(SEEN))


async def test_somebody_waits_for_one_card_at_a_time_also_with_rivals(workshop: Workshop) -> None:
    people = await _people(workshop, "Jeanne", "Paul")

    async def order() -> object:
        try:
            return await workshop.plan(people)
        except (AlreadyOrdered, IntegrityError) as error:
            return error

    found = await asyncio.gather(*(order() for _ in range(5)))
    assert sum(isinstance(each, UUID) for each in found) == 1
    async with workshop.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(CardOrder)) == 2


async def test_a_batch_may_be_sent_twice_and_means_the_same(workshop: Workshop) -> None:
    people = await _people(workshop, "Jeanne", "Paul")
    batch_id = await workshop.plan(people)
    await workshop.plan(people, batch_id)
    assert len(await workshop.orders(batch_id)) == 2
    with pytest.raises(IdempotencyMismatch):
        await workshop.plan(people[:1], batch_id)


@one_database
async def test_lists_that_cannot_be_are_refused(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    async with workshop.database.write() as db:
        late = await make_person(db, "Dupont", "Paul")
        late.deceased_on = TODAY
        other = await make_card(db, await make_person(db, "Martin", "Luc"))
    for wanted in ([], [person_id, person_id], [new_id()], [late.id]):
        with pytest.raises(NobodyToMakeFor):
            await workshop.plan(wanted)
    async with workshop.database.write() as db:
        new = making.NewBatch(new_id(), workshop.place.id, None, "x", (Wanted(person_id, other.id),))
        with pytest.raises(NobodyToMakeFor):
            await making.plan_batch(db, new, workshop.officer, workshop.by())
        stranger = await create_officer(db, "paul", "Paul Ricard")
        with pytest.raises(NotMandatary):
            await making.plan_batch(db, new, stranger, workshop.by())


@one_database
async def test_nobody_gets_a_card_unrecognised_and_phone_answers_are_not_enough(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    [order] = await workshop.orders(await workshop.plan([person_id]))
    await workshop.encode(order.number, VirtualDesfire(CHIP))
    for identity in (None, IdentityCheck.ANSWERS):
        async with workshop.database.write() as db:
            with pytest.raises(IdentityNotChecked):
                await life.hand_over(db, order.id, workshop.by(identity))


async def test_a_chip_belongs_to_one_card(workshop: Workshop) -> None:
    people = await _people(workshop, "Jeanne", "Paul")
    first, second = await workshop.orders(await workshop.plan(people))
    await workshop.encode(first.number, VirtualDesfire(CHIP))
    with pytest.raises(UidInUse):
        await workshop.encode(second.number, VirtualDesfire(CHIP))
    with pytest.raises(UidInUse):
        await workshop.encode(first.number, VirtualDesfire("04000000000001"))
    with pytest.raises(BadCardUid):
        await workshop.encode(second.number, VirtualDesfire("04000001"))
    assert await workshop.left() == BLANKS - 1


async def test_two_encoders_with_two_chips_make_one_card(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    [order] = await workshop.orders(await workshop.plan([person_id]))

    async def encode(uid: str) -> bool:
        try:
            return await workshop.encode(order.number, VirtualDesfire(uid)) is not None
        except (OrderStateRefused, UidInUse, IntegrityError):
            return False

    found = await asyncio.gather(encode("04000000000001"), encode("04000000000002"))
    assert sorted(found) == [False, True]
    assert await workshop.left() == BLANKS - 1


@one_database
async def test_an_encoder_encodes_what_is_made_at_its_place(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    [order] = await workshop.orders(await workshop.plan([person_id]))
    elsewhere = Workshop(
        workshop.database,
        workshop.officer,
        workshop.place,
        workshop.kind_id,
        type(workshop.encoder)(workshop.encoder.actor, new_id()),
    )
    with pytest.raises(EncoderElsewhere):
        await elsewhere.encode(order.number, VirtualDesfire(CHIP))


@one_database
async def test_an_empty_stock_makes_no_card(workshop: Workshop) -> None:
    people = await _people(workshop, *(f"Enfant {number}" for number in range(BLANKS + 1)))
    batch_id = await workshop.plan(people)
    orders = await workshop.orders(batch_id)
    async with workshop.database.write() as db:
        for order in orders[:BLANKS]:
            await making.scrap(db, order.id, "Essai d’imprimante", workshop.officer, workshop.by(), again=False)
    with pytest.raises(NotEnoughInStock):
        await workshop.encode(orders[-1].number, VirtualDesfire(CHIP))
    async with workshop.database.read() as db:
        assert await db.get(Card, orders[-1].id) is None


async def test_a_card_in_circulation_gets_the_present_keys(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    [order] = await workshop.orders(await workshop.plan([person_id]))
    chip = VirtualDesfire(CHIP)
    await workshop.encode(order.number, chip)
    async with workshop.database.write() as db:
        await life.hand_over(db, order.id, workshop.by(SEEN))
        version = await make_key(db, hsm(), KeyPurpose.CARD, now=NOW)
    await workshop.encode(order.number, chip)
    assert chip.applications[AID].versions == [version, version]
    async with workshop.database.read() as db:
        assert (await db.get_one(CardChip, order.id)).key_version == version
        assert (await life.events_of(db, order.id))[0].what is CardEventKind.REKEYED
    assert await workshop.left() == BLANKS - 1


@one_database
async def test_an_impostor_with_a_circulating_card_s_identifier_gets_no_keys_from_an_encoder(
    workshop: Workshop,
) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    [order] = await workshop.orders(await workshop.plan([person_id]))
    await workshop.encode(order.number, VirtualDesfire(CHIP))
    async with workshop.database.write() as db:
        await life.hand_over(db, order.id, workshop.by(SEEN))
    step = await workshop.encode(order.number, VirtualDesfire(CHIP))
    assert step is not None
    assert step.outcome is Outcome.REFUSED
    async with workshop.database.write() as db:
        bare = await make_card(db, await make_person(db, "Martin", "Luc"))
    with pytest.raises(CardCannotProve):
        await workshop.encode(bare.number, VirtualDesfire(bare.uid))


@one_database
async def test_a_card_whose_key_was_retired_is_replaced_and_not_encoded_again(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    [order] = await workshop.orders(await workshop.plan([person_id]))
    chip = VirtualDesfire(CHIP)
    await workshop.encode(order.number, chip)
    async with workshop.database.write() as db:
        old = (await db.get_one(CardChip, order.id)).key_version
        await make_key(db, hsm(), KeyPurpose.CARD, now=NOW)
        await retire_key(db, KeyPurpose.CARD, old, now=NOW)
    with pytest.raises(CardCannotProve):
        await workshop.encode(order.number, chip)


class Hanging(Custody):
    """An HSM that answers nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__(MODULE, LABEL, PIN)
        self.let_go = threading.Event()

    def _open(self) -> Any:
        assert self.let_go.wait(60)
        return super()._open()


@one_database
async def test_an_hsm_that_hangs_holds_up_no_transaction_and_serves_again_afterwards(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    [order] = await workshop.orders(await workshop.plan([person_id]))
    custody = Hanging()

    async def encode() -> Step:
        async with workshop.database.write() as db:
            return await start_encoding(
                db, custody, new_id(), number=order.number, uid=CHIP, encoder=workshop.encoder, now=NOW
            )

    calls = [in_thread(lambda: custody.has("cvq-card-0")) for _ in range(3)]
    try:
        answers = await asyncio.gather(encode(), *calls, return_exceptions=True)
    finally:
        custody.let_go.set()
    assert [type(each) for each in answers] == [CardKeysUnavailable] * 4
    assert (await encode()).commands


@one_database
async def test_what_was_not_begun_is_cancelled_and_what_was_is_not(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    async with workshop.database.write() as db:
        new = making.NewBatch(new_id(), workshop.place.id, workshop.kind_id, "x", (Wanted(person_id),))
        await making.plan_batch(db, new, workshop.officer, workshop.by())
    [order] = await workshop.orders(new.id)
    async with workshop.database.write() as db:
        with pytest.raises(ReasonMissing):
            await making.cancel(db, order.id, " ", workshop.officer, workshop.by())
        for _ in range(2):
            await making.cancel(db, order.id, "Déménage", workshop.officer, workshop.by())
    [printed] = await workshop.orders(await workshop.plan([person_id]))
    async with workshop.database.write() as db:
        with pytest.raises(OrderStateRefused):
            await making.cancel(db, printed.id, "Déménage", workshop.officer, workshop.by())


async def test_a_card_is_blocked_by_phone_found_and_works_again_once_its_holder_is_recognised(
    workshop: Workshop,
) -> None:
    async with workshop.database.write() as db:
        card = await make_card(db, await make_person(db))
    for why in (BlockedReason.LOST, BlockedReason.LOST, BlockedReason.STOLEN, BlockedReason.LOST):
        async with workshop.database.write() as db:
            await life.block(db, card.id, why, workshop.by(IdentityCheck.ANSWERS))
    assert (await _card(workshop, card.id)).blocked_reason is BlockedReason.STOLEN
    async with workshop.database.write() as db:
        await life.note_found(db, card.id, workshop.by(), reason="Sous un banc de la piscine")
        await life.note_found(db, card.id, workshop.by())
        with pytest.raises(IdentityNotChecked):
            await life.unblock(db, card.id, workshop.by(IdentityCheck.ANSWERS))
    async with workshop.database.write() as db:
        await life.unblock(db, card.id, workshop.by(SEEN))
    async with workshop.database.read() as db:
        events = [each.what for each in await life.events_of(db, card.id)][::-1]
        assert (await db.get_one(Card, card.id)).status is CardStatus.ACTIVE
        actions = list(await db.scalars(select(AuditRecord.action).where(AuditRecord.subject_id == card.id)))
    assert events == [
        CardEventKind.BLOCKED,
        CardEventKind.BLOCKED,
        CardEventKind.FOUND,
        CardEventKind.UNBLOCKED,
    ]
    assert sorted(actions) == ["card-blocked", "card-blocked", "card-found", "card-unblocked"]


@one_database
async def test_a_lost_card_that_is_found_after_a_newer_one_was_given_stays_blocked(workshop: Workshop) -> None:
    async with workshop.database.write() as db:
        person = await make_person(db)
        card = await make_card(db, person)
        await life.block(db, card.id, BlockedReason.LOST, workshop.by(SEEN))
        newer = Card(
            id=new_id(),
            number="0000000000",
            uid="04000000000009",
            person_id=person.id,
            status=CardStatus.ACTIVE,
            status_since=NOW,
            valid_from=TODAY,
            valid_until=date(2038, 1, 1),
        )
        db.add(newer)
        await db.flush()
        with pytest.raises(CardStateRefused):
            await life.unblock(db, card.id, workshop.by(SEEN))


@one_database
async def test_a_card_that_somebody_carries_for_a_company_is_none_of_their_own(workshop: Workshop) -> None:
    async with workshop.database.write() as db:
        person = await make_person(db)
        own = await make_card(db, person)
        works = await make_card(db, person, "123456789", uid="04000000000002")
        works.valid_from, own.valid_until = TODAY, TODAY + timedelta(days=20)
        account = await create_family(db, "E00001", "Toitures Roy")
        db.add(LegalEntity(account_id=account.id, kind=EntityKind.COMPANY, siret="1" * 14, recorded_at=NOW))
        await db.flush()
        db.add(EntityCard(card_id=works.id, account_id=account.id, person_id=person.id, given_at=NOW))
    async with workshop.database.write() as db:
        await life.block(db, own.id, BlockedReason.LOST, workshop.by(SEEN))
        await life.unblock(db, own.id, workshop.by(SEEN))
        assert [each.card.id for each in await life.ending_cards(db, TODAY)] == [own.id]
    [first] = await workshop.orders(await workshop.plan([person.id]))
    assert first.replaces_id == own.id
    await workshop.encode(first.number, VirtualDesfire(CHIP))
    async with workshop.database.write() as db:
        await life.hand_over(db, first.id, workshop.by(SEEN))
    batch_id, wanted = new_id(), (Wanted(person.id, works.id),)
    new = making.NewBatch(batch_id, workshop.place.id, workshop.kind_id, "Société", wanted)
    async with workshop.database.write() as db:
        with pytest.raises(CardStateRefused):
            await life.unblock(db, own.id, workshop.by(SEEN))
        stale = making.NewBatch(new_id(), new.place_id, new.kind_id, "Trop tard", (Wanted(person.id, own.id),))
        with pytest.raises(CardStateRefused):
            await making.plan_batch(db, stale, workshop.officer, workshop.by())
        for _ in range(2):
            await making.plan_batch(db, new, workshop.officer, workshop.by())
        other = replace(new, wanted=(Wanted(person.id, first.id),))
        with pytest.raises(IdempotencyMismatch):
            await making.plan_batch(db, other, workshop.officer, workshop.by())
        await making.mark_printed(db, batch_id, workshop.officer, workshop.by(), up_to=1)
    [second] = await workshop.orders(batch_id)
    await workshop.encode(second.number, VirtualDesfire("04782E21801D81"))
    async with workshop.database.write() as db:
        await life.hand_over(db, second.id, workshop.by(SEEN))
        (await db.get_one(Card, second.id)).valid_until = TODAY + timedelta(days=20)
        await db.flush()
        assert await life.ending_cards(db, TODAY) == [], "nor is the one that took its place"
        found = await making.own_card(db, person.id)
        assert found is not None
        assert found.id == first.id
        statuses = [(await db.get_one(Card, each)).status for each in (own.id, works.id, first.id)]
    assert statuses == [CardStatus.REPLACED, CardStatus.REPLACED, CardStatus.ACTIVE]


async def test_cards_expire_the_day_after_their_last_one_and_are_listed_before(workshop: Workshop) -> None:
    async with workshop.database.write() as db:
        card = await make_card(db, await make_person(db))
        card.valid_until = TODAY
        late = await make_card(db, await make_person(db, "Martin", "Luc"), "123456789", uid="04000000000002")
        late.valid_until = TODAY + timedelta(days=200)
    async with workshop.database.read() as db:
        assert [each.card.id for each in await life.ending_cards(db, TODAY)] == [card.id]
    assert await life.run_expiry(workshop.database, NOW) == 0
    assert await life.run_expiry(workshop.database, NOW + timedelta(days=1)) == 1
    assert await life.run_expiry(workshop.database, NOW + timedelta(days=1)) == 0
    assert (await _card(workshop, card.id)).status is CardStatus.EXPIRED
    await workshop.plan([card.person_id])
    async with workshop.database.read() as db:
        assert await life.ending_cards(db, TODAY) == []


async def test_what_does_not_agree_is_found(workshop: Workshop) -> None:
    people = await _people(workshop, "Jeanne", "Paul")
    first, second = await workshop.orders(await workshop.plan(people))
    await workshop.encode(first.number, VirtualDesfire(CHIP))
    async with workshop.database.write() as db:
        (await db.get_one(CardOrder, first.id)).status = OrderStatus.PRINTED
        (await db.get_one(CardOrder, second.id)).status = OrderStatus.SCRAPPED
        (await db.get_one(CardChip, first.id)).key_version = 254
    async with workshop.database.read() as db:
        found = await verify_cards(db)
    assert [each.split(" ", 2)[2] for each in found] == [
        "is printed and there is a card",
        "took no blank out of its stock",
        "has a card key that nobody noted",
    ]


async def test_the_life_of_a_card_only_grows(workshop: Workshop) -> None:
    [person_id] = await _people(workshop, "Jeanne")
    await workshop.plan([person_id])
    async with workshop.database.write() as db:
        event = (await db.scalars(select(CardEvent).limit(1))).one()
        event.reason = "autre"
        with pytest.raises(IntegrityError):
            await db.flush()
        await db.rollback()
