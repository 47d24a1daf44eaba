"""A reservation as papers: its slip, its calendar entry, and when it may still be cancelled for nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.facilities.calendar_file import facility_ics, reservation_ics
from cvq_core.facilities.rules import Span, admission
from cvq_core.facilities.slip_pdf import ReservationSlip, reservation_slip_pdf
from cvq_core.facilities.store import Held, closures_to_come, points_of, reservations_between, terms_by_id
from cvq_core.facilities.tables import Facility

FEED_BEFORE, FEED_AFTER = timedelta(days=7), timedelta(days=180)


async def slip_of(db: AsyncSession, held: Held, *, language: str) -> bytes:
    """Return a reservation's slip as a PDF."""
    reservation, facility = held.reservation, held.facility
    terms = await terms_by_id(db, reservation.terms_id)
    rule = terms.rule(reservation.booker_kind)
    opens = admission(terms, held.span)
    until = reservation.starts_at - timedelta(hours=rule.cancel_hours if rule else 0)
    slip = ReservationSlip(
        label=facility.label,
        site=facility.site,
        address=facility.address,
        starts_at=reservation.starts_at,
        ends_at=reservation.ends_at,
        opens_from=opens.starts_at,
        opens_until=opens.ends_at,
        has_door=bool(await points_of(db, facility.id)),
        how_to_enter=terms.how_to_enter,
        price_cents=reservation.price_cents,
        deposit_cents=reservation.deposit_cents,
        cancel_until=until if until > reservation.asked_at else None,
        language=language,
    )
    return reservation_slip_pdf(slip)


async def ics_of(db: AsyncSession, held: Held, *, now: datetime, language: str) -> bytes:
    """Return a reservation as a calendar to import."""
    terms = await terms_by_id(db, held.reservation.terms_id)
    return reservation_ics(held, how_to_enter=terms.how_to_enter, now=now, language=language)


async def feed_of(db: AsyncSession, facility: Facility, *, now: datetime, language: str) -> bytes:
    """Return a facility's calendar: last week and half a year ahead, and nobody's name."""
    span = Span(now - FEED_BEFORE, now + FEED_AFTER)
    taken = await reservations_between(db, facility.id, span)
    closures = await closures_to_come(db, facility.id, now)
    return facility_ics(facility, taken, closures, now=now, language=language)
