"""Forgetting who passed where: movement logs go after their retention; money, presences and conflicts stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, and_, delete, exists, or_, select

from cvq_core.access.tables import AccessPoint, ConflictedTap, PointEvent, Tap
from cvq_core.database import Database

EVERY_S = 3600.0


async def forget_taps(database: Database, *, now: datetime, kept: timedelta) -> int:
    """Erase the taps and door events that are older than `kept`, a point at a time; return how many.

    Of which tap a conflict was, and when, is forgotten with it.

    Run again, it finds nothing. A tap that the core decided is as old as its receipt, whatever the reader's clock said
    then; one that came late is as old as its own hour, or as its receipt where its clock was ahead.
    """
    before, gone = now - kept, 0
    async with database.read() as db:
        points = list(await db.scalars(select(AccessPoint.id).order_by(AccessPoint.id)))
    for point_id in points:
        async with database.write() as db:
            for table, old in (
                (Tap, or_(Tap.received_at < before, and_(Tap.offline, Tap.tapped_at < before))),
                (PointEvent, or_(PointEvent.received_at < before, PointEvent.happened_at < before)),
            ):
                done = await db.execute(delete(table).where(table.point_id == point_id, old))
                assert isinstance(done, CursorResult)
                gone += done.rowcount
            await db.execute(
                delete(ConflictedTap).where(
                    ConflictedTap.point_id == point_id, ~exists().where(Tap.id == ConflictedTap.tap_id)
                )
            )
    return gone
