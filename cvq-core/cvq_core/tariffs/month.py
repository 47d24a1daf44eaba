"""A month's attendance to try a tariff on: what was noted, or what enrolments make likely where nothing was noted.

The likely month is drawn from who is enrolled and from a digest of person, service and day, so that it is the same
each time. It is made when it is asked for and stored nowhere: invented presences beside real ones would one day be
billed. As soon as a service has one real presence in the month, only the real ones count.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import EVERY_DAY, AttendanceStatus, RightKind
from cvq_core.access.tables import AccessPoint, Attendance, Entitlement
from cvq_core.clock import local_day
from cvq_core.people.store import in_force
from cvq_core.people.tables import Membership
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.people import census_of
from cvq_core.tariffs.rules import Tariff, UserKind
from cvq_core.tariffs.simulation import Use

WEDNESDAYS = 0b0000100
WORKING_DAYS = 0b0011111
_HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Habit:
    """How often somebody who is enrolled comes on a day on which they may, and how much they use then."""

    chance: float
    quantities: tuple[Fraction, ...] = (Fraction(1),)
    weekdays: int = EVERY_DAY


HABITS: dict[ServiceCode, Habit] = {
    ServiceCode.CANTEEN: Habit(0.92),
    ServiceCode.AFTER_SCHOOL: Habit(0.7, (_HALF, Fraction(1), 3 * _HALF, Fraction(2))),
    ServiceCode.CRECHE: Habit(0.9, (Fraction(4), Fraction(8), Fraction(9)), WORKING_DAYS),
    ServiceCode.LEISURE_CENTRE: Habit(0.8, weekdays=WEDNESDAYS),
    ServiceCode.POOL: Habit(0.12),
    ServiceCode.WASTE_CENTRE: Habit(0.1, (Fraction(1), Fraction(2), 5 * _HALF), WORKING_DAYS),
}
USUAL = Habit(0.1)


@dataclass(frozen=True, slots=True)
class Month:
    """A month's uses; `is_real` when they were noted by the service."""

    first: date
    last: date
    is_real: bool
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class _Came:
    """That a person came on some day, and whose account pays."""

    person_id: UUID
    account_id: UUID
    item: str
    quantity: Fraction = Fraction(1)
    user: UserKind = UserKind.HOUSEHOLD
    category: str | None = None


def month_before(day: date) -> tuple[date, date]:
    """Return the first and the last day of the calendar month before a day's."""
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


async def month_of(db: AsyncSession, tariff: Tariff, first: date, last: date) -> Month:
    """Return the uses of a tariff's service in a month, with people as they were on its last day."""
    payers = await _payers(db, tariff.service, last)
    came = await _noted(db, tariff, payers, first, last)
    is_real = bool(came)
    if not is_real:
        came = await _likely(db, tariff, payers, first, last)
    census = await census_of(db, last)
    counted = Counter(came)
    uses = tuple(
        Use(
            each.account_id,
            census.facts(
                each.person_id,
                each.account_id,
                item=each.item,
                quantity=each.quantity,
                user=each.user,
                category=each.category,
            ),
            times,
        )
        for each, times in counted.items()
    )
    return Month(first, last, is_real, uses)


async def _payers(db: AsyncSession, service: ServiceCode, on: date) -> dict[UUID, UUID]:
    """Return whose account pays for each person at a service: the enrolment's payer, else their own family."""
    rows = await db.execute(
        select(Membership.person_id, Membership.account_id).where(in_force(on)).order_by(Membership.account_id.desc())
    )
    payers: dict[UUID, UUID] = dict(iter(rows))
    enrolled = await db.execute(
        select(Entitlement.person_id, Entitlement.payer_account_id).where(
            Entitlement.service_code == service,
            Entitlement.person_id.is_not(None),
            Entitlement.payer_account_id.is_not(None),
        )
    )
    payers.update({person: payer for person, payer in enrolled if person and payer})
    return payers


async def _noted(db: AsyncSession, tariff: Tariff, payers: dict[UUID, UUID], first: date, last: date) -> list[_Came]:
    rows = await db.execute(
        select(Attendance.person_id, AccessPoint.price_code)
        .join(AccessPoint, AccessPoint.id == Attendance.point_id)
        .where(
            Attendance.service_code == tariff.service,
            Attendance.day.between(first, last),
            Attendance.status == AttendanceStatus.PRESENT,
        )
    )
    usual = tariff.items[0].code
    return [_Came(person, payers[person], code or usual) for person, code in rows if person in payers]


async def _likely(db: AsyncSession, tariff: Tariff, payers: dict[UUID, UUID], first: date, last: date) -> list[_Came]:
    points: dict[UUID | None, str] = {}
    for point, code in await db.execute(
        select(AccessPoint.id, AccessPoint.price_code).where(AccessPoint.service_code == tariff.service)
    ):
        if code is not None:
            points[point] = code
    usual = Counter(points.values()).most_common(1)[0][0] if points else tariff.items[0].code
    habit, categories = HABITS.get(tariff.service, USUAL), _categories(tariff)
    rights = await db.scalars(
        select(Entitlement)
        .where(Entitlement.service_code == tariff.service, Entitlement.person_id.is_not(None))
        .order_by(Entitlement.id)
    )
    came: dict[tuple[UUID, date], _Came] = {}
    for right in rights:
        person = right.person_id
        if person is None or person not in payers:
            continue
        is_professional = right.kind is RightKind.PROFESSIONAL
        for day, dice in _days_of(right, person, habit, first, last):
            came[person, day] = _Came(
                person,
                payers[person],
                points.get(right.point_id, usual),
                habit.quantities[dice[4] % len(habit.quantities)],
                UserKind.PROFESSIONAL if is_professional else UserKind.HOUSEHOLD,
                categories[dice[5] % len(categories)] if is_professional else None,
            )
    return list(came.values())


def _days_of(
    right: Entitlement, person_id: UUID, habit: Habit, first: date, last: date
) -> Iterator[tuple[date, bytes]]:
    """Yield the days on which somebody came, each with the digest that decided."""
    day = max(first, local_day(right.valid_from))
    # A right's end is the instant at which it no longer holds: the day before is its last.
    ends = min(last, local_day(right.valid_until) - timedelta(days=1)) if right.valid_until else last
    while day <= ends:
        dice = hashlib.sha256(f"{person_id}|{right.service_code}|{day}".encode()).digest()
        allowed = habit.weekdays & right.weekdays & 1 << day.weekday()
        if allowed and int.from_bytes(dice[:4]) / 2**32 < habit.chance:
            yield day, dice
        day += timedelta(days=1)


def _categories(tariff: Tariff) -> list[str | None]:
    named = {case.conditions.category for item in tariff.items for case in item.cases}
    return [None, *sorted(name for name in named if name)]
