"""What the months are lived on: a seeded territory, people at its counters, and a clock that the months move."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import RightKind
from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import Card
from cvq_core.clock import PARIS
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.ledger.revenue import revenue_accounts
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import Wallet
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.store import act_of, appoint, sub_office_by_id
from cvq_core.offices.tables import SubOffice
from cvq_core.payments.store import online_accounts
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Membership
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.store import add_staff

POOL_POINTS = ("piscine-gatineo-1", "piscine-gatineo-2", "piscine-saint-aubin")


class Calendar:
    """A clock that stands until the months move it."""

    def __init__(self, day: date) -> None:
        self.now = at(day, 7)

    def __call__(self) -> datetime:
        """Return the instant that it shows."""
        return self.now


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """Return an instant of a civil day."""
    return datetime.combine(day, time(hour, minute), PARIS).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Counter:
    """A place with its mandatary, the wallets whose service its act names, and the means that it takes."""

    place: SubOffice
    officer: Officer
    wallets: tuple[UUID, ...]
    means: tuple[Means, ...]


@dataclass(slots=True)
class Ground:
    """Who eats where, who swims, who pays where. `chance` draws everything."""

    database: Database
    calendar: Calendar
    chance: random.Random
    counters: list[Counter]
    main: Counter
    enrolled: list[tuple[UUID, UUID, int]]
    """Person, canteen's tablet, weekdays as bits."""
    swimmers: list[str]
    turnstiles: list[UUID]
    families: list[UUID]
    revenue: dict[ServiceCode, UUID]
    online: UUID
    """The account of online payments under way."""


async def prepare_ground(database: Database, first: date, seed: int) -> Ground:
    """Put people at the counters of a seeded territory and look who eats and swims there."""
    calendar, chance = Calendar(first), random.Random(f"months-{seed}")  # noqa: S311 - made-up days
    async with database.write() as db:
        by_service = await _wallets(db)
        counters = await _counters(db, by_service, first, calendar.now)
        main = next(each for each in counters if each.place.is_main)
        return Ground(
            database=database,
            calendar=calendar,
            chance=chance,
            counters=counters,
            main=main,
            enrolled=await _enrolled(db),
            swimmers=await _swimmers(db),
            turnstiles=list(await db.scalars(select(AccessPoint.id).where(AccessPoint.code.in_(POOL_POINTS)))),
            families=sorted(await _families(db)),
            revenue=await revenue_accounts(db, set(ServiceCode), calendar.now),
            online=(await online_accounts(db, main.place, calendar.now))[AccountKind.ONLINE_PAYMENTS],
        )


async def _wallets(db: AsyncSession) -> dict[ServiceCode, list[UUID]]:
    found: dict[ServiceCode, list[UUID]] = {}
    for wallet, service in await db.execute(select(Wallet.id, Wallet.service_code).order_by(Wallet.id)):
        found.setdefault(service, []).append(wallet)
    return found


async def _families(db: AsyncSession) -> Sequence[UUID]:
    wanted = select(Wallet.family_account_id).where(Wallet.service_code == ServiceCode.CANTEEN).distinct()
    return (await db.scalars(wanted)).all()


async def _counters(
    db: AsyncSession, wallets: dict[ServiceCode, list[UUID]], first: date, now: datetime
) -> list[Counter]:
    """Appoint somebody at every place, the officer at the office's own."""
    counters = []
    for number, place in enumerate(await db.scalars(select(SubOffice).order_by(SubOffice.code))):
        staff = await add_staff(
            db,
            login=f"mois-{number}",
            display_name=f"Agent {number}",
            password="",
            password_hash="-",  # noqa: S106 - no password has this hash: nobody signs in
            now=now,
        )
        await db.flush()
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=staff.id,
            sub_office_id=place.id,
            title=MandateTitle.OFFICER if place.is_main else MandateTitle.MANDATARY,
            valid_from=first,
        )
        act = await act_of(db, *(await sub_office_by_id(db, place.id, first)), first)
        mine = tuple(wallet for service in sorted(act.services) for wallet in wallets.get(service, ()))
        means = tuple(means for means in (Means.CASH, Means.CHEQUE, Means.CARD) if means in act.means)
        counters.append(Counter(place, Officer(staff.id, staff.display_name), mine, means))
    return counters


async def _enrolled(db: AsyncSession) -> list[tuple[UUID, UUID, int]]:
    rows = await db.execute(
        select(Entitlement.person_id, Entitlement.point_id, Entitlement.weekdays)
        .where(
            Entitlement.kind == RightKind.ENROLMENT,
            Entitlement.service_code == ServiceCode.CANTEEN,
            Entitlement.person_id.is_not(None),
            Entitlement.point_id.is_not(None),
        )
        .order_by(Entitlement.id)
    )
    return [(person, point, weekdays) for person, point, weekdays in rows if person and point]


async def _swimmers(db: AsyncSession) -> list[str]:
    """Return the cards of guardians whose family has a wallet for the pool."""
    rows = await db.scalars(
        select(Card.uid)
        .join(Membership, Membership.person_id == Card.person_id)
        .join(Wallet, Wallet.family_account_id == Membership.account_id)
        .where(
            Card.status == CardStatus.ACTIVE,
            Membership.role == FamilyRole.GUARDIAN,
            Wallet.service_code == ServiceCode.POOL,
        )
        .distinct()
        .order_by(Card.uid)
    )
    return list(rows)
