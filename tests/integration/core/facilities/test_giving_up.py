"""Cancelling, waiting, being offered a time, closures, and what comes back of price and deposit."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Reason
from cvq_core.access.scene import TapRequest
from cvq_core.access.tables import AccessPoint
from cvq_core.access.taps import TapAnswer, take_tap
from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import Card
from cvq_core.facilities.jobs import ReservationJobs
from cvq_core.facilities.keeping import purge_reservations
from cvq_core.facilities.manage import close_facility, lift_closure, set_doors
from cvq_core.facilities.refusals import (
    AlreadyThere,
    BadClosure,
    BadDeposit,
    FacilityShut,
    NobodyHere,
    NobodyPays,
    NoDeposit,
    OfferOver,
    ReservationOver,
    SlotFree,
    SlotTaken,
)
from cvq_core.facilities.rules import ReservationState, Span, civil_span
from cvq_core.facilities.service import OFFER_ENDS, REMIND, Wish, accept, settle_deposit, wait
from cvq_core.facilities.tables import Reservation, ReservationGrain
from cvq_core.facilities.verify import verify_reservations
from cvq_core.families.departures import Death, note_death
from cvq_core.families.merges import merge_accounts
from cvq_core.ids import new_id
from cvq_core.invoices.store import invoices_of
from cvq_core.jobs.tables import Job
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerAccount
from cvq_core.ledger.verify import verify
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode
from tests.core_examples import LONG_AGO, NOW, TODAY, create_family, create_ledger_account, move, subscribe
from tests.integration.core.facilities.conftest import Ground, add_person, slot

IN_A_WEEK = TODAY + timedelta(days=7)
EIGHT = slot(IN_A_WEEK, time(8))
PARTY = civil_span(date(2026, 6, 20), time(10), time(3))


async def wait_for(ground: Ground, wish: Wish, now: datetime = NOW) -> Reservation:
    async with ground.database.write() as db:
        return await wait(ground.doing(db, now), wish)


async def accept_it(ground: Ground, reservation_id: UUID, now: datetime = NOW) -> Reservation:
    async with ground.database.write() as db:
        return await accept(ground.doing(db, now), reservation_id)


def jobs_at(ground: Ground, now: datetime) -> ReservationJobs:
    return ReservationJobs(ground.database, ground.settings, lambda: now)


async def rich(ground: Ground, name: str, number: str) -> Wish:
    """Somebody who can pay the deposit of the hall, and wishes it for the party."""
    person_id, account_id = await add_person(ground, name, number, cents=50000)
    return ground.wish(PARTY, facility_id=ground.ids["hall"], person_id=person_id, account_id=account_id)


async def deposits(ground: Ground) -> int:
    async with ground.database.read() as db:
        account = await db.scalar(select(LedgerAccount.id).where(LedgerAccount.code == "deposits:hall"))
        assert account is not None
        return await balance_of(db, account)


async def test_cancelled_in_time_all_comes_back_and_the_time_is_free_at_once(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    answers = [await ground.cancel(made.id) for _ in range(2)]
    assert [each.refunded_cents for each in answers] == [700, 700]
    assert (await ground.balance(), await ground.rights()) == (10000, [])
    again = await ground.reserve(ground.wish(EIGHT))
    assert again.state is ReservationState.BOOKED
    assert [mail["subject"].split()[0] for mail in await ground.mails()] == ["Réservé", "Réservation", "Réservé"]


async def test_cancelled_late_a_share_comes_back_and_once_it_has_begun_nothing_is_cancelled(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    with pytest.raises(ReservationOver):
        await ground.cancel(made.id, now=EIGHT.starts_at)
    late = await ground.cancel(made.id, now=EIGHT.starts_at - timedelta(hours=2))
    assert (late.refunded_cents, await ground.balance()) == (350, 9650)


async def test_cancelled_twice_at_once_it_is_given_back_once(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    await asyncio.gather(*(ground.cancel(made.id) for _ in range(5)))
    assert await ground.balance() == 10000
    async with ground.database.read() as db:
        assert await verify(db) == []


async def test_of_an_invoice_what_is_not_paid_is_owed_no_longer_and_what_was_paid_goes_to_the_wallet(
    ground: Ground,
) -> None:
    wish = await rich(ground, "Rose", "F00003")
    made = await ground.reserve(wish)
    assert wish.account_id is not None
    assert made.invoice_id is not None
    async with ground.database.write() as db:
        await move(db, made.invoice_id, 10000, await create_ledger_account(db, AccountKind.DRAWER))
    await ground.cancel(made.id)
    async with ground.database.read() as db:
        [invoice] = await invoices_of(db, wish.account_id)
        assert invoice.due_cents == 0
        assert await verify(db) == []
    assert await wallet_of(ground, wish.account_id) == 60000
    assert await deposits(ground) == 0


async def wallet_of(ground: Ground, account_id: UUID) -> int:
    other = replace_ids(ground, family=account_id)
    return await other.balance(ServiceCode.HALL)


def replace_ids(ground: Ground, **ids: UUID) -> Ground:
    return Ground(ground.database, ground.settings, {**ground.ids, **ids})


async def test_a_deposit_is_given_back_or_partly_kept_for_a_reason_once_the_time_is_over(ground: Ground) -> None:
    wish = await rich(ground, "Rose", "F00003")
    made = await ground.reserve(wish)
    assert await deposits(ground) == 30000
    after = PARTY.ends_at + timedelta(hours=9)

    async def settle(kept: int, reason: str, now: datetime = after) -> Reservation:
        async with ground.database.write() as db:
            return await settle_deposit(ground.doing(db, now), made.id, kept_cents=kept, reason=reason)

    with pytest.raises(NoDeposit):
        await settle(0, "", PARTY.starts_at)
    for kept, reason in ((30001, "Vitre"), (-1, "Vitre"), (5000, " ")):
        with pytest.raises(BadDeposit):
            await settle(kept, reason)
    for _ in range(2):
        assert (await settle(5000, "Une vitre cassée")).deposit_kept_cents == 5000
    with pytest.raises(IdempotencyMismatch):
        await settle(0, "")
    assert wish.account_id is not None
    assert (await deposits(ground), await wallet_of(ground, wish.account_id)) == (0, 45000)
    async with ground.database.read() as db:
        assert await verify(db) == []


async def test_who_waits_is_offered_the_time_when_it_is_free_and_pays_when_they_take_it(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    rose, rose_s = await add_person(ground, "Rose", "F00003", email="rose@example.org")
    wish = ground.wish(EIGHT, person_id=rose, account_id=rose_s)
    waiting = await wait_for(ground, wish)
    assert waiting.state is ReservationState.WAITING
    assert (await wait_for(ground, wish)).id == waiting.id
    for again in (wish, ground.wish(EIGHT), ground.wish(EIGHT, person_id=rose, account_id=None)):
        with pytest.raises((AlreadyThere, NobodyPays)):
            await wait_for(ground, replace(again, id=new_id()))
    with pytest.raises(OfferOver):
        await accept_it(ground, wish.id)
    await ground.cancel(made.id)
    offered = await ground.reservation(wish.id)
    assert (offered.state, offered.offer_until) == (ReservationState.OFFERED, NOW + timedelta(hours=4))
    with pytest.raises(SlotTaken):
        await ground.reserve(ground.wish(EIGHT))
    assert "rose@example.org" in {mail["to"] for mail in await ground.mails()}
    taken = await accept_it(ground, wish.id)
    assert (taken.state, taken.price_cents) == (ReservationState.BOOKED, 700)
    assert (await accept_it(ground, wish.id)).price_cents == 700
    assert await replace_ids(ground, family=rose_s).balance() == 9300
    assert [right.person_id for right in await ground.rights()] == [rose]


async def test_who_dies_gives_up_what_they_had_to_come_by_its_terms_and_their_family_is_told(ground: Ground) -> None:
    soon = slot(TODAY, time(16))
    rose, rose_s = await add_person(ground, "Rose", "F00003", email="rose@example.org")
    begun = await ground.reserve(ground.wish(slot(TODAY, time(8))), now=NOW - timedelta(days=1))
    await ground.reserve(ground.wish(EIGHT, person_id=rose, account_id=rose_s))
    own, late = await wait_for(ground, ground.wish(EIGHT)), await ground.reserve(ground.wish(soon))
    hers = await wait_for(ground, ground.wish(soon, person_id=rose, account_id=rose_s))
    async with ground.database.write() as db:
        (await db.get_one(FamilyAccount, ground.ids["family"])).email = "famille@example.org"

    async def die() -> Death:
        async with ground.database.write() as db:
            return await note_death(ground.doing(db), ground.ids["jeanne"], on=TODAY)

    # At once with somebody who reserves for them: before it or not at all.
    tried = ground.wish(slot(IN_A_WEEK, time(8, 40)))
    death, _ = await asyncio.gather(die(), _tried(ground, tried))
    assert set(death.cancelled) - {tried.id} == {late.id, own.id}
    states = [(await ground.reservation(each.id)).state for each in (begun, late, own, hers)]
    assert states == ["booked", "cancelled", "withdrawn", "offered"]
    assert (await ground.reservation(late.id)).refunded_cents == 350
    async with ground.database.read() as db:
        left = await db.scalar(
            select(func.count())
            .select_from(Reservation)
            .where(
                Reservation.person_id == ground.ids["jeanne"],
                Reservation.state.in_(["booked", "offered", "waiting"]),
                Reservation.starts_at > NOW,
            )
        )
        assert left == 0
        assert await verify(db) == []
        assert await verify_reservations(db, now=NOW) == []
    told = [mail["to"] for mail in await ground.mails() if mail["subject"].startswith("Réservation annulée")]
    assert set(told) == {"famille@example.org"}


async def _tried(ground: Ground, wish: Wish) -> None:
    with contextlib.suppress(NobodyHere):
        await ground.reserve(wish)


async def test_what_nobody_takes_in_time_is_offered_to_the_next_and_then_to_all(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    wishes = []
    for number in (3, 4):
        person_id, account_id = await add_person(ground, f"P{number}", f"F0000{number}")
        wishes.append(ground.wish(EIGHT, person_id=person_id, account_id=account_id))
        await wait_for(ground, wishes[-1], NOW + timedelta(minutes=number))
    await ground.cancel(made.id)
    late = NOW + timedelta(hours=5)
    async with ground.database.read() as db:
        [job] = await db.scalars(select(Job).where(Job.kind == OFFER_ENDS))
    await jobs_at(ground, NOW + timedelta(hours=1)).end_offer(job.payload)
    assert (await ground.reservation(wishes[0].id)).state is ReservationState.OFFERED, "it came too early"
    for _ in range(2):
        await jobs_at(ground, late).end_offer(job.payload)
    states = [(await ground.reservation(wish.id)).state for wish in wishes]
    assert states == [ReservationState.LAPSED, ReservationState.OFFERED]
    with pytest.raises(OfferOver):
        await accept_it(ground, wishes[0].id, late)
    await jobs_at(ground, late + timedelta(hours=5)).end_offer({"reservation_id": str(wishes[1].id)})
    assert (await ground.reserve(ground.wish(EIGHT), late)).state is ReservationState.BOOKED


async def test_nobody_waits_for_what_is_free(ground: Ground) -> None:
    with pytest.raises(SlotFree):
        await wait_for(ground, ground.wish(EIGHT))


async def test_who_waits_and_gives_up_is_offered_nothing(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    rose, rose_s = await add_person(ground, "Rose", "F00003")
    wish = ground.wish(EIGHT, person_id=rose, account_id=rose_s)
    await wait_for(ground, wish)
    assert (await ground.cancel(wish.id)).state is ReservationState.WITHDRAWN
    await ground.cancel(made.id)
    async with ground.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(ReservationGrain)) == 0


async def close(ground: Ground, span: Span, now: datetime = NOW, closure_id: UUID | None = None) -> UUID:
    closure_id = closure_id or new_id()
    async with ground.database.write() as db:
        await close_facility(ground.doing(db, now), closure_id, ground.ids["court"], span, "Travaux du toit")
    return closure_id


async def test_a_closure_takes_away_what_falls_in_it_gives_all_back_and_says_why(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    other = await ground.reserve(ground.wish(slot(IN_A_WEEK + timedelta(days=1), time(8))))
    rose, rose_s = await add_person(ground, "Rose", "F00003")
    waiting = ground.wish(EIGHT, person_id=rose, account_id=rose_s)
    await wait_for(ground, waiting)
    eve = EIGHT.starts_at - timedelta(hours=3)
    closure_id = await close(ground, civil_span(IN_A_WEEK, time(0), time(0)), eve)
    with pytest.raises(FacilityShut) as refused:
        await ground.reserve(ground.wish(slot(IN_A_WEEK, time(12))), eve)
    assert refused.value.facts["reason"] == "Travaux du toit"
    for _ in range(2):
        await jobs_at(ground, eve).close({"closure_id": str(closure_id)})
    assert [(await ground.reservation(each)).state for each in (made.id, other.id, waiting.id)] == [
        ReservationState.CANCELLED,
        ReservationState.BOOKED,
        ReservationState.WITHDRAWN,
    ]
    assert await ground.balance() == 9300, "though it was late, all of the first came back"
    assert "Travaux du toit." in (await ground.mails())[-1]["text"]
    assert len(await ground.rights()) == 1


async def test_a_closure_that_is_lifted_lets_people_reserve_again(ground: Ground) -> None:
    closure_id = await close(ground, civil_span(IN_A_WEEK, time(0), time(0)))
    assert await close(ground, civil_span(IN_A_WEEK, time(0), time(0)), closure_id=closure_id) == closure_id
    with pytest.raises(IdempotencyMismatch):
        await close(ground, civil_span(IN_A_WEEK, time(0), time(12)), closure_id=closure_id)
    with pytest.raises(BadClosure):
        await close(ground, Span(NOW - timedelta(days=2), NOW))
    for _ in range(2):
        async with ground.database.write() as db:
            await lift_closure(ground.doing(db), closure_id)
    assert (await ground.reserve(ground.wish(EIGHT))).state is ReservationState.BOOKED
    await jobs_at(ground, NOW).close({"closure_id": str(closure_id)})
    assert len(await ground.rights()) == 1


async def test_a_reminder_says_what_when_and_where_once_and_not_of_what_was_cancelled(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    async with ground.database.read() as db:
        [job] = await db.scalars(select(Job).where(Job.kind == REMIND))
    assert job.run_at == EIGHT.starts_at - timedelta(hours=24)
    for _ in range(2):
        await jobs_at(ground, job.run_at).remind(job.payload)
    mails = await ground.mails()
    assert [mail["subject"][:6] for mail in mails] == ["Réserv", "Rappel"]
    assert "mardi 10 mars 2026" in mails[1]["text"]
    assert "Moreau" not in mails[1]["text"]
    await ground.cancel(made.id)
    await jobs_at(ground, job.run_at).remind(job.payload)
    assert len(await ground.mails()) == 3


async def card_of_jeanne(db: AsyncSession, ground: Ground) -> Card:
    card = Card(
        id=new_id(),
        number="0000000001",
        uid="04A1B2C3D4E5F6",
        person_id=ground.ids["jeanne"],
        status=CardStatus.ACTIVE,
        status_since=NOW,
        valid_from=LONG_AGO,
        valid_until=date(2030, 1, 1),
    )
    db.add(card)
    await db.flush()
    return card


async def tap(ground: Ground, uid: str, at: datetime) -> TapAnswer:
    async with ground.database.write() as db:
        return await take_tap(db, TapRequest(new_id(), ground.ids["squash"], at, card_uid=uid), now=at)


async def test_a_reserved_court_opens_to_the_card_from_ten_minutes_before_and_no_more_once_cancelled(
    ground: Ground,
) -> None:
    late = slot(IN_A_WEEK, time(21, 20))
    async with ground.database.write() as db:
        card = await card_of_jeanne(db, ground)
    made = await ground.reserve(ground.wish(late))
    before = late.starts_at - timedelta(minutes=10)
    assert not (await tap(ground, card.uid, before - timedelta(seconds=1))).allowed
    assert (await tap(ground, card.uid, before)).allowed
    assert (await tap(ground, card.uid, late.ends_at + timedelta(minutes=9))).allowed, "nobody works there any more"
    assert not (await tap(ground, card.uid, late.ends_at + timedelta(minutes=10))).allowed
    await ground.cancel(made.id, now=before)
    assert not (await tap(ground, card.uid, before + timedelta(seconds=1))).allowed


async def test_a_door_for_reservations_alone_does_not_open_to_a_subscriber_who_has_none(ground: Ground) -> None:
    async with ground.database.write() as db:
        (await db.get_one(AccessPoint, ground.ids["squash"])).reserved_only = True
        await subscribe(db, ground.ids["jeanne"], ServiceCode.SQUASH)
        card = await card_of_jeanne(db, ground)
    refused = await tap(ground, card.uid, EIGHT.starts_at)
    assert (refused.allowed, refused.reason) == (False, Reason.NOT_RESERVED)
    await ground.reserve(ground.wish(EIGHT))
    let_in = await tap(ground, card.uid, EIGHT.starts_at)
    assert (let_in.allowed, let_in.reason) == (True, Reason.RESERVED)


async def test_reservations_are_forgotten_after_their_retention_and_their_money_is_not(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    wish = await rich(ground, "Rose", "F00003")
    with_deposit = await ground.reserve(wish)
    later = PARTY.ends_at + timedelta(days=731)
    async with ground.database.write() as db:
        assert await purge_reservations(db, later, days_kept=730) == 1
    async with ground.database.write() as db:
        assert await purge_reservations(db, later, days_kept=730) == 0
        assert list(await db.scalars(select(Reservation.id))) == [with_deposit.id], "its deposit is not settled"
        assert await db.get(Reservation, made.id) is None
        assert await db.scalar(select(func.count()).select_from(ReservationGrain)) == 0
        assert await verify(db) == []
    assert len(await ground.rights()) == 1
    assert await ground.balance() == 9300


async def test_other_doors_open_for_what_is_reserved_already(ground: Ground) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    squash, salle = ground.ids["squash"], ground.ids["salle"]

    async def opened(now: datetime, *points: UUID) -> set[UUID | None]:
        """Set the doors, twice, and return those that are open then."""
        for _ in range(2):
            async with ground.database.write() as db:
                await set_doors(ground.doing(db, now), ground.ids["court"], points)
        return {right.point_id for right in await ground.rights() if right.valid_until != now}

    assert await opened(NOW, squash, salle) == {squash, salle}
    assert await opened(NOW, salle) == {salle}
    [right] = await ground.rights()
    assert (right.point_id, right.service_code) == (salle, ServiceCode.HALL)
    started = EIGHT.starts_at + timedelta(minutes=1)
    assert await opened(started) == set()
    assert await opened(started + timedelta(minutes=1), salle) == {salle}, "it is given back to whoever plays"
    await ground.cancel(made.id, now=NOW)
    assert [right for right in await ground.rights() if right.valid_until and right.valid_until > started] == []


async def test_the_check_finds_time_that_nobody_holds_a_door_left_open_and_a_deposit_that_is_gone(
    ground: Ground,
) -> None:
    await ground.reserve(await rich(ground, "Rose", "F00003"))
    made = await ground.reserve(ground.wish(EIGHT))
    given_up = await ground.reserve(ground.wish(slot(IN_A_WEEK, time(9, 20))))
    async with ground.database.read() as db:
        assert await verify_reservations(db, now=NOW) == []
    async with ground.database.write() as db:
        await db.execute(delete(ReservationGrain).where(ReservationGrain.reservation_id == made.id))
        await db.execute(update(Reservation).where(Reservation.id == given_up.id).values(state="cancelled"))
        await db.execute(update(Reservation).values(deposit_kept_cents=0))
    async with ground.database.read() as db:
        troubles = await verify_reservations(db, now=NOW)
    assert [trouble.partition(" : ")[2] for trouble in troubles] == [
        "son horaire n’est pas tenu comme il faut",
        "son horaire n’est pas tenu comme il faut",
        "annulée, elle ouvre encore une porte",
        "le grand livre dit un autre montant",
    ]


async def test_a_merged_account_s_reservation_follows_and_what_comes_back_goes_to_the_one_that_goes_on(
    ground: Ground,
) -> None:
    made = await ground.reserve(ground.wish(EIGHT))
    async with ground.database.write() as db:
        kept = await create_family(db, "F00009", "Moreau")
        await merge_accounts(
            db,
            new_id(),
            merged_id=ground.ids["family"],
            kept_id=kept.id,
            reason="Ouvert deux fois",
            by=None,
            now=NOW,
        )
    assert (await ground.reservation(made.id)).account_id == kept.id
    await ground.cancel(made.id)
    assert await replace_ids(ground, family=kept.id).balance() == 10000
    async with ground.database.read() as db:
        assert await verify(db) == []
