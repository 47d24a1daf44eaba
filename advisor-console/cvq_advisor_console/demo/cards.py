"""Cards under way in the demonstration: a stock of blanks, handed on to the village, and two batches of its."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.life import By
from cvq_core.cards.making import NewBatch, mark_printed, orders_of, plan_batch, take_blank
from cvq_core.cards.making_rules import Wanted
from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import Card
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.inactive_values.rules import Holder, Span, Whereabouts
from cvq_core.inactive_values.service import create_kind, receive, transfer
from cvq_core.journal.store import Actor
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import CashOffice, SubOffice
from cvq_core.people.tables import Person
from cvq_core.staff.tables import Staff

VILLAGE, HEADQUARTERS = "CVQ-TALLUD", "CVQ-SIEGE"
MADE, OFFICER = "martine", "benoit"
BLANKS, AT_THE_VILLAGE = 500, 100
WITHOUT_CARD = 6
UID = "04D00000000001"


async def begin_batch(database: Database, now: datetime) -> None:
    """Put two batches of the village's secretary under way: cards to print, to encode, and one to hand over."""
    async with database.write() as db:
        village, siege = await _place(db, VILLAGE), await _place(db, HEADQUARTERS)
        martine, benoit = await _officer(db, MADE), await _officer(db, OFFICER)
        kind_id = await _stock(db, siege, village, benoit, now)
        by = By(Actor("staff", martine.staff_id, martine.name), now)
        people = await _without_card(db, now.date())
        first, later = people[: WITHOUT_CARD - 2], people[WITHOUT_CARD - 2 :]
        batch = NewBatch(new_id(), village.id, kind_id, "Nouveaux habitants", tuple(map(Wanted, first)))
        await plan_batch(db, batch, martine, by)
        await mark_printed(db, batch.id, martine, by, up_to=len(first))
        orders = [order for order, _ in await orders_of(db, batch.id)]
        await take_blank(db, orders[0], UID, by)
        if later:
            wanted = tuple(map(Wanted, later))
            await plan_batch(db, NewBatch(new_id(), village.id, kind_id, "Inscriptions du jour", wanted), martine, by)


async def _stock(db: AsyncSession, siege: SubOffice, village: SubOffice, officer: Officer, now: datetime) -> UUID:
    office = await db.get_one(CashOffice, siege.office_id)
    kind = await create_kind(
        db,
        new_id(),
        office=office,
        code="CARTE",
        label="Carte vierge",
        face_cents=100,
        service=None,
        officer=officer,
        now=now,
    )
    await receive(
        db,
        key=new_id(),
        kind_id=kind.id,
        span=Span(1, BLANKS),
        place_id=siege.id,
        reason="Bordereau du comptable",
        officer=officer,
        now=now,
    )
    await transfer(
        db,
        key=new_id(),
        kind_id=kind.id,
        span=Span(1, AT_THE_VILLAGE),
        source=Holder(Whereabouts.PLACE, siege.id),
        target=Holder(Whereabouts.PLACE, village.id),
        reason="Dotation de la mairie",
        officer=officer,
        now=now,
    )
    return kind.id


async def _place(db: AsyncSession, code: str) -> SubOffice:
    return (await db.scalars(select(SubOffice).where(SubOffice.code == code))).one()


async def _officer(db: AsyncSession, login: str) -> Officer:
    staff = (await db.scalars(select(Staff).where(Staff.login == login))).one()
    return Officer(staff.id, staff.display_name)


async def _without_card(db: AsyncSession, today: date) -> list[UUID]:
    """Return some grown people who have no card yet."""
    grown = today.replace(year=today.year - 18, day=min(today.day, 28))
    rows = await db.scalars(
        select(Person.id)
        .where(
            Person.deceased_on.is_(None),
            Person.birth_date < grown,
            Person.id.not_in(select(Card.person_id).where(Card.status != CardStatus.REPLACED)),
        )
        .order_by(Person.id)
        .limit(WITHOUT_CARD)
    )
    return list(rows)
