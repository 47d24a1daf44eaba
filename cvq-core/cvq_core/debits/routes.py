"""Direct debits over HTTP: mandates at a counter, runs and returns for the officer. An IBAN leaves only in the file."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.debits.collection import kept_file, next_collection, run_by_id, send_run
from cvq_core.debits.mandates import (
    BadPaper,
    MandateDetails,
    mandate_by_id,
    prepare_mandate,
    revoke_mandate,
    set_creditor,
    sign_mandate,
    signed_paper,
    standing_mandate,
    state_of,
)
from cvq_core.debits.notices import FamilyNotice, tell_families
from cvq_core.debits.papers import MandatePaper, mandate_pdf
from cvq_core.debits.reasons import ReturnReason
from cvq_core.debits.returns import FEE_CENTS_MAX, end_run, take_back
from cvq_core.debits.rules import (
    NOTICE_DAYS,
    BadMandate,
    MandateState,
    NotTheOfficer,
    Obstacle,
    UnknownDebit,
    UnknownMandate,
    checked_iban,
    masked_iban,
)
from cvq_core.debits.tables import DebitCreditor, DebitMandate, DebitRun, NoticeMeans, RunEnd
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.routes import Body, officer_of
from cvq_core.offices.store import appointment_of, sub_office_by_id
from cvq_core.offices.tables import CashOffice, SubOffice
from cvq_core.people.tables import FamilyAccount
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.upload import Upload

routes = Routes("/api/v1", tag="direct debits")

END_WORDS = {RunEnd.SENT: "debit-run-sent", RunEnd.GIVEN_UP: "debit-run-given-up"}
"""The journal's name of each end of a file."""


class CreditorBody(Body):
    """What an office debits with."""

    creditor_number: str = Field(min_length=8, max_length=35, pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]+$")
    iban: str = Field(max_length=50)
    bic: str = Field(pattern=r"^[A-Z0-9]{8}([A-Z0-9]{3})?$")
    notice_days: int = Field(default=NOTICE_DAYS, ge=1, le=60)


class MandateBody(Body):
    """A mandate that a family is to sign; `id` is made by who asks."""

    id: UUID
    family_account_id: UUID
    holder: str = Field(min_length=1, max_length=70)
    address: str = Field(min_length=1, max_length=200)
    iban: str = Field(max_length=50)
    one_off: bool = False


class MandateOut(BaseModel):
    """A mandate; of its account, the last four signs."""

    id: UUID
    reference: str
    holder: str
    account: str
    state: MandateState
    signed_on: date | None
    revoked_on: date | None

    @classmethod
    def of(cls, mandate: DebitMandate, on: date) -> MandateOut:
        """Return what is shown of a mandate on a day."""
        return cls(
            id=mandate.id,
            reference=mandate.reference,
            holder=mandate.holder,
            account=masked_iban(mandate.iban),
            signed_on=mandate.signed_on,
            revoked_on=mandate.revoked_on,
            state=state_of(mandate, on),
        )


class RevokeBody(Body):
    """Why a mandate ends."""

    why: str = Field(min_length=3, max_length=120)


class DebtableOut(BaseModel):
    """An invoice that may be debited."""

    model_config = ConfigDict(from_attributes=True)

    invoice_id: UUID
    number: str
    due_on: date
    due_cents: int


class RefusedOut(DebtableOut):
    """An invoice of a family with a mandate that is not debited, and why."""

    why: Obstacle


class DebtablesOut(BaseModel):
    """What a run on a day would debit, and what not."""

    day: date
    total_cents: int
    items: list[DebtableOut]
    refused: list[RefusedOut]


class NoticeBody(Body):
    """Families to tell of a collection on a day; `id` is made by who asks."""

    id: UUID
    day: date


class NoticeOut(BaseModel):
    """What one family was told, and how."""

    family_number: str
    mandate: str
    day: date
    total_cents: int
    means: NoticeMeans

    @classmethod
    def of(cls, notice: FamilyNotice) -> NoticeOut:
        """Return what is told of a notice."""
        return cls(
            family_number=notice.family.number,
            mandate=notice.mandate.reference,
            day=notice.day,
            total_cents=notice.total_cents,
            means=notice.means,
        )


class NoticesOut(BaseModel):
    """Whom an announcement told."""

    items: list[NoticeOut]


class RunEndBody(Body):
    """What became of a file."""

    end: RunEnd


class RunBody(Body):
    """A run on a day; `id` is made by who asks."""

    id: UUID
    day: date


class RunOut(BaseModel):
    """What was sent."""

    id: UUID
    number: int
    day: date
    items: int
    total_cents: int
    file_url: str

    @classmethod
    def of(cls, run: DebitRun) -> RunOut:
        """Return what is told of a run."""
        return cls(
            id=run.id,
            number=run.number,
            day=run.collection_day,
            items=run.items,
            total_cents=run.total_cents,
            file_url=f"/api/v1/debit-runs/{run.id}/file",
        )


