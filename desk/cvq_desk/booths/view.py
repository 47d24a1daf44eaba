"""Making the one view that a booth is sent: all that it may know now, and nothing of the resident's name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local
from cvq_core.live.store import last_sequences
from cvq_core.settings import Settings
from cvq_core.staff.tables import Staff
from cvq_core.text import translator
from cvq_desk.booking.store import hours_of_day, next_appointment_at, next_opening
from cvq_desk.booking.tables import Booth, Organisation, TownHall
from cvq_desk.booths.words import TAKE_ALONG, opening_words
from cvq_desk.carts.service import payment_view
from cvq_desk.dossiers.view import form_view
from cvq_desk.mandates.view import mandate_view
from cvq_desk.reservations.view import booking_view
from cvq_desk.visits.rules import SCOPE_WORDS, ConsentScope, VisitState, call_of, pause_ends, phase_of
from cvq_desk.visits.store import card_facts, latest_consent, open_commands, visit_at_booth
from cvq_desk.visits.tables import Consent, Visit
from cvq_desk.wire import (
    BoothView,
    CardView,
    Command,
    ConsentQuestion,
    ConsentState,
    GoodbyeView,
    Phase,
    VisitView,
)

Say = Callable[[str], str]


async def booth_view(db: AsyncSession, booth_id: UUID, *, now: datetime, settings: Settings) -> BoothView:
    """Return the booth's view at `now`."""
    say = translator(settings.language).gettext
    row = (
        await db.execute(
            select(Booth, TownHall).join(TownHall, TownHall.id == Booth.town_hall_id).where(Booth.id == booth_id)
        )
    ).one()
    booth, town_hall = row
    topic = f"booth:{booth_id}"
    visit = await visit_at_booth(db, booth_id)
    spans = await hours_of_day(db, town_hall.id, now)
    here = local(now).time()
    span = next((span for span in spans if span.opens_at <= here < span.closes_at), None)
    visit_view, phase = None, Phase.IDLE if span else Phase.CLOSED
    if visit is not None:
        visit_view, phase = await _visit_view(db, visit, now=now, settings=settings, say=say)
    next_at = await next_appointment_at(db, booth_id, now)
    opening = None if span else await next_opening(db, town_hall.id, now)
    commands = await open_commands(db, booth_id)
    names = await db.scalars(select(Organisation.name).order_by(Organisation.position, Organisation.name).limit(12))
    return BoothView(
        sequence=(await last_sequences(db, [topic]))[topic],
        now=now,
        booth_name=booth.name,
        town_hall=town_hall.name,
        phase=phase,
        next_hour=f"{local(next_at):%H:%M}" if next_at else None,
        closes_at=f"{span.closes_at:%H:%M}" if span else None,
        opens_at=opening_words(opening, now, settings.language) if opening else None,
        help_phone=town_hall.phone,
        organisations=list(names),
        visit=visit_view,
        commands=[
            Command.model_validate(
                {
                    "id": command.id,
                    "visit_id": command.visit_id,
                    "kind": command.kind,
                    "deadline": command.deadline,
                    "params": command.params,
                }
            )
            for command in commands
        ],
    )


async def _visit_view(
    db: AsyncSession, visit: Visit, *, now: datetime, settings: Settings, say: Say
) -> tuple[VisitView, Phase]:
    state = VisitState(visit.state)
    consent = await latest_consent(db, visit.id)
    asked = consent is not None and consent.state == ConsentState.ASKED
    phase = phase_of(state, visit.shown, consent_asked=asked)
    advisor = await db.scalar(select(Staff.display_name).where(Staff.id == visit.advisor_id))
    organisation = await db.get_one(Organisation, visit.organisation_id)
    card = card_facts(visit)
    goodbye = None
    if phase is Phase.GOODBYE:
        goodbye = GoodbyeView(reference=visit.reference, take_along=[say(words) for words in TAKE_ALONG])
    view = VisitView(
        id=visit.id,
        advisor=advisor or "",
        organisation=organisation.name,
        call=call_of(state, connected=visit.ringing_until is not None),
        ringing_until=visit.ringing_until if state is VisitState.RINGING else None,
        card=CardView(
            state=card.state,
            removed_until=pause_ends(card, timedelta(seconds=settings.card_pause_s)),
            message=visit.card_message,
        ),
        consent=_question(consent, organisation, say) if consent is not None else None,
        form=await form_view(db, visit, language=settings.language),
        goodbye=goodbye,
        payment=await payment_view(db, visit, now=now, settings=settings),
        mandate=await mandate_view(db, visit),
        booking=await booking_view(db, visit, language=settings.language),
        window_shared=visit.window_shared,
        curtain=visit.curtain,
        ice_servers=settings.ice_servers,
    )
    return view, phase


def _question(consent: Consent, organisation: Organisation, say: Say) -> ConsentQuestion:
    return ConsentQuestion(
        id=consent.id,
        state=ConsentState(consent.state),
        what=[say(SCOPE_WORDS[ConsentScope(scope)]) for scope in consent.scopes],
        for_whom=organisation.name,
        until=consent.until,
    )
