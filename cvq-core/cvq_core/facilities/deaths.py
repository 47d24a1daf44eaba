"""What becomes of the reservations of somebody who dies."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import case, select

from cvq_core.facilities.rules import ReservationState
from cvq_core.facilities.service import Doing, cancel
from cvq_core.facilities.store import lock_service
from cvq_core.facilities.tables import Facility, Reservation
from cvq_core.legal_entities.tables import LegalEntity

_LET_GO = (ReservationState.WAITING, ReservationState.OFFERED, ReservationState.BOOKED)
"""In this order: nothing that becomes free is offered to the same person."""


async def lock_reservations(doing: Doing) -> None:
    """Let nobody reserve anything until the transaction ends: whoever waits sees afterwards who has died."""
    services = await doing.db.scalars(select(Facility.service_code).distinct().order_by(Facility.service_code))
    for service in services.all():
        await lock_service(doing.db, service)


async def cancel_for_the_dead(doing: Doing, person_id: UUID) -> tuple[Reservation, ...]:
    """Cancel what a person has to come, and give back what its terms say; call `lock_reservations` before.

    What a company's or an association's account reserved stays theirs: somebody else's card is to open its door.
    What has begun stays as it is.
    """
    place = case({state: number for number, state in enumerate(_LET_GO)}, value=Reservation.state)
    found = await doing.db.scalars(
        select(Reservation.id)
        .outerjoin(LegalEntity, LegalEntity.account_id == Reservation.account_id)
        .where(
            Reservation.person_id == person_id,
            Reservation.state.in_(_LET_GO),
            Reservation.starts_at > doing.now,
            LegalEntity.account_id.is_(None),
        )
        .order_by(place, Reservation.starts_at, Reservation.id)
    )
    return tuple([await cancel(doing, reservation_id) for reservation_id in found.all()])


async def left_to_a_body(doing: Doing, person_id: UUID) -> Sequence[UUID]:
    """Return what a person reserved to come for a company or an association."""
    found = await doing.db.scalars(
        select(Reservation.id)
        .join(LegalEntity, LegalEntity.account_id == Reservation.account_id)
        .where(
            Reservation.person_id == person_id,
            Reservation.state == ReservationState.BOOKED,
            Reservation.ends_at > doing.now,
        )
    )
    return found.all()