class ReturnBody(Body):
    """Why the bank sent a debit back, and what it took for it."""

    reason: ReturnReason
    fee_cents: int = Field(default=0, ge=0, le=FEE_CENTS_MAX)


@routes.put("/sub-offices/{id}/debit-creditor", access=Permission.ADMINISTER, body=CreditorBody)
async def creditor(context: Context, body: CreditorBody) -> None:
    """Set the creditor identifier and the account of the office of a place."""
    _, office = await sub_office_by_id(context.db, context.path_id(), local_day(context.now))
    await set_creditor(
        context.db,
        office.id,
        creditor_number=body.creditor_number,
        iban=checked_iban(body.iban),
        bic=body.bic,
        notice_days=body.notice_days,
    )
    context.journal("debit-creditor-set", subject=("cash_office", office.id))


@routes.post(
    "/sub-offices/{id}/debit-mandates", access=Permission.COLLECT, body=MandateBody, answer=MandateOut, status=201
)
async def prepare(context: Context, body: MandateBody) -> MandateOut:
    """Write a mandate for a family to sign at a counter."""
    _, office = await _counter(context)
    mandate = await prepare_mandate(
        context.db,
        body.id,
        office_id=office.id,
        family_account_id=body.family_account_id,
        details=MandateDetails(body.holder, body.address, body.iban, body.one_off),
        actor=context.principal.actor,
        now=context.now,
    )
    await context.journal_once(
        "debit-mandate-prepared", mandate.id, account_id=body.family_account_id, subject=("debit_mandate", mandate.id)
    )
    return MandateOut.of(mandate, local_day(context.now))


@routes.get("/sub-offices/{id}/debit-mandates/{mandate_id}/paper", access=Permission.COLLECT)
async def paper(context: Context) -> web.Response:
    """Give the mandate as the paper to sign, or as it was signed."""
    place, office = await _counter(context)
    mandate = await mandate_by_id(context.db, context.path_id("mandate_id"), office.id)
    return await mandate_response(context, mandate, office, place.label)


@routes.post(
    "/sub-offices/{id}/debit-mandates/{mandate_id}/signed", access=Permission.COLLECT, upload=True, answer=MandateOut
)
async def signed(context: Context, upload: Upload) -> MandateOut:
    """Keep the signed page: the mandate may be debited. A PDF, or `multipart/form-data` with `signed_on`."""
    _, office = await _counter(context)
    mandate = await mandate_by_id(context.db, context.path_id("mandate_id"), office.id)
    mandate = await sign_uploaded(context, mandate, upload)
    return MandateOut.of(mandate, local_day(context.now))


@routes.get("/sub-offices/{id}/debit-mandates/{family_id}", access=Permission.COLLECT, answer=MandateOut)
async def mandate_of(context: Context) -> MandateOut:
    """Return the mandate of a family that stands."""
    _, office = await _counter(context)
    mandate = await standing_mandate(context.db, office.id, context.path_id("family_id"))
    if mandate is None:
        raise UnknownMandate
    return MandateOut.of(mandate, local_day(context.now))


@routes.post(
    "/sub-offices/{id}/debit-mandates/{mandate_id}/revoke",
    access=Permission.COLLECT,
    body=RevokeBody,
    answer=MandateOut,
)
async def revoke(context: Context, body: RevokeBody) -> MandateOut:
    """End a mandate."""
    _, office = await _counter(context)
    mandate = await mandate_by_id(context.db, context.path_id("mandate_id"), office.id)
    mandate = await revoke_mandate(context.db, mandate.id, why=body.why, now=context.now)
    await context.journal_once(
        "debit-mandate-revoked", mandate.id, account_id=mandate.family_account_id, subject=("debit_mandate", mandate.id)
    )
    return MandateOut.of(mandate, local_day(context.now))


@routes.get("/sub-offices/{id}/debits-due/{day}", access=Permission.COLLECT, answer=DebtablesOut)
async def due(context: Context) -> DebtablesOut:
    """Show what a run on a day would debit."""
    _, office = await _counter(context)
    try:
        day = date.fromisoformat(context.request.match_info["day"])
    except ValueError:
        raise UnknownDebit from None
    planned = await next_collection(context.db, office.id, day)
    return DebtablesOut(
        day=day,
        total_cents=planned.total_cents,
        items=[DebtableOut.model_validate(item) for item in planned.items],
        refused=[RefusedOut(**DebtableOut.model_validate(item).model_dump(), why=why) for item, why in planned.refused],
    )


@routes.post(
    "/sub-offices/{id}/debit-notices", access=Permission.COLLECT, body=NoticeBody, answer=NoticesOut, status=201
)
async def tell(context: Context, body: NoticeBody) -> NoticesOut:
    """Tell the families of a collection on a day, by e-mail or by a letter to print."""
    _, office = await _counter(context)
    told = await tell_families(
        context.db,
        context.services.settings,
        body.id,
        office_id=office.id,
        day=body.day,
        officer=officer_of(context),
        now=context.now,
    )
    await context.journal_once(
        "debit-families-told", body.id, subject=("debit_announcement", body.id), personal={"families": len(told)}
    )
    return NoticesOut(items=[NoticeOut.of(notice) for notice in told])


