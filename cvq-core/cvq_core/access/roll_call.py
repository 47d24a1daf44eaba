"""The roll call at a canteen or an after-school tablet: who is expected today, who came, who did not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import AttendanceStatus, Manner, Right, RightKind
from cvq_core.access.rules import holds
from cvq_core.access.scene import UnknownPoint
from cvq_core.access.statements import RIGHT_COLUMNS
from cvq_core.access.tables import AccessPoint, Attendance, Entitlement
from cvq_core.cards.tablet_digests import digests_of
from cvq_core.clock import PARIS, local_day
from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.once import insert_once
from cvq_core.people.tables import Person
from cvq_core.public_holidays import holidays_around
from cvq_core.text import short_date

EXPECTED_MAX = 500
DAYS_AHEAD_MAX = 7
"""How far a tablet's lists go: a week without a network."""


class AlreadyPresent(Refusal):
    """Somebody who was noted present is not made absent at the reader: money may have moved."""

    slug = "already-present"
    message = N_("Cette personne est déjà notée présente aujourd’hui.")
    what_to_do = N_("Si c’est une erreur, demandez la correction au responsable du service.")


class NoListOfThatDay(BadInput):
    """A day that is over, or too far off."""

    slug = "no-list-of-that-day"
    message = N_("Il n’y a pas de liste de ce jour.")
    what_to_do = N_("Demandez une liste de la semaine qui vient.")


class NotExpected(NotFound):
    """Nobody is expected under this name here today."""

    slug = "not-expected"
    message = N_("Cette personne n’est pas attendue ici aujourd’hui.")
    what_to_do = N_("Rechargez la liste du jour.")


@dataclass(frozen=True, slots=True)
class Expected:
    """Somebody who is enrolled at a point and expected on this weekday.

    `told_apart` is the birth date in words where two have the same name, else empty. `status` None is not there yet.
    `cards` are digests of their cards for the tablet that asks (`cards.tablet_digests`).
    """

    person_id: UUID
    family_name: str
    given_name: str
    told_apart: str
    status: AttendanceStatus | None
    cards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RollCall:
    """The list of a day at one point."""

    point_id: UUID
    place: str
    day: date
    expected: list[Expected]


async def roll_call(
    db: AsyncSession, point_id: UUID, *, now: datetime, day: date | None = None, device_id: UUID | None = None
) -> RollCall:
    """Return who is expected at a point on a day (today unless said), by name; at most `EXPECTED_MAX`.

    The hours of an enrolment do not matter here: a child who eats at noon is on the list of the morning. `device_id`
    is the tablet that knows cards by its own digests; without one there are none.

    Raises:
        UnknownPoint: there is no such access point.
        NoListOfThatDay: it is over, or more than `DAYS_AHEAD_MAX` away.
    """
    point = await db.get(AccessPoint, point_id)
    if point is None:
        raise UnknownPoint
    today = day or local_day(now)
    if not local_day(now) <= today <= local_day(now) + timedelta(days=DAYS_AHEAD_MAX):
        raise NoListOfThatDay
    at = now if today == local_day(now) else datetime.combine(today, time(12), PARIS).astimezone(UTC)
    rows = await db.execute(
        select(
            Person.id,
            Person.usual_name,
            Person.family_name,
            Person.given_names,
            Person.birth_date,
            Attendance.status,
            *RIGHT_COLUMNS,
        )
        .join(Entitlement, Entitlement.person_id == Person.id)
        .outerjoin(
            Attendance,
            and_(
                Attendance.person_id == Person.id,
                Attendance.service_code == point.service_code,
                Attendance.day == today,
            ),
        )
        .where(
            Entitlement.point_id == point_id,
            Entitlement.kind == RightKind.ENROLMENT,
            Entitlement.valid_from <= at,
            Person.deceased_on.is_(None),
        )
        .order_by(Person.search_key, Person.id)
        .limit(EXPECTED_MAX)
    )
    found: dict[UUID, tuple[Expected, date | None]] = {}
    for person_id, usual_name, family_name, given_names, birth_date, status, *right in rows:
        if holds(Right(*right), at, at_any_hour=True, holidays=holidays_around(today)):
            given = given_names.split()[0] if given_names else ""
            found[person_id] = Expected(person_id, usual_name or family_name, given, "", status), birth_date
    names = Counter((each.given_name, each.family_name) for each, _ in found.values())
    cards = await digests_of(db, device_id, list(found), today) if device_id is not None else {}
    expected = [
        replace(
            each,
            told_apart=short_date(born) if born and names[each.given_name, each.family_name] > 1 else "",
            cards=cards.get(each.person_id, ()),
        )
        for each, born in found.values()
    ]
    return RollCall(point_id, point.site, today, expected)


async def note_absent(
    db: AsyncSession, point_id: UUID, person_id: UUID, *, now: datetime, day: date | None = None
) -> None:
    """Note that somebody who was expected did not come; twice is once, and a tap later the same day stands above it.

    A tablet without a network says the `day` afterwards: then who was expected is what its list of that day said.

    Raises:
        UnknownPoint: there is no such access point.
        NotExpected: this person is not on the list of the day.
        AlreadyPresent: they came.
    """
    point = await db.get(AccessPoint, point_id)
    if point is None:
        raise UnknownPoint
    today = local_day(now)
    of_day = today if day is None or day > today else day
    if of_day < today - timedelta(days=DAYS_AHEAD_MAX):
        raise NotExpected
    at = now if of_day == today else datetime.combine(of_day, time(12), PARIS).astimezone(UTC)
    if person_id not in {each.person_id for each in (await roll_call(db, point_id, now=at)).expected}:
        raise NotExpected
    row = {
        "person_id": person_id,
        "service_code": point.service_code,
        "day": of_day,
        "point_id": point_id,
        "status": AttendanceStatus.ABSENT,
        "manner": Manner.TICK,
        "noted_at": now,
        "tap_id": None,
        "amount_cents": 0,
        "owed_cents": 0,
        "transaction_id": None,
    }
    if not await insert_once(db, Attendance.__table__, row):
        status = await db.scalar(
            select(Attendance.status).where(
                Attendance.person_id == person_id,
                Attendance.service_code == point.service_code,
                Attendance.day == of_day,
            )
        )
        if status is AttendanceStatus.PRESENT:
            raise AlreadyPresent
