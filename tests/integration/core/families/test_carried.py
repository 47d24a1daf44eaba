"""What follows a household through a merger besides its money: choices, mandates, quotients, carts, who looked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.database import Database
from cvq_core.debits.mandates import MandateDetails, prepare_mandate, revoke_mandate, standing_mandate
from cvq_core.debits.tables import DebitMandate
from cvq_core.families.forwards import forward_rest
from cvq_core.families.jobs import run_forwards
from cvq_core.families.merges import merge_accounts, plan_merge
from cvq_core.families.rules import MergePrevented, UndoPrevented
from cvq_core.families.tables import AccountMerge
from cvq_core.families.undoing import undo_merge
from cvq_core.ids import new_id
from cvq_core.journal.store import Actor, record, records_about
from cvq_core.ledger.tables import Posting, Wallet
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import wallets_of
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import SubOffice
from cvq_core.payables.rules import PayableKind
from cvq_core.payments.tables import Cart, CartLine
from cvq_core.people.arrangements import NewArrangement, accounts_within, arrange
from cvq_core.people.custody import Part
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.quotients import quotients_of, quotients_on, record_quotient
from cvq_core.treasury.unpaid_rules import DebtKind
from cvq_core.treasury.unpaid_tables import UnpaidItem, UnpaidSeries, UnpaidState
from cvq_core.vault import Vault
from cvq_core.wallets.jobs import run_top_ups
from cvq_core.wallets.rules import TopUpSetting
from cvq_core.wallets.settings import choose_notice, choose_top_up, notices_in_force, top_ups_in_force
from tests.core_examples import (
    LONG_AGO,
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_ledger_account,
    create_mandate,
    create_member,
    create_officer,
    create_services,
    create_wallet,
    move,
)

CANTEEN, POOL = ServiceCode.CANTEEN, ServiceCode.POOL
STAFF = UUID(int=9)
ACTOR = Actor("staff", STAFF, "Sylvie")
SETTING = TopUpSetting(threshold_cents=500, amount_cents=1000, month_max_cents=3000)


async def household_twice(db: AsyncSession) -> tuple[FamilyAccount, FamilyAccount, Person]:
    """An account that goes on, one that was opened by mistake, and the child of the latter."""
    await create_services(db)
    right, wrong = await create_family(db), await create_family(db, "F00002", "Moreau bis")
    tom = await create_member(db, wrong.id, "Tom", FamilyRole.CHILD)
    for account in (right, wrong):
        for service in (CANTEEN, POOL):
            await create_wallet(db, account.id, service, cents=2000)
    return right, wrong, tom


async def merged(db: AsyncSession, wrong: FamilyAccount, right: FamilyAccount) -> AccountMerge:
    return await merge_accounts(
        db, new_id(), merged_id=wrong.id, kept_id=right.id, reason="Ouvert deux fois", by=STAFF, now=NOW
    )


async def undone(db: AsyncSession, merge: AccountMerge) -> None:
    await undo_merge(db, new_id(), merge_id=merge.id, reason="Deux familles", by=STAFF, now=NOW)


async def wallet(db: AsyncSession, account: FamilyAccount, service: ServiceCode) -> Wallet:
    return next(each for each in await wallets_of(db, account.id) if each.service_code is service)


async def choose(db: AsyncSession, account: FamilyAccount, service: ServiceCode, source: ServiceCode) -> None:
    await choose_top_up(
        db,
        new_id(),
        family_account_id=account.id,
        wallet_id=(await wallet(db, account, service)).id,
        source_wallet_id=(await wallet(db, account, source)).id,
        setting=SETTING,
        actor=ACTOR,
        now=NOW,
    )


async def top_ups(db: AsyncSession, account: FamilyAccount) -> list[tuple[UUID, int]]:
    rows = await top_ups_in_force(db, TODAY, family_account_id=account.id)
    return [(each.wallet_id, each.amount_cents) for each in rows]


async def thresholds(db: AsyncSession, account: FamilyAccount) -> Sequence[int | None]:
    return [each.threshold_cents for each in await notices_in_force(db, TODAY, family_account_id=account.id)]


async def test_an_automatic_top_up_and_a_notice_follow_and_come_back(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        wrong.email = "famille@exemple.fr"
        await choose(db, wrong, CANTEEN, POOL)
        await choose_notice(
            db,
            new_id(),
            family_account_id=wrong.id,
            wallet_id=(await wallet(db, wrong, POOL)).id,
            threshold_cents=700,
            actor=ACTOR,
            now=NOW,
        )
        plan = await plan_merge(db, merged_id=wrong.id, kept_id=right.id, on=TODAY)
        assert ([each.service for each in plan.carried.top_ups], plan.carried.notices) == ([CANTEEN], {POOL: 700})
        assert plan.carried.email
        merge = await merged(db, wrong, right)
        assert await top_ups(db, wrong) == []
        assert await thresholds(db, wrong) == []
        assert await top_ups(db, right) == [((await wallet(db, right, CANTEEN)).id, 1000)]
        assert (await thresholds(db, right), right.email) == ([700], "famille@exemple.fr")
        await undone(db, merge)
        assert await top_ups(db, right) == []
        assert await thresholds(db, right) == []
        assert await top_ups(db, wrong) == [((await wallet(db, wrong, CANTEEN)).id, 1000)]
        assert (await thresholds(db, wrong), right.email) == ([700], None)


async def test_the_month_s_ceiling_goes_on_counting_what_was_added_before_the_merger(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        other = await create_ledger_account(db)
        await choose(db, wrong, CANTEEN, POOL)
        for account in (right, wrong):
            await move(db, (await wallet(db, account, CANTEEN)).id, -2000, other)
        await move(db, (await wallet(db, wrong, POOL)).id, 9000, other)
    assert await run_top_ups(database, lambda: NOW) == 1
    async with database.write() as db:
        await move(db, (await wallet(db, wrong, CANTEEN)).id, -1000, other)
        await merged(db, wrong, right)
    for expected in (1, 1, 0):
        assert await run_top_ups(database, lambda: NOW) == expected
        async with database.write() as db:
            canteen = await wallet(db, right, CANTEEN)
            if canteen.balance_cents:
                await move(db, canteen.id, -canteen.balance_cents, other)


async def test_what_the_kept_account_has_chosen_stands_and_it_is_said_what_ends(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        await choose(db, right, CANTEEN, POOL)
        await choose(db, wrong, CANTEEN, POOL)
        plan = await plan_merge(db, merged_id=wrong.id, kept_id=right.id, on=TODAY)
        [staying] = plan.carried.staying
        assert staying.in_words() == (
            "L’approvisionnement automatique du compte cantine s’arrête\u00a0: le compte gardé a déjà le sien."
        )
        before = await top_ups_in_force(db, TODAY, family_account_id=right.id)
        merge = await merged(db, wrong, right)
        assert await top_ups_in_force(db, TODAY, family_account_id=right.id) == before
        await undone(db, merge)
        assert await top_ups_in_force(db, TODAY, family_account_id=right.id) == before
        assert len(await top_ups(db, wrong)) == 1


async def test_two_top_ups_that_would_run_in_a_circle_are_not_both_kept(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        await choose(db, right, CANTEEN, POOL)
        await choose(db, wrong, POOL, CANTEEN)
        plan = await plan_merge(db, merged_id=wrong.id, kept_id=right.id, on=TODAY)
        assert "tournerait en rond" in plan.carried.staying[0].in_words()
        await merged(db, wrong, right)
        assert await top_ups(db, right) == [((await wallet(db, right, CANTEEN)).id, 1000)]


async def test_what_the_family_chose_since_the_merger_is_not_ended_by_its_undoing(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        await choose(db, wrong, CANTEEN, POOL)
        merge = await merged(db, wrong, right)
        await choose(db, right, CANTEEN, POOL)
        chosen = [each.id for each in await top_ups_in_force(db, TODAY, family_account_id=right.id)]
        await undone(db, merge)
        assert [each.id for each in await top_ups_in_force(db, TODAY, family_account_id=right.id)] == chosen


async def test_the_quotients_follow_with_their_history_and_come_back(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        for account, value, since in ((right, 742, 200), (wrong, 910, 300), (wrong, 950, 30)):
            await record_quotient(
                db,
                new_id(),
                account_id=account.id,
                value_euros=value,
                source=QuotientSource.CAF,
                valid_from=TODAY - timedelta(days=since),
                now=NOW,
            )
        merge = await merged(db, wrong, right)
        assert [row.value_euros for row in await quotients_of(db, right.id)] == [950, 742, 910]
        assert (await quotients_on(db, TODAY, [right.id]))[right.id].value_euros == 950
        await undone(db, merge)
        assert [row.value_euros for row in await quotients_of(db, right.id)] == [742]
        assert [row.value_euros for row in await quotients_of(db, wrong.id)] == [950, 910]


async def make_open_cart(db: AsyncSession, wallet_id: UUID) -> None:
    place = await create_counter(db, await create_officer(db))
    cart = Cart(
        id=new_id(),
        token="abcdefghijkl",
        sub_office_id=place.id,
        email="famille@exemple.fr",
        acknowledged=True,
        topics=[],
        actor_kind="staff",
        made_at=NOW,
        expires_at=NOW + timedelta(days=2),
    )
    db.add(cart)
    await db.flush()
    await db.execute(
        insert(CartLine).values(
            cart_id=cart.id,
            position=0,
            kind=PayableKind.WALLET,
            account_id=wallet_id,
            amount_cents=2500,
            label="Cantine",
        )
    )


async def test_an_open_cart_stays_payable_and_what_is_paid_goes_on_by_itself(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        canteen = await wallet(db, wrong, CANTEEN)
        await make_open_cart(db, canteen.id)
        assert (await plan_merge(db, merged_id=wrong.id, kept_id=right.id, on=TODAY)).carried.carts == 1
        merge = await merged(db, wrong, right)
        await move(db, canteen.id, 2500, await create_ledger_account(db))
    assert sum(await asyncio.gather(*(run_forwards(database, lambda: NOW) for _ in range(3)))) == 1
    async with database.write() as db:
        assert (await wallet(db, right, CANTEEN)).balance_cents == 6500
        assert await verify(db) == []
        await undone(db, merge)
        assert (await wallet(db, right, CANTEEN)).balance_cents == 2000
        assert (await wallet(db, wrong, CANTEEN)).balance_cents == 4500, "what was sent on goes back too"
        assert await verify(db) == []
    assert await run_forwards(database, lambda: NOW) == 0


async def test_what_was_sent_on_and_spent_prevents_the_undoing(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        merge = await merged(db, wrong, right)
        await move(db, (await wallet(db, wrong, POOL)).id, 2500, await create_ledger_account(db))
        await forward_rest(db, new_id(), account_id=wrong.id, by=STAFF, now=NOW)
        await move(db, (await wallet(db, right, POOL)).id, -2100, await create_ledger_account(db))
    async with database.write() as db:
        with pytest.raises(UndoPrevented):
            await undone(db, merge)
        assert (await wallet(db, right, POOL)).balance_cents == 4400


async def test_through_two_mergers_it_goes_on_to_the_last_and_each_can_be_undone(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        last = await create_family(db, "F00003", "Moreau ter")
        first, second = await merged(db, wrong, right), await merged(db, right, last)
        await move(db, (await wallet(db, wrong, POOL)).id, 300, await create_ledger_account(db))
        await forward_rest(db, new_id(), account_id=wrong.id, by=STAFF, now=NOW)
        assert (await wallet(db, last, POOL)).balance_cents == 4300
        assert await accounts_within(db, last.id) == {wrong.id, right.id, last.id}
        await undone(db, second)
        assert (await wallet(db, right, POOL)).balance_cents == 4300
        await undone(db, first)
        balances = [(await wallet(db, account, POOL)).balance_cents for account in (wrong, right, last)]
        assert balances == [2300, 2000, 0]
        assert await verify(db) == []


async def test_a_debt_that_cannot_be_sent_on_stays_listed_and_the_job_goes_on(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        await merged(db, wrong, right)
        pool = await wallet(db, wrong, POOL)
        pool.floor_cents = None
        await db.flush()
        await move(db, pool.id, -9000, await create_ledger_account(db))
    assert await run_forwards(database, lambda: NOW) == 0
    async with database.write() as db:
        with pytest.raises(MergePrevented):
            await forward_rest(db, new_id(), account_id=wrong.id, by=STAFF, now=NOW)
        assert (await wallet(db, wrong, POOL)).balance_cents == -9000


async def test_who_looked_at_the_old_account_is_told_to_the_one_that_goes_on_as_long_as_they_are_one(
    database: Database,
) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        record(db, now=NOW, actor=ACTOR, action="account-looked-at", account_id=wrong.id)
        merge = await merged(db, wrong, right)
        assert len(await records_about(db, await accounts_within(db, right.id))) == 1
        await undone(db, merge)
        assert await records_about(db, await accounts_within(db, right.id)) == []


async def test_a_calendar_between_the_two_accounts_says_that_they_are_two_households(database: Database) -> None:
    async with database.write() as db:
        right, wrong, tom = await household_twice(db)
        db.add(
            Membership(id=new_id(), account_id=right.id, person_id=tom.id, role=FamilyRole.CHILD, valid_from=LONG_AGO)
        )
        await db.flush()
        parts = (Part(right.id, 50), Part(wrong.id, 50))
        begins = TODAY + timedelta(days=10)
        asked = NewArrangement(new_id(), tom.id, begins, parts, "aaaaaaa", "bbbbbbb")
        await arrange(db, asked, recorded_by=STAFF, now=NOW)
        with pytest.raises(MergePrevented) as refused:
            await merged(db, wrong, right)
        assert "Tom Moreau" in refused.value.facts["why"]
        alone = NewArrangement(new_id(), tom.id, begins, (Part(right.id, 100),), "aaaaaaa", "aaaaaaa")
        await arrange(db, alone, recorded_by=STAFF, now=NOW + timedelta(minutes=1))
        assert (await merged(db, wrong, right)).kept_id == right.id


async def on_a_list_of_the_comptable(db: AsyncSession, owing: Wallet, place: SubOffice, officer: Officer) -> None:
    db.add(UnpaidSeries(office_id=place.office_id, last_number=1))
    await db.flush()
    state = UnpaidState(
        id=new_id(),
        office_id=place.office_id,
        number=1,
        staff_id=officer.staff_id,
        made_at=NOW,
        families=1,
        total_cents=-owing.balance_cents,
        printed={},
    )
    db.add(state)
    await db.flush()
    last = await db.scalar(select(func.max(Posting.id)).where(Posting.account_id == owing.id))
    assert last is not None
    db.add(
        UnpaidItem(
            state_id=state.id,
            account_id=owing.id,
            position=0,
            family_account_id=owing.family_account_id,
            kind=DebtKind.WALLET,
            since=TODAY,
            amount_cents=-owing.balance_cents,
            owed_cents=-owing.balance_cents,
            posting_id=last,
        )
    )
    await db.flush()


async def test_a_debt_that_the_comptable_claims_is_not_moved_to_be_claimed_twice(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        officer = await create_officer(db)
        place = await create_counter(db, officer)
        canteen, other = await wallet(db, wrong, CANTEEN), await create_ledger_account(db)
        await move(db, canteen.id, -4500, other)
        await on_a_list_of_the_comptable(db, await wallet(db, wrong, CANTEEN), place, officer)
        with pytest.raises(MergePrevented) as refused:
            await merged(db, wrong, right)
        assert "liste d’impayés remise au comptable, pour 25,00" in refused.value.facts["why"]
        await move(db, canteen.id, 2500, other)
        assert (await merged(db, wrong, right)).kept_id == right.id


async def test_a_debt_that_is_claimed_of_the_kept_account_is_not_taken_back_from_it(database: Database) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        officer = await create_officer(db)
        place = await create_counter(db, officer)
        await move(db, (await wallet(db, wrong, CANTEEN)).id, -7000, await create_ledger_account(db))
        merge = await merged(db, wrong, right)
        await on_a_list_of_the_comptable(db, await wallet(db, right, CANTEEN), place, officer)
        with pytest.raises(UndoPrevented) as refused:
            await undone(db, merge)
        assert "remise au comptable" in refused.value.facts["why"]


async def two_mandates(db: AsyncSession, vault: Vault, kept: UUID, merged: UUID) -> tuple[DebitMandate, DebitMandate]:
    """A mandate that the kept account has prepared and never signed, and one that the other has signed."""
    officer = await create_officer(db)
    office_id = (await create_counter(db, officer, is_main=True)).office_id
    signed = await create_mandate(db, vault, office_id, merged, officer)
    prepared = await prepare_mandate(
        db,
        new_id(),
        office_id=office_id,
        family_account_id=kept,
        details=MandateDetails("Jeanne Moreau", "12, rue du Moulin", signed.iban),
        actor=Actor("staff", officer.staff_id, officer.name),
        now=NOW,
    )
    return prepared, signed


async def test_a_signed_mandate_takes_the_place_of_a_prepared_one_which_comes_back_with_the_undoing(
    database: Database, tmp_path: Path
) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        prepared, signed = await two_mandates(db, Vault(tmp_path, bytes(32)), right.id, wrong.id)
        plan = await plan_merge(db, merged_id=wrong.id, kept_id=right.id, on=TODAY)
        assert [prepared.reference in each.in_words("fr") for each in plan.carried.staying] == [True]
        record = await merged(db, wrong, right)
        standing = await standing_mandate(db, signed.office_id, right.id)
        assert standing is not None
        assert standing.id == signed.id
        assert await standing_mandate(db, signed.office_id, wrong.id) is None
        await undo_merge(db, new_id(), merge_id=record.id, reason="Deux familles", by=STAFF, now=NOW)
        for account_id, mandate in ((right.id, prepared), (wrong.id, signed)):
            standing = await standing_mandate(db, signed.office_id, account_id)
            assert standing is not None
            assert (standing.id, standing.revoked_why) == (mandate.id, "")


async def test_a_mandate_that_made_room_stays_given_up_where_the_family_has_got_another_since(
    database: Database, tmp_path: Path
) -> None:
    async with database.write() as db:
        right, wrong, _ = await household_twice(db)
        prepared, signed = await two_mandates(db, Vault(tmp_path, bytes(32)), right.id, wrong.id)
        record = await merged(db, wrong, right)
        await revoke_mandate(db, signed.id, why="La famille le demande", now=NOW)
        details = MandateDetails("Anna Moreau", "12, rue du Moulin", signed.iban)
        newer = await prepare_mandate(
            db,
            new_id(),
            office_id=signed.office_id,
            family_account_id=right.id,
            details=details,
            actor=Actor("staff", prepared.recorded_by, "Odile"),
            now=NOW,
        )
        await undo_merge(db, new_id(), merge_id=record.id, reason="Deux familles", by=STAFF, now=NOW)
        standing = await standing_mandate(db, signed.office_id, right.id)
        assert standing is not None
        assert standing.id == newer.id
        assert prepared.revoked_on == TODAY
