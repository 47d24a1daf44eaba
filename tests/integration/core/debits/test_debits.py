"""A signed mandate, a file for the bank, and what comes back: each invoice debited once, or due again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID
from xml.etree import ElementTree

import pytest

from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.debits.rules import (
    AlreadyReturned,
    BadCollectionDay,
    BadIban,
    BadMandate,
    Debtable,
    MandateExists,
    NoCreditorNumber,
    NothingToDebit,
    NotTheOfficer,
    ReturnReason,
    UnknownDebit,
    checked_iban,
    first_collection_day,
    is_idle,
    masked_iban,
    may_be_debited,
)
from cvq_core.debits.service import (
    SentRun,
    debtables,
    is_bank_day,
    revoke_mandate,
    send_run,
    set_creditor,
    sign_mandate,
    standing_mandate,
    take_back,
)
from cvq_core.debits.tables import DebitMandate
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import invoices_by_id, issue_invoice
from cvq_core.ledger.rules import IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post
from cvq_core.ledger.verify import verify
from cvq_core.offices.rules import MandateTitle, Officer
from cvq_core.offices.store import appoint
from cvq_core.offices.tables import SubOffice
from cvq_core.services.rules import ServiceCode
from tests.core_examples import NOW, TODAY, create_counter, create_family, create_officer, create_services

IBAN = "FR14 2004 1010 0505 0001 3M02 606"
OTHER = "DE89 3704 0044 0532 0130 00"
# Tuesday the 3rd of March; invoices of three weeks before are due.
DAY = date(2026, 3, 6)
NAMES = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.008.001.02"}


@dataclass
class Ground:
    database: Database
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

    async def sign(self, mandate_id: UUID | None = None, iban: str = IBAN, family: UUID | None = None) -> DebitMandate:
        async with self.database.write() as db:
            return await sign_mandate(
                db,
                mandate_id or new_id(),
                office_id=self.office,
                family_account_id=family or self.family,
                holder="  Jeanne   Moréau ",
                iban=iban,
                signed_on=TODAY,
                officer=self.mandatary,
                now=NOW,
            )

    async def send(self, run_id: UUID | None = None, day: date = DAY, officer: Officer | None = None) -> SentRun:
        async with self.database.write() as db:
            return await send_run(
                db, run_id or new_id(), office_id=self.office, day=day, officer=officer or self.officer, now=NOW
            )

    async def give_back(self, item: UUID, reason: ReturnReason = ReturnReason.INSUFFICIENT) -> None:
        async with self.database.write() as db:
            await take_back(db, item, reason=reason, officer=self.officer, now=NOW)

    async def due(self, invoice: UUID) -> int:
        async with self.database.read() as db:
            return (await invoices_by_id(db, [invoice]))[invoice].due_cents

    async def troubles(self) -> list[str]:
        async with self.database.read() as db:
            return await verify(db)


@pytest.fixture
async def ground(database: Database) -> Ground:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        mandatary = await create_officer(db)
        place: SubOffice = await create_counter(db, mandatary, is_main=True)
        officer = await create_officer(db, login="benoit", name="Benoît Rousseau")
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=officer.staff_id,
            sub_office_id=place.id,
            title=MandateTitle.OFFICER,
            valid_from=TODAY,
            valid_until=None,
        )
        await set_creditor(
            db, place.office_id, creditor_number="FR46ZZZ123456", iban=checked_iban(IBAN), bic="PSSTFRPPLIL"
        )
        await db.flush()
    return Ground(database, place.office_id, officer, mandatary, family.id, place.safe_account_id)


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
    sent = await ground.send()
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


async def test_the_same_run_asked_again_debits_nothing_more_and_is_the_same_debits(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    run_id = new_id()
    first, again = await ground.send(run_id), await ground.send(run_id)
    assert debits_in(first) == debits_in(again)
    with pytest.raises(IdempotencyMismatch):
        await ground.send(run_id, day=DAY + timedelta(days=3))
    with pytest.raises(NothingToDebit):
        await ground.send()


async def test_of_two_runs_at_once_one_debits(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    answers = await asyncio.gather(ground.send(), ground.send(), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NothingToDebit", "SentRun"]
    assert await ground.troubles() == []


async def test_what_was_paid_at_a_counter_is_not_debited_and_the_rest_of_it_is(ground: Ground) -> None:
    await ground.sign()
    invoice = await ground.invoice(3290)
    async with ground.database.write() as db:
        legs = (NewPosting(invoice, 3000), NewPosting(ground.drawer, -3000))
        await post(
            db,
            NewTransaction(new_id(), TransactionKind.PAYMENT, "Au guichet", NOW, legs, "staff", None),
            now=NOW,
        )
    assert [each["amount"] for each in debits_in(await ground.send())] == ["2.90"]


async def test_what_comes_back_is_due_again_and_may_be_debited_again(ground: Ground) -> None:
    await ground.sign()
    invoice = await ground.invoice()
    (debit,) = debits_in(await ground.send())
    item = UUID(debit["end_to_end"])
    await ground.give_back(item)
    await ground.give_back(item)
    assert await ground.due(invoice) == 3290
    with pytest.raises(AlreadyReturned):
        await ground.give_back(item, ReturnReason.CLOSED)
    assert [each["sequence"] for each in debits_in(await ground.send())] == ["RCUR"]
    assert await ground.troubles() == []


async def test_a_closed_account_ends_the_mandate(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    (debit,) = debits_in(await ground.send())
    await ground.give_back(UUID(debit["end_to_end"]), ReturnReason.CLOSED)
    async with ground.database.read() as db:
        assert await standing_mandate(db, ground.office, ground.family) is None
    with pytest.raises(NothingToDebit):
        await ground.send()
    assert (await ground.sign(iban=OTHER)).reference == "POM-M000002"


async def test_nothing_is_debited_without_a_mandate_or_after_it_was_revoked(ground: Ground) -> None:
    invoice = await ground.invoice()
    with pytest.raises(NothingToDebit):
        await ground.send()
    mandate = await ground.sign()
    async with ground.database.write() as db:
        await revoke_mandate(db, mandate.id, why="change de banque", now=NOW)
    with pytest.raises(NothingToDebit):
        await ground.send()
    assert await ground.due(invoice) == 3290


async def test_a_family_is_told_two_weeks_before(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice(days_ago=5)
    async with ground.database.read() as db:
        assert await debtables(db, ground.office, DAY) == []
        assert len(await debtables(db, ground.office, TODAY + timedelta(days=9))) == 1


async def test_a_mandatary_sends_nothing_to_the_bank(ground: Ground) -> None:
    await ground.sign()
    await ground.invoice()
    with pytest.raises(NotTheOfficer):
        await ground.send(officer=ground.mandatary)
    with pytest.raises(UnknownDebit):
        await ground.give_back(new_id())


async def test_a_family_has_one_mandate_and_the_same_id_is_the_same(ground: Ground) -> None:
    mandate_id = new_id()
    assert (await ground.sign(mandate_id)).id == (await ground.sign(mandate_id)).id
    with pytest.raises(MandateExists):
        await ground.sign()
    with pytest.raises(IdempotencyMismatch):
        await ground.sign(mandate_id, iban=OTHER)


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


async def test_an_office_without_a_creditor_number_debits_nobody(database: Database) -> None:
    async with database.write() as db:
        officer = await create_officer(db)
    with pytest.raises(NoCreditorNumber):
        await Ground(database, new_id(), officer, officer, new_id(), new_id()).sign()


async def test_a_mandate_of_tomorrow_or_without_a_holder_is_refused(ground: Ground) -> None:
    for holder, signed_on in ((" ", TODAY), ("Jeanne", TODAY + timedelta(days=1))):
        with pytest.raises(BadMandate):
            await sign_as(ground, holder, signed_on)


async def sign_as(ground: Ground, holder: str, signed_on: date) -> None:
    async with ground.database.write() as db:
        await sign_mandate(
            db,
            new_id(),
            office_id=ground.office,
            family_account_id=ground.family,
            holder=holder,
            iban=IBAN,
            signed_on=signed_on,
            officer=ground.mandatary,
            now=NOW,
        )


@pytest.mark.parametrize("text", ["", "FR14", "FR15 2004 1010 0505 0001 3M02 606", "US64SVBKUS6S3300958879", "é" * 27])
def test_what_is_no_iban_of_the_sepa_zone_is_refused(text: str) -> None:
    with pytest.raises(BadIban):
        checked_iban(text)


def test_an_iban_is_shown_by_its_ends() -> None:
    assert masked_iban(checked_iban(IBAN)) == "FR14 •••• 2606"


def test_a_mandate_lapses_after_three_years_without_a_debit() -> None:
    used = date(2023, 3, 10)
    assert [is_idle(used, day) for day in (date(2026, 3, 10), date(2026, 3, 11), date(2026, 4, 1))] == [
        False,
        True,
        True,
    ]


def test_two_days_of_the_banks_lie_before_a_debit() -> None:
    assert first_collection_day(date(2026, 3, 3), is_bank_day) == date(2026, 3, 5)
    assert first_collection_day(date(2026, 4, 2), is_bank_day) == date(2026, 4, 8), "over Easter"


def test_an_invoice_is_debited_on_its_day_and_not_before() -> None:
    item = Debtable(new_id(), "2026-000001", new_id(), date(2026, 2, 1), date(2026, 3, 1), 100)
    assert [may_be_debited(item, day) for day in (date(2026, 2, 28), date(2026, 3, 1))] == [False, True]
