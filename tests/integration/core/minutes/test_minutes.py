"""Handover, on-the-spot audit, destruction: one instant's books beside a count, numbered, explained, never changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cvq_core.acts.rules import Order
from cvq_core.advances.rules import Moved, PaidBy, Purpose, Terms
from cvq_core.advances.service import move, set_terms
from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.inactive_values.rules import Holder, NotValueKeeper, Span, Whereabouts
from cvq_core.inactive_values.service import create_kind, receive
from cvq_core.inactive_values.store import spans_with
from cvq_core.inactive_values.verify import verify_values
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.minutes.books import books_of
from cvq_core.minutes.paper import minute_pdf
from cvq_core.minutes.rules import (
    BadParties,
    Books,
    BooksMoved,
    DifferenceUnexplained,
    IncomingNotAppointed,
    NotForMinutes,
    NotYoursToEnd,
    Seen,
    Unit,
)
from cvq_core.minutes.service import Audit, Count, Handover, destroy, number_of, write_minute
from cvq_core.minutes.tables import Minute
from cvq_core.minutes.verify import verify_minutes
from cvq_core.offices.drawers import open_drawer
from cvq_core.offices.rules import Cheque, MandateTitle, Means, MeansDetails, Officer
from cvq_core.offices.service import collect, void
from cvq_core.offices.store import appoint
from cvq_core.offices.tables import CashOffice, Mandatary, Receipt, SubOffice
from cvq_core.services.rules import ServiceCode
from tests.core_examples import (
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_officer,
    create_services,
    create_wallet,
    top_up,
)

AUDIT = Audit("Alix Petit", "comptable public", "Odile Brémaud")
CHEQUE = MeansDetails(cheque=Cheque("0004217", "Crédit agricole", "Jeanne Moreau"))


def coins(cents: int) -> dict[int, int]:
    return {1: cents % 10, 10: cents // 10 % 100, 1000: cents // 1000} if cents else {}


@dataclass(frozen=True)
class Place:
    """An office's counter with an advance, ticket books, and Odile's drawer open in it."""

    database: Database
    office: CashOffice
    place: SubOffice
    benoit: Officer
    odile: Officer
    pool: UUID
    drawer: UUID
    books: UUID

    async def take(self, cents: int = 10_00, means: Means = Means.CASH) -> Receipt:
        async with self.database.write() as db:
            return await collect(
                db,
                key=new_id(),
                drawer_id=self.drawer,
                payables=[top_up(self.pool, cents)],
                means=means,
                tendered_cents=cents,
                details=CHEQUE if means is Means.CHEQUE else MeansDetails(),
                officer=self.odile,
                now=NOW,
            )

    async def say(self) -> Books:
        async with self.database.read() as db:
            return await books_of(db, self.place, self.office)

    async def sign(self, count: Count, about: Audit | Handover = AUDIT, **changes: Any) -> Minute:
        asked = {"key": new_id(), "officer": self.benoit, **changes}
        async with self.database.write() as db:
            return await write_minute(db, place_id=self.place.id, about=about, count=count, now=NOW, **asked)

    async def mandate(self, login: str, name: str, valid_from: date) -> UUID:
        mandate_id = new_id()
        async with self.database.write() as db:
            officer = await create_officer(db, login, name)
            await appoint(
                db,
                mandate_id=mandate_id,
                staff_id=officer.staff_id,
                sub_office_id=self.place.id,
                title=MandateTitle.MANDATARY,
                valid_from=valid_from,
            )
        return mandate_id


def counted(books: Books, **changes: int) -> Count:
    """A count that agrees with the books, but for what `changes` say of a line."""
    seen = {}
    for line in books.lines:
        amount = changes.get(line.code, line.amount)
        seen[line.code] = Seen(0, coins(amount)) if line.unit is Unit.CASH else Seen(amount)
    return Count(books.digest, seen, {})


@pytest.fixture
async def place(database: Database) -> Place:
    async with database.write() as db:
        await create_services(db)
        benoit = await create_officer(db, "benoit", "Benoît Rousseau")
        odile = await create_officer(db)
        where = await create_counter(db, benoit, title=MandateTitle.OFFICER, is_main=True)
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=odile.staff_id,
            sub_office_id=where.id,
            title=MandateTitle.MANDATARY,
            valid_from=TODAY,
        )
        office = await db.get_one(CashOffice, where.office_id)
        terms = Terms(TODAY, 300_00, 50_00, frozenset(Purpose), frozenset(PaidBy), "Arrêté")
        await set_terms(db, new_id(), office=office, terms=terms, staff_id=benoit.staff_id, now=NOW)
        granting: dict[str, Any] = {"kind": Moved.GRANTED, "place": PaidBy.CASH, "amount_cents": 300_00}
        await move(db, key=new_id(), office=office, reference="", officer=benoit, now=NOW, **granting)
        kind = await create_kind(
            db,
            new_id(),
            office=office,
            code="CARNET",
            label="Carnet",
            face_cents=25_00,
            service=ServiceCode.POOL,
            officer=benoit,
            now=NOW,
        )
        await receive(
            db,
            key=new_id(),
            kind_id=kind.id,
            span=Span(1, 40),
            place_id=where.id,
            reason="Bordereau 12",
            officer=benoit,
            now=NOW,
        )
        pool = await create_wallet(db, (await create_family(db)).id)
        drawer = await open_drawer(db, new_id(), sub_office_id=where.id, officer=odile, float_cents=20_00, now=NOW)
    return Place(database, office, where, benoit, odile, pool.id, drawer.id, kind.id)


async def test_an_audit_sets_one_instant_s_books_beside_the_count_of_everything(place: Place) -> None:
    await place.take(12_50)
    await place.take(30_00, Means.CHEQUE)
    books = await place.say()
    assert {line.code: line.amount for line in books.lines} == {
        "safe": 30_00,
        f"drawer:{place.drawer}": 32_50,
        "cheques": 30_00,
        "cheque_count": 1,
        "card": 0,
        "advance_cash": 300_00,
        "advance_account": 0,
        "advance_awaiting": 0,
        f"value:{place.books}:": 40,
    }
    minute = await place.sign(counted(books))
    assert number_of(minute) == "POM-PV-000001"
    assert [each["difference"] for each in minute.printed["lines"]] == [0] * 9
    assert ["Dernière quittance de la série", "POM-000002"] in minute.printed["facts"]
    assert minute_pdf(minute) == minute_pdf(minute)
    with pytest.raises(DBAPIError):
        async with place.database.write() as db:
            await db.execute(text("UPDATE minute SET printed = '{}'"))


async def test_a_difference_is_written_with_its_explanation(place: Place) -> None:
    books = await place.say()
    short = counted(books, safe=29_50, cheque_count=2)
    with pytest.raises(DifferenceUnexplained):
        await place.sign(replace(short, explanations={"safe": "Erreur de rendu"}))
    explained = {"safe": "Erreur de rendu", "cheque_count": "Chèque non encore saisi"}
    minute = await place.sign(replace(short, explanations=explained))
    lines = {each["code"]: each for each in minute.printed["lines"]}
    assert (lines["safe"]["difference"], lines["safe"]["explanation"]) == (-50, "Erreur de rendu")
    assert lines["cheque_count"]["difference"] == 2


async def test_nothing_is_signed_once_something_was_posted_during_the_count(place: Place) -> None:
    count = counted(await place.say())
    receipt = await place.take()
    with pytest.raises(BooksMoved):
        await place.sign(count)
    async with place.database.write() as db:
        asked = {"key": new_id(), "receipt_id": receipt.id, "officer": place.odile}
        await void(db, reason="Erreur de famille", now=NOW, **asked)
    with pytest.raises(BooksMoved):
        await place.sign(count)
    assert number_of(await place.sign(counted(await place.say()))) == "POM-PV-000001"


async def test_of_a_payment_and_a_signature_at_once_the_minute_says_what_the_drawer_held(place: Place) -> None:
    for _ in range(3):
        books = await place.say()
        minute, receipt = await asyncio.gather(place.sign(counted(books)), place.take(), return_exceptions=True)
        assert isinstance(receipt, Receipt)
        assert isinstance(minute, Minute | BooksMoved)
        if isinstance(minute, Minute):
            [line] = [each for each in minute.printed["lines"] if each["code"].startswith("drawer:")]
            assert line["books"] == next(each.amount for each in books.lines if each.code == line["code"])
    async with place.database.read() as db:
        assert await verify_minutes(db) == []


async def test_the_same_request_again_is_the_same_minute(place: Place) -> None:
    key, count = new_id(), counted(await place.say())
    first = await place.sign(count, key=key)
    await place.take()
    assert (await place.sign(count, key=key)).number == first.number
    with pytest.raises(IdempotencyMismatch):
        await place.sign(count, replace(AUDIT, controller="Quelqu’un d’autre"), key=key)


async def test_a_handover_ends_one_appointment_only_where_the_other_s_has_begun(place: Place) -> None:
    leaves = await place.mandate("paul", "Paul Roy", TODAY)
    late = await place.mandate("lise", "Lise Faure", TODAY + timedelta(days=2))
    comes = await place.mandate("nina", "Nina Petit", TODAY + timedelta(days=1))
    order = Order("Arrêté 2026-14", TODAY)
    count = counted(await place.say())
    for incoming, refusal in ((late, BadParties), (leaves, BadParties)):
        with pytest.raises(refusal):
            await place.sign(count, Handover(leaves, incoming, order))
    key = new_id()
    for _ in range(2):
        minute = await place.sign(count, Handover(leaves, comes, order), key=key)
    assert minute.printed["first_party"] == ["Paul Roy", "mandataire sortant"]
    assert minute.printed["ends"] == "Arrêté 2026-14, 03/03/2026"
    async with place.database.read() as db:
        assert (await db.get_one(Mandatary, leaves)).valid_until == TODAY
        assert (await db.get_one(Mandatary, comes)).valid_until is None


async def test_an_appointment_that_ends_before_tomorrow_takes_nothing_over(place: Place) -> None:
    leaves = await place.mandate("paul", "Paul Roy", TODAY)
    comes = await place.mandate("nina", "Nina Petit", TODAY)
    async with place.database.write() as db:
        (await db.get_one(Mandatary, comes)).valid_until = TODAY
    with pytest.raises(IncomingNotAppointed):
        await place.sign(counted(await place.say()), Handover(leaves, comes, Order("Arrêté 2026-14", TODAY)))
    minute = await place.sign(counted(await place.say()), Handover(leaves, comes))
    assert minute.printed["ends"] == ""
    async with place.database.read() as db:
        assert (await db.get_one(Mandatary, leaves)).valid_until is None


async def test_nobody_ends_a_colleague_s_appointment_by_a_handover(place: Place) -> None:
    leaves = await place.mandate("paul", "Paul Roy", TODAY)
    comes = await place.mandate("nina", "Nina Petit", TODAY)
    handover = Handover(leaves, comes, Order("Arrêté 2026-14", TODAY))
    with pytest.raises(NotYoursToEnd):
        await place.sign(counted(await place.say()), handover, officer=place.odile)
    async with place.database.read() as db:
        assert (await db.get_one(Mandatary, leaves)).valid_until is None
    await place.sign(counted(await place.say()), Handover(leaves, comes), officer=place.odile)


async def test_a_stranger_signs_nothing_and_nobody_audits_themselves(place: Place) -> None:
    async with place.database.write() as db:
        paul = await create_officer(db, "paul", "Paul Roy")
        await create_counter(db, paul, code="TAL", title=MandateTitle.OFFICER, is_main=True)
    count = counted(await place.say())
    with pytest.raises(NotForMinutes):
        await place.sign(count, officer=paul)
    with pytest.raises(BadParties):
        await place.sign(count, replace(AUDIT, controller="odile brémaud"))


async def test_values_are_destroyed_before_a_witness_with_their_minute(place: Place) -> None:
    key, here = new_id(), Holder(Whereabouts.PLACE, place.place.id)

    async def burn(officer: Officer, witness: str = "Alix Petit") -> Minute:
        async with place.database.write() as db:
            asked: dict[str, Any] = {"key": key, "kind_id": place.books, "span": Span(31, 40), "holder": here}
            return await destroy(db, witness=witness, reason="Tarif abrogé", officer=officer, now=NOW, **asked)

    with pytest.raises(NotValueKeeper):
        await burn(place.odile)
    with pytest.raises(BadParties):
        await burn(place.benoit, "Benoît Rousseau")
    first = await burn(place.benoit)
    assert (await burn(place.benoit)).number == first.number
    assert first.printed["destroyed"] == {"label": "Carnet", "numbers": "31–40", "quantity": 10, "cents": 250_00}
    assert minute_pdf(first).startswith(b"%PDF")
    async with place.database.read() as db:
        assert await spans_with(db, place.books, here) == [Span(1, 30)]
        assert [*await verify_values(db), *await verify_minutes(db)] == []
        assert local_day(first.made_at) == TODAY
