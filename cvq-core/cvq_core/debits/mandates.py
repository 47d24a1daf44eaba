"""A mandate's life: prepared, confirmed at the booth, signed on paper with the page kept, revoked.

Locks are taken in this order, everywhere in this room: the creditor's row, the mandate, the receivables by id.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import pikepdf
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.debits.rules import (
    BadMandate,
    MandateExists,
    MandateNotSigned,
    MandateSigned,
    MandateState,
    NoCreditorNumber,
    NoPaper,
    UnknownMandate,
    checked_iban,
    mandate_reference,
    mandate_state,
)
from cvq_core.debits.tables import DebitCreditor, DebitMandate, DebitMandatePaper
from cvq_core.errors import N_, BadInput, TooLarge
from cvq_core.journal.store import Actor
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.offices.tables import CashOffice
from cvq_core.people.store import open_family_account
from cvq_core.people.tables import FamilyAccount
from cvq_core.vault import Stored, Vault

MANDATES_SHOWN = 100
PAPER_BYTES_MAX = 10 * 1024**2
PAPER_PAGES_MAX = 6
REPLACED = N_("remplacé avant d’avoir été signé")
LAPSED = N_("éteint : rien depuis trente-six mois")
SPENT = N_("pour un seul prélèvement, qui est fait")


class BadPaper(BadInput):
    """What should be the signed page is no PDF, or far too long."""

    slug = "bad-mandate-paper"
    message = N_("La page signée doit être un PDF de quelques pages, sans mot de passe.")


@dataclass(frozen=True, slots=True)
class MandateDetails:
    """What a family writes on a mandate. `one_off` is for a single debit."""

    holder: str
    address: str
    iban: str
    one_off: bool = False


async def set_creditor(
    db: AsyncSession, office_id: UUID, *, creditor_number: str, iban: str, bic: str, notice_days: int
) -> None:
    """Set what an office debits with; its numbers go on, and mandates that exist keep what they promised."""
    creditor = await db.get(DebitCreditor, office_id, with_for_update=True)
    if creditor is None:
        creditor = DebitCreditor(office_id=office_id, last_mandate=0, last_run=0)
        db.add(creditor)
    creditor.creditor_number, creditor.iban, creditor.bic = creditor_number, iban, bic
    creditor.notice_days = notice_days
    await db.flush()


async def locked_creditor(db: AsyncSession, office_id: UUID) -> DebitCreditor:
    """Return what an office debits with, its row held to the end of the transaction.

    Raises:
        NoCreditorNumber: it has nothing to debit with.
    """
    creditor: DebitCreditor | None = await db.scalar(
        select(DebitCreditor).where(DebitCreditor.office_id == office_id).with_for_update()
    )
    if creditor is None:
        raise NoCreditorNumber
    return creditor


async def prepare_mandate(
    db: AsyncSession,
    mandate_id: UUID,
    *,
    office_id: UUID,
    family_account_id: UUID,
    details: MandateDetails,
    actor: Actor,
    now: datetime,
    visit_id: UUID | None = None,
) -> DebitMandate:
    """Write a mandate that is to be signed; the same id asked again gives the same mandate.

    One that was prepared and never signed, that has lapsed or is spent gives way to it.

    Raises:
        UnknownFamilyAccount, AccountClosed, BadIban, BadMandate, NoCreditorNumber
        MandateExists: the family has a signed one that stands.
        IdempotencyMismatch: this id is another mandate's.
    """
    number = checked_iban(details.iban)
    holder, address = _line(details.holder, 70), _line(details.address, 200)
    creditor = await locked_creditor(db, office_id)
    known = await db.get(DebitMandate, mandate_id)
    if known is not None:
        if (known.family_account_id, known.iban, known.holder) != (family_account_id, number, holder):
            raise IdempotencyMismatch
        return known
    await open_family_account(db, family_account_id)
    if not holder or not address:
        raise BadMandate
    await _make_room(db, office_id, family_account_id, now)
    office = await db.get_one(CashOffice, office_id)
    creditor.last_mandate += 1
    assert actor.id is not None, "only staff prepare a mandate"
    mandate = DebitMandate(
        id=mandate_id,
        office_id=office_id,
        reference=mandate_reference(office.code, creditor.last_mandate),
        family_account_id=family_account_id,
        holder=holder,
        address=address,
        iban=number,
        one_off=details.one_off,
        notice_days=creditor.notice_days,
        visit_id=visit_id,
        recorded_at=now,
        recorded_by=actor.id,
    )
    db.add(mandate)
    await db.flush()
    return mandate


async def confirm_mandate(db: AsyncSession, mandate_id: UUID, *, now: datetime) -> DebitMandate:
    """Note that the resident has read the account number and said that it is theirs.

    Raises:
        UnknownMandate
        MandateSigned: it is signed, or over.
    """
    mandate = await locked_mandate(db, mandate_id)
    if mandate.signed_on is not None or mandate.revoked_on is not None:
        raise MandateSigned
    mandate.confirmed_at = mandate.confirmed_at or now
    await db.flush()
    return mandate


async def sign_mandate(
    db: AsyncSession, vault: Vault, mandate_id: UUID, *, paper: bytes, signed_on: date, staff_id: UUID, now: datetime
) -> DebitMandate:
    """Keep the signed page of a mandate: from now on it may be debited. The same page asked again changes nothing.

    Raises:
        UnknownMandate, BadPaper, TooLarge
        BadMandate: signed before it was prepared, or after today.
        MandateSigned: it is revoked, or was signed with another page.
        AccountClosed: the family has left since, or its account was merged.
    """
    await asyncio.to_thread(check_paper, paper)
    digest = hashlib.sha256(paper).hexdigest()
    known = await db.get(DebitMandatePaper, mandate_id)
    if known is not None and known.sha256 == digest:
        return await locked_mandate(db, mandate_id)
    # The account is locked before the mandate, as a merger does, which moves both.
    family_account_id = await db.scalar(select(DebitMandate.family_account_id).where(DebitMandate.id == mandate_id))
    if family_account_id is not None:
        await open_family_account(db, family_account_id)
    mandate = await locked_mandate(db, mandate_id)
    known = await db.get(DebitMandatePaper, mandate_id, populate_existing=True)
    if known is not None and known.sha256 == digest:
        return mandate
    if known is not None or mandate.signed_on is not None or mandate.revoked_on is not None:
        raise MandateSigned
    if not local_day(mandate.recorded_at) <= signed_on <= local_day(now):
        raise BadMandate
    # A transaction that fails after this leaves a file that no key opens, and the next one writes over it.
    stored = await asyncio.to_thread(vault.put, mandate_id, paper)
    db.add(
        DebitMandatePaper(
            mandate_id=mandate_id,
            sha256=digest,
            size_bytes=len(paper),
            key_id=stored.key_id,
            wrapped_key=stored.wrapped_key,
            filed_at=now,
            filed_by=staff_id,
        )
    )
    mandate.signed_on = signed_on
    await db.flush()
    return mandate


async def signed_paper(db: AsyncSession, vault: Vault, mandate_id: UUID) -> bytes:
    """Return the signed page of a mandate, a PDF.

    Raises:
        NoPaper: none was filed.
    """
    paper = await db.get(DebitMandatePaper, mandate_id)
    if paper is None:
        raise NoPaper
    return await asyncio.to_thread(vault.get, mandate_id, Stored(paper.key_id, paper.wrapped_key))


async def revoke_mandate(db: AsyncSession, mandate_id: UUID, *, why: str, now: datetime) -> DebitMandate:
    """End a mandate; what is under way at the bank goes on, and comes back where the family opposes it.

    Raises:
        UnknownMandate
    """
    mandate = await locked_mandate(db, mandate_id)
    if mandate.revoked_on is None:
        mandate.revoked_on, mandate.revoked_why = local_day(now), why.strip()[:120]
        await db.flush()
    return mandate


async def standing_mandate(db: AsyncSession, office_id: UUID, family_account_id: UUID) -> DebitMandate | None:
    """Return the mandate of a family that is not revoked; where it stands on a day is `state_of`."""
    mandate: DebitMandate | None = await db.scalar(
        select(DebitMandate).where(
            DebitMandate.office_id == office_id,
            DebitMandate.family_account_id == family_account_id,
            DebitMandate.revoked_on.is_(None),
        )
    )
    return mandate


async def mandate_by_id(db: AsyncSession, mandate_id: UUID, office_id: UUID) -> DebitMandate:
    """Return a mandate of an office.

    Raises:
        UnknownMandate: there is none.
    """
    mandate = await db.get(DebitMandate, mandate_id)
    if mandate is None or mandate.office_id != office_id:
        raise UnknownMandate
    return mandate


async def mandates_of(
    db: AsyncSession, office_id: UUID, *, family_account_id: UUID | None = None, search: str = ""
) -> Sequence[tuple[DebitMandate, FamilyAccount]]:
    """Return mandates of an office with their families, the newest first: a family's, or those that a word finds.

    The word is a mandate's reference, a family's number, or a part of a holder's name.
    """
    wanted = (
        select(DebitMandate, FamilyAccount)
        .join(FamilyAccount, FamilyAccount.id == DebitMandate.family_account_id)
        .where(DebitMandate.office_id == office_id)
    )
    if family_account_id is not None:
        wanted = wanted.where(DebitMandate.family_account_id == family_account_id)
    if word := search.strip()[:70]:
        found = DebitMandate.holder.icontains(word, autoescape=True)
        wanted = wanted.where(found | (DebitMandate.reference == word) | (FamilyAccount.number == word))
    rows = await db.execute(
        wanted.order_by(DebitMandate.recorded_at.desc(), DebitMandate.id.desc()).limit(MANDATES_SHOWN)
    )
    return [(row[0], row[1]) for row in rows]


def state_of(mandate: DebitMandate, on: date) -> MandateState:
    """Return where a mandate stands on a day."""
    return mandate_state(
        signed_on=mandate.signed_on, revoked_on=mandate.revoked_on, last_used_on=mandate.last_used_on, on=on
    )


def why_it_gives_way(mandate: DebitMandate, on: date) -> str | None:
    """Return why a mandate that nobody revoked does not stand in another one's way; None where it does."""
    state = state_of(mandate, on)
    if state is MandateState.PREPARED:
        return REPLACED
    if state is MandateState.LAPSED:
        return LAPSED
    return SPENT if mandate.one_off and mandate.last_used_on is not None else None


