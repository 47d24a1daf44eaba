"""Two accounts that are one household's: what would move, what moved, and how it moves back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.tables import Entitlement
from cvq_core.database import Database
from cvq_core.debits.collection import next_collection
from cvq_core.debits.rules import Obstacle
from cvq_core.debits.tables import DebitCreditor, DebitMandate
from cvq_core.errors import Refusal
from cvq_core.families.departures import left_to_settle
from cvq_core.families.forwards import forward_rest
from cvq_core.families.merges import merge_accounts, merges_of, plan_merge
from cvq_core.families.rules import AlreadyUndone, MergePrevented, NotMerged, SameAccount, UndoPrevented
from cvq_core.families.tables import AccountMerge
from cvq_core.families.undoing import undo_merge
from cvq_core.families.verify import verify_families
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import invoices_of, issue_invoice
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.statements import latest_movements
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import wallets_of
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import AccountClosed, accounts_of, members_of
from cvq_core.people.tables import FamilyAccount, Person
from cvq_core.services.rules import ServiceCode
from tests.core_examples import (
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_ledger_account,
    create_member,
    create_officer,
    create_services,
    create_wallet,
    move,
)

CANTEEN, POOL = ServiceCode.CANTEEN, ServiceCode.POOL
STAFF = UUID(int=9)


@dataclass(slots=True)
class Twins:
    """Two accounts of one household: `wrong` was opened by mistake."""

    wrong: FamilyAccount
    right: FamilyAccount
    anna: Person
    tom: Person
    invoice_id: UUID


async def twins(db: AsyncSession, *, pool: int = 800, canteen: int = 0) -> Twins:
    await create_services(db)
    right, wrong = await create_family(db), await create_family(db, "F00002", "Moreau bis")
    anna = await create_member(db, right.id, "Anna", FamilyRole.GUARDIAN)
    tom = await create_member(db, wrong.id, "Tom", FamilyRole.CHILD)
    await create_wallet(db, right.id, POOL, cents=500)
    await create_wallet(db, wrong.id, POOL, cents=pool)
    await create_wallet(db, wrong.id, CANTEEN, cents=canteen)
    invoice = await issue_invoice(
        db,
        new_id(),
        family_account_id=wrong.id,
        label="Cantine de février",
        lines=[Line(CANTEEN, "Repas", 4, 235)],
        due_on=TODAY + timedelta(days=30),
        now=NOW,
    )
    return Twins(wrong, right, anna, tom, invoice.id)


async def merge(db: AsyncSession, found: Twins, merge_id: UUID | None = None) -> AccountMerge:
    return await merge_accounts(
        db,
        merge_id or new_id(),
        merged_id=found.wrong.id,
        kept_id=found.right.id,
        reason="Ouvert deux fois",
        by=STAFF,
        now=NOW,
    )


async def balances(db: AsyncSession, account: FamilyAccount) -> dict[str, int]:
    return {wallet.service_code.value: wallet.balance_cents for wallet in await wallets_of(db, account.id)}


async def test_a_dry_run_says_what_would_move_and_changes_nothing(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db, canteen=-470)
        plan = await plan_merge(db, merged_id=found.wrong.id, kept_id=found.right.id, on=TODAY)
        assert {each.service: each.amount_cents for each in plan.wallets} == {POOL: 800, CANTEEN: -470}
        assert [(each.person_id, each.already) for each in plan.members] == [(found.tom.id, False)]
        assert (plan.carried.pointers["invoices"], plan.prevented) == ((found.invoice_id,), ())
        assert await balances(db, found.wrong) == {"pool": 800, "canteen": -470}
        assert found.wrong.closed_on is None


async def test_money_people_and_invoices_go_to_the_account_that_goes_on(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db, canteen=-470)
        await merge(db, found)
        assert await balances(db, found.right) == {"pool": 1300, "canteen": -470}
        assert await balances(db, found.wrong) == {"pool": 0, "canteen": 0}
        assert [account.id for account in await accounts_of(db, found.tom.id, TODAY)] == [found.right.id]
        assert [each.invoice.id for each in await invoices_of(db, found.right.id)] == [found.invoice_id]
        assert await verify(db) == []


async def test_the_merged_account_stays_readable_and_points_to_the_other(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db)
        await merge(db, found)
    async with database.read() as db:
        wrong = await db.get_one(FamilyAccount, found.wrong.id)
        assert (wrong.merged_into_id, wrong.closed_on) == (found.right.id, TODAY)
        assert [person.id for person, _ in await members_of(db, wrong.id, TODAY)] == [found.tom.id]
        pool = next(each for each in await wallets_of(db, wrong.id) if each.service_code is POOL)
        latest = (await latest_movements(db, [pool.id]))[pool.id]
        assert (latest[0].label, latest[0].amount_cents) == ("Réunion de deux comptes famille", -800)
        [(record, undo)] = await merges_of(db, found.right.id)
        assert (record.merged_id, undo) == (wrong.id, None)


async def test_the_rights_of_the_household_follow(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db)
        right_id = new_id()
        db.add(
            Entitlement(
                id=right_id,
                kind="household",
                service_code=POOL,
                account_id=found.wrong.id,
                payer_account_id=found.wrong.id,
                valid_from=NOW,
                weekdays=127,
            )
        )
        await db.flush()
        record = await merge(db, found)
        right = await db.get_one(Entitlement, right_id, populate_existing=True)
        assert (right.account_id, right.payer_account_id) == (found.right.id, found.right.id)
        await undo_merge(db, new_id(), merge_id=record.id, reason="Deux familles", by=STAFF, now=NOW)
        right = await db.get_one(Entitlement, right_id, populate_existing=True)
        assert (right.account_id, right.payer_account_id) == (found.wrong.id, found.wrong.id)


async def test_a_mandate_of_direct_debit_follows_and_debits_what_was_due_before(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db)
        officer = await create_officer(db)
        office_id = (await create_counter(db, officer, is_main=True)).office_id
        db.add(DebitCreditor(office_id=office_id, creditor_number="FR12ZZZ123456", iban="FR76", bic="BDFEFRPP"))
        await db.flush()
        mandate = DebitMandate(
            id=new_id(),
            office_id=office_id,
            reference="M-1",
            family_account_id=found.wrong.id,
            holder="Anna Moreau",
            iban="FR7630001007941234567890185",
            signed_on=TODAY,
            recorded_at=NOW,
            recorded_by=officer.staff_id,
        )
        db.add(mandate)
        await db.flush()
        record = await merge(db, found)
        await db.refresh(mandate)
        assert mandate.family_account_id == found.right.id
        planned = await next_collection(db, office_id, TODAY + timedelta(days=60))
        assert [(item.invoice_id, item.mandate_id, why) for item, why in planned.refused] == [
            (found.invoice_id, mandate.id, Obstacle.NOT_TOLD)
        ], "only the notice is missing"
        await undo_merge(db, new_id(), merge_id=record.id, reason="Deux familles", by=STAFF, now=NOW)
        await db.refresh(mandate)
        assert mandate.family_account_id == found.wrong.id


async def test_asked_twice_it_is_one_merger_and_for_other_accounts_it_is_refused(database: Database) -> None:
    async with database.write() as db:
        found, key = await twins(db), new_id()
        first = await merge(db, found, key)
        assert (await merge(db, found, key)).merged_at == first.merged_at
        assert (await balances(db, found.right))["pool"] == 1300
        with pytest.raises(IdempotencyMismatch):
            await merge_accounts(
                db, key, merged_id=found.right.id, kept_id=found.wrong.id, reason="", by=STAFF, now=NOW
            )
        with pytest.raises(AccountClosed):
            await merge(db, found)
        with pytest.raises(SameAccount):
            await plan_merge(db, merged_id=found.right.id, kept_id=found.right.id, on=TODAY)


async def test_an_old_debt_of_the_pool_prevents_it_and_nothing_changes(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db)
        pool = next(each for each in await wallets_of(db, found.wrong.id) if each.service_code is POOL)
        pool.floor_cents = None
        await db.flush()
        await move(db, pool.id, -2000, await create_ledger_account(db))
        with pytest.raises(MergePrevented) as refused:
            await merge(db, found)
        assert "dette de 12,00" in refused.value.facts["why"]
        assert await balances(db, found.right) == {"pool": 500}
        assert (await db.get_one(FamilyAccount, found.wrong.id, populate_existing=True)).closed_on is None


async def test_undone_everything_is_where_it_was(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db, canteen=-470)
        record = await merge(db, found)
    async with database.write() as db:
        key = new_id()
        undone = await undo_merge(db, key, merge_id=record.id, reason="Deux familles", by=STAFF, now=NOW)
        again = await undo_merge(db, key, merge_id=record.id, reason="Deux familles", by=STAFF, now=NOW)
        assert undone.id == again.id
        with pytest.raises(AlreadyUndone):
            await undo_merge(db, new_id(), merge_id=record.id, reason="", by=STAFF, now=NOW)
        assert await balances(db, found.right) == {"pool": 500, "canteen": 0}
        assert await balances(db, found.wrong) == {"pool": 800, "canteen": -470}
        assert [account.id for account in await accounts_of(db, found.tom.id, TODAY)] == [found.wrong.id]
        assert [each.invoice.id for each in await invoices_of(db, found.wrong.id)] == [found.invoice_id]
        wrong = await db.get_one(FamilyAccount, found.wrong.id)
        assert (wrong.closed_on, wrong.merged_into_id) == (None, None)
        assert await verify(db) == []


async def test_what_was_spent_since_prevents_the_undoing_and_is_named(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db)
        record = await merge(db, found)
        pool = next(each for each in await wallets_of(db, found.right.id) if each.service_code is POOL)
        await move(db, pool.id, -510, await create_ledger_account(db))
    async with database.write() as db:
        with pytest.raises(UndoPrevented) as refused:
            await undo_merge(db, new_id(), merge_id=record.id, reason="", by=STAFF, now=NOW)
        assert "piscine" in refused.value.facts["why"]
        with pytest.raises(UndoPrevented) as refused:
            await undo_merge(db, new_id(), merge_id=record.id, reason="", by=STAFF, now=NOW, language="en")
        assert "pool" in refused.value.facts["why"]
        assert (await balances(db, found.right))["pool"] == 790


async def test_what_the_kept_account_spends_of_its_own_does_not_prevent_the_undoing(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db)
        record = await merge(db, found)
        pool = next(each for each in await wallets_of(db, found.right.id) if each.service_code is POOL)
        await move(db, pool.id, -500, await create_ledger_account(db))
        await undo_merge(db, new_id(), merge_id=record.id, reason="Deux familles", by=STAFF, now=NOW)
        assert ((await balances(db, found.right))["pool"], (await balances(db, found.wrong))["pool"]) == (0, 800)


async def test_what_came_in_since_does_not_prevent_it_and_stays(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db)
        record = await merge(db, found)
        pool = next(each for each in await wallets_of(db, found.right.id) if each.service_code is POOL)
        await move(db, pool.id, 1000, await create_ledger_account(db))
        await undo_merge(db, new_id(), merge_id=record.id, reason="", by=STAFF, now=NOW)
        assert (await balances(db, found.right))["pool"] == 1500


async def test_what_reaches_the_merged_account_afterwards_is_sent_on_once(database: Database) -> None:
    async with database.write() as db:
        found, key = await twins(db), new_id()
        with pytest.raises(NotMerged):
            await forward_rest(db, key, account_id=found.wrong.id, by=STAFF, now=NOW)
        await merge(db, found)
        pool = next(each for each in await wallets_of(db, found.wrong.id) if each.service_code is POOL)
        await move(db, pool.id, 2500, await create_ledger_account(db))
        assert [(each.account.id, each.amount_cents) for each in await left_to_settle(db) if each.service] == [
            (found.wrong.id, 2500)
        ]
        [sent] = await forward_rest(db, key, account_id=found.wrong.id, by=STAFF, now=NOW)
        assert (sent.service, sent.amount_cents) == (POOL, 2500)
        assert await forward_rest(db, key, account_id=found.wrong.id, by=STAFF, now=NOW) == []
        assert (await balances(db, found.right))["pool"] == 3800
        assert await left_to_settle(db) == []
        assert await verify(db) == []


async def test_an_invoice_that_was_paid_since_prevents_the_undoing(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db)
        record = await merge(db, found)
        await move(db, found.invoice_id, 235, await create_ledger_account(db))
        with pytest.raises(UndoPrevented) as refused:
            await undo_merge(db, new_id(), merge_id=record.id, reason="", by=STAFF, now=NOW)
        assert "facture" in refused.value.facts["why"]


async def test_what_is_merged_undone_or_shared_is_proven_on_the_whole_base(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db)
        record = await merge(db, found)
        assert await verify_families(db) == []
        found.right.merged_into_id = found.wrong.id
        found.wrong.closed_on = None
        await db.flush()
        assert [trouble.split(",")[0] for trouble in await verify_families(db)] == [
            "account F00002 was merged",
            "account F00001 points to another one",
        ]
        found.right.merged_into_id, found.wrong.closed_on = None, TODAY
        await undo_merge(db, new_id(), merge_id=record.id, reason="Deux familles", by=STAFF, now=NOW)
        assert await verify_families(db) == []


async def test_of_two_mergers_both_ways_at_once_one_is_done(database: Database) -> None:
    async with database.write() as db:
        found = await twins(db)

    async def attempt(merged_id: UUID, kept_id: UUID) -> str:
        try:
            async with database.write() as db:
                await merge_accounts(db, new_id(), merged_id=merged_id, kept_id=kept_id, reason="", by=STAFF, now=NOW)
        except Refusal as refusal:
            return refusal.slug
        return "merged"

    pairs = [(found.wrong.id, found.right.id), (found.right.id, found.wrong.id)] * 4
    answers = await asyncio.gather(*(attempt(*pair) for pair in pairs))
    assert sorted(answers) == ["account-closed"] * 7 + ["merged"]
    async with database.read() as db:
        assert sum((await db.scalars(select(Wallet.balance_cents))).all()) == 1300
        assert await verify(db) == []
