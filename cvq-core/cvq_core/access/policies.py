"""Funding policies as they begin: wallets get their floors, and the sites hear of what was written since."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.clock import Clock, local_day
from cvq_core.database import Database
from cvq_core.ledger.wallets import apply_policies
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.tables import ServicePolicy

Written = frozenset[tuple[ServiceCode, date, FundingPolicy]]
EVERY_S = 3600.0


class PolicyWatch:
    """Looks every hour. A policy that moves no floor (free, by subscription) changes what doors decide all the same.

    One that begins on a later day is told when it is written: a list holds the policies of each of its days. What was
    written while no server ran comes with the next whole list.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: Written | None = None

    async def look(self) -> None:
        """Give wallets the floors of today's policies, and tell the sites what has changed."""
        now = self._clock()
        async with self._database.write() as db:
            moved = await apply_policies(db, local_day(now))
            written = await _written(db)
            changed = {code for code, _, _ in written ^ (self._known if self._known is not None else written)}
            if moved or changed:
                note_change(db, now=now, services=changed, everybody=bool(moved))
        self._known = written


async def _written(db: AsyncSession) -> Written:
    rows = await db.execute(select(ServicePolicy.service_code, ServicePolicy.valid_from, ServicePolicy.policy))
    return frozenset((code, valid_from, policy) for code, valid_from, policy in rows)