def check_signed(mandate: DebitMandate) -> None:
    """Refuse what only a signed mandate allows.

    Raises:
        MandateNotSigned
    """
    if mandate.signed_on is None:
        raise MandateNotSigned


async def locked_mandate(db: AsyncSession, mandate_id: UUID) -> DebitMandate:
    """Return a mandate, its row held to the end of the transaction.

    Raises:
        UnknownMandate: there is none.
    """
    mandate: DebitMandate | None = await db.scalar(
        select(DebitMandate)
        .where(DebitMandate.id == mandate_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if mandate is None:
        raise UnknownMandate
    return mandate


def check_paper(paper: bytes) -> None:
    """Refuse what cannot be a signed page.

    Raises:
        TooLarge, BadPaper
    """
    if len(paper) > PAPER_BYTES_MAX:
        raise TooLarge
    try:
        with pikepdf.open(io.BytesIO(paper)) as document:
            pages = len(document.pages)
    except (pikepdf.PdfError, pikepdf.PasswordError, ValueError):
        raise BadPaper from None
    if not 1 <= pages <= PAPER_PAGES_MAX:
        raise BadPaper


async def _make_room(db: AsyncSession, office_id: UUID, family_account_id: UUID, now: datetime) -> None:
    """Revoke what does not stand any more in the way of a new mandate.

    Raises:
        MandateExists: a signed one stands.
    """
    former = await standing_mandate(db, office_id, family_account_id)
    if former is None:
        return
    why = why_it_gives_way(former, local_day(now))
    if why is None:
        raise MandateExists
    await revoke_mandate(db, former.id, why=why, now=now)


def _line(text: str, length_max: int) -> str:
    return " ".join(text.split())[:length_max]
