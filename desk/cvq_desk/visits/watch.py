"""What the clock does to visits: an accord that is over, a card's pause that has run out, a visit left standing."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from cvq_core.clock import Clock
from cvq_core.database import Database
from cvq_core.settings import Settings
from cvq_core.staff.rules import ANONYMOUS
from cvq_desk.visits import consents, service
from cvq_desk.visits.acts import Act, tell
from cvq_desk.visits.rules import AT_THE_BOOTH, VisitState
from cvq_desk.visits.store import visit_by_id
from cvq_desk.visits.tables import Consent, Visit

EVERY_S = 2.0


class VisitWatch:
    """Looks every two seconds; several processes may look at once, and what was done is done once."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._looked_at = clock()

    async def look(self) -> None:
        """Do what is due."""
        now = self._clock()
        since, self._looked_at = self._looked_at, now
        async with self._database.read() as db:
            pause = timedelta(seconds=self._settings.card_pause_s)
            ended = select(Consent.visit_id).where(Consent.state.in_(("asked", "given")), Consent.until <= now)
            removed = select(Visit.id).where(
                Visit.card_state != "present",
                Visit.card_removed_at > since - pause,
                Visit.card_removed_at <= now - pause,
            )
            oldest = now - timedelta(minutes=self._settings.visit_minutes_max)
            states = [state.value for state in (*AT_THE_BOOTH, VisitState.TAKEN) if state is not VisitState.WIPING]
            left = select(Visit.id).where(Visit.state.in_(states), Visit.taken_at < oldest)
            due = {
                "ended": list(await db.scalars(ended)),
                "removed": list(await db.scalars(removed)),
                "left": list(await db.scalars(left)),
            }
        if any(due.values()):
            await self._act(due, now)

    async def _act(self, due: dict[str, list[UUID]], now: datetime) -> None:
        async with self._database.write() as db:
            act = Act(db=db, principal=ANONYMOUS, now=now, settings=self._settings, by_system=True)
            for visit_id in due["ended"]:
                visit = await visit_by_id(db, visit_id)
                await consents.end_consents(act, visit, why="over")
                tell(db, visit)
            for visit_id in due["removed"]:
                tell(db, await db.get_one(Visit, visit_id))
            for visit_id in due["left"]:
                await service.abandon(act, await visit_by_id(db, visit_id))
