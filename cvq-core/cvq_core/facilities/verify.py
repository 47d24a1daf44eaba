"""Proving that reservations hold their time, their doors and their deposits, and nobody else's."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.tables import Entitlement
from cvq_core.facilities.rules import ReservationState, grains
from cvq_core.facilities.store import HOLDING, span_of
from cvq_core.facilities.tables import Facility, Reservation, ReservationGrain, ReservationRight
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount, Posting

TROUBLES_MAX = 50


async def verify_reservations(db: AsyncSession, *, now: datetime) -> list[str]:
    """Return what does not hold, nothing when all is well: a French sentence each, naming identifiers alone."""
    return [*await _times(db, now), *await _doors(db, now), *await _deposits(db)]


async def _times(db: AsyncSession, now: datetime) -> list[str]:
    """What is booked or offered and not over holds every grain of its time; what is not, none."""
    held = select(ReservationGrain.reservation_id, func.count().label("count")).group_by(
        ReservationGrain.reservation_id
    )
    counted = held.subquery()
    rows = await db.execute(
        select(Reservation, func.coalesce(counted.c.count, 0))
        .outerjoin(counted, counted.c.reservation_id == Reservation.id)
        .where(Reservation.ends_at > now)
    )
    wrong = [
        reservation.id
        for reservation, count in rows
        if count != (len(grains(span_of(reservation))) if reservation.state.holds_time else 0)
    ]
    return [f"réservation {each} : son horaire n’est pas tenu comme il faut" for each in wrong[:TROUBLES_MAX]]


async def _doors(db: AsyncSession, now: datetime) -> list[str]:
    """What was given up opens no door any more."""
    rows = await db.scalars(
        select(Reservation.id)
        .join(ReservationRight, ReservationRight.reservation_id == Reservation.id)
        .join(Entitlement, Entitlement.id == ReservationRight.right_id)
        .where(Reservation.state.not_in(HOLDING), Entitlement.valid_until > now)
        .distinct()
        .order_by(Reservation.id)
        .limit(TROUBLES_MAX)
    )
    return [f"réservation {each} : annulée, elle ouvre encore une porte" for each in rows]


async def _deposits(db: AsyncSession) -> list[str]:
    """Each service's account of deposits holds those that are not settled, to the cent."""
    owed = {
        f"{AccountKind.DEPOSITS}:{service}": int(cents)
        for service, cents in await db.execute(
            select(Facility.service_code, func.sum(Reservation.deposit_cents))
            .join(Facility, Facility.id == Reservation.facility_id)
            .where(Reservation.state == ReservationState.BOOKED, Reservation.deposit_kept_cents.is_(None))
            .group_by(Facility.service_code)
        )
    }
    held = {
        code: int(cents)
        for code, cents in await db.execute(
            select(LedgerAccount.code, func.sum(Posting.amount_cents))
            .join(Posting, Posting.account_id == LedgerAccount.id)
            .where(LedgerAccount.kind == AccountKind.DEPOSITS)
            .group_by(LedgerAccount.code)
        )
    }
    codes = sorted(code for code in owed.keys() | held.keys() if owed.get(code, 0) != held.get(code, 0))
    return [f"cautions {code} : le grand livre dit un autre montant" for code in codes]
