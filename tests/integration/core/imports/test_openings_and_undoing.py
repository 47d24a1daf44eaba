"""Opening balances that a cash officer signs off, and imports that are taken back as long as nothing was used."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.cards.tables import Card
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.imports.rules import (
    AlreadySigned,
    DifferenceUnexplained,
    FamiliesWait,
    NothingToSign,
    NotThisOffice,
    account_id_of,
)
from cvq_core.imports.staging import batch_of
from cvq_core.imports.tables import BatchState, ImportBatch, OpeningSignOff, Verdict
from cvq_core.imports.verify import verify_imports
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, InsufficientFunds
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerAccount, Wallet
from cvq_core.ledger.verify import verify
from cvq_core.offices.rules import Officer
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import FamilyAccount, Membership, Person, PersonWord
from cvq_core.services.rules import ServiceCode
from tests.core_examples import create_ledger_account, create_member, create_officer, create_wallet, move
from tests.integration.core.imports.old_base import (
    BASE,
    ROWS,
    bring,
    count,
    decide_all,
    prepare,
    sign,
    take_back,
    take_over,
)

CANTEEN, POOL = ServiceCode.CANTEEN, ServiceCode.POOL


async def balances(database: Database) -> dict[tuple[UUID, ServiceCode], int]:
    async with database.read() as db:
        rows = await db.scalars(select(Wallet))
        return {(row.family_account_id, row.service_code): row.balance_cents for row in rows}


async def sound(database: Database) -> None:
    async with database.read() as db:
        assert await verify(db) == []
        assert await verify_imports(db) == []


async def taken_over(database: Database) -> Officer:
    officer = await prepare(database)
    await bring(database)
    await take_over(database)
    return officer


async def test_what_was_signed_off_stands_in_the_wallets_against_the_base_s_opening_account(database: Database) -> None:
    officer = await taken_over(database)
    signed = await sign(database, officer, CANTEEN, 1250, 720)
    assert (signed.families, signed.credit_cents, signed.debt_cents, signed.signed_name) == (2, 1250, 720, officer.name)
    first, second = account_id_of(BASE, "1"), account_id_of(BASE, "2")
    assert await balances(database) == {(first, CANTEEN): 1250, (second, CANTEEN): -720}
    async with database.read() as db:
        opening = await db.scalar(select(LedgerAccount).where(LedgerAccount.kind == AccountKind.OPENING))
        assert opening is not None
        assert opening.code == f"opening:{BASE}:canteen"
        assert await balance_of(db, opening.id) == -530
    await sound(database)


async def test_a_difference_blocks_until_it_is_explained(database: Database) -> None:
    officer = await taken_over(database)
    for stated in ((1300, 720), (1250, 700)):
        with pytest.raises(DifferenceUnexplained):
            await sign(database, officer, CANTEEN, *stated)
    assert await balances(database) == {}
    signed = await sign(database, officer, CANTEEN, 1300, 720, explanation="Famille partie, soldée le 2 septembre")
    assert (signed.credit_cents, signed.stated_credit_cents) == (1250, 1300)
    await sound(database)


async def test_only_the_officer_of_the_service_signs_once_and_only_when_no_family_waits(database: Database) -> None:
    officer = await prepare(database)
    await bring(database, [*ROWS, "3;9;R;Moreau;;Claire;07/06/1985;;;;;;1,00;;"])
    await take_over(database)
    with pytest.raises(FamiliesWait):
        await sign(database, officer, CANTEEN, 1250, 720)
    await decide_all(database, Verdict.DIFFERENT)
    await take_over(database)
    async with database.write() as db:
        other = await create_officer(db, "paul", "Paul Roy")
    with pytest.raises(NotThisOffice):
        await sign(database, other, CANTEEN, 1350, 720)
    with pytest.raises(NotThisOffice):
        await sign(database, officer, ServiceCode.LIBRARY, 0)
    key = new_id()
    first = await sign(database, officer, CANTEEN, 1350, 720, sign_off_id=key)
    again = await sign(database, officer, CANTEEN, 1350, 720, sign_off_id=key)
    assert (first.id, first.signed_at) == (again.id, again.signed_at)
    with pytest.raises(IdempotencyMismatch):
        await sign(database, officer, CANTEEN, 1349, 720, sign_off_id=key)
    with pytest.raises(AlreadySigned):
        await sign(database, officer, CANTEEN, 1350, 720)
    await sound(database)


async def test_of_two_who_sign_at_once_one_does(database: Database) -> None:
    officer = await taken_over(database)
    done = await asyncio.gather(
        *(sign(database, officer, CANTEEN, 1250, 720) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, OpeningSignOff) for each in done) == 1
    await sound(database)


async def test_a_debt_at_a_service_that_refuses_is_kept_and_can_only_shrink(database: Database) -> None:
    officer = await prepare(database)
    await bring(database, [ROWS[0].replace(";12,50;;", ";;-4,00;")])
    await take_over(database)
    await sign(database, officer, POOL, 0, 400)
    async with database.write() as db:
        wallet = await db.scalar(select(Wallet))
        assert wallet is not None
        assert (wallet.balance_cents, wallet.floor_cents) == (-400, -400)
        other = await create_ledger_account(db)
        with pytest.raises(InsufficientFunds):
            await move(db, wallet.id, -1, other)
        await move(db, wallet.id, 150, other)
    async with database.read() as db:
        wallet = await db.scalar(select(Wallet))
        assert wallet is not None
        assert (wallet.balance_cents, wallet.floor_cents) == (-250, -250)


async def test_nothing_is_signed_where_nothing_was_brought(database: Database) -> None:
    officer = await prepare(database)
    await bring(database, [row.replace("30,00", "") for row in ROWS])
    await take_over(database)
    with pytest.raises(NothingToSign):
        await sign(database, officer, POOL, 0)


async def test_what_only_refused_families_had_is_not_signed_as_nothing(database: Database) -> None:
    officer = await prepare(database)
    await bring(database, [ROWS[0].replace(";12,50;;", ";;;"), "3;5;X;ROY;;Paul;;;;;;;;9,00;"])
    await take_over(database)
    with pytest.raises(NothingToSign):
        await sign(database, officer, POOL, 0)


async def test_an_import_that_was_not_used_goes_whole_its_money_by_reversals(database: Database) -> None:
    officer = await taken_over(database)
    await sign(database, officer, CANTEEN, 1250, 720)
    done = await take_back(database)
    assert (done.families, done.persons, done.kept) == (2, 4, [])
    assert [await count(database, table) for table in (Person, PersonWord, Membership, Card)] == [0, 0, 0, 0]
    assert set((await balances(database)).values()) == {0}
    async with database.read() as db:
        # What the ledger names stays, closed and without a name.
        accounts = list(await db.scalars(select(FamilyAccount)))
        assert {(account.label, account.closed_on is not None) for account in accounts} == {("Import défait", True)}
        assert await db.scalar(select(ImportBatch.state)) is BatchState.UNDONE
    await sound(database)


async def test_before_it_is_signed_off_nothing_at_all_stays(database: Database) -> None:
    await taken_over(database)
    await take_back(database)
    assert [await count(database, table) for table in (Person, FamilyAccount, Wallet)] == [0, 0, 0]


async def test_what_was_taken_back_can_be_taken_over_again(database: Database) -> None:
    officer = await taken_over(database)
    await sign(database, officer, CANTEEN, 1250, 720)
    await take_back(database)
    await bring(database)
    done = await take_over(database)
    assert (done.families, done.persons_made) == (2, 4)
    await sign(database, officer, CANTEEN, 1250, 720)
    assert sorted((await balances(database)).values()) == [-720, 1250]
    async with database.read() as db:
        assert {account.closed_on for account in await db.scalars(select(FamilyAccount))} == {None}
    await sound(database)


async def test_a_family_that_was_used_stays_and_says_why_and_the_others_go(database: Database) -> None:
    officer = await taken_over(database)
    await sign(database, officer, CANTEEN, 1250, 720)
    first = account_id_of(BASE, "1")
    async with database.write() as db:
        wallet = await db.scalar(select(Wallet).where(Wallet.family_account_id == first))
        assert wallet is not None
        await move(db, wallet.id, -300, await create_ledger_account(db))
        await create_member(db, first, "Rosalie", FamilyRole.PAYER, born=date(1950, 1, 1))
    done = await take_back(database)
    assert (done.families, done.persons) == (1, 2)
    [kept] = done.kept
    assert kept.number == "1"
    assert kept.why == ("de l’argent a bougé sur le compte cantine", "une personne a été ajoutée au compte")
    assert (await balances(database))[first, CANTEEN] == 950
    assert await count(database, Person) == 3
    await sound(database)
    # Undone again, it says so again; the batch goes on as one that was applied.
    assert [each.number for each in (await take_back(database)).kept] == ["1"]
    async with database.read() as db:
        assert (await batch_of(db, BASE)).state is BatchState.APPLIED


async def test_a_family_that_paid_before_its_balances_were_signed_off_stays(database: Database) -> None:
    await taken_over(database)
    first = account_id_of(BASE, "1")
    async with database.write() as db:
        wallet = await create_wallet(db, first, CANTEEN)
        await move(db, wallet.id, 2000, await create_ledger_account(db))
    done = await take_back(database)
    assert [(kept.number, kept.why) for kept in done.kept] == [("1", ("de l’argent a bougé sur le compte cantine",))]
    assert (done.families, await balances(database)) == (1, {(first, CANTEEN): 2000})
    await sound(database)


async def test_people_on_whom_another_import_builds_stay(database: Database) -> None:
    await taken_over(database)
    other = [row.replace("1;1;", "7;70;").replace("1;2;", "7;71;") for row in ROWS[:2]]
    await bring(database, other, base="pompaire-garderie")
    await decide_all(database, Verdict.SAME, "pompaire-garderie")
    await take_over(database, "pompaire-garderie")
    done = await take_back(database)
    assert [(kept.number, kept.why) for kept in done.kept] == [
        ("1", ("un autre import s’y rapporte : défaites-le d’abord",))
    ]
    await take_back(database, "pompaire-garderie")
    assert (await take_back(database)).kept == []
    assert [await count(database, table) for table in (Person, FamilyAccount)] == [0, 0]


async def test_a_child_of_two_families_of_the_import_goes_with_the_last_of_them(database: Database) -> None:
    await prepare(database)
    await bring(database, [*ROWS, "3;9;R;ROY;;Paul;03/03/1983;;;;;;;;", "3;2;E;Moreau;;LUCAS;04/03/2016;;;;;;;;"])
    await decide_all(database, Verdict.SAME)
    await take_over(database)
    done = await take_back(database)
    assert (done.families, done.persons, done.kept) == (3, 5, [])
    assert await count(database, Person) == 0


async def test_what_was_only_staged_is_thrown_away(database: Database) -> None:
    await prepare(database)
    await bring(database, [*ROWS, "3;9;R;Moreau;;Claire;07/06/1985;;;;;;;;"])
    done = await take_back(database)
    assert (done.families, done.kept) == (0, [])
    await bring(database)
    assert (await take_over(database)).families == 2
