"""Who acts on a visit, and whom it is told to: what every service function of the desk begins and ends with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.journal.store import SYSTEM, Actor, record, record_once
from cvq_core.live import publish
from cvq_core.settings import Settings
from cvq_core.staff import Permission, Principal, Scope
from cvq_desk.booking.tables import Booth
from cvq_desk.visits import rules
from cvq_desk.visits.rules import VisitState
from cvq_desk.visits.store import staff_name, visit_by_id
from cvq_desk.visits.tables import Visit


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something, and when; every service function takes one."""

    db: AsyncSession
    principal: Principal
    now: datetime
    settings: Settings
    by_system: bool = False

    def journal(self, action: str, visit: Visit, **facts: Any) -> None:
        """Record the act under its visit."""
        record(self.db, now=self.now, actor=self._actor, action=action, visit_id=visit.id, **facts)

    async def journal_once(self, action: str, act: UUID, visit: Visit, **facts: Any) -> None:
        """Record what is done once: asked for again it writes none (`record_once`)."""
        await record_once(self.db, act, now=self.now, actor=self._actor, action=action, visit_id=visit.id, **facts)

    @property
    def _actor(self) -> Actor:
        return SYSTEM if self.by_system else self.principal.actor


def tell(db: AsyncSession, visit: Visit, kind: str = "visit", payload: dict[str, Any] | None = None) -> None:
    """Tell the console and the booth that a visit changed."""
    publish(db, f"visit:{visit.id}", kind, payload)
    publish(db, f"booth:{visit.booth_id}", "view")


async def tell_everybody(db: AsyncSession, visit: Visit) -> None:
    """Tell also the queue and the secretary, for what they see of a visit: who serves, and that the booth is busy."""
    tell(db, visit)
    publish(db, f"queue:{visit.organisation_id}", "queue")
    town_hall_id = await db.scalar(select(Booth.town_hall_id).where(Booth.id == visit.booth_id))
    publish(db, f"town_hall:{town_hall_id}", "appointments")


async def own_visit(act: Act, visit_id: UUID) -> Visit:
    """Return a visit that the principal leads.

    Raises:
        NotFound: there is none.
        OutOfScope: it belongs to another organisation.
        NotYourVisit: a colleague leads it.
    """
    visit = await visit_by_id(act.db, visit_id)
    act.principal.require(Permission.SERVE, Scope("organisation", visit.organisation_id))
    if visit.advisor_id != act.principal.id:
        raise rules.NotYourVisit(advisor=await staff_name(act.db, visit.advisor_id), visit_id=visit.id)
    return visit


def require_session(visit: Visit) -> None:
    """Refuse what only a visit in session allows."""
    if VisitState(visit.state) not in rules.IN_SESSION:
        raise rules.NotNow(visit_id=visit.id)
