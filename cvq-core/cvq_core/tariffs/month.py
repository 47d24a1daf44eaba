"""A month's attendance to try a tariff on: what was noted, or what enrolments make likely where nothing was noted.

The likely month is drawn from who is enrolled and from a digest of person, service and day, so that it is the same
each time. It is made when it is asked for and stored nowhere: invented presences beside real ones would one day be
billed. As soon as a service has one real presence in the month, only the real ones count.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import EVERY_DAY, AttendanceStatus, RightKind
from cvq_core.access.tables import AccessPoint, Attendance, Entitlement
from cvq_core.clock import local_day
from cvq_core.people.store import in_force
from cvq_core.people.tables import Membership
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.census import Census
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


@dataclass(frozen=True, slots=True)
class _Right:
    """Why and when somebody may come, and the item that is then used."""

    person_id: UUID
    is_professional: bool
    item: str
    first: date
    last: date
    weekdays: int


def month_before(day: date) -> tuple[date, date]:
    """Return the first and the last day of the calendar month before a day's."""
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


async def month_of(db: AsyncSession, tariff: Tariff, first: date, last: date) -> Month:
    """Return the uses of a tariff's service in a month, with people as they were on its last day."""
    people = _concerned(tariff.service, first, last)
    payers = await _payers(db, tariff.service, people, last)
    came = await _noted(db, tariff, payers, first, last)
    rights = [] if came else await _rights(db, tariff)
    census = await census_of(db, last, people=people, account_ids=set(payers.values()))
    # A territory has some 80,000 meals a month: others are answered meanwhile.
    uses = await asyncio.to_thread(lambda: _counted(came or list(_likely(tariff, rights, payers, first, last)), census))
    return Month(first, last, bool(came), uses)


def _counted(came: Sequence[_Came], census: Census) -> tuple[Use, ...]:
    return tuple(
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
        for each, times in Counter(came).items()
    )


def _concerned(service: ServiceCode, first: date, last: date) -> Select[UUID | None]:
    """Return the question who may come to a service, or came in the month."""
    entitled: Select[UUID | None] = select(Entitlement.person_id).where(
        Entitlement.service_code == service, Entitlement.person_id.is_not(None)
    )
    came = select(Attendance.person_id).where(Attendance.service_code == service, Attendance.day.between(first, last))
    return select(entitled.union(came).subquery().c.person_id)


async def _payers(db: AsyncSession, service: ServiceCode, people: Select[UUID | None], on: date) -> dict[UUID, UUID]:
    """Return whose account pays for each person at a service: the enrolment's payer, else their own family."""
    rows = await db.execute(
        select(Membership.person_id, Membership.account_id)
        .where(in_force(on), Membership.person_id.in_(people))
        .order_by(Membership.account_id.desc())
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


async def _rights(db: AsyncSession, tariff: Tariff) -> list[_Right]:
    points: dict[UUID | None, str] = {}
    for point, code in await db.execute(
        select(AccessPoint.id, AccessPoint.price_code).where(AccessPoint.service_code == tariff.service)
    ):
        if code is not None:
            points[point] = code
    usual = Counter(points.values()).most_common(1)[0][0] if points else tariff.items[0].code
    rows = await db.execute(
        select(
            Entitlement.person_id,
            Entitlement.kind,
            Entitlement.point_id,
            Entitlement.valid_from,
            Entitlement.valid_until,
            Entitlement.weekdays,
        )
        .where(Entitlement.service_code == tariff.service, Entitlement.person_id.is_not(None))
        .order_by(Entitlement.id)
    )
    return [
        _Right(
            person,
            kind is RightKind.PROFESSIONAL,
            points.get(point, usual),
            local_day(begins),
            # A right's end is the instant at which it no longer holds: the day before is its last.
            local_day(ends) - timedelta(days=1) if ends else date.max,
            weekdays,
        )
        for person, kind, point, begins, ends, weekdays in rows
        if person is not None
    ]


def _likely(
    tariff: Tariff, rights: Iterable[_Right], payers: dict[UUID, UUID], first: date, last: date
) -> Iterable[_Came]:
    habit, categories = HABITS.get(tariff.service, USUAL), _categories(tariff)
    came: dict[tuple[UUID, date], _Came] = {}
    for right in rights:
        if right.person_id not in payers:
            continue
        for day, dice in _days_of(right, tariff.service, habit, first, last):
            came[right.person_id, day] = _Came(
                right.person_id,
                payers[right.person_id],
                right.item,
                habit.quantities[dice[4] % len(habit.quantities)],
                UserKind.PROFESSIONAL if right.is_professional else UserKind.HOUSEHOLD,
                categories[dice[5] % len(categories)] if right.is_professional else None,
            )
    return came.values()


def _days_of(
    right: _Right, service: ServiceCode, habit: Habit, first: date, last: date
) -> Iterator[tuple[date, bytes]]:
    """Yield the days on which somebody came, each with the digest that decided."""
    day, ends = max(first, right.first), min(last, right.last)
    while day <= ends:
        if habit.weekdays & right.weekdays & 1 << day.weekday():
            dice = hashlib.sha256(f"{right.person_id}|{service}|{day}".encode()).digest()
            if int.from_bytes(dice[:4]) / 2**32 < habit.chance:
                yield day, dice
        day += timedelta(days=1)


def _categories(tariff: Tariff) -> list[str | None]:
    named = {case.conditions.category for item in tariff.items for case in item.cases}
    return [None, *sorted(name for name in named if name)]
