"""The family quotient in a visit: what is known, the question to the CAF and the MSA, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from cvq_advisor_console.console.desk import Desk
from cvq_advisor_console.quotients.words import quotient_sentence
from cvq_advisor_console.views.money import QuotientView
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.particulier.rules import FRANCE, OUTCOME_WORDS, NoParticulier, NotTheirAccount, Outcome
from cvq_core.tariffs.quotients import last_quotient
from cvq_desk.quotients.service import known_status, latest_of_visit, speaks_here
from cvq_desk.visits.routes import act_of

TONES = {Outcome.FOUND: "ok", Outcome.UNCHANGED: "ok"}
PENDING = N_("La demande est partie, la réponse n’est pas encore là.")


async def quotient_view(desk: Desk, account_id: UUID) -> QuotientView:
    """Return the quotient of the account that is open, under the consent that names it."""
    act, today = act_of(desk.context), local_day(desk.context.now)
    known = await last_quotient(desk.db, account_id, today)
    latest = await latest_of_visit(act, desk.visit.id, account_id)
    outcome = latest.outcome if latest else None
    view = QuotientView(
        known=quotient_sentence(known, today, desk.say, desk.context.language),
        told="" if latest is None else desk.say(OUTCOME_WORDS[outcome] if outcome else PENDING),
        tone=TONES.get(outcome, "sun") if outcome else "",
    )
    if not desk.asks_for_quotients:
        return replace(view, why_not=desk.say(NoParticulier.message))
    if desk.visit.person_id is None or not await speaks_here(act, desk.visit, account_id):
        return replace(view, why_not=desk.say(NotTheirAccount.message))
    return replace(
        view,
        ask=desk.act("quotient-inquiries"),
        id=str(new_id()),
        needs_status=await known_status(act, desk.visit.person_id) is None,
        country=FRANCE,
    )
