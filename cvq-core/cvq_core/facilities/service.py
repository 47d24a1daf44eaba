"""Reserving, cancelling, waiting for a time and being offered it: each under the service's lock, in one transaction.

Of many who want one time, one gets it: whoever sees it taken is refused without waiting, the others wait for the lock
and look again. The key of `reservation_grain` stands behind it, whatever the code does. Locks are taken in this order:
the service's reservations, then what the ledger locks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import RightKind
from cvq_core.access.store import end_right, give_right
from cvq_core.clock import local_day
from cvq_core.facilities.mails import MailKind, file_reservation_mail
from cvq_core.facilities.money import Cost, charge, cost_of, end_deposit, give_back
from cvq_core.facilities.refusals import (
    AlreadyThere,
    BadDeposit,
    NobodyHere,
    NobodyPays,
    NoDeposit,
    NotTheirReservationAccount,
    OfferOver,
    ReservationOver,
    SlotFree,
    SlotTaken,
    WaitingListFull,
)
from cvq_core.facilities.rules import (
    GivenBack,
    ReservationState,
    Span,
    admission,
    check_booker,
    check_span,
    given_back,
    grains,
    offer_ends,
    rule_for,
)
from cvq_core.facilities.store import (
    HOLDING,
    TermsInForce,
    booker_of,
    facility_by_id,
    holidays_around,
    is_claimed,
    lock_service,
    paying_accounts,
    points_of,
    reservation_by_id,
    shut_between,
    span_of,
    terms_by_id,
    terms_on,
)
from cvq_core.facilities.tables import Facility, Reservation, ReservationGrain, ReservationRight
from cvq_core.facilities.terms import BookerRule, Terms
from cvq_core.ids import new_id
from cvq_core.jobs import enqueue
from cvq_core.journal.store import Actor, record
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.live import publish
from cvq_core.people.store import person_by_id
from cvq_core.people.tables import Person
from cvq_core.settings import Settings

REMIND = "facility-remind"
OFFER_ENDS = "facility-offer-ends"
WAITING_MAX = 20
REASON_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Doing:
    """Who does something, and when; in a visit, under which consent."""

    db: AsyncSession
    settings: Settings
    actor: Actor
    now: datetime
    visit_id: UUID | None = None
    consent_id: UUID | None = None

    def journal(self, action: str, reservation: Reservation, **personal: Any) -> None:
        """Record what was done to a reservation."""
        record(
            self.db,
            now=self.now,
            actor=self.actor,
            action=action,
            subject=("reservation", reservation.id),
            account_id=reservation.account_id,
            visit_id=self.visit_id,
            consent_id=self.consent_id,
            personal=personal or None,
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for; `id` is theirs: asked again under it, the first answer comes back."""

    id: UUID
    facility_id: UUID
    span: Span
    person_id: UUID
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Terming:
    """A wish that the rules allow: under which terms and rule, for whom, and what it costs."""

    facility: Facility
    held: TermsInForce
    rule: BookerRule
    person: Person
    cost: Cost

    @property
    def terms(self) -> Terms:
        """The terms of its day."""
        return self.held.terms


async def reserve(doing: Doing, wish: Wish) -> Reservation:
    """Reserve a time: its price is paid, its deposit held, its doors open; the first to ask gets it.

    Raises:
        SlotTaken: somebody has it, or is offered it.
        NotASlot, SlotPast, FacilityShut: nobody can have it.
        MayNotReserve, TooSoonToReserve, TooManyReservations, NobodyHere: this person may not.
        NobodyPays, NotTheirReservationAccount, InsufficientFunds, UnknownTariff, NoSuchItem, NoCaseFits: money.
        UnknownFacility, UnknownPerson
        IdempotencyMismatch: this id came before with another wish.
    """
    facility = await _under_lock(doing, wish)
    if isinstance(facility, Reservation):
        return facility
    allowed = await check_wish(doing, wish)
    reservation = _row(doing, wish, allowed, ReservationState.BOOKED)
    await _claim(doing.db, reservation)
    await _book(doing, reservation, allowed)
    doing.journal("reserved", reservation, cents=reservation.price_cents)
    return reservation


