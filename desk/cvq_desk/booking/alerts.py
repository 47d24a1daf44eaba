"""What a secretary must hear of: raised once while it stands, settled by her or by what caused it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.errors import NotFound
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM, record
from cvq_core.live import publish
from cvq_core.once import insert_once
from cvq_core.staff import Permission, Principal, Scope
from cvq_desk.booking.rules import PRESENT
from cvq_desk.booking.store import calendar_of, waiting_at
from cvq_desk.booking.tables import Alert, Booth
from cvq_desk.visits.rules import AT_THE_BOOTH
from cvq_desk.visits.tables import Visit

CLOSING_NOTICE = timedelta(minutes=10)
ALERTS_KEPT = 2000


class AlertKind(StrEnum):
    """What can want the secretary."""

    HELP = "help"
    FAINTNESS = "faintness"
    PAPER_OUT = "paper_out"
    PAPER_JAM = "paper_jam"
    CARD_FORGOTTEN = "card_forgotten"
    CLOSING_SOON = "closing_soon"
    BOOTH_OFFLINE = "booth_offline"


async def raise_alert(
    db: AsyncSession,
    *,
    town_hall_id: UUID,
    booth_id: UUID,
    kind: str,
    now: datetime,
    visit_id: UUID | None = None,
    detail: dict[str, Any] | None = None,
) -> bool:
    """Raise an alert; return False when the same one stands already and nothing was done."""
    alert_id = new_id()
    values = {
        "id": alert_id,
        "town_hall_id": town_hall_id,
        "booth_id": booth_id,
        "visit_id": visit_id,
        "kind": AlertKind(kind).value,
        "raised_at": now,
        "detail": detail or {},
    }
    if not await insert_once(db, Alert.__table__, values):
        return False
    record(db, now=now, actor=SYSTEM, action=f"alert-{kind}", subject=("alert", alert_id), visit_id=visit_id)
    _tell(db, town_hall_id, visit_id)
    return True


async def settle_alert(db: AsyncSession, principal: Principal, alert_id: UUID, now: datetime) -> Alert:
    """Note that the secretary takes care of an alert; one that was settled stays so.

    Raises:
        NotFound, OutOfScope
    """
    rows = await db.scalars(select(Alert).where(Alert.id == alert_id).with_for_update())
    alert = rows.first()
    if alert is None:
        raise NotFound
    principal.require(Permission.SEE_TOWN_HALL, Scope("town_hall", alert.town_hall_id))
    if alert.settled_at is None:
        alert.settled_at, alert.settled_by = now, principal.id
        actor, subject = principal.actor, ("alert", alert.id)
        record(db, now=now, actor=actor, action="alert-settled", subject=subject, visit_id=alert.visit_id)
        _tell(db, alert.town_hall_id, alert.visit_id)
    return alert


async def settle_booth_alerts(db: AsyncSession, booth_id: UUID, kinds: Collection[str], now: datetime) -> int:
    """Settle alerts whose cause has gone by itself, paper that was put in for example; return how many."""
    settled = await db.execute(
        update(Alert)
        .where(Alert.booth_id == booth_id, Alert.kind.in_(kinds), Alert.settled_at.is_(None))
        .values(settled_at=now)
        .returning(Alert.town_hall_id, Alert.visit_id)
    )
    rows = settled.all()
    for town_hall_id, visit_id in rows:
        _tell(db, town_hall_id, visit_id)
    return len(rows)


async def watch_closing(database: Database, now: datetime) -> int:
    """Warn ten minutes before a town hall closes while somebody is served or waits there; return how many warnings.

    Runs every half minute in each server process; the alert's unique key and its age keep it to one a closing.
    """
    async with database.read() as db:
        due = [
            (booth.town_hall_id, booth.id, closes_at)
            for booth in await db.scalars(select(Booth).limit(ALERTS_KEPT))
            if (closes_at := await _closing_to_tell(db, booth, now))
        ]
        over = await _closings_over(db, now)
    if not due and not over:
        return 0
    async with database.write() as db:
        for booth_id in over:
            await settle_booth_alerts(db, booth_id, [AlertKind.CLOSING_SOON.value], now)
        raised = [
            await raise_alert(
                db,
                town_hall_id=town_hall_id,
                booth_id=booth_id,
                kind=AlertKind.CLOSING_SOON.value,
                now=now,
                detail={"closes_at": closes_at.isoformat()},
            )
            for town_hall_id, booth_id, closes_at in due
        ]
    return sum(raised)


async def _closing_to_tell(db: AsyncSession, booth: Booth, now: datetime) -> datetime | None:
    """Return when the town hall closes, if that is soon, matters to somebody, and has not been told."""
    span = (await calendar_of(db, booth.town_hall_id, now)).open_at(now)
    if span is None or span.ends_at - now > CLOSING_NOTICE:
        return None
    told = await db.scalar(
        select(
            exists().where(
                Alert.booth_id == booth.id,
                Alert.kind == AlertKind.CLOSING_SOON.value,
                Alert.raised_at >= span.ends_at - CLOSING_NOTICE,
            )
        )
    )
    return None if told or not await _somebody_there(db, booth.id, now) else span.ends_at


async def _somebody_there(db: AsyncSession, booth_id: UUID, now: datetime) -> bool:
    states = [state.value for state in AT_THE_BOOTH]
    served = await db.scalar(select(exists().where(Visit.booth_id == booth_id, Visit.state.in_(states))))
    return bool(served) or any(one.status in PRESENT for one in await waiting_at(db, booth_id, now))


async def _closings_over(db: AsyncSession, now: datetime) -> list[UUID]:
    """Return the booths whose warning stands though everybody has gone, or the day is over."""
    rows = await db.scalars(
        select(Alert).where(Alert.kind == AlertKind.CLOSING_SOON.value, Alert.settled_at.is_(None)).limit(ALERTS_KEPT)
    )
    return [
        alert.booth_id
        for alert in rows
        if local_day(alert.raised_at) != local_day(now) or not await _somebody_there(db, alert.booth_id, now)
    ]


def _tell(db: AsyncSession, town_hall_id: UUID, visit_id: UUID | None) -> None:
    publish(db, f"town_hall:{town_hall_id}", "alerts")
    if visit_id is not None:
        publish(db, f"visit:{visit_id}", "alerts")
