"""What an advisor does with a mandate, under the consent that covers it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from cvq_core.clock import local_day
from cvq_core.debits.mandates import (
    MandateDetails,
    confirm_mandate,
    locked_mandate,
    prepare_mandate,
    revoke_mandate,
    sign_mandate,
)
from cvq_core.debits.papers import mandate_pdf
from cvq_core.debits.routes import mandate_paper
from cvq_core.debits.rules import NotConfirmed, UnknownMandate
from cvq_core.debits.tables import DebitCreditor, DebitMandate
from cvq_core.errors import N_, NotFound
from cvq_core.offices.tables import CashOffice
from cvq_core.vault import Vault
from cvq_desk.booking.tables import Booth, TownHall
from cvq_desk.dossiers.service import content_of, current_dossier, keep_pdf, print_document
from cvq_desk.dossiers.tables import Document
from cvq_desk.mandates.view import MANDATE_PAGE, mandate_of_visit
from cvq_desk.visits.acts import Act, own_visit, require_session, tell
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.rules import ConsentScope, NoConsent
from cvq_desk.visits.store import latest_consent
from cvq_desk.visits.tables import BoothCommand, Consent, Visit

WRONG_ACCOUNT = N_("ce n’est pas son compte, dit la personne")


async def prepare_in_visit(
    act: Act, visit_id: UUID, mandate_id: UUID, *, office_id: UUID, details: MandateDetails
) -> DebitMandate:
    """Write a mandate for the account that is open and ask on screen 2 whether the bank account is right.

    Raises:
        NoConsent, ConsentPaused: the resident has not agreed to a mandate, or the card is away.
        And all of `cvq_core.debits.mandates.prepare_mandate`.
    """
    visit, consent = await _covered(act, visit_id)
    mandate = await prepare_mandate(
        act.db,
        mandate_id,
        office_id=office_id,
        family_account_id=consent.account_id,
        details=details,
        actor=act.principal.actor,
        now=act.now,
        visit_id=visit.id,
    )
    visit.shown = MANDATE_PAGE
    await _note(act, "debit-mandate-prepared", visit, mandate, consent)
    return mandate


async def answer_mandate(act: Act, visit: Visit, mandate_id: UUID, *, agreed: bool) -> DebitMandate:
    """Take the resident's answer, touched, pressed or spoken: the account is theirs, or the mandate is given up.

    Raises:
        UnknownMandate: it is not the one that this visit asks about.
        NoConsent, ConsentPaused: the account was closed meanwhile.
        MandateSigned: it is signed already.
    """
    require_session(visit)
    asked = await _of_visit(act, visit, mandate_id)
    await check_look(act, visit, asked.family_account_id, ConsentScope.MANDATE)
    if agreed:
        mandate = await confirm_mandate(act.db, mandate_id, now=act.now)
    elif asked.confirmed_at is not None:
        return asked  # a no that comes after the yes was pressed on a page that had gone
    else:
        mandate = await revoke_mandate(act.db, mandate_id, why=WRONG_ACCOUNT, now=act.now)
        visit.shown = "welcome"
    await act.journal_once(
        "debit-mandate-confirmed" if agreed else "debit-mandate-revoked",
        mandate.id,
        visit,
        account_id=mandate.family_account_id,
        subject=("debit_mandate", mandate.id),
    )
    tell(act.db, visit)
    return mandate


async def print_mandate(act: Act, vault: Vault, visit_id: UUID, mandate_id: UUID, *, command_id: UUID) -> BoothCommand:
    """Print the mandate at the booth, to be signed there; the same `command_id` twice prints once.

    Raises:
        NoConsent, ConsentPaused, UnknownMandate
        NotConfirmed: the resident has not said that the account is right.
    """
    visit, consent = await _covered(act, visit_id)
    known = await act.db.get(BoothCommand, command_id)
    if known is not None:
        if known.visit_id != visit.id:
            raise NotFound
        return known
    mandate = await _of_visit(act, visit, mandate_id)
    if mandate.confirmed_at is None:
        raise NotConfirmed(visit_id=visit.id)
    office = await act.db.get_one(CashOffice, mandate.office_id)
    paper = await mandate_paper(act.db, mandate, office, await _place(act, visit))
    pdf = await asyncio.to_thread(mandate_pdf, paper)
    dossier = await current_dossier(act, visit)
    title = f"Mandat de prélèvement {mandate.reference}"
    document = await keep_pdf(act, vault, visit, dossier, pdf, kind="mandate", title=title)
    await _note(act, "debit-mandate-printed", visit, mandate, consent)
    return await print_document(act, visit_id, document.id, command_id=command_id)


async def file_signed(act: Act, vault: Vault, visit_id: UUID, mandate_id: UUID, document_id: UUID) -> DebitMandate:
    """File a page that was scanned in the visit as the mandate's signed one: from now on it may be debited.

    Raises:
        NoConsent, ConsentPaused, UnknownMandate, NotReady, NeverReady
        NotConfirmed: the resident has not said that the account is right.
        NotFound: no scan of this visit has this id.
    """
    visit, consent = await _covered(act, visit_id)
    mandate = await _of_visit(act, visit, mandate_id)
    if mandate.confirmed_at is None:
        raise NotConfirmed(visit_id=visit.id)
    document = await act.db.get(Document, document_id)
    if document is None or document.visit_id != visit.id or document.kind != "scan":
        raise NotFound
    assert act.principal.id is not None, "only staff lead a visit"
    paper = await asyncio.to_thread(content_of, vault, document)
    today = local_day(act.now)
    mandate = await sign_mandate(
        act.db, vault, mandate_id, paper=paper, signed_on=today, staff_id=act.principal.id, now=act.now
    )
    visit.shown = "welcome"
    await _note(act, "debit-mandate-signed", visit, mandate, consent)
    return mandate


async def revoke_in_visit(act: Act, visit_id: UUID, mandate_id: UUID, *, why: str) -> DebitMandate:
    """End a mandate of the account that is open.

    Raises:
        NoConsent, ConsentPaused, UnknownMandate
    """
    visit, consent = await _covered(act, visit_id)
    mandate = await locked_mandate(act.db, mandate_id)
    if mandate.family_account_id != consent.account_id:
        raise UnknownMandate
    mandate = await revoke_mandate(act.db, mandate_id, why=why, now=act.now)
    if visit.shown == MANDATE_PAGE:
        visit.shown = "welcome"
    await _note(act, "debit-mandate-revoked", visit, mandate, consent)
    return mandate


async def debiting_offices(act: Act) -> Sequence[CashOffice]:
    """Return the cash offices that can debit, by name."""
    rows = await act.db.scalars(
        select(CashOffice).join(DebitCreditor, DebitCreditor.office_id == CashOffice.id).order_by(CashOffice.label)
    )
    return list(rows)


async def _covered(act: Act, visit_id: UUID) -> tuple[Visit, Consent]:
    """Return the advisor's visit and the consent that covers a mandate in it."""
    visit = await own_visit(act, visit_id)
    require_session(visit)
    consent = await latest_consent(act.db, visit.id)
    if consent is None:
        raise NoConsent(visit_id=visit.id)
    return visit, await check_look(act, visit, consent.account_id, ConsentScope.MANDATE)


async def _of_visit(act: Act, visit: Visit, mandate_id: UUID) -> DebitMandate:
    mandate = await mandate_of_visit(act.db, visit.id)
    if mandate is None or mandate.id != mandate_id:
        raise UnknownMandate
    return mandate


async def _place(act: Act, visit: Visit) -> str:
    booth = await act.db.get_one(Booth, visit.booth_id)
    name = (await act.db.get_one(TownHall, booth.town_hall_id)).name
    return name.removeprefix("Mairie de ").removeprefix("Mairie d’")


async def _note(act: Act, action: str, visit: Visit, mandate: DebitMandate, consent: Consent) -> None:
    await act.journal_once(
        action,
        mandate.id,
        visit,
        account_id=mandate.family_account_id,
        consent_id=consent.id,
        subject=("debit_mandate", mandate.id),
    )
    tell(act.db, visit)