async def wait(doing: Doing, wish: Wish) -> Reservation:
    """Put somebody on the waiting list of a time that is taken; nothing is paid before they take it.

    Raises:
        SlotFree: nobody has it.
        AlreadyThere, WaitingListFull
        Everything of `reserve` but `SlotTaken`.
    """
    facility = await facility_by_id(doing.db, wish.facility_id)
    await lock_service(doing.db, facility.service_code)
    known, taken = await is_claimed(doing.db, wish.id, wish.facility_id, wish.span)
    if known:
        return await _same(doing.db, wish)
    if not taken:
        raise SlotFree
    allowed = await check_wish(doing, wish)
    await _check_list(doing.db, wish)
    reservation = _row(doing, wish, allowed, ReservationState.WAITING)
    doing.db.add(reservation)
    await doing.db.flush()
    doing.journal("reservation-awaited", reservation)
    _tell(doing.db, reservation)
    return reservation


async def accept(doing: Doing, reservation_id: UUID) -> Reservation:
    """Take the time that was offered: it is paid and opens the door as any other; taken again, the same answer.

    Raises:
        OfferOver: it is offered no longer, or never was.
        Everything that money may refuse in `reserve`.
    """
    reservation = await _locked(doing.db, reservation_id)
    if reservation.state is ReservationState.BOOKED:
        return reservation
    until = reservation.offer_until
    if reservation.state is not ReservationState.OFFERED or until is None or until <= doing.now:
        raise OfferOver
    wish = Wish(
        reservation.id,
        reservation.facility_id,
        span_of(reservation),
        reservation.person_id,
        reservation.account_id,
    )
    allowed = await check_wish(doing, wish, without=reservation.id)
    reservation.state, reservation.offer_until = ReservationState.BOOKED, None
    reservation.terms_id, reservation.booker_kind = allowed.held.id, allowed.rule.who
    await _book(doing, reservation, allowed)
    doing.journal("reserved", reservation, cents=reservation.price_cents)
    return reservation


async def cancel(doing: Doing, reservation_id: UUID, *, reason: str = "", by_house: bool = False) -> Reservation:
    """Give a time up: its doors are shut at once, and what the rule gives back is given back. Again: the same answer.

    `by_house` is when the territory takes it away: all comes back. Whoever waited longest is offered it.

    Raises:
        UnknownReservation
        ReservationOver: it has begun, or is over.
    """
    reservation = await _locked(doing.db, reservation_id)
    if reservation.state.is_over:
        return reservation
    span = span_of(reservation)
    if span.starts_at <= doing.now:
        raise ReservationOver
    was = reservation.state
    if was is ReservationState.BOOKED:
        facility = await facility_by_id(doing.db, reservation.facility_id)
        back = await what_comes_back(doing, reservation, by_house=by_house)
        await give_back(doing.db, reservation, facility, back.price_cents, actor=doing.actor, now=doing.now)
        await end_deposit(doing.db, reservation, facility, 0, actor=doing.actor, now=doing.now)
        reservation.refunded_cents = back.price_cents
        if reservation.deposit_cents:
            reservation.deposit_kept_cents = 0
        await _shut_doors(doing, reservation)
    reservation.state = ReservationState.CANCELLED if was is ReservationState.BOOKED else ReservationState.WITHDRAWN
    await _end(doing, reservation, reason if by_house else "")
    doing.journal("reservation-cancelled", reservation, cents=reservation.refunded_cents, by_house=by_house)
    if was is ReservationState.BOOKED or by_house:
        await file_reservation_mail(doing.db, doing.settings, MailKind.CANCELLED, reservation, now=doing.now)
    if was.holds_time:
        await offer_next(doing, reservation.facility_id, span)
    return reservation


