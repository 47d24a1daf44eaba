"""The list that an attendant's tablet keeps: who may bring something, as whom, how often they came, what it costs.

The least that the gate needs: no address, no birth date but where two have the same name, of a card a digest, and of
households only those who may come by themselves. It expires (`rules.LIST_LASTS`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.tables import Entitlement
from cvq_core.cards.tablet_digests import digests_of
from cvq_core.clock import local_day
from cvq_core.people.arrangements import kept_accounts
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import in_force
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.census import Census
from cvq_core.tariffs.people import census_of
from cvq_core.tariffs.rules import NoCaseFits, NoSuchItem, Tariff, UserKind, price
from cvq_core.tariffs.store import tariffs_in_force
from cvq_core.text import short_date
from cvq_core.waste.rules import Category, Standing
from cvq_core.waste.store import categories, standings_of
from cvq_core.waste.tables import WasteDeposit, WastePlate

PAGE = 1000
"""People in a part of the list: the server looks at who else waits in between."""
COMING_ROLES = (FamilyRole.GUARDIAN, FamilyRole.PAYER, FamilyRole.HOLDER)
"""Who comes to the gate for an account: a child may, and is not on the list."""


@dataclass(frozen=True, slots=True)
class Coming:
    """As whom somebody comes: `visits` were made by the household this year, `company` is whose waste it is.

    `cents` are what a cubic metre costs by category; a category that is absent has no price for them.
    """

    standing: Standing
    account_id: UUID
    visits: int = 0
    company: str = ""
    cents: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody who may come; `cards` are digests (`cards.tablet_digests`).

    `told_apart` is a birth date where two bear one name.
    """

    person_id: UUID
    family_name: str
    given_name: str
    told_apart: str
    coming: tuple[Coming, ...]
    plates: tuple[tuple[str, Standing], ...]
    cards: tuple[str, ...]


async def list_of(
    db: AsyncSession, device_id: UUID, *, now: datetime, after: UUID | None = None, limit: int = PAGE
) -> tuple[list[Listed], UUID | None]:
    """Return the next part of a tablet's list, by person, and after whom to go on; None at its end."""
    today = local_day(now)
    wanted = select(Person.id).where(_may_come(today), Person.deceased_on.is_(None)).order_by(Person.id).limit(limit)
    people = list(await db.scalars(wanted if after is None else wanted.where(Person.id > after)))
    following = people[-1] if len(people) == limit else None
    found = await standings_of(db, people, now, COMING_ROLES)
    coming = await _coming(db, found, now)
    names = await _names(db, list(found), today)
    cards = await digests_of(db, device_id, list(found), today)
    plates = await _plates(db, list(found))
    listed = [
        Listed(person_id, *names[person_id], coming[person_id], plates.get(person_id, ()), cards.get(person_id, ()))
        for person_id in people
        if person_id in found
    ]
    return listed, following


def _may_come(today: date) -> ColumnElement[bool]:
    here = Entitlement.service_code == ServiceCode.WASTE_CENTRE
    for_account = exists().where(
        Membership.person_id == Person.id,
        Membership.role.in_(COMING_ROLES),
        in_force(today),
        exists().where(Entitlement.account_id == Membership.account_id, here),
    )
    return or_(exists().where(Entitlement.person_id == Person.id, here), for_account)


async def _coming(
    db: AsyncSession, found: Mapping[UUID, Mapping[Standing, Sequence[UUID]]], now: datetime
) -> dict[UUID, tuple[Coming, ...]]:
    today = local_day(now)
    households = {each[Standing.HOUSEHOLD][0] for each in found.values() if Standing.HOUSEHOLD in each}
    payers = {person: each[Standing.PROFESSIONAL][0] for person, each in found.items() if Standing.PROFESSIONAL in each}
    visits = await _visits(db, households, today.year)
    named = select(FamilyAccount.id, FamilyAccount.label).where(FamilyAccount.id.in_(set(payers.values())))
    labels = {row.id: row.label for row in await db.execute(named)}
    cents = await _cents(db, payers, today)
    return {
        person_id: tuple(
            Coming(standing, accounts[0], visits=visits.get(accounts[0], 0))
            if standing is Standing.HOUSEHOLD
            else Coming(standing, accounts[0], company=_company(labels, accounts), cents=cents[person_id])
            for standing, accounts in sorted(each.items())
        )
        for person_id, each in found.items()
    }


