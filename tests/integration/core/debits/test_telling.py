"""Families are told of a debit as long before as their mandate promises, once."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from cvq_core.debits.notices import letters_of
from cvq_core.debits.papers import letters_pdf
from cvq_core.debits.rules import NothingToDebit, NothingToTell, Obstacle
from cvq_core.debits.tables import DebitCreditor, DebitNotice, NoticeMeans
from cvq_core.ids import new_id
from cvq_core.jobs.tables import Job
from cvq_core.mail import SEND_MAIL
from cvq_core.offices.tables import CashOffice
from cvq_core.people.tables import FamilyAccount
from tests.core_examples import NOW, text_of_pdf
from tests.integration.core.debits.conftest import DAY, TOLD_AT, Ground


async def test_a_family_is_told_as_long_before_as_its_mandate_promises(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    assert await ground.obstacles() == [Obstacle.NOT_TOLD]
    with pytest.raises(NothingToDebit):
        await ground.send()
    (told,) = await ground.tell(now=NOW)
    assert (told.day, told.total_cents, told.means) == (date(2026, 3, 17), 3290, NoticeMeans.LETTER)
    assert await ground.obstacles(date(2026, 3, 16)) == [Obstacle.TOLD_LATE]
    assert await ground.obstacles(date(2026, 3, 17)) == []
    assert await ground.obstacles(date(2026, 4, 17)) == [Obstacle.NOT_TOLD], "whoever waits in vain is told anew"


async def test_families_are_told_once_however_often_and_by_however_many(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    announcement = new_id()
    first, again = await ground.tell(announcement), await ground.tell(announcement)
    assert [notice.mandate.reference for notice in first] == [notice.mandate.reference for notice in again]
    with pytest.raises(NothingToTell):
        await ground.tell()
    async with ground.database.read() as db:
        letters = await letters_of(db, announcement, ground.office)
        office = await db.get_one(CashOffice, ground.office)
        creditor = await db.get_one(DebitCreditor, ground.office)
        assert await db.scalar(select(func.count()).select_from(DebitNotice)) == 1
    text = text_of_pdf(letters_pdf(letters, office, creditor))
    assert "vendredi 6 mars 2026" in text
    assert "32,90" in text
    assert "FR14 •••• 2606" in text
    assert "0505 0001" not in text


async def test_a_family_with_an_address_is_told_by_email_without_its_account_number(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    async with ground.database.write() as db:
        (await db.get_one(FamilyAccount, ground.family)).email = "jeanne@aulnay.fr"
    (told,) = await ground.tell(smtp_url="smtp://127.0.0.1:9")
    assert told.means is NoticeMeans.EMAIL
    async with ground.database.read() as db:
        (job,) = await db.scalars(select(Job).where(Job.kind == SEND_MAIL))
    assert job.payload["to"] == "jeanne@aulnay.fr"
    assert "32,90" in job.payload["text"]
    assert "POM-M000001" in job.payload["text"]
    assert "FR46ZZZ123456" in job.payload["text"]
    assert "FR14 •••• 2606" in job.payload["text"]
    assert "050500013M02606" not in job.payload["text"].replace(" ", "")


async def test_what_was_told_is_the_most_that_is_debited(ground: Ground) -> None:
    mandate = await ground.sign()
    invoice = await ground.invoice(1000)
    async with ground.database.write() as db:
        db.add(
            DebitNotice(
                id=new_id(),
                announcement_id=new_id(),
                office_id=ground.office,
                invoice_id=invoice,
                mandate_id=mandate.id,
                day=DAY,
                amount_cents=999,
                means=NoticeMeans.LETTER,
                recorded_at=TOLD_AT,
                recorded_by=ground.officer.staff_id,
            )
        )
    assert await ground.obstacles() == [Obstacle.TOLD_LESS]
    await ground.tell()
    assert await ground.obstacles() == []