async def lapse(doing: Doing, reservation_id: UUID) -> None:
    """End an offer that nobody took in time, and offer it to the one after; anything else is left alone."""
    reservation = await _locked(doing.db, reservation_id)
    until = reservation.offer_until
    if reservation.state is not ReservationState.OFFERED or until is None or until > doing.now:
        return
    reservation.state = ReservationState.LAPSED
    await _end(doing, reservation, "")
    doing.journal("reservation-offer-lapsed", reservation)
    await offer_next(doing, reservation.facility_id, span_of(reservation))


async def settle_deposit(doing: Doing, reservation_id: UUID, *, kept_cents: int, reason: str) -> Reservation:
    """Give the deposit back once the time is over, or keep some of it for a reason; once. Again: the same answer.

    Raises:
        NoDeposit: there is none, or the time is not over.
        BadDeposit: more is kept than there is, or without a reason.
        IdempotencyMismatch: it was settled otherwise.
    """
    reservation = await _locked(doing.db, reservation_id)
    reason = reason.strip()
    if reservation.deposit_kept_cents is not None:
        if (reservation.deposit_kept_cents, reservation.deposit_reason) != (kept_cents, reason):
            raise IdempotencyMismatch
        return reservation
    over = reservation.state is ReservationState.BOOKED and reservation.ends_at <= doing.now
    if not over or not reservation.deposit_cents:
        raise NoDeposit
    if not 0 <= kept_cents <= reservation.deposit_cents or (kept_cents and not reason):
        raise BadDeposit
    facility = await facility_by_id(doing.db, reservation.facility_id)
    await end_deposit(doing.db, reservation, facility, kept_cents, actor=doing.actor, now=doing.now)
    reservation.deposit_kept_cents, reservation.deposit_reason = kept_cents, reason
    await doing.db.flush()
    doing.journal("deposit-settled", reservation, kept_cents=kept_cents)
    await file_reservation_mail(doing.db, doing.settings, MailKind.DEPOSIT, reservation, now=doing.now)
    return reservation


async def check_wish(doing: Doing, wish: Wish, *, without: UUID | None = None) -> Terming:
    """Return what a wish would be reserved under and cost, whoever else has the time.

    Raises:
        Everything of `reserve` but `SlotTaken` and `IdempotencyMismatch`.
    """
    db, span, now = doing.db, wish.span, doing.now
    grains(span)  # what is far too long is not looked at any further
    facility = await facility_by_id(db, wish.facility_id)
    held = await terms_on(db, facility.id, local_day(span.starts_at))
    shut = await shut_between(db, facility.id, span)
    check_span(held.terms, span, holidays=holidays_around(span), shut=shut, now=now)
    person = await person_by_id(db, wish.person_id)
    if person.deceased_on is not None:
        raise NobodyHere
    theirs = {account.id for account in await paying_accounts(db, person.id, local_day(now))}
    if wish.account_id is not None and wish.account_id not in theirs:
        raise NotTheirReservationAccount
    booker = await booker_of(
        db,
        person,
        wish.account_id,
        service=facility.service_code,
        at=span.starts_at,
        now=now,
        without=without,
    )
    rule = rule_for(held.terms, booker.kinds)
    check_booker(rule, booker, span, now)
    cost = await cost_of(db, facility, held.terms, rule, span, person_id=person.id, account_id=wish.account_id, now=now)
    if wish.account_id is None and not cost.is_free:
        raise NobodyPays
    return Terming(facility, held, rule, person, cost)


async def what_comes_back(doing: Doing, reservation: Reservation, *, by_house: bool = False) -> GivenBack:
    """Return what cancelling a reservation now would give back, by the terms under which it was made."""
    terms = await terms_by_id(doing.db, reservation.terms_id)
    rule = terms.rule(reservation.booker_kind)
    assert rule is not None, "it was made under this rule, and terms only grow"
    return given_back(
        rule,
        span_of(reservation),
        price_cents=reservation.price_cents,
        deposit_cents=reservation.deposit_cents,
        now=doing.now,
        by_house=by_house,
    )


