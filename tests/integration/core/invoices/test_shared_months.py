"""A shared child's billed month: each account's part on its own invoice, once, and what each parent may read of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.families.merges import merge_accounts
from cvq_core.families.other_side import other_sides
from cvq_core.families.statements import family_statement
from cvq_core.families.verify import verify_families
from cvq_core.ids import new_id
from cvq_core.invoices.shared import issue_shared_month
from cvq_core.invoices.shares import Charge, MonthBilled, NoSharesThen
from cvq_core.invoices.store import invoices_of, lines_of
from cvq_core.invoices.tables import Invoice, SharedPart
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.verify import verify
from cvq_core.people.arrangements import NewArrangement, arrange
from cvq_core.people.custody import Part
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from tests.core_examples import LONG_AGO, NOW, TODAY, create_family, create_member

AFTER_SCHOOL = ServiceCode.AFTER_SCHOOL
FEBRUARY = date(2026, 2, 1)
IN_JANUARY = NOW - timedelta(days=50)
CHARGES = [Charge(FEBRUARY.replace(day=number), "Soir", 1, 225) for number in (2, 3, 5, 9, 10, 12, 19)]


@dataclass(slots=True)
class Apart:
    """Two parents with a child in both accounts: 60 % the mother's."""

    mother: FamilyAccount
    father: FamilyAccount
    child: Person


async def apart(db: AsyncSession, *, arranged: bool = True) -> Apart:
    await add_service(db, AFTER_SCHOOL, service_id=new_id(), policy=FundingPolicy.BILLED, valid_from=LONG_AGO)
    mother, father = await create_family(db), await create_family(db, "F00002", "Texier")
    await create_member(db, mother.id, "Anna", FamilyRole.GUARDIAN)
    await create_member(db, father.id, "Julien", FamilyRole.GUARDIAN)
    child = await create_member(db, mother.id, "Emma", FamilyRole.CHILD, born=date(2017, 6, 1))
    db.add(
        Membership(id=new_id(), account_id=father.id, person_id=child.id, role=FamilyRole.CHILD, valid_from=LONG_AGO)
    )
    await db.flush()
    if arranged:
        parts = (Part(mother.id, 60), Part(father.id, 40))
        asked = NewArrangement(new_id(), child.id, IN_JANUARY.date(), parts, "aaaaaaa", "bbbbbbb")
        await arrange(db, asked, recorded_by=None, now=IN_JANUARY)
    return Apart(mother, father, child)


async def bill(
    db: AsyncSession, found: Apart, key: UUID | None = None, charges: list[Charge] | None = None
) -> list[Invoice]:
    return await issue_shared_month(
        db,
        key or new_id(),
        child_id=found.child.id,
        service=AFTER_SCHOOL,
        month=FEBRUARY,
        charges=CHARGES if charges is None else charges,
        due_on=TODAY + timedelta(days=30),
        now=NOW,
    )


async def test_each_account_gets_an_invoice_of_its_part_and_the_whole_adds_up(database: Database) -> None:
    async with database.write() as db:
        found = await apart(db)
        issued = await bill(db, found)
        assert {each.family_account_id: each.total_cents for each in issued} == {
            found.mother.id: 945,
            found.father.id: 630,
        }
        [line] = await lines_of(db, issued[0].id)
        assert line.label == "Accueil périscolaire, février 2026, Emma Moreau\u00a0: 60\u00a0% de 15,75\u00a0€"
        assert line.explanation == "7 × Soir à 2,25\u00a0€"
        assert await verify(db) == []
        assert await verify_families(db) == []


async def test_each_parent_pays_their_part_and_reads_the_child_s_whole_but_nothing_of_the_other(
    database: Database,
) -> None:
    async with database.write() as db:
        found = await apart(db)
        await bill(db, found)
        own = await family_statement(db, found.mother.id, TODAY, TODAY)
        assert [section.closing_cents for section in own.sections] == [-945]
        assert [each.due_cents for each in await invoices_of(db, found.father.id)] == [630]
        [other] = await other_sides(db, found.mother.id, on=TODAY)
        told = " ".join(each.label for each in other.billed)
        assert sorted(each.amount_cents for each in other.billed) == [630, 945]
        assert "40\u00a0% de 15,75" in told
        assert "Texier" not in told
        assert found.father.number not in told


async def test_asked_again_it_is_billed_once_and_under_another_id_it_is_refused(database: Database) -> None:
    async with database.write() as db:
        found, key = await apart(db), new_id()
        first = [each.id for each in await bill(db, found, key)]
        assert [each.id for each in await bill(db, found, key, CHARGES[::-1])] == first
        with pytest.raises(IdempotencyMismatch):
            await bill(db, found, key, CHARGES[1:])
        with pytest.raises(MonthBilled):
            await bill(db, found)


async def test_of_rivals_with_ids_of_their_own_one_bills_the_month(database: Database) -> None:
    async with database.write() as db:
        found = await apart(db)

    async def attempt() -> str:
        try:
            async with database.write() as db:
                await bill(db, found)
        except Refusal as refusal:
            return refusal.slug
        return "billed"

    answers = await asyncio.gather(*(attempt() for _ in range(5)))
    assert sorted(answers) == ["billed"] + ["shared-month-billed"] * 4
    async with database.read() as db:
        assert sorted((await db.scalars(select(Invoice.total_cents))).all()) == [630, 945]


async def test_without_shares_nothing_is_billed(database: Database) -> None:
    async with database.write() as db:
        found = await apart(db, arranged=False)
    with pytest.raises(NoSharesThen):
        async with database.write() as db:
            await bill(db, found)
    async with database.read() as db:
        assert (await db.scalars(select(Invoice.id))).all() == []


async def test_a_part_of_nothing_has_no_invoice(database: Database) -> None:
    async with database.write() as db:
        found = await apart(db)
        [only] = await bill(db, found, charges=[Charge(FEBRUARY, "Soir", 1, 1)])
        assert only.family_account_id == found.mother.id
        parts = await db.scalars(select(SharedPart).order_by(SharedPart.position))
        assert [(each.amount_cents, each.invoice_id is None) for each in parts] == [(1, False), (0, True)]
        assert await verify_families(db) == []


async def test_a_merged_account_s_part_goes_to_the_one_that_goes_on(database: Database) -> None:
    async with database.write() as db:
        found = await apart(db)
        again = await create_family(db, "F00003", "Moreau bis")
        await merge_accounts(
            db, new_id(), merged_id=found.mother.id, kept_id=again.id, reason="Double", by=None, now=NOW
        )
        issued = await bill(db, found)
        assert {each.family_account_id: each.total_cents for each in issued} == {again.id: 945, found.father.id: 630}


async def test_the_check_finds_parts_that_are_not_the_whole(database: Database) -> None:
    async with database.write() as db:
        found, key = await apart(db), new_id()
        await bill(db, found, key)
        db.add(
            SharedPart(
                month_id=key, position=9, account_id=found.mother.id, share_percent=1, total_cents=5, amount_cents=5
            )
        )
        await db.flush()
        [trouble] = await verify_families(db)
        assert "add up to 1580 cents and not to 1575" in trouble
