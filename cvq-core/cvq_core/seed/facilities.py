"""Two squash courts and three halls to reserve, and what somebody has reserved of them these days.

Made by the same functions as everywhere else, beside the territory's own tables: what is reserved hangs on the day.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import RightKind
from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.clock import local_day
from cvq_core.facilities.manage import NewFacility, add_facility
from cvq_core.facilities.rules import Span, civil_span
from cvq_core.facilities.service import Doing, Wish, reserve
from cvq_core.facilities.terms import BookerKind, BookerRule, Opening, Terms
from cvq_core.journal.store import SYSTEM
from cvq_core.people.tables import Commune, Person
from cvq_core.services.rules import ServiceCode
from cvq_core.settings import Settings

_NAMESPACE = UUID("6f2f0a58-54f0-4c49-9f4e-2a4a8f0c9b1d")
EVERY_DAY = 0b1111111
EVENINGS = (time(18), time(19, 20), time(20))
COURT = Terms(
    openings=(Opening(EVERY_DAY, time(8), time(22, 40)),),
    rules=(
        BookerRule(BookerKind.SUBSCRIBER, days_ahead=21, standing_max=4),
        BookerRule(BookerKind.INHABITANT, days_ahead=7, standing_max=2, price_item="slot", late_refund_percent=50),
    ),
    slot_minutes=40,
    closed_on_holidays=False,
)
HALL = Terms(
    openings=(Opening(EVERY_DAY, time(8), time(4)),),
    rules=(
        BookerRule(BookerKind.ASSOCIATION, days_ahead=365, standing_max=12, cancel_hours=7 * 24),
        BookerRule(
            BookerKind.INHABITANT,
            days_ahead=365,
            standing_max=2,
            cancel_hours=15 * 24,
            late_refund_percent=50,
            price_item="day",
            deposit_cents=30000,
        ),
        BookerRule(
            BookerKind.OUTSIDER,
            days_ahead=180,
            standing_max=1,
            cancel_hours=30 * 24,
            price_item="day",
            deposit_cents=50000,
        ),
    ),
    minutes_max=44 * 60,
    minutes_before=60,
    minutes_after=30,
    closed_on_holidays=False,
    how_to_enter="Le tableau électrique est à gauche de l’entrée.",
)
MEETING_ROOM = Terms(
    openings=(Opening(EVERY_DAY, time(8), time(22)),),
    rules=(
        BookerRule(BookerKind.ASSOCIATION, days_ahead=180, standing_max=12, cancel_hours=2),
        BookerRule(BookerKind.INHABITANT, days_ahead=60, standing_max=2, cancel_hours=2),
    ),
    minutes_max=4 * 60,
)
FACILITIES = (
    ("court-1", "Court 1", ServiceCode.SQUASH, "Salle de squash", "squash", COURT),
    ("court-2", "Court 2", ServiceCode.SQUASH, "Salle de squash", "squash", COURT),
    ("salle-loges", "Grande salle", ServiceCode.HALL, "Domaine des Loges", "salle-loges", HALL),
    ("salle-tallud", "Salle des fêtes", ServiceCode.HALL, "Le Tallud", "salle-tallud", HALL),
    ("salle-reunion", "Salle de réunion", ServiceCode.HALL, "Le Tallud", "salle-tallud", MEETING_ROOM),
)
"""Code, name, service, where, the door's code, and how it is reserved."""


def facility_id(code: str) -> UUID:
    """Return the id of a made-up facility."""
    return uuid5(_NAMESPACE, code)


async def seed_facilities(db: AsyncSession, *, now: datetime, with_reservations: bool) -> None:
    """Write the facilities; with reservations, those of a few subscribers and inhabitants, who pay nothing."""
    # Nobody is told: these people are invented, and their addresses too.
    doing = Doing(db, Settings(smtp_url=None), SYSTEM, now)
    doors = {point.code: point.id for point in await db.scalars(select(AccessPoint))}
    for code, label, service, site, door, terms in FACILITIES:
        asked = NewFacility(facility_id(code), code, label, service, site, "", (doors[door],))
        await add_facility(doing, asked, uuid5(asked.id, "terms"), terms)
    if with_reservations:
        await _reserve_some(doing)


async def _reserve_some(doing: Doing) -> None:
    """Reserve evenings at both courts, and two meetings, in the days to come."""
    players = await doing.db.scalars(
        select(Entitlement.person_id)
        .where(Entitlement.service_code == ServiceCode.SQUASH, Entitlement.kind == RightKind.SUBSCRIPTION)
        .order_by(Entitlement.id)
        .limit(4)
    )
    today = local_day(doing.now)
    for number, person_id in enumerate(players.all()):
        assert person_id is not None, "people subscribe to squash, not households"
        for offset, hour in enumerate(EVENINGS):
            begins = civil_span(today + timedelta(days=2 + offset + number), hour, time(23)).starts_at
            court = facility_id(f"court-{1 + (number + offset) % 2}")
            await _reserve(doing, court, Span(begins, begins + timedelta(minutes=40)), person_id)
    neighbours = await doing.db.scalars(
        select(Person.id)
        .join(Commune, Commune.insee == Person.commune_insee)
        .where(Commune.in_territory, Person.deceased_on.is_(None), Person.birth_date < today - timedelta(days=9000))
        .order_by(Person.search_key.desc(), Person.id)
        .limit(2)
    )
    for number, person_id in enumerate(neighbours.all()):
        span = civil_span(today + timedelta(days=3 + number), time(14), time(16))
        await _reserve(doing, facility_id("salle-reunion"), span, person_id)


async def _reserve(doing: Doing, where: UUID, span: Span, person_id: UUID) -> None:
    key = uuid5(where, f"{span.starts_at.isoformat()} {person_id}")
    await reserve(doing, Wish(key, where, span, person_id))
