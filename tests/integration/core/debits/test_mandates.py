"""A mandate's life: prepared, signed with its page, replaced, spent, revoked."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cvq_core.database import Database
from cvq_core.debits.mandates import BadPaper, confirm_mandate, revoke_mandate, signed_paper, standing_mandate, state_of
from cvq_core.debits.rules import (
    BadIban,
    BadMandate,
    MandateExists,
    MandateSigned,
    MandateState,
    NoCreditorNumber,
    NoPaper,
    NothingToDebit,
    NothingToTell,
    Obstacle,
    checked_iban,
)
from cvq_core.debits.tables import DebitMandate
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.people.store import AccountClosed
from cvq_core.people.tables import FamilyAccount
from cvq_core.vault import Vault
from tests.core_examples import NOW, TODAY, blank_pdf, create_officer
from tests.integration.core.debits.conftest import IBAN, OTHER, PAPER, Ground, debits_in


async def test_nothing_is_debited_without_a_mandate_before_it_is_signed_or_after_it_was_revoked(ground: Ground) -> None:
    invoice = await ground.invoice()
    with pytest.raises(NothingToDebit):
        await ground.send()
    mandate = await ground.prepare()
    assert await ground.obstacles() == [Obstacle.NOT_SIGNED]
    with pytest.raises(NothingToTell):
        await ground.tell()
    await ground.file(mandate)
    await ground.tell()
    async with ground.database.write() as db:
        await revoke_mandate(db, mandate.id, why="change de banque", now=NOW)
    with pytest.raises(NothingToDebit):
        await ground.send()
    assert await ground.due(invoice) == 3290


async def test_a_mandate_for_one_debit_gives_one(ground: Ground) -> None:
    mandate = await ground.sign(one_off=True)
    first, second = await ground.invoice(1000), await ground.invoice(2000)
    await ground.tell()
    sent = await ground.send()
    assert [(each["amount"], each["sequence"]) for each in debits_in(sent)] == [("10.00", "OOFF")]
    assert [await ground.due(each) for each in (first, second)] == [0, 2000]
    assert await ground.obstacles() == [Obstacle.SPENT]
    assert (await ground.sign()).id != mandate.id, "a spent one gives way"


async def test_a_family_has_one_mandate_and_the_same_id_is_the_same(ground: Ground) -> None:
    mandate_id = new_id()
    first, again = await ground.prepare(mandate_id), await ground.prepare(mandate_id)
    assert first.id == again.id
    with pytest.raises(IdempotencyMismatch):
        await ground.prepare(mandate_id, iban=OTHER)
    corrected = await ground.prepare(iban=OTHER)
    async with ground.database.read() as db:
        former = await db.get_one(DebitMandate, mandate_id)
        assert state_of(former, TODAY) is MandateState.REVOKED, "what was never signed gives way"
    await ground.file(corrected)
    with pytest.raises(MandateExists):
        await ground.prepare()


async def test_of_rivals_who_prepare_a_mandate_at_once_one_stands(ground: Ground) -> None:
    await asyncio.gather(*(ground.prepare(iban=iban) for iban in (IBAN, OTHER, IBAN)))
    async with ground.database.read() as db:
        standing = await db.scalars(select(DebitMandate).where(DebitMandate.revoked_on.is_(None)))
        references = await db.scalars(select(DebitMandate.reference).order_by(DebitMandate.reference))
        assert len(list(standing)) == 1
        assert list(references) == ["POM-M000001", "POM-M000002", "POM-M000003"]


async def test_a_mandate_is_signed_with_its_page_once_and_the_page_is_kept_sealed(ground: Ground) -> None:
    mandate = await ground.prepare()
    async with ground.database.read() as db:
        with pytest.raises(NoPaper):
            await signed_paper(db, ground.vault, mandate.id)
    await asyncio.gather(ground.file(mandate), ground.file(mandate))
    async with ground.database.read() as db:
        assert await signed_paper(db, ground.vault, mandate.id) == PAPER
        assert (await db.get_one(DebitMandate, mandate.id)).signed_on == TODAY
    with pytest.raises(MandateSigned):
        await ground.file(mandate, paper=blank_pdf(2))
    async with ground.database.write() as db:
        with pytest.raises(MandateSigned):
            await confirm_mandate(db, mandate.id, now=NOW)
    files = [each for each in ground.vault._folder.rglob("*") if each.is_file()]
    assert not any(b"%PDF" in each.read_bytes() for each in files)


@pytest.mark.parametrize("paper", [b"", b"<html>", blank_pdf(7)], ids=["empty", "no pdf", "too long"])
async def test_what_is_no_signed_page_is_refused(ground: Ground, paper: bytes) -> None:
    mandate = await ground.prepare()
    with pytest.raises(BadPaper):
        await ground.file(mandate, paper=paper)


@pytest.mark.parametrize("signed_on", [TODAY - timedelta(days=1), TODAY + timedelta(days=1)])
async def test_a_mandate_is_signed_neither_before_it_was_prepared_nor_tomorrow(ground: Ground, signed_on: date) -> None:
    mandate = await ground.prepare()
    with pytest.raises(BadMandate):
        await ground.file(mandate, signed_on=signed_on)


async def test_an_office_without_a_creditor_number_debits_nobody(database: Database, tmp_path: Path) -> None:
    async with database.write() as db:
        officer = await create_officer(db)
    vault = Vault(tmp_path / "documents", bytes(32))
    with pytest.raises(NoCreditorNumber):
        await Ground(database, vault, new_id(), officer, officer, new_id(), new_id()).prepare()


async def test_a_mandate_without_a_holder_is_refused(ground: Ground) -> None:
    with pytest.raises(BadMandate):
        await ground.prepare(holder=" ")


@pytest.mark.parametrize("text", ["", "FR14", "FR15 2004 1010 0505 0001 3M02 606", "US64SVBKUS6S3300958879", "é" * 27])
def test_what_is_no_iban_of_the_sepa_zone_is_refused(text: str) -> None:
    with pytest.raises(BadIban):
        checked_iban(text)


async def test_on_a_closed_account_no_mandate_is_prepared_or_signed(ground: Ground) -> None:
    prepared = await ground.prepare()
    async with ground.database.write() as db:
        account = await db.get_one(FamilyAccount, ground.family)
        account.closed_on = TODAY
    with pytest.raises(AccountClosed):
        await ground.file(prepared)
    with pytest.raises(AccountClosed):
        await ground.prepare(iban=OTHER)
    assert (await ground.prepare(prepared.id)).id == prepared.id, "what was written before is only answered again"
    async with ground.database.read() as db:
        standing = await standing_mandate(db, ground.office, ground.family)
        assert standing is not None
        assert (standing.id, standing.signed_on) == (prepared.id, None)
        with pytest.raises(NoPaper):
            await signed_paper(db, ground.vault, prepared.id)


async def test_a_page_that_was_kept_before_the_account_closed_is_only_answered_again(ground: Ground) -> None:
    mandate = await ground.sign()
    async with ground.database.write() as db:
        (await db.get_one(FamilyAccount, ground.family)).closed_on = TODAY
    assert (await ground.file(mandate)).signed_on == TODAY
