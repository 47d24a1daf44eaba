"""Reading facilities and what is reserved of them, and the lock under which anything of it changes."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import RightKind
from cvq_core.access.statements import SPENDING_ROLES
from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.clock import local_day
from cvq_core.facilities.refusals import UnknownFacility, UnknownReservation
from cvq_core.facilities.rules import Booker, ReservationState, Shut, Span, grains
from cvq_core.facilities.tables import (
    Facility,
    FacilityClosure,
    FacilityPoint,
    FacilityTerms,
    Reservation,
    ReservationGrain,
)
from cvq_core.facilities.terms import BookerKind, Terms, read_terms
from cvq_core.legal_entities.rules import EntityKind
from cvq_core.legal_entities.tables import LegalEntity
from cvq_core.people.store import in_force
from cvq_core.people.tables import Commune, FamilyAccount, Membership, Person
from cvq_core.public_holidays import public_holidays
from cvq_core.services.rules import ServiceCode

FACILITIES_MAX = 200
RESERVATIONS_MAX = 2000
BODIES = {
    EntityKind.ASSOCIATION: BookerKind.ASSOCIATION,
    EntityKind.COMPANY: BookerKind.COMPANY,
    EntityKind.PUBLIC: BookerKind.PUBLIC_BODY,
}
HOLDING = (ReservationState.OFFERED, ReservationState.BOOKED)


@dataclass(frozen=True, slots=True)
class TermsInForce:
    """The terms of a facility on a day, with the row that they are kept in."""

    id: UUID
    valid_from: date
    terms: Terms


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation with who has it, and at which facility."""

    reservation: Reservation
    person: Person
    facility: Facility

    @property
    def span(self) -> Span:
        """Its time."""
        return span_of(self.reservation)


def span_of(reservation: Reservation) -> Span:
    """Return a reservation's time."""
    return Span(reservation.starts_at, reservation.ends_at)


async def lock_service(db: AsyncSession, service: ServiceCode) -> None:
    """Let one change of a service's reservations happen at a time, until the transaction ends.

    The first lock of all: wallets come after it. On SQLite whoever writes is alone already.
    """
    if db.get_bind().dialect.name == "postgresql":
        key = zlib.crc32(f"reservations:{service}".encode())
        await db.execute(select(func.pg_advisory_xact_lock(key)))


async def is_claimed(db: AsyncSession, reservation_id: UUID, facility_id: UUID, span: Span) -> tuple[bool, bool]:
    """Return whether this reservation is known, and whether somebody holds a part of a time: one look for both.

    Raises:
        NotASlot: the time does not begin and end on grains.
    """
    wanted = grains(span)
    known = select(literal(1)).where(Reservation.id == reservation_id).exists()
    held = (
        select(literal(1))
        .where(
            ReservationGrain.facility_id == facility_id,
            ReservationGrain.grain >= wanted.start,
            ReservationGrain.grain < wanted.stop,
        )
        .exists()
    )
    row = (await db.execute(select(known, held))).one()
    return bool(row[0]), bool(row[1])


async def facility_by_id(db: AsyncSession, facility_id: UUID) -> Facility:
    """Return a facility.

    Raises:
        UnknownFacility
    """
    facility = await db.get(Facility, facility_id)
    if facility is None:
        raise UnknownFacility
    return facility


async def facility_by_feed(db: AsyncSession, token: str) -> Facility:
    """Return the facility whose calendar is under a link.

    Raises:
        UnknownFacility
    """
    facility: Facility | None = await db.scalar(select(Facility).where(Facility.feed_token == token))
    if facility is None:
        raise UnknownFacility
    return facility


async def all_facilities(db: AsyncSession) -> list[Facility]:
    """Return every facility, by service and name."""
    rows = await db.scalars(
        select(Facility).order_by(Facility.service_code, Facility.label, Facility.id).limit(FACILITIES_MAX)
    )
    return list(rows)


async def points_of(db: AsyncSession, facility_id: UUID) -> list[AccessPoint]:
    """Return the doors that a reservation of a facility opens."""
    rows = await db.scalars(
        select(AccessPoint)
        .join(FacilityPoint, FacilityPoint.point_id == AccessPoint.id)
        .where(FacilityPoint.facility_id == facility_id)
        .order_by(AccessPoint.label, AccessPoint.id)
    )
    return list(rows)


async def terms_on(db: AsyncSession, facility_id: UUID, day: date) -> TermsInForce:
    """Return how a facility is reserved on a day.

    Raises:
        UnknownFacility: it has no terms on that day.
    """
    row = await db.scalar(
        select(FacilityTerms)
        .where(FacilityTerms.facility_id == facility_id, FacilityTerms.valid_from <= day)
        .order_by(FacilityTerms.valid_from.desc(), FacilityTerms.recorded_at.desc(), FacilityTerms.id.desc())
        .limit(1)
    )
    if row is None:
        raise UnknownFacility
    return TermsInForce(row.id, row.valid_from, read_terms(row.terms))


async def terms_by_id(db: AsyncSession, terms_id: UUID) -> Terms:
    """Return terms by the row that they are kept in."""
    return read_terms((await db.get_one(FacilityTerms, terms_id)).terms)


async def shut_between(db: AsyncSession, facility_id: UUID, span: Span) -> list[Shut]:
    """Return the closures that a time meets."""
    rows = await db.scalars(
        select(FacilityClosure)
        .where(
            FacilityClosure.facility_id == facility_id,
            FacilityClosure.ends_at > span.starts_at,
            FacilityClosure.starts_at < span.ends_at,
            FacilityClosure.lifted_at.is_(None),
        )
        .order_by(FacilityClosure.starts_at)
        .limit(RESERVATIONS_MAX)
    )
    return [Shut(Span(row.starts_at, row.ends_at), row.reason) for row in rows]


