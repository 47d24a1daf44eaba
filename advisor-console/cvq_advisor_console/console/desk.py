"""Everything that the regions of one visit are drawn from, read once per request."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.particulier.service import QUOTIENT_INQUIRIES
from cvq_core.people.store import accounts_of
from cvq_core.people.tables import FamilyAccount
from cvq_core.web import Context
from cvq_core.web.views import Act, Region
from cvq_desk.booking.tables import Appointment, Booth, Organisation, Reason, TownHall
from cvq_desk.booths.tables import BoothStatus
from cvq_desk.dossiers.tables import Dossier
from cvq_desk.visits.acts import own_visit
from cvq_desk.visits.routes import act_of
from cvq_desk.visits.rules import IN_SESSION, VisitState
from cvq_desk.visits.store import latest_consent
from cvq_desk.visits.tables import Consent, Visit

# Which events of a visit each region is drawn anew for: a page must not fetch ten regions for each card laid.
REGION_KINDS: dict[str, tuple[str, ...]] = {
    "visit_bar": ("visit", "appointment"),
    "call": ("visit", "appointment", "machines"),
    "machines": ("machines", "alerts"),
    "person": ("visit", "appointment"),
    "consent": ("visit",),
    "ending": ("visit", "form", "papers", "command"),
    "form": ("visit", "form"),
    "papers": ("visit", "papers", "command", "machines"),
    "printing": ("visit", "papers", "command"),
    "account": ("visit", "payment"),
    "paying": ("visit", "payment"),
    "money": ("visit", "papers", "payment"),
}


@dataclass(frozen=True, slots=True)
class Desk:
    """One visit and its surroundings."""

    context: Context
    visit: Visit
    appointment: Appointment
    organisation: Organisation
    reason: Reason | None
    booth: Booth
    town_hall: TownHall
    status: BoothStatus | None
    consent: Consent | None
    dossier: Dossier | None

    @property
    def db(self) -> AsyncSession:
        """The request's transaction."""
        return self.context.db

    @property
    def state(self) -> VisitState:
        """Where the visit is."""
        return VisitState(self.visit.state)

    @property
    def in_session(self) -> bool:
        """Whether the advisor may act for the resident now."""
        return self.state in IN_SESSION

    @property
    def online(self) -> bool:
        """Whether the booth's line is there."""
        return self.status is not None and self.status.connected_at is not None

    @property
    def asks_for_quotients(self) -> bool:
        """Whether this visit's organisation may ask the CAF and the MSA, and this installation can."""
        return self.organisation.is_community and self.context.request.app[QUOTIENT_INQUIRIES].offered

    def say(self, sentence: str, **facts: object) -> str:
        """Return a sentence in the advisor's language."""
        return self.context._(sentence, **facts)

    def region(self, name: str) -> Region:
        """Return where a region's HTML is fetched anew, and what makes it old."""
        return Region(
            url=f"/console/{self.visit.id}/fragments/{name}",
            topics=(f"visit:{self.visit.id}",),
            kinds=REGION_KINDS[name],
        )

    def act(self, path: str, why_not: str = "") -> Act:
        """Return something to ask of this visit."""
        return Act(url=f"/api/v1/visits/{self.visit.id}/{path}", why_not=why_not)

    async def accounts(self) -> list[FamilyAccount]:
        """Return the family accounts of the person who sits there."""
        if self.visit.person_id is None:
            return []
        return await accounts_of(self.db, self.visit.person_id, local_day(self.context.now))


async def desk_of(context: Context, visit_id: UUID) -> Desk:
    """Read a visit of the advisor's own with its surroundings."""
    db = context.db
    visit = await own_visit(act_of(context), visit_id)
    appointment = await db.get_one(Appointment, visit.appointment_id)
    booth = await db.get_one(Booth, visit.booth_id)
    return Desk(
        context=context,
        visit=visit,
        appointment=appointment,
        organisation=await db.get_one(Organisation, visit.organisation_id),
        reason=await db.get(Reason, appointment.reason_id) if appointment.reason_id else None,
        booth=booth,
        town_hall=await db.get_one(TownHall, booth.town_hall_id),
        status=await db.get(BoothStatus, booth.id),
        consent=await latest_consent(db, visit.id),
        dossier=await db.get(Dossier, visit.current_dossier_id) if visit.current_dossier_id else None,
    )
