"""What a service's manager decides of a facility: that it exists, how it is reserved, and when it is closed."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.store import end_right
from cvq_core.access.tables import AccessPoint
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput
from cvq_core.facilities.refusals import BadClosure, UnknownClosure
from cvq_core.facilities.rules import ReservationState, Span
from cvq_core.facilities.service import Doing, offer_next, open_doors
from cvq_core.facilities.store import facility_by_id, lock_service, terms_by_id
from cvq_core.facilities.tables import (
    Facility,
    FacilityClosure,
    FacilityPoint,
    FacilityTerms,
    Reservation,
    ReservationRight,
)
from cvq_core.facilities.terms import Terms, check_terms, kept_terms
from cvq_core.jobs import enqueue
from cvq_core.journal.store import record
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.live import publish
from cvq_core.services.rules import ServiceCode
from cvq_core.services.store import policy_in_force

CLOSE = "facility-close"
CLOSURE_DAYS_MAX = 400
POINTS_MAX = 10
REASON_CHARACTERS_MAX = 200


class PastTerms(BadInput):
    """Terms for a day that is over, or years ahead."""

    slug = "past-facility-terms"
    message = N_("Des règles s’appliquent au plus tôt aujourd’hui, au plus tard dans deux ans.")
    what_to_do = N_("Choisissez une autre date.")


class BadDoors(BadInput):
    """A door that does not exist, or too many."""

    slug = "bad-facility-doors"
    message = N_("Une de ces portes n’existe pas, ou il y en a trop.")
    what_to_do = N_("Choisissez les portes dans la liste.")


@dataclass(frozen=True, slots=True)
class NewFacility:
    """A facility to be made; its doors are access points."""

    id: UUID
    code: str
    label: str
    service: ServiceCode
    site: str
    address: str
    points: tuple[UUID, ...]


async def add_facility(doing: Doing, asked: NewFacility, terms_id: UUID, terms: Terms) -> Facility:
    """Make a facility with its first terms, which hold from today; the same id again gives the same facility.

    Raises:
        UnknownService, BadTerms, BadDoors
        IdempotencyMismatch: this id is another facility's.
    """
    db = doing.db
    known = await db.get(Facility, asked.id)
    if known is not None:
        if (known.code, known.service_code) != (asked.code, asked.service):
            raise IdempotencyMismatch
        return known
    await policy_in_force(db, asked.service, local_day(doing.now))
    facility = Facility(
        id=asked.id,
        code=asked.code,
        label=asked.label,
        service_code=asked.service,
        site=asked.site,
        address=asked.address,
        feed_token=new_feed_token(),
        made_at=doing.now,
    )
    db.add(facility)
    await db.flush()
    await _write_points(db, facility.id, asked.points)
    await set_terms(doing, terms_id, facility.id, valid_from=local_day(doing.now), terms=terms)
    _journal(doing, "facility-made", facility.id)
    return facility


async def set_terms(doing: Doing, terms_id: UUID, facility_id: UUID, *, valid_from: date, terms: Terms) -> None:
    """Write how a facility is reserved from a day on; what is reserved already stays as it was made.

    Raises:
        UnknownFacility, BadTerms, PastTerms
        IdempotencyMismatch: this id came before with other terms.
    """
    check_terms(terms)
    today = local_day(doing.now)
    await facility_by_id(doing.db, facility_id)
    known = await doing.db.get(FacilityTerms, terms_id)
    if known is not None:
        if (known.facility_id, known.valid_from, known.terms) != (facility_id, valid_from, kept_terms(terms)):
            raise IdempotencyMismatch
        return
    if not today <= valid_from <= today + timedelta(days=730):
        raise PastTerms
    doing.db.add(
        FacilityTerms(
            id=terms_id,
            facility_id=facility_id,
            valid_from=valid_from,
            terms=kept_terms(terms),
            recorded_at=doing.now,
            recorded_by=doing.actor.id,
        )
    )
    await doing.db.flush()
    _journal(doing, "facility-terms-set", facility_id)
    publish(doing.db, f"facility:{facility_id}", "changed")


async def set_doors(doing: Doing, facility_id: UUID, points: Collection[UUID]) -> None:
    """Say which doors a reservation opens; those that are made already open these too, and no others.

    Raises:
        UnknownFacility, BadDoors
    """
    facility = await facility_by_id(doing.db, facility_id)
    await lock_service(doing.db, facility.service_code)
    await doing.db.execute(delete(FacilityPoint).where(FacilityPoint.facility_id == facility_id))
    await _write_points(doing.db, facility_id, points)
    to_come = await doing.db.scalars(
        select(Reservation).where(
            Reservation.facility_id == facility_id,
            Reservation.state == ReservationState.BOOKED,
            Reservation.ends_at > doing.now,
        )
    )
    for reservation in to_come.all():
        rights = await doing.db.scalars(
            select(ReservationRight).where(ReservationRight.reservation_id == reservation.id)
        )
        for right in rights.all():
            if right.point_id not in points:
                await end_right(doing.db, right.right_id, now=doing.now)
                await doing.db.delete(right)
        await doing.db.flush()
        await open_doors(doing, reservation, await terms_by_id(doing.db, reservation.terms_id))
    _journal(doing, "facility-doors-set", facility_id)


async def close_facility(doing: Doing, closure_id: UUID, facility_id: UUID, span: Span, reason: str) -> FacilityClosure:
    """Close a facility for a time: nobody reserves it from now on, and a job cancels what is reserved, all given back.

    Raises:
        UnknownFacility, BadClosure
        IdempotencyMismatch: this id came before for another time.
    """
    reason = reason.strip()
    facility = await facility_by_id(doing.db, facility_id)
    await lock_service(doing.db, facility.service_code)
    known = await doing.db.get(FacilityClosure, closure_id)
    if known is not None:
        if (known.facility_id, known.starts_at, known.ends_at) != (facility_id, span.starts_at, span.ends_at):
            raise IdempotencyMismatch
        return known
    too_long = span.ends_at - span.starts_at > timedelta(days=CLOSURE_DAYS_MAX)
    over = span.ends_at <= max(span.starts_at, doing.now)
    if over or too_long or not 1 <= len(reason) <= REASON_CHARACTERS_MAX:
        raise BadClosure
    closure = FacilityClosure(
        id=closure_id,
        facility_id=facility_id,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        reason=reason,
        made_at=doing.now,
        made_by=doing.actor.id,
    )
    doing.db.add(closure)
    await doing.db.flush()
    payload = {"closure_id": str(closure_id)}
    await enqueue(doing.db, CLOSE, payload, now=doing.now, unique_key=f"{CLOSE}:{closure_id}")
    _journal(doing, "facility-closed", facility_id)
    publish(doing.db, f"facility:{facility_id}", "changed")
    return closure


async def lift_closure(doing: Doing, closure_id: UUID) -> FacilityClosure:
    """Open a facility again before a closure is over; what was cancelled stays so, and who waits is offered it.

    Raises:
        UnknownClosure
    """
    closure = await doing.db.get(FacilityClosure, closure_id)
    if closure is None:
        raise UnknownClosure
    facility = await facility_by_id(doing.db, closure.facility_id)
    await lock_service(doing.db, facility.service_code)
    await doing.db.refresh(closure)
    if closure.lifted_at is None:
        closure.lifted_at = doing.now
        await doing.db.flush()
        _journal(doing, "facility-opened-again", facility.id)
        await offer_next(doing, facility.id, Span(closure.starts_at, closure.ends_at))
        publish(doing.db, f"facility:{facility.id}", "changed")
    return closure


async def next_in_closure(db: AsyncSession, closure_id: UUID, now: datetime) -> tuple[FacilityClosure, UUID] | None:
    """Return a reservation that a closure takes away, and that has not begun; None when none is left."""
    closure = await db.get(FacilityClosure, closure_id)
    if closure is None or closure.lifted_at is not None:
        return None
    found = await db.scalar(
        select(Reservation.id)
        .where(
            Reservation.facility_id == closure.facility_id,
            Reservation.state.in_((ReservationState.WAITING, ReservationState.OFFERED, ReservationState.BOOKED)),
            Reservation.starts_at > now,
            Reservation.starts_at < closure.ends_at,
            Reservation.ends_at > closure.starts_at,
        )
        .order_by(Reservation.starts_at, Reservation.id)
        .limit(1)
    )
    return (closure, found) if found is not None else None


def new_feed_token() -> str:
    """Return a link's unguessable part: 256 bits."""
    return secrets.token_urlsafe(32)


async def renew_feed(doing: Doing, facility_id: UUID) -> Facility:
    """Give a facility's calendar another link; the former one shows nothing any more."""
    facility = await facility_by_id(doing.db, facility_id)
    facility.feed_token = new_feed_token()
    await doing.db.flush()
    _journal(doing, "facility-link-renewed", facility_id)
    return facility


async def _write_points(db: AsyncSession, facility_id: UUID, points: Collection[UUID]) -> None:
    known = set(await db.scalars(select(AccessPoint.id).where(AccessPoint.id.in_(points)))) if points else set()
    if known != set(points) or len(points) > POINTS_MAX:
        raise BadDoors
    if known:
        await db.execute(insert(FacilityPoint), [{"facility_id": facility_id, "point_id": each} for each in known])


def _journal(doing: Doing, action: str, facility_id: UUID) -> None:
    record(doing.db, now=doing.now, actor=doing.actor, action=action, subject=("facility", facility_id))
