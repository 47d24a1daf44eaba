"""The rush that `cvq bench booking` measures, with fewer rivals: one wins, nobody fails, the books add up."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from cvq_core.bench.booking import TERMS, prepare, rush
from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.facilities.rules import slots
from cvq_core.facilities.tables import Reservation
from cvq_core.ledger.verify import verify
from tests.core_examples import NOW


async def test_of_three_hundred_rivals_one_wins_and_all_others_are_told_so(database: Database) -> None:
    ground = await prepare(database, NOW)
    span = slots(TERMS, local_day(NOW) + timedelta(days=2), ())[0]
    told = await rush(database, ground, span, 300, NOW)
    assert told == {"won": 1, "refused": 299}
    async with database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Reservation)) == 1
        assert await verify(db) == []
