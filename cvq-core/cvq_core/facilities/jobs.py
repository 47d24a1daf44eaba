"""What comes of reservations by itself: reminders, offers that nobody took, and closures that take time away.

Each looks at what is, does it under the service's lock, and does nothing more when it runs twice.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from cvq_core.clock import Clock
from cvq_core.database import Database
from cvq_core.facilities.mails import MailKind, file_reservation_mail
from cvq_core.facilities.manage import next_in_closure
from cvq_core.facilities.rules import ReservationState
from cvq_core.facilities.service import Doing, cancel, lapse
from cvq_core.facilities.tables import Reservation
from cvq_core.journal.store import SYSTEM
from cvq_core.settings import Settings


class ReservationJobs:
    """The handlers of the room's jobs."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    async def remind(self, payload: dict[str, Any]) -> None:
        """Remind somebody of a reservation that still stands."""
        async with self._database.write() as db:
            now = self._clock()
            reservation = await db.get(Reservation, UUID(payload["reservation_id"]))
            if reservation is None or reservation.state is not ReservationState.BOOKED or reservation.starts_at <= now:
                return
            await file_reservation_mail(db, self._settings, MailKind.REMINDER, reservation, now=now)

    async def end_offer(self, payload: dict[str, Any]) -> None:
        """Offer to the next what the one before did not take."""
        async with self._database.write() as db:
            await lapse(Doing(db, self._settings, SYSTEM, self._clock()), UUID(payload["reservation_id"]))

    async def close(self, payload: dict[str, Any]) -> None:
        """Cancel what a closure takes away, one after the other: each is given back whole, and told."""
        closure_id = UUID(payload["closure_id"])
        while True:
            async with self._database.write() as db:
                now = self._clock()
                found = await next_in_closure(db, closure_id, now)
                if found is None:
                    return
                closure, reservation_id = found
                doing = Doing(db, self._settings, SYSTEM, now)
                await cancel(doing, reservation_id, reason=closure.reason, by_house=True)
