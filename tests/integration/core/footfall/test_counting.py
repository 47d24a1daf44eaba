"""Taps become figures once, stay when the taps go, and count late ones too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select

from cvq_core.access.facts import Assurance, Manner, PointKind, Reason
from cvq_core.access.tables import AccessPoint, Tap
from cvq_core.database import Database
from cvq_core.footfall.rules import Cell
from cvq_core.footfall.store import count_taps, figures
from cvq_core.footfall.tables import Footfall
from cvq_core.ids import new_id
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service

DAY = date(2026, 3, 3)
NOON = datetime(2026, 3, 3, 11, tzinfo=UTC)
EVENING = NOON + timedelta(hours=9)


async def _turnstile(database: Database) -> UUID:
    point = AccessPoint(
        id=new_id(),
        code="piscine",
        label="Piscine",
        site="Piscine",
        kind=PointKind.TURNSTILE,
        service_code=ServiceCode.POOL,
        assurance=Assurance.UID,
    )
    async with database.write() as db:
        await add_service(
            db, ServiceCode.POOL, service_id=new_id(), policy=FundingPolicy.REFUSE, valid_from=date(2020, 1, 1)
        )
        db.add(point)
    return point.id


async def _tap(database: Database, point: UUID, at: datetime, reason: Reason, received: datetime | None = None) -> None:
    async with database.write() as db:
        db.add(
            Tap(
                id=new_id(),
                point_id=point,
                manner=Manner.CARD,
                assurance=Assurance.UID,
                tapped_at=at,
                received_at=received or at,
                offline=received is not None,
                allowed=reason.allows,
                reason=reason,
                display_short="",
                display_long="",
                amount_cents=0,
                fingerprint=bytes(16),
            )
        )


async def _read(database: Database, point: UUID, now: datetime) -> Sequence[Cell]:
    async with database.read() as db:
        return await figures(db, [point], DAY, DAY + timedelta(days=1), now=now)


async def test_a_day_is_counted_once_however_often_one_counts(database: Database) -> None:
    point = await _turnstile(database)
    for reason in (Reason.PAID, Reason.PAID, Reason.WALLET_EMPTY):
        await _tap(database, point, NOON, reason)
    for _ in range(3):
        await count_taps(database, lambda: EVENING)
    tomorrow = NOON + timedelta(days=1)
    assert sorted((cell.reason, cell.number) for cell in await _read(database, point, tomorrow)) == [
        (Reason.PAID, 2),
        (Reason.WALLET_EMPTY, 1),
    ]


async def test_today_is_counted_when_one_looks(database: Database) -> None:
    point = await _turnstile(database)
    await _tap(database, point, NOON, Reason.PAID)
    await count_taps(database, lambda: NOON)
    await _tap(database, point, NOON + timedelta(hours=1), Reason.PAID)
    assert sum(cell.number for cell in await _read(database, point, EVENING)) == 2


async def test_a_tap_that_comes_days_late_counts_on_its_own_day(database: Database) -> None:
    point = await _turnstile(database)
    await _tap(database, point, NOON, Reason.PAID)
    await count_taps(database, lambda: EVENING)
    later = NOON + timedelta(days=3)
    await _tap(database, point, NOON, Reason.PAID, received=later)
    await count_taps(database, lambda: later + timedelta(hours=1))
    [cell] = await _read(database, point, later)
    assert (cell.day, cell.hour, cell.number) == (DAY, 12, 2)


async def test_figures_stay_when_the_taps_are_purged_and_a_late_one_takes_nothing_away(database: Database) -> None:
    point = await _turnstile(database)
    for _ in range(5):
        await _tap(database, point, NOON, Reason.PAID)
    await count_taps(database, lambda: EVENING)
    later = NOON + timedelta(days=200)
    async with database.write() as db:
        await db.execute(delete(Tap))
    await _tap(database, point, NOON, Reason.PAID, received=later)
    await count_taps(database, lambda: later + timedelta(hours=1))
    async with database.read() as db:
        assert await db.scalar(select(func.sum(Footfall.number))) == 5
