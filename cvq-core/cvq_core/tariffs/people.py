"""What prices hang on, read from the base: where people live, their ages and ranks, their families' quotients."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import in_force
from cvq_core.people.tables import Commune, Membership, Person
from cvq_core.tariffs.census import Census
from cvq_core.tariffs.quotients import quotients_on

ASKED_MAX = 10_000
"""Beyond so many accounts all are read: a statement takes only so many values."""


async def census_of_family(db: AsyncSession, on: date, account_id: UUID) -> Census:
    """Return the members of one account as they were on a day."""
    members = select(Membership.person_id).where(Membership.account_id == account_id, in_force(on))
    return await census_of(db, on, people=members, account_ids=[account_id])


async def census_of(
    db: AsyncSession, on: date, *, people: Select[UUID] | Select[UUID | None], account_ids: Collection[UUID]
) -> Census:
    """Return people as they were on a day, with the children and quotients of the accounts that may pay for them."""
    accounts = account_ids if len(account_ids) <= ASKED_MAX else None
    census = Census(on, quotients=await quotients_on(db, on, accounts))
    asked = (
        select(Person.id, Person.birth_date, Commune.in_territory)
        .outerjoin(Commune, Commune.insee == Person.commune_insee)
        .where(Person.id.in_(people))
    )
    for person_id, born, in_territory in await db.execute(asked):
        census.note_person(person_id, born, in_territory)
    children = (
        select(Membership.account_id, Person.id, Person.birth_date)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.role == FamilyRole.CHILD, in_force(on))
    )
    if accounts is not None:
        children = children.where(Membership.account_id.in_(accounts))
    for account_id, person_id, born in await db.execute(children):
        census.children.setdefault(account_id, {})[person_id] = born
    return census