@routes.post("/sub-offices/{id}/debit-runs", access=Permission.COLLECT, body=RunBody, answer=RunOut, status=201)
async def send(context: Context, body: RunBody) -> RunOut:
    """Debit everything that may be debited on a day."""
    _, office = await _counter(context)
    sent = await send_run(
        context.db,
        context.services.vault,
        body.id,
        office_id=office.id,
        day=body.day,
        officer=officer_of(context),
        now=context.now,
    )
    await context.journal_once(
        "debit-run-made", sent.run.id, subject=("debit_run", sent.run.id), personal={"items": sent.run.items}
    )
    return RunOut.of(sent.run)


@routes.get("/debit-runs/{id}/file", access=Permission.COLLECT)
async def run_file(context: Context) -> web.Response:
    """Give the file for the bank to the officer."""
    return await file_response(context, await run_by_id(context.db, context.path_id()))


@routes.post("/debit-runs/{id}/end", access=Permission.COLLECT, body=RunEndBody)
async def end(context: Context, body: RunEndBody) -> None:
    """Note that a file went to the bank, or give it up."""
    await end_run(context.db, context.path_id(), body.end, officer=officer_of(context), now=context.now)
    await context.journal_once(END_WORDS[body.end], context.path_id(), subject=("debit_run", context.path_id()))


@routes.post("/debits/{id}/return", access=Permission.COLLECT, body=ReturnBody)
async def returned(context: Context, body: ReturnBody) -> None:
    """Note that the bank sent a debit back."""
    made = await take_back(
        context.db,
        context.path_id(),
        reason=body.reason,
        fee_cents=body.fee_cents,
        officer=officer_of(context),
        now=context.now,
    )
    await context.journal_once(
        "debit-returned", made.item_id, subject=("debit", made.item_id), personal={"reason": body.reason.value}
    )


async def file_response(context: Context, run: DebitRun) -> web.Response:
    """Give a run's file to the officer of its office.

    Raises:
        NotTheOfficer
        UnknownRun: its file was never kept.
    """
    if not await is_officer(context.db, run.office_id, officer_of(context).staff_id, local_day(context.now)):
        raise NotTheOfficer
    sent = await kept_file(context.db, context.services.vault, run)
    async with context.acting() as writing:
        writing.journal("debit-file-fetched", subject=("debit_run", run.id))
    headers = {"Content-Disposition": f'attachment; filename="{sent.file_name}"', "Cache-Control": "no-store"}
    return web.Response(body=sent.content, content_type="application/xml", headers=headers)


async def mandate_response(context: Context, mandate: DebitMandate, office: CashOffice, place: str) -> web.Response:
    """Give a mandate's signed page, or the paper to sign. It is noted: both show the whole account."""
    if mandate.signed_on is not None:
        content = await signed_paper(context.db, context.services.vault, mandate.id)
    else:
        content = await asyncio.to_thread(mandate_pdf, await mandate_paper(context.db, mandate, office, place))
    async with context.acting() as writing:
        writing.journal(
            "debit-mandate-read", account_id=mandate.family_account_id, subject=("debit_mandate", mandate.id)
        )
    headers = {
        "Content-Disposition": f'inline; filename="mandat-{mandate.reference}.pdf"',
        "Cache-Control": "no-store",
    }
    return web.Response(body=content, content_type="application/pdf", headers=headers)


async def mandate_paper(db: AsyncSession, mandate: DebitMandate, office: CashOffice, place: str) -> MandatePaper:
    """Return what stands on the paper to sign."""
    creditor = await db.get_one(DebitCreditor, office.id)
    family = await db.get_one(FamilyAccount, mandate.family_account_id)
    return MandatePaper(mandate, creditor, office, family.number, place)


async def sign_uploaded(context: Context, mandate: DebitMandate, upload: Upload) -> DebitMandate:
    """Keep the signed page that somebody sent; without a day, it was signed today.

    Raises:
        BadPaper, BadMandate, MandateSigned
    """
    if len(upload.files) != 1:
        raise BadPaper
    written = upload.fields.get("signed_on", "").strip()
    try:
        signed_on = date.fromisoformat(written) if written else local_day(context.now)
    except ValueError:
        raise BadMandate from None
    mandate = await sign_mandate(
        context.db,
        context.services.vault,
        mandate.id,
        paper=upload.files[0],
        signed_on=signed_on,
        staff_id=officer_of(context).staff_id,
        now=context.now,
    )
    await context.journal_once(
        "debit-mandate-signed", mandate.id, account_id=mandate.family_account_id, subject=("debit_mandate", mandate.id)
    )
    return mandate


async def _counter(context: Context) -> tuple[SubOffice, CashOffice]:
    today = local_day(context.now)
    place, office = await sub_office_by_id(context.db, context.path_id(), today)
    await appointment_of(context.db, officer_of(context).staff_id, place.id, today)
    return place, office
