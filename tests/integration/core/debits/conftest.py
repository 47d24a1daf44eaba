"""An office that debits, a family with its mandate, and what is done with both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest

from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.debits.collection import SentRun, next_collection, send_run
from cvq_core.debits.mandates import MandateDetails, prepare_mandate, set_creditor, sign_mandate
from cvq_core.debits.notices import FamilyNotice, tell_families
from cvq_core.debits.reasons import ReturnReason
from cvq_core.debits.returns import end_run, take_back
from cvq_core.debits.rules import Obstacle, checked_iban
from cvq_core.debits.tables import DebitMandate, DebitNotice, RunEnd
from cvq_core.debits.verify import verify_debits
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import invoices_by_id, issue_invoice
from cvq_core.journal.store import Actor
from cvq_core.ledger.verify import verify
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.store import appoint
from cvq_core.offices.tables import SubOffice
from cvq_core.services.rules import ServiceCode
from cvq_core.settings import Settings
from cvq_core.vault import Vault
from tests.core_examples import NOW, TODAY, blank_pdf, create_counter, create_family, create_officer, create_services

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


def notice_like(former: DebitNotice | None, **changes: Any) -> DebitNotice:
    assert former is not None
    names = [column.name for column in DebitNotice.__table__.columns]
    return DebitNotice(**{name: getattr(former, name) for name in names} | {"id": new_id()} | changes)
