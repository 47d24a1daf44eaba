"""One reservation as its page shows it, with what can still be done."""

from __future__ import annotations

from cvq_advisor_console.facilities.week import URL, monday_of, name_of, week_url
from cvq_advisor_console.facilities.words import STATE_WORDS, TONES
from cvq_advisor_console.views.facilities import DepositView, ReservationPage
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.facilities.routes import doing_of, service_scope
from cvq_core.facilities.rules import ReservationState
from cvq_core.facilities.service import what_comes_back
from cvq_core.facilities.store import Held
from cvq_core.staff import Permission
from cvq_core.tariffs.words import kept_reasons
from cvq_core.text import hour, long_date, money
from cvq_core.web import Context
from cvq_core.web.views import Act

BACK = N_("Annuler maintenant rend {price}.")
BACK_BOTH = N_("Annuler maintenant rend {price}, et la caution de {deposit}.")
OFFERED = N_("Proposée jusqu’à {hour}, {day}. Sans réponse, elle va à la personne suivante.")
HELD = N_("Gardée jusqu’à la fin.")
RETURNED = N_("Rendue.")
KEPT = N_("{kept} gardés : {reason}")


async def fiche_view(context: Context, held: Held) -> ReservationPage:
    """Return what stands on the page of a reservation."""
    made, facility = held.reservation, held.facility
    url = f"{URL}/fiche/{made.id}"
    manages = context.principal.may(Permission.MANAGE_FACILITIES, await service_scope(context, facility.service_code))
    standing = not made.state.is_over and made.starts_at > context.now
    booked = made.state is ReservationState.BOOKED
    offered = made.state is ReservationState.OFFERED
    return ReservationPage(
        label=facility.label,
        site=facility.site,
        address=facility.address,
        back_url=week_url(facility, monday_of(local_day(made.starts_at))),
        starts_at=made.starts_at,
        ends_at=made.ends_at,
        person=name_of(held),
        state=context._(STATE_WORDS[made.state]),
        tone=TONES.get(made.state, "off"),
        price_cents=made.price_cents,
        refunded_cents=made.refunded_cents,
        why=kept_reasons(made.why, context._, context.language, with_quotient=False),
        told=_told(context, held),
        slip_url=f"/api/v1/reservations/{made.id}/slip.pdf" if booked else "",
        calendar_url=f"/api/v1/reservations/{made.id}/calendar.ics" if booked else "",
        accept=Act(f"{url}/prendre") if offered and standing else None,
        cancel=Act(f"{url}/annuler") if standing else None,
        cancel_words=await _back_words(context, held) if booked and standing else "",
        take_away=Act(f"{url}/retirer") if booked and standing and manages else None,
        deposit=_deposit(context, held, manages=manages) if made.deposit_cents else None,
    )


def _told(context: Context, held: Held) -> str:
    until = held.reservation.offer_until
    if until is not None:
        day = long_date(local_day(until), context.language, with_year=False)
        return context._(OFFERED, hour=hour(until, context.language), day=day)
    return held.reservation.ended_reason


async def _back_words(context: Context, held: Held) -> str:
    back = await what_comes_back(doing_of(context), held.reservation)
    facts = {
        "price": money(back.price_cents, context.language),
        "deposit": money(back.deposit_cents, context.language),
    }
    if not held.reservation.price_cents and not back.deposit_cents:
        return ""
    return context._(BACK_BOTH if back.deposit_cents else BACK, **facts)


def _deposit(context: Context, held: Held, *, manages: bool) -> DepositView:
    made = held.reservation
    kept = made.deposit_kept_cents
    if kept is None:
        over = made.state is ReservationState.BOOKED and made.ends_at <= context.now
        settle = Act(f"{URL}/fiche/{made.id}/caution") if over and manages else None
        return DepositView(made.deposit_cents, context._(HELD), settle)
    words = context._(RETURNED)
    if kept:
        words = context._(KEPT, kept=money(kept, context.language), reason=made.deposit_reason)
    return DepositView(made.deposit_cents, words)