async def closures_to_come(db: AsyncSession, facility_id: UUID, now: datetime) -> list[FacilityClosure]:
    """Return the closures of a facility that are not over."""
    rows = await db.scalars(
        select(FacilityClosure)
        .where(
            FacilityClosure.facility_id == facility_id,
            FacilityClosure.ends_at > now,
            FacilityClosure.lifted_at.is_(None),
        )
        .order_by(FacilityClosure.starts_at)
        .limit(FACILITIES_MAX)
    )
    return list(rows)


async def reservation_by_id(db: AsyncSession, reservation_id: UUID) -> Held:
    """Return a reservation with who has it.

    Raises:
        UnknownReservation
    """
    found = await _held(db, Reservation.id == reservation_id)
    if not found:
        raise UnknownReservation
    return found[0]


async def reservations_between(
    db: AsyncSession, facility_id: UUID, span: Span, states: Collection[ReservationState] = HOLDING
) -> list[Held]:
    """Return the reservations of a facility that a time meets, by their beginning."""
    return await _held(
        db,
        Reservation.facility_id == facility_id,
        Reservation.ends_at > span.starts_at,
        Reservation.starts_at < span.ends_at,
        Reservation.state.in_(states),
    )


async def reservations_of(
    db: AsyncSession, *, person_id: UUID | None = None, account_id: UUID | None = None, since: datetime
) -> list[Held]:
    """Return a person's or an account's reservations that end after an instant, by their beginning."""
    assert (person_id is None) != (account_id is None), "of a person or of an account"
    whose = Reservation.person_id == person_id if person_id else Reservation.account_id == account_id
    return await _held(db, whose, Reservation.ends_at > since)


async def paying_accounts(db: AsyncSession, person_id: UUID, on: date) -> list[FamilyAccount]:
    """Return the open accounts from which a person may spend on a day, by number."""
    theirs = select(Membership.account_id).where(
        Membership.person_id == person_id, Membership.role.in_(SPENDING_ROLES), in_force(on)
    )
    rows = await db.scalars(
        select(FamilyAccount)
        .where(FamilyAccount.id.in_(theirs), or_(FamilyAccount.closed_on.is_(None), FamilyAccount.closed_on > on))
        .order_by(FamilyAccount.number)
    )
    return list(rows)


async def booker_of(
    db: AsyncSession,
    person: Person,
    account_id: UUID | None,
    *,
    service: ServiceCode,
    at: datetime,
    now: datetime,
    without: UUID | None = None,
) -> Booker:
    """Return what somebody is for a service at an instant, and how many of its reservations they have to come.

    Those of the paying account count together, and with a family's those that the person made without any account;
    `without` leaves one out.
    """
    body = await db.get(LegalEntity, account_id) if account_id is not None else None
    whose = Reservation.person_id == person.id
    if account_id is not None:
        alone = and_(whose, Reservation.account_id.is_(None), literal(body is None))
        whose = or_(Reservation.account_id == account_id, alone)
    standing = await db.scalar(
        select(func.count())
        .select_from(Reservation)
        .join(Facility, Facility.id == Reservation.facility_id)
        .where(
            whose,
            Facility.service_code == service,
            Reservation.state.in_(HOLDING),
            Reservation.ends_at > now,
            Reservation.id != without if without else Reservation.id.is_not(None),
        )
    )
    kinds = await _subscriber(db, person, account_id, service, at)
    if body is not None:
        # Whoever pays from a body's account reserves as that body, and not as an inhabitant.
        kinds |= {BODIES[body.kind]}
    else:
        kinds |= {BookerKind.OUTSIDER, *(await _inhabitant(db, person))}
    return Booker(frozenset(kinds), standing or 0)


async def _subscriber(
    db: AsyncSession, person: Person, account_id: UUID | None, service: ServiceCode, at: datetime
) -> set[BookerKind]:
    holder: ColumnElement[bool] = Entitlement.person_id == person.id
    if account_id is not None:
        holder = or_(holder, Entitlement.account_id == account_id)
    subscribed = await db.scalar(
        select(Entitlement.id)
        .where(
            holder,
            Entitlement.service_code == service,
            Entitlement.kind == RightKind.SUBSCRIPTION,
            Entitlement.valid_from <= at,
            or_(Entitlement.valid_until.is_(None), Entitlement.valid_until > at),
            or_(Entitlement.entries_left.is_(None), Entitlement.entries_left > 0),
        )
        .limit(1)
    )
    return {BookerKind.SUBSCRIBER} if subscribed is not None else set()


async def _inhabitant(db: AsyncSession, person: Person) -> list[BookerKind]:
    commune = await db.get(Commune, person.commune_insee) if person.commune_insee is not None else None
    return [BookerKind.INHABITANT] if commune is not None and commune.in_territory else []


def holidays_around(span: Span) -> frozenset[date]:
    """Return the public holidays of the years that a time may touch, the night before included."""
    first, last = (local_day(each) for each in (span.starts_at - timedelta(days=1), span.ends_at))
    return frozenset().union(*(public_holidays(year) for year in range(first.year, last.year + 1)))


async def _held(db: AsyncSession, *wanted: ColumnElement[bool]) -> list[Held]:
    rows = await db.execute(
        select(Reservation, Person, Facility)
        .join(Person, Person.id == Reservation.person_id)
        .join(Facility, Facility.id == Reservation.facility_id)
        .where(*wanted)
        .order_by(Reservation.starts_at, Reservation.id)
        .limit(RESERVATIONS_MAX)
        .execution_options(populate_existing=True)
    )
    return [Held(*row) for row in rows]
