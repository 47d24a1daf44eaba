"""Family quotients: dated, sourced, never written over; a day has the value that was in force on it."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from uuid import UUID

import pytest

from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.people.store import UnknownFamilyAccount
from cvq_core.people.tables import FamilyQuotient
from cvq_core.tariffs.people import census_of_family
from cvq_core.tariffs.quotients import BadQuotient, quotients_of, quotients_on, record_quotient
from cvq_core.tariffs.rules import QuotientStanding, Residence
from tests.core_examples import NOW, create_family, create_member
from tests.factories import make_commune

JANUARY = date(2026, 1, 1)


async def _family(database: Database) -> UUID:
    async with database.write() as db:
        return (await create_family(db)).id


async def _record(
    database: Database,
    account: UUID,
    euros: int,
    valid_from: date = JANUARY,
    valid_until: date | None = None,
    *,
    quotient_id: UUID | None = None,
    minutes: int = 0,
) -> FamilyQuotient:
    async with database.write() as db:
        return await record_quotient(
            db,
            quotient_id or new_id(),
            account_id=account,
            value_euros=euros,
            source=QuotientSource.CAF,
            valid_from=valid_from,
            valid_until=valid_until,
            now=NOW + timedelta(minutes=minutes),
        )


async def _on(database: Database, account: UUID, day: date) -> int | None:
    async with database.read() as db:
        found = (await quotients_on(db, day, [account])).get(account)
    return found.value_euros if found and found.standing(day) is QuotientStanding.CURRENT else None


async def test_a_new_value_leaves_the_old_one_for_the_days_on_which_it_held(database: Database) -> None:
    account = await _family(database)
    await _record(database, account, 742)
    await _record(database, account, 910, date(2026, 3, 1), minutes=1)
    assert await _on(database, account, date(2025, 12, 31)) is None
    assert await _on(database, account, date(2026, 2, 28)) == 742
    assert await _on(database, account, date(2026, 3, 1)) == 910
    async with database.read() as db:
        assert [row.value_euros for row in await quotients_of(db, account)] == [910, 742]


async def test_a_correction_from_the_same_day_holds_and_both_stay_readable(database: Database) -> None:
    account = await _family(database)
    await _record(database, account, 7420)
    await _record(database, account, 742, minutes=5)
    assert await _on(database, account, JANUARY) == 742
    async with database.read() as db:
        assert len(await quotients_of(db, account)) == 2


async def test_a_value_holds_for_a_year_and_is_then_known_to_be_out_of_date(database: Database) -> None:
    account = await _family(database)
    row = await _record(database, account, 742)
    assert row.valid_until == date(2027, 1, 1)
    async with database.read() as db:
        census = await census_of_family(db, date(2027, 1, 2), account)
    facts = census.facts(new_id(), account, item="meal")
    assert (facts.standing, facts.quotient_euros) == (QuotientStanding.OUT_OF_DATE, None)


async def test_a_short_value_that_is_over_gives_way_to_the_one_that_still_holds(database: Database) -> None:
    account = await _family(database)
    await _record(database, account, 742, JANUARY, date(2026, 12, 31))
    await _record(database, account, 300, date(2026, 2, 1), date(2026, 2, 28), minutes=1)
    assert await _on(database, account, date(2026, 2, 10)) == 300
    assert await _on(database, account, date(2026, 3, 10)) == 742


async def test_the_same_value_sent_at_once_several_times_is_kept_once(database: Database) -> None:
    account, quotient_id = await _family(database), new_id()
    await asyncio.gather(*(_record(database, account, 742, quotient_id=quotient_id) for _ in range(5)))
    async with database.read() as db:
        assert len(await quotients_of(db, account)) == 1
    with pytest.raises(IdempotencyMismatch):
        await _record(database, account, 743, quotient_id=quotient_id)


@pytest.mark.parametrize(
    ("euros", "valid_from", "valid_until"),
    [(-1, JANUARY, None), (20_001, JANUARY, None), (742, JANUARY, date(2025, 1, 1)), (742, date(2029, 1, 1), None)],
)
async def test_what_cannot_be_right_is_refused(
    database: Database, euros: int, valid_from: date, valid_until: date | None
) -> None:
    account = await _family(database)
    with pytest.raises(BadQuotient):
        await _record(database, account, euros, valid_from, valid_until)
    with pytest.raises(UnknownFamilyAccount):
        await _record(database, new_id(), 742)


async def test_the_facts_of_a_price_are_those_of_the_day(database: Database) -> None:
    async with database.write() as db:
        account = (await create_family(db)).id
        commune = await make_commune(db)
        eldest = await create_member(db, account, "Hugo", FamilyRole.CHILD, born=date(2014, 5, 12))
        second = await create_member(db, account, "Léa", FamilyRole.CHILD, born=date(2017, 3, 4))
        mother = await create_member(db, account, "Nadia", FamilyRole.GUARDIAN, born=date(1985, 3, 4))
        second.commune_insee = commune.insee
    await _record(database, account, 742)
    async with database.read() as db:
        census = await census_of_family(db, date(2026, 3, 3), account)
    lea = census.facts(second.id, account, item="meal")
    assert (lea.age, lea.sibling_rank, lea.residence, lea.quotient_euros) == (8, 2, Residence.INSIDE, 742)
    assert census.facts(eldest.id, account, item="meal").sibling_rank == 1
    assert census.facts(eldest.id, account, item="meal").residence is None
    assert census.facts(mother.id, account, item="meal").sibling_rank == 0
