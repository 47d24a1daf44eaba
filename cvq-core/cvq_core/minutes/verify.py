"""Proving that minutes have no gap; `cvq check` tells what this finds."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ledger.verify import sentences
from cvq_core.minutes.tables import Minute, MinuteSeries
from cvq_core.offices.tables import CashOffice


async def verify_minutes(db: AsyncSession) -> list[str]:
    """Return what is wrong with the minutes, one English sentence each; empty when everything holds."""
    numbered = (
        select(Minute.office_id, func.count(Minute.id).label("rows"), func.max(Minute.number).label("last"))
        .group_by(Minute.office_id)
        .subquery()
    )
    rows, last = func.coalesce(numbered.c.rows, 0), func.coalesce(numbered.c.last, 0)
    return await sentences(
        db,
        "minutes of {} count to {}, and there are {} up to number {}",
        select(CashOffice.code, MinuteSeries.last_number, rows, last)
        .join(MinuteSeries, MinuteSeries.office_id == CashOffice.id)
        .outerjoin(numbered, numbered.c.office_id == CashOffice.id)
        .where(or_(rows != MinuteSeries.last_number, last != MinuteSeries.last_number)),
    )
