"""Forgetting who passed where: movement logs go after their retention; money, presences and conflicts stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, select

from cvq_core.access.tables import AccessPoint, PointEvent, Tap
from cvq_core.database import Database

EVERY_S = 3600.0


async def forget_taps(database: Database, *, now: datetime, kept: timedelta) -> int:
    """Erase the taps and door events that are older than `kept`, a point at a time; return how many.

    Run again, it finds nothing. A tap whose reader's clock was ahead goes when it was received so long ago.
    """
    before, gone = now - kept, 0
    async with database.read() as db:
        points = list(await db.scalars(select(AccessPoint.id).order_by(AccessPoint.id)))
    for point_id in points:
        async with database.write() as db:
            for table, hours in (
                (Tap, (Tap.tapped_at, Tap.received_at)),
                (PointEvent, (PointEvent.happened_at, PointEvent.received_at)),
            ):
                for hour in hours:
                    done = await db.execute(delete(table).where(table.point_id == point_id, hour < before))
                    assert isinstance(done, CursorResult)
                    gone += done.rowcount
    return gone
