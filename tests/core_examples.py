"""Families, services and accounts for tests: each function makes one real thing and returns it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from uuid import UUID

import pikepdf
import pypdfium2
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import RightKind
from cvq_core.access.store import give_right
from cvq_core.debits.collection import next_collection, send_run
from cvq_core.debits.mandates import MandateDetails, prepare_mandate, set_creditor, sign_mandate
from cvq_core.debits.returns import end_run
from cvq_core.debits.rules import TELLABLE, checked_iban
from cvq_core.debits.tables import DebitMandate, DebitNotice, DebitRun, NoticeMeans, RunEnd
from cvq_core.ids import new_id
from cvq_core.journal.store import Actor
from cvq_core.ledger.rules import AccountKind, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import Posted, add_ledger_account, post
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.wallets import open_wallet
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.store import appoint, create_office, create_sub_office
from cvq_core.offices.tables import SubOffice
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import add_person
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.staff.store import add_staff
from cvq_core.vault import Vault

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
TODAY = date(2026, 3, 3)
LONG_AGO = date(2020, 1, 1)


def blank_pdf(pages: int = 1) -> bytes:
    """A PDF of so many empty pages: something to sign, or to file."""
    out = BytesIO()
    with pikepdf.new() as document:
        for _ in range(pages):
            document.add_blank_page(page_size=(595, 842))
        document.save(out, static_id=True)
    return out.getvalue()


def text_of_pdf(content: bytes) -> str:
    """What can be read in a PDF, its lines joined by one space."""
    document = pypdfium2.PdfDocument(content)
    try:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()
    return " ".join(" ".join(pages).replace("\u00a0", " ").replace("\u202f", " ").split())


def pain_002(end_to_end: str, code: str, amount: str, *, status: str = "RJCT") -> bytes:
    """What a bank refuses before the day of a debit, as it writes it."""
    reason = f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>" if code else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt>
<GrpHdr><MsgId>R1</MsgId></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>{end_to_end}</OrgnlEndToEndId>
<TxSts>{status}</TxSts>{reason}<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt></OrgnlTxRef>
</TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>""".encode()


def camt_054(end_to_end: str, code: str, amount: str, *, fee: str = "", currency: str = "EUR") -> bytes:
    """What comes back after the day of a debit, as a bank's notice of movements says it."""
    reason = f"<RtrInf><Rsn><Cd>{code}</Cd></Rsn></RtrInf>" if code else ""
    charge = f'<Chrgs><Rcrd><Amt Ccy="{currency}">{fee}</Amt></Rcrd></Chrgs>' if fee else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>N1</MsgId></GrpHdr><Ntfctn><Id>N1</Id><Ntry><Amt Ccy="{currency}">{amount}</Amt>
