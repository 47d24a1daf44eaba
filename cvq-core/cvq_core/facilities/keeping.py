"""Forgetting reservations: what held their time goes when it is over, they themselves after their retention."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.tables import Entitlement
from cvq_core.facilities.rules import EPOCH, GRAIN
from cvq_core.facilities.tables import Reservation, ReservationGrain, ReservationRight

EVERY_S = 3600.0
AT_ONCE = 500
OVER_FOR = timedelta(days=1)


async def purge_reservations(db: AsyncSession, now: datetime, *, days_kept: int) -> int:
    """Erase reservations that ended long ago, with the rights that they gave; return how many.

    What was paid stays in the ledger, which names nobody. One whose deposit is not settled stays too.
    """
    over = (now - OVER_FOR - EPOCH) // GRAIN
    await db.execute(delete(ReservationGrain).where(ReservationGrain.grain < over))
    erased = 0
    while True:
        rows = await db.scalars(
            select(Reservation.id)
            .where(
                Reservation.ends_at < now - timedelta(days=days_kept),
                or_(Reservation.deposit_cents == 0, Reservation.deposit_kept_cents.is_not(None)),
            )
            .limit(AT_ONCE)
        )
        found = list(rows)
        rights = select(ReservationRight.right_id).where(ReservationRight.reservation_id.in_(found))
        await db.execute(delete(Entitlement).where(Entitlement.id.in_(rights)))
        for table in (ReservationRight, ReservationGrain):
            await db.execute(delete(table).where(table.reservation_id.in_(found)))
        await db.execute(delete(Reservation).where(Reservation.id.in_(found)))
        erased += len(found)
        if len(found) < AT_ONCE:
            return erased
