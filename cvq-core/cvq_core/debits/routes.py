"""Direct debits over HTTP: mandates at a counter, runs and returns for the officer. An IBAN leaves only in the file."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_core.clock import local_day
from cvq_core.debits.rules import (
    NotTheOfficer,
    ReturnReason,
    UnknownDebit,
    UnknownMandate,
    checked_iban,
    is_idle,
    masked_iban,
)
from cvq_core.debits.service import (
    debtables,
    revoke_mandate,
    send_run,
    set_creditor,
    sign_mandate,
    standing_mandate,
    take_back,
    written_run,
)
from cvq_core.debits.tables import DebitMandate, DebitRun
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.routes import Body, officer_of
from cvq_core.offices.store import appointment_of, sub_office_by_id
from cvq_core.offices.tables import CashOffice, SubOffice
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="direct debits")


class CreditorBody(Body):
    """What an office debits with."""

    creditor_number: str = Field(min_length=8, max_length=35, pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]+$")
    iban: str = Field(max_length=50)
    bic: str = Field(pattern=r"^[A-Z0-9]{8}([A-Z0-9]{3})?$")


class MandateBody(Body):
    """A mandate that a family has signed; `id` is made by who asks."""

    id: UUID
    family_account_id: UUID
    holder: str = Field(min_length=1, max_length=70)
    iban: str = Field(max_length=50)
    signed_on: date


class MandateOut(BaseModel):
    """A mandate; of its account, the last four signs."""

    id: UUID
    reference: str
    holder: str
    account: str
    signed_on: date
    revoked_on: date | None
    lapsed: bool

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
            lapsed=is_idle(mandate.last_used_on or mandate.signed_on, on),
        )


class RevokeBody(Body):
    """Why a mandate ends."""

    why: str = Field(min_length=3, max_length=120)


class DebtableOut(BaseModel):
    """An invoice that may be debited."""

    invoice_id: UUID
    number: str
    due_on: date
    due_cents: int


class DebtablesOut(BaseModel):
    """What a run on a day would debit."""

    day: date
    total_cents: int
    items: list[DebtableOut]


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
    """Why the bank sent a debit back."""

    reason: ReturnReason


@routes.put("/sub-offices/{id}/debit-creditor", access=Permission.ADMINISTER, body=CreditorBody)
async def creditor(context: Context, body: CreditorBody) -> None:
    """Set the creditor identifier and the account of the office of a place."""
    _, office = await sub_office_by_id(context.db, context.path_id(), local_day(context.now))
    await set_creditor(
        context.db, office.id, creditor_number=body.creditor_number, iban=checked_iban(body.iban), bic=body.bic
    )
    context.journal("debit-creditor-set", subject=("cash_office", office.id))


@routes.post(
    "/sub-offices/{id}/debit-mandates", access=Permission.COLLECT, body=MandateBody, answer=MandateOut, status=201
)
async def sign(context: Context, body: MandateBody) -> MandateOut:
    """Record a mandate that a family has signed at a counter."""
    _, office = await _counter(context)
    mandate = await sign_mandate(
        context.db,
        body.id,
        office_id=office.id,
        family_account_id=body.family_account_id,
        holder=body.holder,
        iban=body.iban,
        signed_on=body.signed_on,
        officer=officer_of(context),
        now=context.now,
    )
    context.journal("debit-mandate-signed", account_id=body.family_account_id, subject=("debit_mandate", mandate.id))
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
    mandate = await context.db.get(DebitMandate, context.path_id("mandate_id"))
    if mandate is None or mandate.office_id != office.id:
        raise UnknownMandate
    mandate = await revoke_mandate(context.db, mandate.id, why=body.why, now=context.now)
    context.journal(
        "debit-mandate-revoked", account_id=mandate.family_account_id, subject=("debit_mandate", mandate.id)
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
    items = await debtables(context.db, office.id, day)
    return DebtablesOut(
        day=day,
        total_cents=sum(item.due_cents for item in items),
        items=[
            DebtableOut(invoice_id=each.invoice_id, number=each.number, due_on=each.due_on, due_cents=each.due_cents)
            for each in items
        ],
    )


@routes.post("/sub-offices/{id}/debit-runs", access=Permission.COLLECT, body=RunBody, answer=RunOut, status=201)
async def send(context: Context, body: RunBody) -> RunOut:
    """Debit everything that may be debited on a day."""
    _, office = await _counter(context)
    sent = await send_run(
        context.db, body.id, office_id=office.id, day=body.day, officer=officer_of(context), now=context.now
    )
    context.journal("debit-run-sent", subject=("debit_run", sent.run.id), personal={"items": sent.run.items})
    return RunOut.of(sent.run)


@routes.get("/debit-runs/{id}/file", access=Permission.COLLECT)
async def run_file(context: Context) -> web.Response:
    """Give the file for the bank to the officer."""
    run = await context.db.get(DebitRun, context.path_id())
    if run is None:
        raise UnknownDebit
    if not await is_officer(context.db, run.office_id, officer_of(context).staff_id, local_day(context.now)):
        raise NotTheOfficer
    sent = await written_run(context.db, run)
    headers = {"Content-Disposition": f'attachment; filename="{sent.file_name}"', "Cache-Control": "no-store"}
    return web.Response(body=sent.content, content_type="application/xml", headers=headers)


@routes.post("/debits/{id}/return", access=Permission.COLLECT, body=ReturnBody)
async def returned(context: Context, body: ReturnBody) -> None:
    """Note that the bank sent a debit back."""
    made = await take_back(
        context.db, context.path_id(), reason=body.reason, officer=officer_of(context), now=context.now
    )
    context.journal("debit-returned", subject=("debit", made.item_id), personal={"reason": body.reason.value})


async def _counter(context: Context) -> tuple[SubOffice, CashOffice]:
    today = local_day(context.now)
    place, office = await sub_office_by_id(context.db, context.path_id(), today)
    await appointment_of(context.db, officer_of(context).staff_id, place.id, today)
    return place, office
