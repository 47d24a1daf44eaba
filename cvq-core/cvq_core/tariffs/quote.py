"""What one thing costs one person on one day, read from the base: for counters and for whoever writes a bill."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.people.tables import Person
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.people import census_of
from cvq_core.tariffs.rules import Priced, UserKind, price
from cvq_core.tariffs.store import tariff_in_force


async def quote(
    db: AsyncSession,
    service: ServiceCode,
    item: str,
    *,
    person_id: UUID,
    account_id: UUID | None,
    on: date,
    quantity: Fraction = Fraction(1),
    user: UserKind = UserKind.HOUSEHOLD,
    category: str | None = None,
) -> Priced:
    """Return the price of an item for a person where an account pays, under the tariff of that day.

    Raises:
        UnknownTariff: the service has no tariff on that day.
        NoSuchItem, NoCaseFits: the tariff does not say.
    """
    tariff = (await tariff_in_force(db, service, on)).tariff
    people = select(Person.id).where(Person.id == person_id)
    census = await census_of(db, on, people=people, account_ids=[account_id] if account_id else [])
    facts = census.facts(person_id, account_id, item=item, quantity=quantity, user=user, category=category)
    return price(tariff, facts)
