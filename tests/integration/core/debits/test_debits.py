"""A signed mandate, a file for the bank, and what comes back: each invoice debited once, or due again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from sqlalchemy import func, select, update

from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.debits.collection import (
    SentRun,
    kept_file,
    next_collection,
    send_run,
)
from cvq_core.debits.mandates import (
    BadPaper,
    MandateDetails,
    confirm_mandate,
    prepare_mandate,
    revoke_mandate,
    set_creditor,
    sign_mandate,
    signed_paper,
    standing_mandate,
    state_of,
)
from cvq_core.debits.notices import FamilyNotice, letters_of, tell_families
from cvq_core.debits.papers import letters_pdf
from cvq_core.debits.reasons import ReturnReason
from cvq_core.debits.returns import end_run, take_back
from cvq_core.debits.rules import (
    AlreadyReturned,
    BadCollectionDay,
    BadIban,
    BadMandate,
    DebitNotInAct,
    MandateExists,
    MandateSigned,
    MandateState,
    NoCreditorNumber,
    NoPaper,
    NothingToDebit,
    NothingToTell,
    NotTheOfficer,
    Obstacle,
    RunDecided,
    RunNotSent,
    UnknownDebit,
    checked_iban,
)
from cvq_core.debits.tables import DebitCreditor, DebitMandate, DebitNotice, NoticeMeans, RunEnd
from cvq_core.debits.verify import verify_debits
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import invoices_by_id, issue_invoice
from cvq_core.jobs.tables import Job
from cvq_core.journal.store import Actor
from cvq_core.ledger.rules import IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post
from cvq_core.ledger.verify import verify
from cvq_core.mail import SEND_MAIL
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.store import appoint
from cvq_core.offices.tables import AcceptedMeans, CashOffice, SubOffice
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode
from cvq_core.settings import Settings
from cvq_core.vault import Vault
from tests.core_examples import (
    NOW,
    TODAY,
    blank_pdf,
    create_counter,
    create_family,
    create_officer,
    create_services,
    text_of_pdf,
)

IBAN = "FR14 2004 1010 0505 0001 3M02 606"
OTHER = "DE89 3704 0044 0532 0130 00"
# Tuesday the 3rd of March; invoices of three weeks before are due.
DAY = date(2026, 3, 6)
TOLD_AT = NOW - timedelta(days=21)
PAPER = blank_pdf()
NAMES = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.008.001.02"}


@dataclass
class Ground:
    database: Database
    vault: Vault
    office: UUID
    officer: Officer
    mandatary: Officer
    family: UUID
    drawer: UUID

    async def invoice(self, cents: int = 3290, *, family: UUID | None = None, days_ago: int = 21) -> UUID:
        then = NOW - timedelta(days=days_ago)
        async with self.database.write() as db:
            made = await issue_invoice(
                db,
                new_id(),
                family_account_id=family or self.family,
                label="Février",
                lines=[Line(ServiceCode.CANTEEN, "Repas", 1, cents)],
                due_on=local_day(then),
                now=then,
            )
        return made.id

    async def prepare(
        self,
        mandate_id: UUID | None = None,
        iban: str = IBAN,
        family: UUID | None = None,
        *,
        holder: str = "  Jeanne   Moréau ",
        one_off: bool = False,
    ) -> DebitMandate:
        async with self.database.write() as db:
            return await prepare_mandate(
                db,
                mandate_id or new_id(),
                office_id=self.office,
                family_account_id=family or self.family,
                details=MandateDetails(holder, "12, rue du Moulin, 79200 Pompaire", iban, one_off),
                actor=Actor("staff", self.mandatary.staff_id, "Odile"),
                now=NOW,
            )

    async def file(self, mandate: DebitMandate, paper: bytes = PAPER, signed_on: date = TODAY) -> DebitMandate:
        async with self.database.write() as db:
            return await sign_mandate(
                db,
                self.vault,
                mandate.id,
                paper=paper,
                signed_on=signed_on,
                staff_id=self.mandatary.staff_id,
                now=NOW,
            )

    async def sign(self, iban: str = IBAN, family: UUID | None = None, *, one_off: bool = False) -> DebitMandate:
        return await self.file(await self.prepare(iban=iban, family=family, one_off=one_off))

    async def tell(
        self, announcement: UUID | None = None, now: datetime = TOLD_AT, **settings: str
    ) -> list[FamilyNotice]:
        """Tell the families as if it had been three weeks ago, under a mandate that promises two."""
        async with self.database.write() as db:
            told = await tell_families(
                db,
                Settings(**settings),
                announcement or new_id(),
                office_id=self.office,
                day=DAY,
                officer=self.officer,
                now=now,
            )
        return list(told)

    async def send(self, run_id: UUID | None = None, day: date = DAY, officer: Officer | None = None) -> SentRun:
        async with self.database.write() as db:
            return await send_run(
                db,
                self.vault,
                run_id or new_id(),
                office_id=self.office,
                day=day,
                officer=officer or self.officer,
                now=NOW,
            )

    async def tell_and_send(self, **more: Any) -> SentRun:
        await self.tell()
        return await self.send(**more)

    async def end(self, sent: SentRun, end: RunEnd = RunEnd.SENT) -> None:
        async with self.database.write() as db:
            await end_run(db, sent.run.id, end, officer=self.officer, now=NOW)

    async def give_back(self, item: UUID, reason: ReturnReason = ReturnReason.INSUFFICIENT, fee: int = 0) -> None:
        async with self.database.write() as db:
            await take_back(db, item, reason=reason, fee_cents=fee, officer=self.officer, now=NOW)

    async def obstacles(self, day: date = DAY) -> list[Obstacle]:
        async with self.database.read() as db:
            return [why for _, why in (await next_collection(db, self.office, day)).refused]

    async def due(self, invoice: UUID) -> int:
        async with self.database.read() as db:
            return (await invoices_by_id(db, [invoice]))[invoice].due_cents

    async def troubles(self) -> list[str]:
        async with self.database.read() as db:
            return [*await verify(db), *await verify_debits(db)]


@pytest.fixture
async def ground(database: Database, tmp_path: Path) -> Ground:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        mandatary = await create_officer(db)
        place: SubOffice = await create_counter(
            db, mandatary, is_main=True, means=(Means.CASH, Means.DIRECT_DEBIT), services=(ServiceCode.CANTEEN,)
        )
        officer = await create_officer(db, login="benoit", name="Benoît Rousseau")
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=officer.staff_id,
            sub_office_id=place.id,
            title=MandateTitle.OFFICER,
            valid_from=TOLD_AT.date(),
            valid_until=None,
        )
        await set_creditor(
            db,
            place.office_id,
            creditor_number="FR46ZZZ123456",
            iban=checked_iban(IBAN),
            bic="PSSTFRPPLIL",
            notice_days=14,
        )
        await db.flush()
    vault = Vault(tmp_path / "documents", bytes(32))
    return Ground(database, vault, place.office_id, officer, mandatary, family.id, place.safe_account_id)


def debits_in(sent: SentRun) -> list[dict[str, str]]:
    root = ElementTree.fromstring(sent.content)
    found = []
    for info in root.iterfind(".//p:PmtInf", NAMES):
        sequence = info.findtext(".//p:SeqTp", namespaces=NAMES)
        for debit in info.iterfind("p:DrctDbtTxInf", NAMES):
            found.append(
                {
                    "sequence": str(sequence),
                    "end_to_end": str(debit.findtext(".//p:EndToEndId", namespaces=NAMES)),
                    "amount": str(debit.findtext("p:InstdAmt", namespaces=NAMES)),
                    "mandate": str(debit.findtext(".//p:MndtId", namespaces=NAMES)),
                    "name": str(debit.findtext("p:Dbtr/p:Nm", namespaces=NAMES)),
                    "iban": str(debit.findtext("p:DbtrAcct/p:Id/p:IBAN", namespaces=NAMES)),
                }
            )
    return found


async def test_what_is_due_is_debited_whole_and_the_file_says_so(ground: Ground) -> None:
    mandate = await ground.sign()
    first, second = await ground.invoice(3290), await ground.invoice(1205)
    sent = await ground.tell_and_send()
    assert (sent.run.items, sent.run.total_cents, sent.run.number) == (2, 4495, 1)
    assert [await ground.due(each) for each in (first, second)] == [0, 0]
    debits = debits_in(sent)
    assert [(each["amount"], each["sequence"]) for each in debits] in (
        [("32.90", "FRST"), ("12.05", "RCUR")],
        [("12.05", "RCUR"), ("32.90", "FRST")],
    )
    assert {each["mandate"] for each in debits} == {mandate.reference} == {"POM-M000001"}
    assert {each["name"] for each in debits} == {"Jeanne Moreau"}
    assert {each["iban"] for each in debits} == {"FR1420041010050500013M02606"}
    assert await ground.troubles() == []


async def test_the_same_run_asked_again_debits_nothing_more_and_gives_the_same_bytes(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    await ground.tell()
    run_id = new_id()
    first, again = await ground.send(run_id), await ground.send(run_id)
    assert first.content == again.content
    async with ground.database.read() as db:
        assert (await kept_file(db, ground.vault, first.run)).content == first.content
    with pytest.raises(IdempotencyMismatch):
        await ground.send(run_id, day=DAY + timedelta(days=3))
    with pytest.raises(NothingToDebit):
        await ground.send()


async def test_of_two_runs_at_once_one_debits(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    await ground.tell()
    answers = await asyncio.gather(ground.send(), ground.send(), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NothingToDebit", "SentRun"]
    assert await ground.troubles() == []


async def test_what_was_paid_at_a_counter_is_not_debited_and_the_rest_of_it_is(ground: Ground) -> None:
    await ground.sign()
    invoice = await ground.invoice(3290)
    await ground.tell()
    async with ground.database.write() as db:
        legs = (NewPosting(invoice, 3000), NewPosting(ground.drawer, -3000))
        await post(
            db,
            NewTransaction(new_id(), TransactionKind.PAYMENT, "Au guichet", NOW, legs, "staff", None),
            now=NOW,
        )
    assert [each["amount"] for each in debits_in(await ground.send())] == ["2.90"]


async def test_what_comes_back_is_due_again_and_is_debited_again_once_the_family_was_told_anew(ground: Ground) -> None:
    await ground.sign()
    invoice = await ground.invoice()
    sent = await ground.tell_and_send()
    (debit,) = debits_in(sent)
    item = UUID(debit["end_to_end"])
    with pytest.raises(RunNotSent):
        await ground.give_back(item)
    await ground.end(sent)
    await ground.give_back(item, fee=76)
    await ground.give_back(item, fee=76)
    assert await ground.due(invoice) == 3290
    with pytest.raises(AlreadyReturned):
        await ground.give_back(item, ReturnReason.CLOSED)
    assert await ground.obstacles() == [Obstacle.NOT_TOLD], "one notice is one debit"
    async with ground.database.write() as db:
        db.add(notice_like(await db.scalar(select(DebitNotice)), recorded_at=NOW + timedelta(minutes=1)))
    assert [each["sequence"] for each in debits_in(await ground.send())] == ["RCUR"]
    assert await ground.troubles() == []


def notice_like(former: DebitNotice | None, **changes: Any) -> DebitNotice:
    assert former is not None
    names = [column.name for column in DebitNotice.__table__.columns]
    return DebitNotice(**{name: getattr(former, name) for name in names} | {"id": new_id()} | changes)


async def test_a_closed_account_ends_the_mandate(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    sent = await ground.tell_and_send()
    await ground.end(sent)
    (debit,) = debits_in(sent)
    await ground.give_back(UUID(debit["end_to_end"]), ReturnReason.CLOSED)
    async with ground.database.read() as db:
        assert await standing_mandate(db, ground.office, ground.family) is None
    with pytest.raises(NothingToDebit):
        await ground.send()
    assert (await ground.sign(iban=OTHER)).reference == "POM-M000002"


async def test_a_file_that_is_given_up_makes_everything_due_again_and_nothing_of_it_comes_back(ground: Ground) -> None:
    await ground.sign()
    invoice = await ground.invoice()
    sent = await ground.tell_and_send()
    await asyncio.gather(*(ground.end(sent, RunEnd.GIVEN_UP) for _ in range(3)))
    assert await ground.due(invoice) == 3290
    with pytest.raises(RunDecided):
        await ground.end(sent)
    (debit,) = debits_in(sent)
    with pytest.raises(AlreadyReturned):
        await ground.give_back(UUID(debit["end_to_end"]))
    assert await ground.troubles() == []


async def test_the_check_names_a_mandate_that_was_debited_and_nobody_signed(ground: Ground) -> None:
    mandate = await ground.sign()
    await ground.invoice()
    await ground.tell_and_send()
    assert await ground.troubles() == []
    async with ground.database.write() as db:
        (await db.get_one(DebitMandate, mandate.id)).signed_on = None
    assert await ground.troubles() == ["mandat POM-M000001 : prélevé sans signature"]


async def test_of_rivals_who_send_a_file_and_give_it_up_one_wins(ground: Ground) -> None:
    await ground.sign()
    invoice = await ground.invoice()
    sent = await ground.tell_and_send()
    answers = await asyncio.gather(ground.end(sent), ground.end(sent, RunEnd.GIVEN_UP), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "RunDecided"]
    assert await ground.due(invoice) == (0 if answers[0] is None else 3290)


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


async def test_a_mandate_for_one_debit_gives_one(ground: Ground) -> None:
    mandate = await ground.sign(one_off=True)
    first, second = await ground.invoice(1000), await ground.invoice(2000)
    await ground.tell()
    sent = await ground.send()
    assert [(each["amount"], each["sequence"]) for each in debits_in(sent)] == [("10.00", "OOFF")]
    assert [await ground.due(each) for each in (first, second)] == [0, 2000]
    assert await ground.obstacles() == [Obstacle.SPENT]
    assert (await ground.sign()).id != mandate.id, "a spent one gives way"


async def test_only_what_the_act_of_the_office_covers_is_debited(ground: Ground) -> None:
    await ground.sign()
    then = NOW - timedelta(days=21)
    async with ground.database.write() as db:
        await issue_invoice(
            db,
            new_id(),
            family_account_id=ground.family,
            label="Piscine",
            lines=[Line(ServiceCode.POOL, "Leçons", 1, 4000)],
            due_on=local_day(then),
            now=then,
        )
    assert await ground.obstacles() == [Obstacle.NOT_IN_ACT]
    async with ground.database.write() as db:
        await db.execute(
            update(AcceptedMeans).where(AcceptedMeans.means == Means.DIRECT_DEBIT).values(valid_until=TODAY)
        )
    await ground.invoice()
    with pytest.raises(DebitNotInAct):
        await ground.send()


async def test_a_mandatary_sends_nothing_to_the_bank(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    await ground.tell()
    with pytest.raises(NotTheOfficer):
        await ground.send(officer=ground.mandatary)
    with pytest.raises(UnknownDebit):
        await ground.give_back(new_id())


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


@pytest.mark.parametrize(
    "day",
    [TODAY, date(2026, 3, 4), date(2026, 3, 7), date(2026, 3, 8), date(2026, 4, 3), date(2026, 6, 1)],
    ids=["today", "tomorrow", "saturday", "sunday", "good friday", "too far"],
)
async def test_a_day_on_which_banks_cannot_debit_is_refused(ground: Ground, day: date) -> None:
    await ground.sign()
    await ground.invoice()
    with pytest.raises(BadCollectionDay):
        await ground.send(day=day)


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