async def offer_next(doing: Doing, facility_id: UUID, freed: Span) -> None:
    """Offer what became free to those who waited for it, the longest first: each what fits into what is left."""
    waiting = await doing.db.scalars(
        select(Reservation)
        .where(
            Reservation.facility_id == facility_id,
            Reservation.state == ReservationState.WAITING,
            Reservation.starts_at < freed.ends_at,
            Reservation.ends_at > freed.starts_at,
            Reservation.starts_at > doing.now,
        )
        .order_by(Reservation.asked_at, Reservation.id)
        .limit(WAITING_MAX)
    )
    for reservation in waiting.all():
        span = span_of(reservation)
        _, taken = await is_claimed(doing.db, reservation.id, facility_id, span)
        if taken or await shut_between(doing.db, facility_id, span):
            continue
        terms = await terms_by_id(doing.db, reservation.terms_id)
        reservation.state = ReservationState.OFFERED
        reservation.offer_until = offer_ends(terms, span, doing.now)
        await _claim(doing.db, reservation)
        key = f"{OFFER_ENDS}:{reservation.id}"
        payload = {"reservation_id": str(reservation.id)}
        await enqueue(doing.db, OFFER_ENDS, payload, now=doing.now, run_at=reservation.offer_until, unique_key=key)
        await file_reservation_mail(doing.db, doing.settings, MailKind.OFFERED, reservation, now=doing.now)
        doing.journal("reservation-offered", reservation)
        _tell(doing.db, reservation)


async def _under_lock(doing: Doing, wish: Wish) -> Facility | Reservation:
    """Return the facility whose service is locked and whose time is free, or the reservation that is this wish."""
    known, taken = await is_claimed(doing.db, wish.id, wish.facility_id, wish.span)
    if taken and not known:
        # Most rivals go home here, without waiting for the lock.
        raise SlotTaken
    facility = await facility_by_id(doing.db, wish.facility_id)
    if not known:
        await lock_service(doing.db, facility.service_code)
        known, taken = await is_claimed(doing.db, wish.id, wish.facility_id, wish.span)
    if known:
        return await _same(doing.db, wish)
    if taken:
        raise SlotTaken
    return facility


async def _check_list(db: AsyncSession, wish: Wish) -> None:
    """Refuse whoever waits for a part of this time already, or has it, and everybody once the list is full.

    Raises:
        AlreadyThere, WaitingListFull
    """
    theirs = Reservation.person_id == wish.person_id
    if wish.account_id is not None:
        theirs = or_(theirs, Reservation.account_id == wish.account_id)
    waiting = Reservation.state == ReservationState.WAITING
    row = await db.execute(
        select(func.count().filter(theirs), func.count().filter(waiting)).where(
            Reservation.facility_id == wish.facility_id,
            Reservation.state.in_((ReservationState.WAITING, *HOLDING)),
            Reservation.starts_at < wish.span.ends_at,
            Reservation.ends_at > wish.span.starts_at,
        )
    )
    own, all_who_wait = row.one()
    if own:
        raise AlreadyThere
    if all_who_wait >= WAITING_MAX:
        raise WaitingListFull


async def _same(db: AsyncSession, wish: Wish) -> Reservation:
    """Return the reservation of an id that came before, as it is now.

    Raises:
        IdempotencyMismatch: it was another wish.
    """
    held = await db.get_one(Reservation, wish.id, populate_existing=True)
    asked = (wish.facility_id, wish.span, wish.person_id)
    if (held.facility_id, span_of(held), held.person_id) != asked:
        raise IdempotencyMismatch
    return held


async def _locked(db: AsyncSession, reservation_id: UUID) -> Reservation:
    """Return a reservation as it stands under its service's lock.

    Raises:
        UnknownReservation
    """
    held = await reservation_by_id(db, reservation_id)
    await lock_service(db, held.facility.service_code)
    return await db.get_one(Reservation, reservation_id, populate_existing=True)


