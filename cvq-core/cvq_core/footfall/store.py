"""Counting taps into figures, and reading figures and today's taps together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import Table, case, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import PointKind, Reason
from cvq_core.access.tables import AccessPoint, Tap
from cvq_core.clock import PARIS, Clock, local_day
from cvq_core.database import Database
from cvq_core.footfall.rules import Cell, Passage, count
from cvq_core.footfall.tables import Footfall, FootfallCount

COUNT_EVERY_S = 3600.0
OVERLAP = timedelta(minutes=10)
"""A tap is received before its transaction ends: those of the last minutes are looked at again."""
ROWS_A_STEP = 1000
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_FIGURES = cast(Table, Footfall.__table__)


async def count_taps(database: Database, clock: Clock) -> int:
    """Count each day again of which taps were received since the last time; return how many days.

    Figures only grow: a day whose taps are partly purged by now keeps what it had. It may run twice, or in several
    processes at once.
    """
    now = clock()
    async with database.write() as db:
        since = await _locked_since(db)
        days = await _days_received(db, since - OVERLAP)
        for day in sorted(days):
            await _write_day(db, day)
        await db.execute(update(FootfallCount).where(FootfallCount.id == 1).values(received_until=now))
    return len(days)


async def figures(db: AsyncSession, points: Collection[UUID], first: date, last: date, *, now: datetime) -> list[Cell]:
    """Return the figures of some points from `first` to `last`, today's counted now."""
    if not points:
        return []
    today = local_day(now)
    rows = await db.execute(
        select(
            Footfall.day, Footfall.hour, Footfall.point_id, Footfall.reason, Footfall.allowed, Footfall.number
        ).where(Footfall.point_id.in_(points), Footfall.day.between(first, last), Footfall.day != today)
    )
    cells = [Cell(*row) for row in rows]
    if first <= today <= last:
        wanted = set(points)
        cells += [cell for cell in count([each async for each in _passages(db, today)]) if cell.point_id in wanted]
    return cells


async def _locked_since(db: AsyncSession) -> datetime:
    """Return from when on taps are to be looked at; whoever counts at the same time waits here."""
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    await db.execute(insert(FootfallCount).values(id=1, received_until=BEGINNING).on_conflict_do_nothing())
    since = await db.scalar(select(FootfallCount.received_until).where(FootfallCount.id == 1).with_for_update())
    assert since is not None
    return since


async def _days_received(db: AsyncSession, since: datetime) -> set[date]:
    found = await db.stream_scalars(
        select(Tap.tapped_at).where(Tap.received_at >= since).execution_options(yield_per=ROWS_A_STEP)
    )
    return {local_day(tapped_at) async for tapped_at in found}


async def _write_day(db: AsyncSession, day: date) -> None:
    cells = count([passage async for passage in _passages(db, day)])
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(Footfall)
    before, counted = _FIGURES.c.number, statement.excluded.number
    more = case((before > counted, before), else_=counted)
    statement = statement.on_conflict_do_update(index_elements=list(_FIGURES.primary_key), set_={"number": more})
    for start in range(0, len(cells), ROWS_A_STEP):
        await db.execute(statement, [_row(cell) for cell in cells[start : start + ROWS_A_STEP]])


def _row(cell: Cell) -> dict[str, object]:
    return {
        "day": cell.day,
        "point_id": cell.point_id,
        "hour": cell.hour,
        "reason": cell.reason,
        "allowed": cell.allowed,
        "number": cell.number,
    }


async def _passages(db: AsyncSession, day: date) -> AsyncIterator[Passage]:
    kinds = await _kinds(db)
    begins, ends = (datetime.combine(each, time.min, PARIS).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    rows = await db.stream(
        select(Tap.point_id, Tap.tapped_at, Tap.reason, Tap.allowed)
        .where(Tap.tapped_at >= begins, Tap.tapped_at < ends, Tap.repeats.is_(False))
        .execution_options(yield_per=ROWS_A_STEP)
    )
    async for point_id, tapped_at, reason, allowed in rows:
        yield Passage(point_id, kinds[point_id], tapped_at, Reason(reason), allowed)


async def _kinds(db: AsyncSession) -> dict[UUID, PointKind]:
    return {row.id: row.kind for row in await db.execute(select(AccessPoint.id, AccessPoint.kind))}
