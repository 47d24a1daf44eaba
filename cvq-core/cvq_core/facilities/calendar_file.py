"""Reservations as calendars (RFC 5545): one for whoever reserved, and a facility's own, in which nobody is named."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event

from cvq_core.errors import N_
from cvq_core.facilities.rules import ReservationState
from cvq_core.facilities.store import Held
from cvq_core.facilities.tables import Facility, FacilityClosure
from cvq_core.text import translator

MEDIA_TYPE = "text/calendar"
TAKEN = N_("Réservé")
SHUT = N_("Fermé : {reason}")
CARD = N_("Votre carte ouvre la porte.")


def reservation_ics(held: Held, *, how_to_enter: str, now: datetime, language: str) -> bytes:
    """Return one reservation as a calendar to be imported; cancelled, it takes itself out of the calendar."""
    _ = translator(language).gettext
    reservation, facility = held.reservation, held.facility
    cancelled = reservation.state is not ReservationState.BOOKED
    calendar = _calendar("CANCEL" if cancelled else "PUBLISH")
    event = _event(str(reservation.id), reservation.starts_at, reservation.ends_at, now)
    event.add("summary", facility.label)
    event.add("location", _place(facility))
    event.add("description", how_to_enter or _(CARD))
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("sequence", 1 if cancelled else 0)
    if not cancelled:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("trigger", timedelta(hours=-2))
        alarm.add("description", facility.label)
        event.add_component(alarm)
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def facility_ics(
    facility: Facility, taken: Iterable[Held], closures: Iterable[FacilityClosure], *, now: datetime, language: str
) -> bytes:
    """Return when a facility is taken or closed, for whoever has its link: times and closures, and nobody's name."""
    _ = translator(language).gettext
    calendar = _calendar("PUBLISH")
    calendar.add("name", facility.label)
    calendar.add("x-wr-calname", facility.label)
    for held in taken:
        event = _event(str(held.reservation.id), held.reservation.starts_at, held.reservation.ends_at, now)
        event.add("summary", _(TAKEN))
        event.add("location", _place(facility))
        calendar.add_component(event)
    for closure in closures:
        event = _event(str(closure.id), closure.starts_at, closure.ends_at, now)
        event.add("summary", _(SHUT).format(reason=closure.reason))
        event.add("location", _place(facility))
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Guichet et carte de vie quotidienne//FR")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    return calendar


def _event(uid: str, starts_at: datetime, ends_at: datetime, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{uid}@reservations")
    event.add("dtstamp", now)
    event.add("dtstart", starts_at)
    event.add("dtend", ends_at)
    return event


def _place(facility: Facility) -> str:
    return ", ".join(filter(None, (facility.site, facility.address)))
