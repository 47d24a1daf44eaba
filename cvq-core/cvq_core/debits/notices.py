"""Telling families of their next debit: by e-mail, or by a letter to print where there is no address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.debits.collection import check_debit_officer, is_bank_day, next_collection
from cvq_core.debits.mandates import locked_creditor
from cvq_core.debits.rules import TELLABLE, Debtable, NothingToTell, UnknownNotice, earliest_day, masked_iban
from cvq_core.debits.tables import DebitCreditor, DebitMandate, DebitNotice, NoticeMeans
from cvq_core.errors import N_
from cvq_core.invoices.rules import invoice_number
from cvq_core.invoices.tables import Invoice
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.mail import file_mail
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import CashOffice
from cvq_core.people.tables import FamilyAccount
from cvq_core.settings import Settings
from cvq_core.text import long_date, money, translator

SUBJECT = N_("Prélèvement du {day}")
TEXT = N_(
    "Bonjour,\n\n"
    "Le {day}, {total} seront prélevés sur votre compte {account} :\n\n"
    "{lines}\n\n"
    "Créancier : {office}\n"
    "Identifiant créancier SEPA : {creditor}\n"
    "Référence du mandat : {mandate}\n\n"
    "Si vous réglez autrement avant ce jour, rien ne sera prélevé. Une question ? {contact}\n"
)


@dataclass(frozen=True, slots=True)
class FamilyNotice:
    """What one family is told: under which mandate, from which day on, for which invoices."""

    family: FamilyAccount
    mandate: DebitMandate
    day: date
    means: NoticeMeans
    lines: tuple[tuple[str, int], ...]

    @property
    def total_cents(self) -> int:
        """What is debited in all."""
        return sum(cents for _, cents in self.lines)


async def tell_families(
    db: AsyncSession,
    settings: Settings,
    announcement_id: UUID,
    *,
    office_id: UUID,
    day: date,
    officer: Officer,
    now: datetime,
) -> Sequence[FamilyNotice]:
    """Tell each family that a collection on a day would debit and that has not been told; the same id is done once.

    A family is told of the first day of the banks that its mandate's delay allows, which may be later than `day`.

    Raises:
        NotTheOfficer, NoCreditorNumber
        NothingToTell: everybody knows.
        IdempotencyMismatch: this id is another office's announcement.
    """
    await check_debit_officer(db, office_id, officer, now)
    creditor = await locked_creditor(db, office_id)
    known = await notices_of(db, announcement_id)
    if known:
        if known[0].mandate.office_id != office_id:
            raise IdempotencyMismatch
        return known
    wanted = [item for item, why in (await next_collection(db, office_id, day)).refused if why in TELLABLE]
    if not wanted:
        raise NothingToTell
    for item in wanted:
        await _note(db, settings, announcement_id, item, day=day, officer=officer, now=now)
    await db.flush()
    told = await notices_of(db, announcement_id)
    office = await db.get_one(CashOffice, office_id)
    for notice in told:
        if notice.means is NoticeMeans.EMAIL:
            text = _words(settings, notice, office, creditor)
            key = f"debit-notice-{announcement_id}-{notice.mandate.id}"
            await file_mail(db, settings, to=notice.family.email or "", subject=text[0], text=text[1], now=now, key=key)
    return told


async def notices_of(db: AsyncSession, announcement_id: UUID) -> Sequence[FamilyNotice]:
    """Return what was told at once, family by family, in the order of their numbers."""
    rows = await db.execute(
        select(DebitNotice, Invoice, DebitMandate, FamilyAccount)
        .join(Invoice, Invoice.id == DebitNotice.invoice_id)
        .join(DebitMandate, DebitMandate.id == DebitNotice.mandate_id)
        .join(FamilyAccount, FamilyAccount.id == DebitMandate.family_account_id)
        .where(DebitNotice.announcement_id == announcement_id)
        .order_by(FamilyAccount.number, Invoice.year, Invoice.number)
    )
    found: dict[UUID, FamilyNotice] = {}
    for notice, invoice, mandate, family in rows:
        line = (f"Facture {invoice_number(invoice.year, invoice.number)}", notice.amount_cents)
        before = found.get(mandate.id)
        lines = (*before.lines, line) if before else (line,)
        found[mandate.id] = FamilyNotice(family, mandate, notice.day, notice.means, lines)
    return list(found.values())


async def letters_of(db: AsyncSession, announcement_id: UUID, office_id: UUID) -> Sequence[FamilyNotice]:
    """Return what is to be told by letter.

    Raises:
        UnknownNotice: nobody of this office was told so.
    """
    letters = [
        notice
        for notice in await notices_of(db, announcement_id)
        if notice.means is NoticeMeans.LETTER and notice.mandate.office_id == office_id
    ]
    if not letters:
        raise UnknownNotice
    return letters


async def latest_letters(db: AsyncSession, office_id: UUID) -> UUID | None:
    """Return the latest announcement of an office that has letters to print."""
    found: UUID | None = await db.scalar(
        select(DebitNotice.announcement_id)
        .where(DebitNotice.office_id == office_id, DebitNotice.means == NoticeMeans.LETTER)
        .order_by(DebitNotice.recorded_at.desc())
        .limit(1)
    )
    return found


async def _note(
    db: AsyncSession,
    settings: Settings,
    announcement_id: UUID,
    item: Debtable,
    *,
    day: date,
    officer: Officer,
    now: datetime,
) -> None:
    mandate = await db.get_one(DebitMandate, item.mandate_id)
    family = await db.get_one(FamilyAccount, mandate.family_account_id)
    means = NoticeMeans.EMAIL if family.email and settings.smtp_url else NoticeMeans.LETTER
    db.add(
        DebitNotice(
            id=uuid5(announcement_id, str(item.invoice_id)),
            announcement_id=announcement_id,
            office_id=mandate.office_id,
            invoice_id=item.invoice_id,
            mandate_id=mandate.id,
            day=earliest_day(local_day(now), mandate.notice_days, day, is_bank_day),
            amount_cents=item.due_cents,
            means=means,
            recorded_at=now,
            recorded_by=officer.staff_id,
        )
    )


def _words(settings: Settings, notice: FamilyNotice, office: CashOffice, creditor: DebitCreditor) -> tuple[str, str]:
    """Return the subject and the text of an e-mail; its account is masked."""
    language = settings.language
    say = translator(language).gettext
    facts = {
        "day": long_date(notice.day, language),
        "total": money(notice.total_cents, language),
        "account": masked_iban(notice.mandate.iban),
        "lines": "\n".join(f"- {label} : {money(cents, language)}" for label, cents in notice.lines),
        "office": office.label,
        "creditor": creditor.creditor_number,
        "mandate": notice.mandate.reference,
        "contact": office.phone or settings.mail_from,
    }
    return say(SUBJECT).format_map(facts), say(TEXT).format_map(facts)
