"""What the tariffs ask of a family today, offered at a counter beside each service's amount."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from cvq_advisor_console.views.cash import PriceChoice
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.family import counter_prices
from cvq_core.tariffs.words import reasons, without_quotient
from cvq_core.web import Context

SHOWN_MAX = 6


async def price_choices(
    context: Context, account_id: UUID, services: Collection[ServiceCode]
) -> dict[ServiceCode, tuple[PriceChoice, ...]]:
    """Return what one unit costs the family, by service, and why; the quotient itself is not told."""
    found: dict[ServiceCode, tuple[PriceChoice, ...]] = {}
    for each in await counter_prices(context.db, account_id, local_day(context.now), services):
        why = reasons(without_quotient(each.priced), context._, context.language) or context._(N_("prix unique"))
        choice = PriceChoice(each.item.label, ", ".join(each.names), each.priced.amount_cents, why)
        found[each.service] = (*found.get(each.service, ()), choice)[:SHOWN_MAX]
    return found
