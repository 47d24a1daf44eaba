"""What a family pays today, service by service, with the reasons: for the account as an advisor shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import RightKind
from cvq_core.access.tables import Entitlement
from cvq_core.clock import local_day
from cvq_core.people.store import members_of
from cvq_core.services.rules import PriceUnit, ServiceCode
from cvq_core.services.store import services_in_force
from cvq_core.tariffs.people import census_of_family
from cvq_core.tariffs.rules import Item, NoCaseFits, Priced, price
from cvq_core.tariffs.store import tariffs_in_force

SOLD_TO_ANYBODY = frozenset({PriceUnit.ENTRY, PriceUnit.PERIOD})


@dataclass(frozen=True, slots=True)
class FamilyPrice:
    """The price of one unit of an item for some members, by their given names, in the order of the family."""

    service: ServiceCode
    label: str
    item: Item
    names: tuple[str, ...]
    priced: Priced


async def family_prices(
    db: AsyncSession, account_id: UUID, on: date, *, services: Collection[ServiceCode] | None = None
) -> list[FamilyPrice]:
    """Return what members of an account pay on a day where this account pays for their enrolment.

    The first item of each tariff is told; members who pay the same for the same reasons are told together. Nothing is
    told of whoever is enrolled at another account's expense.
    """
    in_force = await services_in_force(db, on)
    wanted = [code for code in in_force if services is None or code in services]
    tariffs = await tariffs_in_force(db, wanted, on)
    enrolled = await _enrolled(db, account_id, on)
    names = {person.id: person.given_names.split(" ")[0] for person, _ in await members_of(db, account_id, on)}
    census = await census_of_family(db, on, account_id)
    found: list[FamilyPrice] = []
    for code in wanted:
        if code not in tariffs:
            continue
        item = tariffs[code].tariff.items[0]
        same: dict[Priced, list[str]] = {}
        for person_id, name in names.items():
            if (person_id, code) not in enrolled:
                continue
            try:
                priced = price(tariffs[code].tariff, census.facts(person_id, account_id, item=item.code))
            except NoCaseFits:
                continue
            same.setdefault(priced, []).append(name)
        found += [FamilyPrice(code, in_force[code].label, item, tuple(each), priced) for priced, each in same.items()]
    return found


async def counter_prices(
    db: AsyncSession, account_id: UUID, on: date, services: Collection[ServiceCode]
) -> list[FamilyPrice]:
    """Return what one unit of each item costs members of an account at a counter; what is free is left out.

    An entry or a period is anybody's, but of whoever is enrolled at another account's expense; anything else is for
    those whom this account enrolled. Members who pay the same for the same reasons are told together.
    """
    in_force = await services_in_force(db, on)
    wanted = [code for code in in_force if code in services]
    tariffs = await tariffs_in_force(db, wanted, on)
    members = {person.id: person.given_names.split(" ")[0] for person, _ in await members_of(db, account_id, on)}
    enrolled = await _enrolled(db, account_id, on)
    elsewhere = await _enrolled_elsewhere(db, account_id, list(members), on) - enrolled
    census = await census_of_family(db, on, account_id)
    found: list[FamilyPrice] = []
    for code in tariffs:
        for item in tariffs[code].tariff.items:
            same: dict[Priced, list[str]] = {}
            for person_id, name in members.items():
                key = (person_id, code)
                if key in elsewhere or (item.unit not in SOLD_TO_ANYBODY and key not in enrolled):
                    continue
                try:
                    priced = price(tariffs[code].tariff, census.facts(person_id, account_id, item=item.code))
                except NoCaseFits:
                    continue
                if priced.amount_cents:
                    same.setdefault(priced, []).append(name)
            label = in_force[code].label
            found += [FamilyPrice(code, label, item, tuple(each), priced) for priced, each in same.items()]
    return found


async def _enrolled_elsewhere(
    db: AsyncSession, account_id: UUID, person_ids: Collection[UUID], on: date
) -> set[tuple[UUID, ServiceCode]]:
    """Return who is enrolled for what at the expense of another account."""
    rights = await db.scalars(
        select(Entitlement).where(
            Entitlement.kind == RightKind.ENROLMENT,
            Entitlement.payer_account_id != account_id,
            Entitlement.person_id.in_(person_ids),
        )
    )
    return _held(rights, on)


async def _enrolled(db: AsyncSession, account_id: UUID, on: date) -> set[tuple[UUID, ServiceCode]]:
    rights = await db.scalars(
        select(Entitlement).where(
            Entitlement.kind == RightKind.ENROLMENT,
            Entitlement.payer_account_id == account_id,
            Entitlement.person_id.is_not(None),
        )
    )
    return _held(rights, on)


def _held(rights: Iterable[Entitlement], on: date) -> set[tuple[UUID, ServiceCode]]:
    return {
        (right.person_id, right.service_code)
        for right in rights
        if right.person_id is not None
        and local_day(right.valid_from) <= on
        and (right.valid_until is None or on < local_day(right.valid_until))
    }
