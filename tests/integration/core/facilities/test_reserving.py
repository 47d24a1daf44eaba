"""Reserving a court or a hall: who gets it, what it costs, and which door it opens when."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from cvq_core.access.facts import RightKind
from cvq_core.errors import Refusal
from cvq_core.facilities.manage import set_terms
from cvq_core.facilities.refusals import (
    MayNotReserve,
    NobodyHere,
    NobodyPays,
    NotASlot,
    NotOpenThen,
    NotTheirReservationAccount,
    SlotPast,
    SlotTaken,
    TooManyReservations,
    TooSoonToReserve,
    UnknownFacility,
)
from cvq_core.facilities.rules import ReservationState, civil_span
from cvq_core.facilities.tables import Reservation, ReservationGrain
from cvq_core.facilities.terms import BookerKind, BookerRule
from cvq_core.ids import new_id
from cvq_core.invoices.store import invoices_of
from cvq_core.invoices.tables import InvoiceLine
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.rules import IdempotencyMismatch, InsufficientFunds
from cvq_core.ledger.verify import verify
from cvq_core.legal_entities.rules import EntityKind
from cvq_core.legal_entities.tables import LegalEntity
from cvq_core.people.tables import Person
from cvq_core.services.rules import ServiceCode
from tests.core_examples import TODAY, subscribe
from tests.integration.core.facilities.conftest import COURT_TERMS, LONG_AGO_AT, TOMORROW, Ground, add_person, slot

EIGHT = slot(TOMORROW, time(8))


async def test_a_reservation_is_paid_from_the_wallet_and_opens_its_door_from_ten_minutes_before(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    assert (made.state, made.price_cents, made.booker_kind) == (ReservationState.BOOKED, 700, BookerKind.INHABITANT)
    assert await ground.balance() == 9300
    [right] = await ground.rights()
    assert (right.kind, right.point_id, right.person_id) == (
        RightKind.RESERVATION,
        ground.ids["squash"],
        ground.ids["jeanne"],
    )
    ten = timedelta(minutes=10)
    assert (right.valid_from, right.valid_until) == (EIGHT.starts_at - ten, EIGHT.ends_at + ten)
    async with ground.database.read() as db:
        assert await verify(db) == []
        assert "reserved" in set(await db.scalars(select(AuditRecord.action)))
    [mail] = await ground.mails()
    assert mail["to"] == "jeanne@example.org"
    assert "8\u00a0h\u00a000" in mail["text"]


async def test_a_subscriber_pays_nothing_and_may_look_further_ahead(ground: Ground) -> None:
    async with ground.database.write() as db:
        await subscribe(db, ground.ids["jeanne"], ServiceCode.SQUASH)
    made = await ground.reserve(ground.wish(slot(TODAY + timedelta(days=30), time(8)), account_id=None))
    assert (made.price_cents, made.booker_kind) == (0, BookerKind.SUBSCRIBER)
    assert await ground.balance() == 10000


async def test_the_same_wish_again_is_one_reservation_and_another_under_its_id_is_refused(ground: Ground) -> None:
    wish = ground.wish(EIGHT)
    answers = [await ground.reserve(wish) for _ in range(3)]
    assert {answer.id for answer in answers} == {wish.id}
    assert await ground.balance() == 9300
    with pytest.raises(IdempotencyMismatch):
        await ground.reserve(replace(wish, span=slot(TOMORROW, time(8, 40))))
    await ground.cancel(wish.id)
    assert (await ground.reserve(wish)).state is ReservationState.CANCELLED, "a late repetition brings nothing back"
    assert await ground.balance() == 9650, "less than a day before, half comes back"


async def test_of_many_who_ask_at_once_one_gets_the_slot_and_pays(ground: Ground) -> None:
    rivals = [await add_person(ground, f"Rival {number}", f"F1000{number}") for number in range(8)]
    wishes = [
        ground.wish(EIGHT, person_id=rivals[number % 8][0], account_id=rivals[number % 8][1]) for number in range(60)
    ]
    answers = await asyncio.gather(*(ground.reserve(wish) for wish in wishes), return_exceptions=True)
    winners = [each for each in answers if isinstance(each, Reservation)]
    assert len(winners) == 1
    assert {type(each) for each in answers} == {Reservation, SlotTaken}
    async with ground.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Reservation)) == 1
        assert await verify(db) == []
    assert len(await ground.rights()) == 1


async def test_one_who_asks_for_everything_at_once_gets_no_more_than_one_may_have(ground: Ground) -> None:
    wishes = [ground.wish(slot(TOMORROW, time(8 + 2 * number))) for number in range(6)]
    answers = await asyncio.gather(*(ground.reserve(wish) for wish in wishes), return_exceptions=True)
    assert sum(isinstance(each, Reservation) for each in answers) == 2
    assert sum(isinstance(each, TooManyReservations) for each in answers) == 4
    assert await ground.balance() == 8600


async def test_who_reserves_with_and_without_the_family_s_account_gets_no_more_than_one_may_have(
    ground: Ground,
) -> None:
    free = (BookerRule(BookerKind.INHABITANT, days_ahead=14, standing_max=2),)
    rules = (*free, BookerRule(BookerKind.ASSOCIATION, days_ahead=14, standing_max=1))
    person_id, account_id = await add_person(ground, "Rose", "F00003")
    async with ground.database.write() as db:
        terms = replace(COURT_TERMS, rules=rules)
        await set_terms(ground.doing(db), new_id(), ground.ids["court"], valid_from=TODAY, terms=terms)
    accounts = (None, account_id, account_id, None)
    wishes = [
        ground.wish(slot(TOMORROW, time(8 + 2 * number)), person_id=person_id, account_id=account)
        for number, account in enumerate(accounts)
    ]
    for wish in wishes[:2]:
        await ground.reserve(wish)
    for wish in wishes[2:]:
        with pytest.raises(TooManyReservations):
            await ground.reserve(wish)
    async with ground.database.write() as db:
        db.add(
            LegalEntity(account_id=account_id, kind=EntityKind.ASSOCIATION, rna="W792000001", recorded_at=LONG_AGO_AT)
        )
    await ground.cancel(wishes[1].id)
    assert (await ground.reserve(wishes[2])).state is ReservationState.BOOKED, "what is their own is not their club's"


async def test_the_database_itself_lets_no_two_hold_the_same_minutes(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    async with ground.database.read() as db:
        held = (await db.scalars(select(ReservationGrain).limit(1))).one()
    row = {"facility_id": held.facility_id, "grain": held.grain, "reservation_id": made.id}
    async with ground.database.write() as db:
        with pytest.raises(IntegrityError):
            await db.execute(insert(ReservationGrain), [row])
        await db.rollback()


REFUSED: list[tuple[type[Refusal], dict[str, Any]]] = [
    (NotASlot, {"span": slot(TOMORROW, time(8, 20))}),
    (NotASlot, {"span": slot(TOMORROW, time(8), 80)}),
    (NotASlot, {"span": slot(TOMORROW, time(22))}),
    (NotASlot, {"span": slot(TOMORROW, time(8, 3))}),
    (SlotPast, {"span": slot(TODAY, time(8))}),
    (TooSoonToReserve, {"span": slot(TODAY + timedelta(days=15), time(8))}),
    (NobodyPays, {"account_id": None}),
    (NotTheirReservationAccount, {"account_id": new_id()}),
    (UnknownFacility, {"facility_id": new_id()}),
]


@pytest.mark.parametrize(("refusal", "wish"), REFUSED)
async def test_what_cannot_be_is_refused_and_nothing_moves(
    ground: Ground, refusal: type[Refusal], wish: dict[str, Any]
) -> None:
    with pytest.raises(refusal):
        await ground.reserve(ground.wish(**{"span": EIGHT, **wish}))
    assert await ground.balance() == 10000
    assert await ground.rights() == []


async def test_an_empty_wallet_reserves_nothing(ground: Ground) -> None:
    person_id, account_id = await add_person(ground, "Luc", "F00002", cents=600)
    with pytest.raises(InsufficientFunds):
        await ground.reserve(ground.wish(EIGHT, person_id=person_id, account_id=account_id))
    async with ground.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(ReservationGrain)) == 0


async def test_somebody_from_elsewhere_and_somebody_who_died_may_not(ground: Ground) -> None:
    for change, refusal in (({"commune_insee": None}, MayNotReserve), ({"deceased_on": TODAY}, NobodyHere)):
        async with ground.database.write() as db:
            person = await db.get_one(Person, ground.ids["jeanne"])
            for name, value in change.items():
                setattr(person, name, value)
        with pytest.raises(refusal):
            await ground.reserve(ground.wish(EIGHT))


async def test_a_hall_rented_over_midnight_is_invoiced_and_its_deposit_held(ground: Ground) -> None:
    saturday = date(2026, 6, 20)
    span = civil_span(saturday, time(10), time(3))
    person_id, account_id = await add_person(ground, "Rose", "F00003", cents=50000)
    made = await ground.reserve(
        ground.wish(span, facility_id=ground.ids["hall"], person_id=person_id, account_id=account_id)
    )
    assert (made.price_cents, made.deposit_cents) == (18000, 30000)
    async with ground.database.read() as db:
        [invoice] = await invoices_of(db, account_id)
        assert invoice.due_cents == 18000
        line = (await db.scalars(select(InvoiceLine))).one()
        assert line.label == "Réservation, Salle des fêtes, 20 juin 2026"
        assert line.explanation == "habitant du territoire"
        assert await verify(db) == []
    [right] = await ground.rights()
    assert right.valid_from == span.starts_at - timedelta(hours=1)
    assert right.valid_until == span.ends_at + timedelta(minutes=30)


async def test_a_deposit_is_really_there_or_the_hall_is_not_rented(ground: Ground) -> None:
    span = civil_span(date(2026, 6, 20), time(10), time(18))
    with pytest.raises(InsufficientFunds):
        await ground.reserve(ground.wish(span, facility_id=ground.ids["hall"]))
    async with ground.database.read() as db:
        assert await invoices_of(db, ground.ids["family"]) == []


async def test_a_hall_is_not_rented_in_the_hours_when_it_is_closed_nor_too_short_nor_too_long(ground: Ground) -> None:
    day = date(2026, 6, 20)
    for begins, ends, last, refusal in (
        (time(2), time(9), day, NotOpenThen),
        (time(10), time(10, 30), day, NotASlot),
        (time(10), time(17), day + timedelta(days=1), NotASlot),
    ):
        span = civil_span(day, begins, ends, last_day=last)
        with pytest.raises(refusal):
            await ground.reserve(ground.wish(span, facility_id=ground.ids["hall"]))


async def test_new_terms_hold_from_their_day_and_leave_alone_what_was_reserved_before(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(slot(TODAY + timedelta(days=9), time(8))))
    dearer = replace(
        COURT_TERMS, slot_minutes=60, rules=(BookerRule(BookerKind.INHABITANT, price_item=None, cancel_hours=1),)
    )
    async with ground.database.write() as db:
        await set_terms(
            ground.doing(db), new_id(), ground.ids["court"], valid_from=TODAY + timedelta(days=5), terms=dearer
        )
    before = await ground.reserve(ground.wish(EIGHT))
    after = await ground.reserve(ground.wish(slot(TODAY + timedelta(days=5), time(9), 60)))
    assert (before.price_cents, after.price_cents) == (700, 0)
    cancelled = await ground.cancel(made.id, now=made.starts_at - timedelta(hours=23))
    assert cancelled.refunded_cents == 350, "the rule under which it was made"


async def test_two_different_slots_reserved_at_once_are_both_reserved(ground: Ground) -> None:
    answers = await asyncio.gather(
        ground.reserve(ground.wish(EIGHT)), ground.reserve(ground.wish(slot(TOMORROW, time(8, 40))))
    )
    assert all(each.state is ReservationState.BOOKED for each in answers)
    assert await ground.balance() == 8600


async def test_whoever_pays_from_an_association_s_account_reserves_as_the_association(ground: Ground) -> None:
    person_id, account_id = await add_person(ground, "Rose", "F00003")
    async with ground.database.write() as db:
        db.add(
            LegalEntity(account_id=account_id, kind=EntityKind.ASSOCIATION, rna="W792000001", recorded_at=LONG_AGO_AT)
        )
    wish = ground.wish(EIGHT, person_id=person_id, account_id=account_id)
    with pytest.raises(MayNotReserve):
        await ground.reserve(wish)
    rules = (*COURT_TERMS.rules, BookerRule(BookerKind.ASSOCIATION, days_ahead=300))
    async with ground.database.write() as db:
        terms = replace(COURT_TERMS, rules=rules)
        await set_terms(ground.doing(db), new_id(), ground.ids["court"], valid_from=TODAY, terms=terms)
    made = await ground.reserve(wish)
    assert (made.booker_kind, made.price_cents) == (BookerKind.ASSOCIATION, 0)