<CdtDbtInd>DBIT</CdtDbtInd><NtryDtls><TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId></Refs>
<Amt Ccy="{currency}">{amount}</Amt>{charge}{reason}</TxDtls></NtryDtls></Ntry></Ntfctn>
</BkToCstmrDbtCdtNtfctn></Document>""".encode()


async def create_mandate(
    db: AsyncSession, vault: Vault, office_id: UUID, family_id: UUID, officer: Officer
) -> DebitMandate:
    """A direct debit mandate that its family has signed, at an office that debits."""
    iban = checked_iban("FR14 2004 1010 0505 0001 3M02 606")
    await set_creditor(db, office_id, creditor_number="FR46ZZZ123456", iban=iban, bic="PSSTFRPPLIL", notice_days=14)
    mandate = await prepare_mandate(
        db,
        new_id(),
        office_id=office_id,
        family_account_id=family_id,
        details=MandateDetails("Jeanne Moreau", "12, rue du Moulin, 79200 Pompaire", iban),
        actor=Actor("staff", officer.staff_id, officer.name),
        now=NOW,
    )
    return await sign_mandate(
        db, vault, mandate.id, paper=blank_pdf(), signed_on=TODAY, staff_id=officer.staff_id, now=NOW
    )


async def debit_what_is_due(
    db: AsyncSession, vault: Vault, run_id: UUID, *, office_id: UUID, day: date, officer: Officer
) -> DebitRun:
    """A file of direct debits that went to the bank, of families that were told in time."""
    planned = await next_collection(db, office_id, day)
    for item in [item for item, why in planned.refused if why in TELLABLE]:
        db.add(
            DebitNotice(
                id=new_id(),
                announcement_id=run_id,
                office_id=office_id,
                invoice_id=item.invoice_id,
                mandate_id=item.mandate_id,
                day=day,
                amount_cents=item.due_cents,
                means=NoticeMeans.LETTER,
                recorded_at=NOW + timedelta(seconds=1),
                recorded_by=officer.staff_id,
            )
        )
    await db.flush()
    sent = await send_run(db, vault, run_id, office_id=office_id, day=day, officer=officer, now=NOW)
    await end_run(db, run_id, RunEnd.SENT, officer=officer, now=NOW)
    return sent.run


async def create_services(db: AsyncSession) -> None:
    """A canteen that serves and lets owe, and a pool that refuses."""
    for code, policy in ((ServiceCode.CANTEEN, FundingPolicy.SERVE_AND_OWE), (ServiceCode.POOL, FundingPolicy.REFUSE)):
        await add_service(db, code, service_id=new_id(), policy=policy, valid_from=LONG_AGO)


async def create_family(db: AsyncSession, number: str = "F00001", label: str = "Moreau") -> FamilyAccount:
    account = FamilyAccount(id=new_id(), number=number, label=label, opened_on=LONG_AGO)
    db.add(account)
    await db.flush()
    return account


async def create_member(
    db: AsyncSession, account_id: UUID, given_names: str, *roles: FamilyRole, born: date = date(1941, 5, 12)
) -> Person:
    person = Person(id=new_id(), family_name="Moreau", given_names=given_names, birth_date=born)
    await add_person(db, person)
    for role in roles:
        db.add(Membership(id=new_id(), account_id=account_id, person_id=person.id, role=role, valid_from=LONG_AGO))
    await db.flush()
    return person


async def create_wallet(
    db: AsyncSession, account_id: UUID, service: ServiceCode = ServiceCode.POOL, *, cents: int = 0
) -> Wallet:
    wallet = await open_wallet(db, new_id(), family_account_id=account_id, service=service, now=NOW)
    if cents:
        opening = await create_ledger_account(db, AccountKind.OPENING)
        await post(db, transaction((wallet.id, cents), (opening, -cents), kind=TransactionKind.OPENING), now=NOW)
    return wallet


async def create_ledger_account(db: AsyncSession, kind: AccountKind = AccountKind.REVENUE) -> UUID:
    account_id = new_id()
    await add_ledger_account(
        db, account_id=account_id, code=f"{kind}:{account_id}", kind=kind, label="Recettes", now=NOW
    )
    return account_id


def transaction(
    *legs: tuple[UUID, int],
    transaction_id: UUID | None = None,
    kind: TransactionKind = TransactionKind.USE,
    label: str = "Entrée à la piscine",
    occurred_at: datetime = NOW,
    day_only: bool = False,
    reference: str | None = None,
) -> NewTransaction:
    """A transaction with these legs, by a reader."""
    return NewTransaction(
        id=transaction_id or new_id(),
        kind=kind,
        label=label,
        occurred_at=occurred_at,
        postings=tuple(NewPosting(account_id, cents) for account_id, cents in legs),
        actor_kind="reader",
        actor_id=None,
        reference=reference,
        day_only=day_only,
    )


async def move(db: AsyncSession, wallet_id: UUID, cents: int, other: UUID) -> Posted:
    """Post `cents` on a wallet (minus: it pays) against another account."""
    return await post(db, transaction((wallet_id, cents), (other, -cents)), now=NOW)


def top_up(wallet_id: UUID, cents: int) -> Payable:
    return Payable(PayableKind.WALLET, wallet_id, cents)


async def create_officer(db: AsyncSession, login: str = "odile", name: str = "Odile Brémaud") -> Officer:
    staff = await add_staff(db, login=login, display_name=name, password="", password_hash="-", now=NOW)
    await db.flush()
    return Officer(staff.id, name)


async def create_counter(
    db: AsyncSession,
    officer: Officer,
    *,
    code: str = "POM",
    services: tuple[ServiceCode, ...] = (ServiceCode.POOL, ServiceCode.CANTEEN),
    means: tuple[Means, ...] = (Means.CASH, Means.CHEQUE),
    until: date | None = None,
    more: Collection[Officer] = (),
    title: MandateTitle = MandateTitle.MANDATARY,
    is_main: bool = False,
) -> SubOffice:
    """A sub-office in a town hall, in a cash office of its own, whose mandataries are `officer` and `more`."""
    office = await create_office(
        db, office_id=new_id(), code=code, label="Régie de recettes et d’avances", series_code=code
    )
    place = await create_sub_office(
        db,
        sub_office_id=new_id(),
        office_id=office.id,
        code=f"{code}-MAIRIE",
        label="Mairie de Pompaire",
        float_cents=5000,
        services=services,
        means=means,
        now=NOW,
        is_main=is_main,
    )
    for each in (officer, *more):
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=each.staff_id,
            sub_office_id=place.id,
            title=title,
            valid_from=TODAY,
            valid_until=until,
        )
    return place


async def subscribe(db: AsyncSession, person_id: UUID, service: ServiceCode) -> None:
    """A subscription to a service, for good."""
    await give_right(
        db,
        new_id(),
        kind=RightKind.SUBSCRIPTION,
        service=service,
        person_id=person_id,
        valid_from=datetime(2020, 1, 1, tzinfo=UTC),
        now=NOW,
    )
