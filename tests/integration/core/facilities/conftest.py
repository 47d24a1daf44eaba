"""A squash court and a hall with their doors and tariffs, and a family that may reserve them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Assurance, PointKind
from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.database import Database
from cvq_core.facilities.manage import NewFacility, add_facility
from cvq_core.facilities.rules import Span, civil_span
from cvq_core.facilities.service import Doing, Wish, cancel, reserve
from cvq_core.facilities.tables import Reservation
from cvq_core.facilities.terms import BookerKind, BookerRule, Opening, Terms
from cvq_core.ids import new_id
from cvq_core.jobs.tables import Job
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.tables import Wallet
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Commune
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.settings import Settings
from cvq_core.tariffs.store import Official, adopt, propose
from tests.core_examples import LONG_AGO, NOW, TODAY, create_family, create_member, create_wallet

LONG_AGO_AT = datetime(2020, 1, 1, 8, tzinfo=UTC)
BY = Official(None, "Conseil communautaire")
TOMORROW = TODAY + timedelta(days=1)
SQUASH = """
service: squash
titre: Squash
décision: Délibération n° 1
prestations:
  - code: slot
    nom: Créneau de 40 minutes
    unité: période
    prix:
      - montant: 7,00 €
"""
HALLS = """
service: salles
titre: Salles
décision: Délibération n° 2
prestations:
  - code: day
    nom: La journée
    unité: période
    prix:
      - pour: {habitation: territoire}
        montant: 180 €
      - montant: 260 €
  - code: hour
    nom: L’heure
    unité: heure
    prix:
      - montant: 12 €
"""
COURT_TERMS = Terms(
    openings=(Opening(0b1111111, time(8), time(22)),),
    rules=(
        BookerRule(BookerKind.SUBSCRIBER, days_ahead=30, standing_max=4),
        BookerRule(BookerKind.INHABITANT, days_ahead=14, standing_max=2, price_item="slot", late_refund_percent=50),
    ),
    slot_minutes=40,
)
HALL_TERMS = Terms(
    openings=(Opening(0b1111111, time(8), time(4)),),
    rules=(
        BookerRule(
            BookerKind.INHABITANT,
            days_ahead=365,
            standing_max=2,
            cancel_hours=15 * 24,
            late_refund_percent=50,
            price_item="day",
            deposit_cents=30000,
        ),
    ),
    minutes_before=60,
    minutes_after=30,
    minutes_max=30 * 60,
)


@dataclass(slots=True)
class Ground:
    """The database, the two facilities, and a family of Le Tallud with money in its wallets."""

    database: Database
    settings: Settings
    ids: dict[str, UUID] = field(default_factory=dict)

    def doing(self, db: AsyncSession, now: datetime = NOW) -> Doing:
        return Doing(db, self.settings, SYSTEM, now)

    def wish(self, span: Span, **other: Any) -> Wish:
        """Jeanne's wish for the court."""
        asked = Wish(new_id(), self.ids["court"], span, self.ids["jeanne"], self.ids["family"])
        return replace(asked, **other)

    async def reserve(self, wish: Wish, now: datetime = NOW) -> Reservation:
        async with self.database.write() as db:
            return await reserve(self.doing(db, now), wish)

    async def cancel(self, reservation_id: UUID, now: datetime = NOW, **how: Any) -> Reservation:
        async with self.database.write() as db:
            return await cancel(self.doing(db, now), reservation_id, **how)

    async def balance(self, service: ServiceCode = ServiceCode.SQUASH) -> int:
        async with self.database.read() as db:
            wanted = select(Wallet.balance_cents).where(
                Wallet.family_account_id == self.ids["family"], Wallet.service_code == service
            )
            return (await db.scalars(wanted)).one()

    async def rights(self) -> list[Entitlement]:
        async with self.database.read() as db:
            return list(await db.scalars(select(Entitlement).order_by(Entitlement.valid_from)))

    async def reservation(self, reservation_id: UUID) -> Reservation:
        async with self.database.read() as db:
            return await db.get_one(Reservation, reservation_id)

    async def mails(self) -> list[dict[str, str]]:
        async with self.database.read() as db:
            jobs = await db.scalars(select(Job).where(Job.kind == "send-mail").order_by(Job.id))
            return [job.payload for job in jobs]


def slot(day: date, begins: time, minutes: int = 40) -> Span:
    start = civil_span(day, begins, time(0)).starts_at
    return Span(start, start + timedelta(minutes=minutes))


async def add_person(
    ground: Ground, name: str, number: str, *, cents: int = 10000, email: str | None = None
) -> tuple[UUID, UUID]:
    """Somebody of Le Tallud with an account of their own and money for both services; return person and account."""
    async with ground.database.write() as db:
        family = await create_family(db, number, name)
        person = await create_member(db, family.id, name, FamilyRole.GUARDIAN)
        person.commune_insee, person.email = "79322", email
        await create_wallet(db, family.id, ServiceCode.SQUASH, cents=cents)
        await create_wallet(db, family.id, ServiceCode.HALL, cents=cents)
    return person.id, family.id


async def make_ground(ground: Ground) -> None:
    async with ground.database.write() as db:
        db.add(Commune(insee="79322", name="Le Tallud", postcode="79200", in_territory=True))
        await add_service(db, ServiceCode.SQUASH, service_id=new_id(), policy=FundingPolicy.REFUSE, valid_from=LONG_AGO)
        await add_service(db, ServiceCode.HALL, service_id=new_id(), policy=FundingPolicy.BILLED, valid_from=LONG_AGO)
        for service, text in ((ServiceCode.SQUASH, SQUASH), (ServiceCode.HALL, HALLS)):
            version = await propose(db, new_id(), service=service, text=text, by=BY, now=LONG_AGO_AT)
            await adopt(db, version.id, valid_from=date(2020, 1, 2), by=BY, now=LONG_AGO_AT)
        for code, service in (("squash", ServiceCode.SQUASH), ("salle", ServiceCode.HALL)):
            ground.ids[code] = new_id()
            db.add(
                AccessPoint(
                    id=ground.ids[code],
                    code=code,
                    label="Porte",
                    site="Salle de squash",
                    kind=PointKind.DOOR,
                    service_code=service,
                    assurance=Assurance.UID,
                )
            )
        await db.flush()
        made = (("court", "Court 1", ServiceCode.SQUASH, "squash", COURT_TERMS),)
        made += (("hall", "Salle des fêtes", ServiceCode.HALL, "salle", HALL_TERMS),)
        for code, label, service, point, terms in made:
            ground.ids[code] = new_id()
            asked = NewFacility(
                ground.ids[code], code, label, service, "Le Tallud", "2 rue du Stade", (ground.ids[point],)
            )
            await add_facility(ground.doing(db, LONG_AGO_AT), asked, new_id(), terms)


@pytest.fixture
async def ground(database: Database, tmp_path: Path) -> Ground:
    settings = Settings(database_url="sqlite:///never", smtp_url="smtp://127.0.0.1:9", data_dir=tmp_path)
    ground = Ground(database, settings)
    await make_ground(ground)
    ground.ids["jeanne"], ground.ids["family"] = await add_person(
        ground, "Jeanne", "F00001", email="jeanne@example.org"
    )
    return ground
