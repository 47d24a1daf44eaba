"""A reservation that is about to be made: whose it is, who pays and how much, or why it cannot be."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from cvq_advisor_console.facilities.week import URL, monday_of, new_url, week_url
from cvq_advisor_console.views.cash import PayerSearch
from cvq_advisor_console.views.facilities import NewReservationPage, PayerChoice
from cvq_core.clock import local_day
from cvq_core.errors import N_, Refusal
from cvq_core.facilities.refusals import NobodyPays
from cvq_core.facilities.routes import doing_of
from cvq_core.facilities.rules import Span
from cvq_core.facilities.service import Wish, check_wish
from cvq_core.facilities.store import is_claimed, paying_accounts
from cvq_core.facilities.tables import Facility
from cvq_core.ids import new_id
from cvq_core.people.names import listed_name
from cvq_core.people.store import person_by_id
from cvq_core.people.tables import FamilyAccount
from cvq_core.tariffs.words import kept_reasons
from cvq_core.text import money
from cvq_core.web import Context
from cvq_core.web.views import Act

FREE = N_("Gratuit")
NO_ACCOUNT = N_("Sans compte")


async def new_view(
    context: Context, facility: Facility, span: Span, person_id: UUID | None, search: PayerSearch
) -> NewReservationPage:
    """Return what is asked next: who it is for, or who pays."""
    view = NewReservationPage(
        facility.label,
        ", ".join(filter(None, (facility.site, facility.address))),
        week_url(facility, monday_of(local_day(span.starts_at))),
        span.starts_at,
        span.ends_at,
    )
    if person_id is None:
        return replace(view, search=search)
    person = await person_by_id(context.db, person_id)
    _, taken = await is_claimed(context.db, new_id(), facility.id, span)
    accounts = await paying_accounts(context.db, person_id, local_day(context.now))
    payers = [await _payer(context, facility, span, person_id, account) for account in accounts]
    alone = await _payer(context, facility, span, person_id, None)
    if alone is not None:
        payers = [alone]
    choices = tuple(payer for payer in payers if payer is not None)
    possible = any(not payer.why_not for payer in choices)
    wanted = (
        ("debut", span.starts_at.isoformat()),
        ("fin", span.ends_at.isoformat()),
        ("personne", str(person_id)),
    )
    return replace(
        view,
        person=listed_name(person.family_name, person.usual_name, person.given_names),
        other_url=new_url(facility, span),
        payers=choices,
        why_not="" if choices else context._(NobodyPays.message),
        id=str(new_id()),
        reserve=Act(f"{URL}/{facility.id}/reserver") if possible and not taken else None,
        wait=Act(f"{URL}/{facility.id}/attendre") if possible and taken else None,
        sent=wanted,
    )


async def _payer(
    context: Context, facility: Facility, span: Span, person_id: UUID, account: FamilyAccount | None
) -> PayerChoice | None:
    """Return what a time costs an account; without one, only where there is nothing to pay."""
    wish = Wish(new_id(), facility.id, span, person_id, account.id if account else None)
    name = f"{account.label} ({account.number})" if account else context._(NO_ACCOUNT)
    try:
        allowed = await check_wish(doing_of(context), wish)
    except NobodyPays:
        return None
    except Refusal as refusal:
        if account is None:
            return None
        return PayerChoice(str(account.id), name, "", why_not=context._(refusal.message, **refusal.facts))
    cost = allowed.cost
    return PayerChoice(
        str(account.id) if account else "",
        name,
        money(cost.price_cents, context.language) if cost.price_cents else context._(FREE),
        kept_reasons(cost.why, context._, context.language, with_quotient=False),
        deposit=money(cost.deposit_cents, context.language) if cost.deposit_cents else "",
    )
