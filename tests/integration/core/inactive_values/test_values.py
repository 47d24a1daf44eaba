"""Blank cards and ticket books: received, handed over, sold, made, counted, returned, and each number in one place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import pytest
from sqlalchemy import text

from cvq_core.cards.rules import check_digit
from cvq_core.cards.tables import Card
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.inactive_values.counter import Payment, make_card, sell, take_back_sale
from cvq_core.inactive_values.paper import rows_of, stock_pdf
from cvq_core.inactive_values.rules import (
    BadValue,
    Holder,
    HolderNotAppointed,
    NotEnoughInStock,
    NotValueKeeper,
    NumbersElsewhere,
    NumbersKnown,
    SaleNotUndoable,
    Span,
    UnknownValue,
    ValueReasonMissing,
    Whereabouts,
    written,
)
from cvq_core.inactive_values.service import count_stock, create_kind, receive, transfer
from cvq_core.inactive_values.store import spans_with, stock_of
from cvq_core.inactive_values.tables import ValueMovement
from cvq_core.inactive_values.verify import verify_values
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.tables import Receivable
from cvq_core.ledger.verify import verify
from cvq_core.offices.drawers import open_drawer
from cvq_core.offices.rules import MandateTitle, Means, MeansNotInAct, Officer, TenderedTooLittle
from cvq_core.offices.store import appoint
from cvq_core.offices.tables import CashOffice
from cvq_core.offices.verify import verify_offices
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import ServiceCode
from tests.core_examples import (
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_member,
    create_officer,
    create_services,
)

BOOK_CENTS = 25_00
RIVALS = 6


@dataclass(frozen=True)
class Shop:
    """A counter with 100 ticket books and 50 blank cards; Benoît is the officer, Odile collects."""

    database: Database
    office: CashOffice
    place: UUID
    benoit: Officer
    odile: Officer
    family: UUID
    person: UUID
    drawer: UUID
    books: UUID
    cards: UUID

    @property
    def here(self) -> Holder:
        return Holder(Whereabouts.PLACE, self.place)

    @property
    def with_odile(self) -> Holder:
        return Holder(Whereabouts.PERSON, self.place, self.odile.staff_id)

    async def transfer(self, span: Span, source: Holder, target: Holder, **changes: Any) -> ValueMovement:
        asked = {"key": new_id(), "kind_id": self.books, "reason": "Pour le guichet", "officer": self.benoit, **changes}
        async with self.database.write() as db:
            return await transfer(db, span=span, source=source, target=target, now=NOW, **asked)

    async def sell(self, number: int = 1, **changes: Any) -> Any:
        payment = Payment(changes.pop("means", Means.CASH), changes.pop("tendered", number * BOOK_CENTS))
        asked = {"key": new_id(), "kind_id": self.books, "officer": self.odile, "drawer_id": self.drawer, **changes}
        async with self.database.write() as db:
            return await sell(db, number=number, family_account_id=self.family, payment=payment, now=NOW, **asked)

    async def numbers(self, holder: Holder, kind_id: UUID | None = None) -> str:
        async with self.database.read() as db:
            return written(await spans_with(db, kind_id or self.books, holder))

    async def troubles(self) -> list[str]:
        async with self.database.read() as db:
            return [*await verify(db), *await verify_offices(db), *await verify_values(db)]


@pytest.fixture
async def shop(database: Database) -> Shop:
    async with database.write() as db:
        await create_services(db)
        benoit = await create_officer(db, "benoit", "Benoît Rousseau")
        odile = await create_officer(db)
        place = await create_counter(db, benoit, title=MandateTitle.OFFICER, is_main=True)
        mandate: dict[str, Any] = {"title": MandateTitle.MANDATARY, "valid_from": TODAY}
        await appoint(db, mandate_id=new_id(), staff_id=odile.staff_id, sub_office_id=place.id, **mandate)
        office = await db.get_one(CashOffice, place.office_id)
        family = await create_family(db)
        person = await create_member(db, family.id, "Jeanne", FamilyRole.GUARDIAN)
        kinds = []
        for code, label, cents, service in (
            ("CARNET", "Carnet de 10 entrées", BOOK_CENTS, ServiceCode.POOL),
            ("CARTE", "Carte vierge", 1_00, None),
        ):
            made = await create_kind(
                db,
                new_id(),
                office=office,
                code=code,
                label=label,
                face_cents=cents,
                service=service,
                officer=benoit,
                now=NOW,
            )
            kinds.append(made.id)
        for kind_id, last in zip(kinds, (100, 50), strict=True):
            await receive(
                db,
                key=new_id(),
                kind_id=kind_id,
                span=Span(1, last),
                place_id=place.id,
                reason="Bordereau 12",
                officer=benoit,
                now=NOW,
            )
        drawer = await open_drawer(db, new_id(), sub_office_id=place.id, officer=odile, float_cents=2000, now=NOW)
    return Shop(database, office, place.id, benoit, odile, family.id, person.id, drawer.id, *kinds)


async def test_numbers_are_handed_to_somebody_and_given_back(shop: Shop) -> None:
    await shop.transfer(Span(1, 20), shop.here, shop.with_odile)
    assert (await shop.numbers(shop.here), await shop.numbers(shop.with_odile)) == ("21–100", "1–20")
    await shop.transfer(Span(11, 20), shop.with_odile, shop.here, officer=shop.odile)
    assert (await shop.numbers(shop.here), await shop.numbers(shop.with_odile)) == ("11–100", "1–10")
    assert await shop.troubles() == []


async def test_a_sale_collects_at_the_counter_and_takes_the_lowest_numbers(shop: Shop) -> None:
    await shop.transfer(Span(50, 52), shop.here, shop.with_odile)
    own, place = await shop.sell(2), await shop.sell(2, tendered=60_00)
    assert (own.movement.first_number, place.movement.first_number) == (50, 1)
    assert (place.receipt.total_cents, place.receipt.change_cents) == (50_00, 10_00)
    assert await shop.numbers(Holder(Whereabouts.SOLD)) == "1–2, 50–51"
    assert await shop.troubles() == []


async def test_the_same_sale_again_is_the_same_and_another_one_under_its_key_is_refused(shop: Shop) -> None:
    key = new_id()
    first = await shop.sell(2, key=key)
    assert (await shop.sell(2, key=key)).receipt.number == first.receipt.number
    with pytest.raises(IdempotencyMismatch):
        await shop.sell(3, key=key)
    assert await shop.numbers(Holder(Whereabouts.SOLD)) == "1–2"


async def test_a_sale_that_is_refused_moves_neither_money_nor_numbers(shop: Shop) -> None:
    for changes, refusal in (
        ({"means": Means.CARD}, MeansNotInAct),
        ({"tendered": 24_99}, TenderedTooLittle),
        ({"number": 101, "tendered": 2525_00, "means": Means.CHEQUE}, NotEnoughInStock),
        ({"kind_id": shop.cards}, UnknownValue),
    ):
        with pytest.raises(refusal):
            await shop.sell(**changes)
    assert await shop.numbers(Holder(Whereabouts.SOLD)) == ""
    assert await shop.troubles() == []


async def test_a_sale_is_taken_back_with_its_receipt_and_owes_nothing(shop: Shop) -> None:
    key = new_id()
    sale = await shop.sell(3, key=key)
    for number in range(2):
        async with shop.database.write() as db:
            asked = {"key": uuid5(key, "undo"), "movement_id": sale.movement.id, "officer": shop.odile}
            back = await take_back_sale(db, reason="Mauvais carnet", now=NOW, **asked)
        assert back.undoes_id == sale.movement.id, number
    assert await shop.numbers(shop.here) == "1–100"
    async with shop.database.read() as db:
        assert (await db.get_one(Receivable, uuid5(key, "invoice"))).balance_cents == 0
    with pytest.raises(SaleNotUndoable):
        async with shop.database.write() as db:
            await take_back_sale(db, key=new_id(), movement_id=back.id, reason="Encore", officer=shop.odile, now=NOW)
    assert await shop.troubles() == []


async def test_rivals_never_sell_the_same_number(shop: Shop) -> None:
    sales = await asyncio.gather(*(shop.sell() for _ in range(RIVALS)))
    assert sorted(sale.movement.first_number for sale in sales) == list(range(1, RIVALS + 1))
    assert await shop.troubles() == []


async def test_rivals_never_hand_out_the_same_range(shop: Shop) -> None:
    moves = (shop.transfer(Span(1 + each, 30), shop.here, shop.with_odile) for each in range(4))
    answers = await asyncio.gather(*moves, return_exceptions=True)
    assert [type(each) for each in answers].count(NumbersElsewhere) == 3
    assert await shop.troubles() == []


async def card(shop: Shop, digits: str = "482130577", uid: str = "04A2241AC35E80", **changes: Any) -> Card:
    asked = {"kind_id": shop.cards, "place_id": shop.place, "officer": shop.odile, **changes}
    async with shop.database.write() as db:
        return await make_card(
            db,
            now=NOW,
            card_id=asked.pop("card_id", new_id()),
            number=digits + check_digit(digits),
            uid=uid,
            valid_until=date(2031, 1, 1),
            person_id=shop.person,
            valid_from=TODAY,
            **asked,
        )


async def test_a_card_that_is_made_is_one_blank_card_less(shop: Shop) -> None:
    card_id = new_id()
    first = await card(shop, card_id=card_id)
    assert (await card(shop, card_id=card_id)).id == first.id
    await card(shop, "482130578", "04A2241AC35E81")
    assert await shop.numbers(Holder(Whereabouts.ISSUED), shop.cards) == "1–2"
    assert await shop.numbers(shop.here, shop.cards) == "3–50"
    with pytest.raises(UnknownValue):
        await card(shop, "482130579", "04A2241AC35E82", kind_id=shop.books)
    assert await shop.troubles() == []


async def test_a_count_finds_what_is_missing_and_writes_why(shop: Shop) -> None:
    key = new_id()

    async def count(explanation: str) -> Any:
        async with shop.database.write() as db:
            counted = [Span(1, 9), Span(12, 100), Span(400, 400)]
            asked = {"key": key, "kind_id": shop.books, "holder": shop.here, "officer": shop.odile}
            return await count_stock(db, counted=counted, explanation=explanation, now=NOW, **asked)

    with pytest.raises(ValueReasonMissing):
        await count(" ")
    for _ in range(2):
        _, found = await count("Deux carnets introuvables")
        assert (written(found.missing), written(found.unexpected)) == ("10–11", "400")
    missing = Holder(Whereabouts.MISSING, shop.place)
    assert (await shop.numbers(missing), await shop.numbers(shop.here)) == ("10–11", "1–9, 12–100")
    with pytest.raises(IdempotencyMismatch):
        await count("Autre chose")
    await shop.transfer(Span(10, 10), missing, shop.here, reason="Retrouvé dans le tiroir")
    assert await shop.numbers(shop.here) == "1–10, 12–100"
    assert await shop.troubles() == []


async def test_what_leaves_for_the_comptable_has_its_reason_and_never_comes_again(shop: Shop) -> None:
    returned = Holder(Whereabouts.RETURNED)
    with pytest.raises(ValueReasonMissing):
        await shop.transfer(Span(90, 100), shop.here, returned, reason="")
    await shop.transfer(Span(90, 100), shop.here, returned, reason="Bordereau de retour 3")
    with pytest.raises(NumbersKnown):
        await shop.transfer(Span(95, 120), Holder(Whereabouts.COMPTABLE), shop.here)
    with pytest.raises(NotValueKeeper):
        await shop.transfer(Span(90, 90), returned, shop.here)


async def test_nobody_moves_what_is_not_theirs(shop: Shop) -> None:
    async with shop.database.write() as db:
        paul = await create_officer(db, "paul", "Paul Roy")
        other = await create_counter(db, paul, code="TAL")
    for source, target, officer, refusal in (
        (shop.here, Holder(Whereabouts.RETURNED), shop.odile, NotValueKeeper),
        (Holder(Whereabouts.COMPTABLE), shop.here, shop.odile, NotValueKeeper),
        (shop.here, Holder(Whereabouts.PLACE, other.id), shop.benoit, NotValueKeeper),
        (shop.here, Holder(Whereabouts.SOLD), shop.benoit, NotValueKeeper),
        (shop.here, Holder(Whereabouts.PERSON, shop.place, paul.staff_id), shop.benoit, HolderNotAppointed),
        (shop.here, shop.here, shop.benoit, NotValueKeeper),
    ):
        with pytest.raises(refusal):
            await shop.transfer(Span(1, 1), source, target, officer=officer)
    asked: dict[str, Any] = {"code": "CARNET", "label": "Double", "face_cents": 1, "service": None}
    async with shop.database.write() as db:
        with pytest.raises(BadValue):
            await create_kind(db, new_id(), office=shop.office, officer=shop.benoit, now=NOW, **asked)
    async with shop.database.write() as db:
        foreign = Holder(Whereabouts.PLACE, other.id)
        with pytest.raises(NotValueKeeper):
            await count_stock(
                db,
                key=new_id(),
                kind_id=shop.books,
                holder=foreign,
                counted=[],
                explanation="",
                officer=shop.benoit,
                now=NOW,
            )
    assert await shop.numbers(shop.here) == "1–100"


async def test_the_stock_account_says_where_every_number_is_and_what_it_is_worth(shop: Shop) -> None:
    await shop.transfer(Span(1, 20), shop.here, shop.with_odile)
    await shop.sell(2)
    async with shop.database.read() as db:
        lines = await stock_of(db, shop.office.id)
        here = await stock_of(db, shop.office.id, place_id=shop.place)
    assert rows_of(lines)[1:] == [
        ["Carnet de 10 entrées", "25,00", "confié", "Mairie de Pompaire, Odile Brémaud", "3–20", "18", "450,00"],
        ["Carnet de 10 entrées", "25,00", "vendu", "", "1–2", "2", "50,00"],
        ["Carte vierge", "1,00", "en stock", "Mairie de Pompaire", "1–50", "50", "50,00"],
    ]
    assert sum(line.cents for line in here) == 98 * BOOK_CENTS + 50_00
    assert stock_pdf(shop.office, lines, now=NOW, officer="Benoît Rousseau").startswith(b"%PDF")


async def test_the_check_finds_a_number_in_two_places(shop: Shop) -> None:
    async with shop.database.write() as db:
        await db.execute(text("UPDATE value_holding SET last_number = 60 WHERE last_number = 50"))
    [trouble] = await shop.troubles()
    assert "the holdings of value CARTE are not what its movements add up to" in trouble