def _company(labels: Mapping[UUID, str], accounts: Sequence[UUID]) -> str:
    """Return for whom somebody comes; nothing where it may be several: then the card that they show says it."""
    return labels.get(accounts[0], "") if len(accounts) == 1 else ""


async def _visits(db: AsyncSession, accounts: Collection[UUID], year: int) -> dict[UUID, int]:
    """Return how often households came this year; what was brought under a merged account is the kept one's."""
    rows = (
        await db.execute(
            select(WasteDeposit.account_id, func.count())
            .where(WasteDeposit.year == year, WasteDeposit.standing == Standing.HOUSEHOLD)
            .group_by(WasteDeposit.account_id)
        )
    ).all()
    kept = await kept_accounts(db, [account_id for account_id, _ in rows])
    found: Counter[UUID] = Counter()
    for account_id, made in rows:
        found[kept[account_id]] += made
    return {account_id: found[account_id] for account_id in accounts if account_id in found}


async def _cents(db: AsyncSession, payers: Mapping[UUID, UUID], on: date) -> dict[UUID, dict[str, int]]:
    """Return what a cubic metre costs each of some professionals, whose account pays, by category."""
    version = (await tariffs_in_force(db, [ServiceCode.WASTE_CENTRE], on)).get(ServiceCode.WASTE_CENTRE)
    priced = [each for each in (await categories(db)).values() if each.price_code is not None]
    if version is None or not payers:
        return {person_id: {} for person_id in payers}
    people = select(Person.id).where(Person.id.in_(payers))
    census = await census_of(db, on, people=people, account_ids=set(payers.values()))
    return {
        person_id: {
            each.code: cents
            for each in priced
            if (cents := _cubic_metre(version.tariff, census, person_id, account_id, each)) is not None
        }
        for person_id, account_id in payers.items()
    }


def _cubic_metre(tariff: Tariff, census: Census, person_id: UUID, account_id: UUID, category: Category) -> int | None:
    item = category.price_code
    assert item is not None, "asked of what has a price only"
    facts = census.facts(person_id, account_id, item=item, user=UserKind.PROFESSIONAL, category=category.code)
    try:
        return price(tariff, facts).amount_cents
    except (NoSuchItem, NoCaseFits):
        return None


async def _names(db: AsyncSession, people: Sequence[UUID], today: date) -> dict[UUID, tuple[str, str, str]]:
    """Return the names in use, and the birth date where somebody else on the list bears the very same."""
    rows = list(await db.scalars(select(Person).where(Person.id.in_(people))))
    twice = set(
        await db.scalars(
            select(Person.search_key)
            .where(
                Person.search_key.in_({row.search_key for row in rows}), _may_come(today), Person.deceased_on.is_(None)
            )
            .group_by(Person.search_key)
            .having(func.count() > 1)
        )
    )
    return {
        row.id: (
            row.usual_name or row.family_name,
            row.given_names,
            short_date(row.birth_date) if row.birth_date and row.search_key in twice else "",
        )
        for row in rows
    }


async def _plates(db: AsyncSession, people: Sequence[UUID]) -> dict[UUID, tuple[tuple[str, Standing], ...]]:
    rows = await db.scalars(
        select(WastePlate).where(WastePlate.person_id.in_(people)).order_by(WastePlate.plate).limit(20 * PAGE)
    )
    found: dict[UUID, list[tuple[str, Standing]]] = defaultdict(list)
    for row in rows:
        found[row.person_id].append((row.plate, row.standing))
    return {person_id: tuple(each) for person_id, each in found.items()}
