"""Families come, people go, and what they leave behind is stated."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from uuid import UUID

import pytest

from cvq_core.cards.rules import CardStatus, check_digit
from cvq_core.cards.store import add_card, cards_of
from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.facilities.service import Doing
from cvq_core.families.departures import (
    add_member,
    close_account,
    closures_of,
    end_member,
    left_to_settle,
    note_death,
    open_account,
    reopen_account,
)
from cvq_core.families.merges import merge_accounts
from cvq_core.families.rules import BadFamilyDay, CannotReopen, NotAMember
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.statements import latest_movements
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import AccountClosed, accounts_of, members_of
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode
from cvq_core.settings import Settings
from tests.core_examples import (
    NOW,
    TODAY,
    create_family,
    create_ledger_account,
    create_member,
    create_services,
    create_wallet,
    move,
)

STAFF = UUID(int=9)


async def test_families_that_arrive_at_once_get_numbers_of_their_own(database: Database) -> None:
    async def arrive(name: str) -> str:
        async with database.write() as db:
            return (await open_account(db, new_id(), label=f"Famille {name}", now=NOW)).number

    numbers = await asyncio.gather(*(arrive(name) for name in "ABCDEFGH"))
    assert sorted(numbers) == [f"{number:07d}" for number in range(1, 9)]


async def test_an_account_asked_for_twice_is_opened_once(database: Database) -> None:
    async with database.write() as db:
        key = new_id()
        first = await open_account(db, key, label="Famille Roy", now=NOW)
        assert (await open_account(db, key, label="Famille Roy", now=NOW)).number == first.number
        with pytest.raises(IdempotencyMismatch):
            await open_account(db, key, label="Famille Petit", now=NOW)


async def test_a_grandmother_pays_without_being_a_guardian_until_she_goes(database: Database) -> None:
    async with database.write() as db:
        family = await create_family(db)
        other = await create_family(db, "F00002", "Roy")
        nana = await create_member(db, other.id, "Nicole", FamilyRole.GUARDIAN)
        first = await add_member(db, new_id(), account_id=family.id, person_id=nana.id, role=FamilyRole.PAYER, now=NOW)
        again = await add_member(db, new_id(), account_id=family.id, person_id=nana.id, role=FamilyRole.PAYER, now=NOW)
        assert first.id == again.id
        later = NOW + timedelta(days=20)
        await end_member(
            db,
            account_id=family.id,
            person_id=nana.id,
            role=FamilyRole.PAYER,
            last_day=TODAY + timedelta(days=20),
            now=later,
        )
        assert len(await accounts_of(db, nana.id, TODAY + timedelta(days=20))) == 2
        assert len(await accounts_of(db, nana.id, TODAY + timedelta(days=21))) == 1
        assert [row.role for _, row in await members_of(db, family.id, TODAY)] == [FamilyRole.PAYER]
        with pytest.raises(NotAMember):
            await end_member(
                db, account_id=family.id, person_id=nana.id, role=FamilyRole.CHILD, last_day=TODAY, now=NOW
            )
        with pytest.raises(BadFamilyDay):
            await end_member(
                db, account_id=other.id, person_id=nana.id, role=FamilyRole.GUARDIAN, last_day=date(1999, 1, 1), now=NOW
            )


async def test_a_family_that_leaves_with_money_and_debts_is_told_what_becomes_of_both(database: Database) -> None:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        anna = await create_member(db, family.id, "Anna", FamilyRole.GUARDIAN)
        pool = await create_wallet(db, family.id, ServiceCode.POOL, cents=1240)
        await create_wallet(db, family.id, ServiceCode.CANTEEN, cents=-470)
        key = new_id()
        closure = await close_account(db, key, account_id=family.id, reason="Déménagement", by=STAFF, now=NOW)
        assert {(line["service"], line["amount_cents"], line["what"]) for line in closure.left["lines"]} == {
            ("pool", 1240, "refund"),
            ("canteen", 470, "debt"),
        }
        again = await close_account(db, key, account_id=family.id, reason="Déménagement", by=STAFF, now=NOW)
        assert again.recorded_at == closure.recorded_at
        with pytest.raises(AccountClosed):
            await close_account(db, new_id(), account_id=family.id, reason="", by=STAFF, now=NOW)
        with pytest.raises(AccountClosed):
            await add_member(db, new_id(), account_id=family.id, person_id=anna.id, role=FamilyRole.PAYER, now=NOW)
        assert await accounts_of(db, anna.id, TODAY) == []
        assert sorted(each.amount_cents for each in await left_to_settle(db)) == [470, 1240]
        # The office gives back what was left: the list is shorter, and the wallet's history is still there.
        await move(db, pool.id, -1240, await create_ledger_account(db))
        assert [each.amount_cents for each in await left_to_settle(db)] == [470]
        assert [each.amount_cents for each in (await latest_movements(db, [pool.id]))[pool.id]] == [-1240, 1240]


async def test_a_death_ends_the_card_and_the_roles_and_the_family_stays(database: Database) -> None:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        paul = await create_member(db, family.id, "Paul", FamilyRole.GUARDIAN, FamilyRole.PAYER)
        tom = await create_member(db, family.id, "Tom", FamilyRole.CHILD, born=date(2018, 1, 1))
        wallet = await create_wallet(db, family.id, ServiceCode.POOL, cents=300)
        await add_card(
            db,
            card_id=new_id(),
            person_id=paul.id,
            number="300000001" + check_digit("300000001"),
            uid="04A1B2C3D4E5F6",
            valid_from=TODAY,
            valid_until=date(2030, 1, 1),
            now=NOW,
        )
        died, doing = TODAY - timedelta(days=1), Doing(db, Settings(), SYSTEM, NOW)
        death = await note_death(doing, paul.id, on=died)
        assert (len(death.cards), death.without_guardian) == (1, (family.id,))
        [card] = (await cards_of(db, [paul.id]))[paul.id]
        assert card.status is CardStatus.BLOCKED
        assert [person.id for person, _ in await members_of(db, family.id, TODAY)] == [tom.id]
        assert {person.id for person, _ in await members_of(db, family.id, died)} == {tom.id, paul.id}
        assert (await db.get_one(FamilyAccount, family.id)).closed_on is None
        assert wallet.balance_cents == 300
        again = await note_death(doing, paul.id, on=died)
        assert again.cards == ()
        with pytest.raises(BadFamilyDay):
            await note_death(doing, tom.id, on=TODAY + timedelta(days=1))


async def test_a_family_that_comes_back_gets_its_people_from_that_day_on(database: Database) -> None:
    async with database.write() as db:
        await create_services(db)
        family, other = await create_family(db), await create_family(db, "F00002", "Roy")
        mother = await create_member(db, family.id, "Anna", FamilyRole.GUARDIAN)
        child, moved = [await create_member(db, family.id, name, FamilyRole.CHILD) for name in ("Tom", "Lou")]
        dead = await create_member(db, family.id, "René", FamilyRole.PAYER)
        await close_account(db, new_id(), account_id=family.id, reason="Départ", by=None, now=NOW)
        later = NOW + timedelta(days=40)
        await note_death(Doing(db, Settings(), SYSTEM, later), dead.id, on=TODAY)
        await add_member(db, new_id(), account_id=other.id, person_id=moved.id, role=FamilyRole.CHILD, now=later)
        first = await reopen_account(db, new_id(), account_id=family.id, reason="De retour", by=None, now=later)
        again = await reopen_account(db, first.id, account_id=family.id, reason="De retour", by=None, now=later)
        assert again.id == first.id
        held = await members_of(db, family.id, local_day(later))
        assert {person.id: row.valid_from for person, row in held} == {
            mother.id: local_day(later),
            child.id: local_day(later),
        }
        between = await members_of(db, family.id, TODAY + timedelta(days=20))
        assert between == []
        with pytest.raises(IdempotencyMismatch):
            await reopen_account(db, first.id, account_id=other.id, reason="De retour", by=None, now=later)


async def test_closed_by_mistake_and_reopened_the_same_day_nothing_is_missing(database: Database) -> None:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        await create_member(db, family.id, "Anna", FamilyRole.GUARDIAN)
        before = [(row.id, row.valid_until) for _, row in await members_of(db, family.id, TODAY)]
        for _ in range(2):
            await close_account(db, new_id(), account_id=family.id, reason="Par erreur", by=None, now=NOW)
            await reopen_account(db, new_id(), account_id=family.id, reason="Par erreur", by=None, now=NOW)
        assert [(row.id, row.valid_until) for _, row in await members_of(db, family.id, TODAY)] == before
        assert [reopened is not None for _, reopened in await closures_of(db, family.id)] == [True, True]


async def test_neither_an_open_nor_a_merged_account_is_reopened(database: Database) -> None:
    async with database.write() as db:
        await create_services(db)
        family, other = await create_family(db), await create_family(db, "F00002", "Moreau bis")
        await merge_accounts(db, new_id(), merged_id=other.id, kept_id=family.id, reason="Double", by=None, now=NOW)
        for account in (family, other):
            with pytest.raises(CannotReopen):
                await reopen_account(db, new_id(), account_id=account.id, reason="Erreur", by=None, now=NOW)


async def test_of_rivals_who_reopen_an_account_one_does(database: Database) -> None:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        await create_member(db, family.id, "Anna", FamilyRole.GUARDIAN)
        await close_account(db, new_id(), account_id=family.id, reason="Départ", by=None, now=NOW)

    async def reopen() -> None:
        async with database.write() as db:
            await reopen_account(
                db, new_id(), account_id=family.id, reason="Retour", by=None, now=NOW + timedelta(days=9)
            )

    answers = await asyncio.gather(*(reopen() for _ in range(4)), return_exceptions=True)
    assert sorted(answer is None for answer in answers) == [False, False, False, True]
    assert {type(answer) for answer in answers if answer is not None} == {CannotReopen}