def _row(doing: Doing, wish: Wish, allowed: Terming, state: ReservationState) -> Reservation:
    return Reservation(
        id=wish.id,
        facility_id=wish.facility_id,
        starts_at=wish.span.starts_at,
        ends_at=wish.span.ends_at,
        person_id=wish.person_id,
        account_id=wish.account_id,
        state=state,
        terms_id=allowed.held.id,
        booker_kind=allowed.rule.who,
        asked_at=doing.now,
        actor_kind=doing.actor.kind,
        actor_id=doing.actor.id,
        visit_id=doing.visit_id,
        price_cents=0,
        deposit_cents=0,
        refunded_cents=0,
    )


async def _claim(db: AsyncSession, reservation: Reservation) -> None:
    """Hold every grain of a reservation's time; a key that is there already fails the transaction."""
    db.add(reservation)
    await db.flush()
    rows = [
        {"facility_id": reservation.facility_id, "grain": grain, "reservation_id": reservation.id}
        for grain in grains(span_of(reservation))
    ]
    await db.execute(insert(ReservationGrain), rows)


async def _book(doing: Doing, reservation: Reservation, allowed: Terming) -> None:
    """Take the money, open the doors, and file what is to be told."""
    await charge(doing.db, reservation, allowed.facility, allowed.cost, actor=doing.actor, now=doing.now)
    await doing.db.flush()
    await open_doors(doing, reservation, allowed.terms)
    remind_at = reservation.starts_at - allowed.terms.reminder
    if allowed.terms.reminder and remind_at > doing.now:
        payload = {"reservation_id": str(reservation.id)}
        await enqueue(
            doing.db, REMIND, payload, now=doing.now, run_at=remind_at, unique_key=f"{REMIND}:{reservation.id}"
        )
    await file_reservation_mail(doing.db, doing.settings, MailKind.BOOKED, reservation, now=doing.now)
    _tell(doing.db, reservation)


async def open_doors(doing: Doing, reservation: Reservation, terms: Terms) -> None:
    """Give the person the right to pass each door of the facility, from some minutes before to some after.

    A door that the reservation opens already is left alone.
    """
    open_for = admission(terms, span_of(reservation))
    given = set(
        await doing.db.scalars(
            select(ReservationRight.point_id).where(ReservationRight.reservation_id == reservation.id)
        )
    )
    for point in await points_of(doing.db, reservation.facility_id):
        if point.id in given:
            continue
        # A door that is given back while somebody plays opens by another right: one that ended stays so.
        right_id = new_id()
        await give_right(
            doing.db,
            right_id,
            kind=RightKind.RESERVATION,
            service=point.service_code,
            person_id=reservation.person_id,
            point_id=point.id,
            valid_from=open_for.starts_at,
            valid_until=open_for.ends_at,
            now=doing.now,
        )
        doing.db.add(ReservationRight(right_id=right_id, reservation_id=reservation.id, point_id=point.id))
    await doing.db.flush()


async def _shut_doors(doing: Doing, reservation: Reservation) -> None:
    rights = await doing.db.scalars(
        select(ReservationRight.right_id).where(ReservationRight.reservation_id == reservation.id)
    )
    for right_id in rights.all():
        await end_right(doing.db, right_id, now=doing.now)


async def _end(doing: Doing, reservation: Reservation, reason: str) -> None:
    """Let go of the time."""
    reservation.ended_at, reservation.ended_reason = doing.now, reason.strip()[:REASON_CHARACTERS_MAX]
    reservation.offer_until = None
    await doing.db.flush()
    await doing.db.execute(delete(ReservationGrain).where(ReservationGrain.reservation_id == reservation.id))
    _tell(doing.db, reservation)


def _tell(db: AsyncSession, reservation: Reservation) -> None:
    publish(db, f"facility:{reservation.facility_id}", "changed")
