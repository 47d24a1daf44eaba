"""What screen 2 shows of a time that is reserved in a visit: what, when, where and how much, and nobody's name."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.facilities.rules import ReservationState
from cvq_core.facilities.tables import Facility, Reservation
from cvq_core.text import hour, long_date, money
from cvq_desk.visits.tables import Visit
from cvq_desk.wire import BookingState, BookingView

BOOKING_PAGE = "booking"
"""What `Visit.shown` is while screen 2 shows what was reserved."""

_SHOWN = {
    ReservationState.BOOKED: BookingState.BOOKED,
    ReservationState.WAITING: BookingState.WAITING,
    ReservationState.OFFERED: BookingState.WAITING,
}


async def booking_view(db: AsyncSession, visit: Visit, *, language: str) -> BookingView | None:
    """Return what was reserved last in a visit while that is the page to show; nothing when there is none."""
    if visit.shown != BOOKING_PAGE:
        return None
    row = (
        await db.execute(
            select(Reservation, Facility)
            .join(Facility, Facility.id == Reservation.facility_id)
            .where(Reservation.visit_id == visit.id)
            .order_by(Reservation.asked_at.desc(), Reservation.id.desc())
            .limit(1)
        )
    ).first()
    if row is None:
        return None
    made, facility = row
    state = _SHOWN.get(made.state, BookingState.GIVEN_UP)
    cents = made.refunded_cents if state is BookingState.GIVEN_UP else made.price_cents
    return BookingView(
        state=state,
        place=facility.label,
        site=facility.site,
        day=long_date(local_day(made.starts_at), language, with_year=False),
        begins=hour(made.starts_at, language),
        ends=hour(made.ends_at, language),
        price=money(cents, language) if cents else "",
    )
