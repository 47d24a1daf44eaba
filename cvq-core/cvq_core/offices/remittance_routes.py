"""Remittances over HTTP: what is to be paid over, slips and their paper, and the office's integration."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field, StrictInt

from cvq_core.clock import local_day
from cvq_core.offices.ceilings import standings_of
from cvq_core.offices.integrations import integrate, send_back
from cvq_core.offices.remittance_pdf import remittance_pdf
from cvq_core.offices.remittance_rules import RemittedTo
from cvq_core.offices.remittance_store import (
    RemittanceLine,
    contents_of,
    destination_of,
    number_of,
    reason_to_remit,
    remittance_line,
    remittances_of,
    to_integrate,
)
from cvq_core.offices.remittances import cancel_remittance, is_officer, remit
from cvq_core.offices.routes import Body, officer_of
from cvq_core.offices.rules import DENOMINATIONS_CENTS, Means, NotMandatary
from cvq_core.offices.store import appointment_of, sub_office_by_id
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="cash offices")


class RemitBody(Body):
    """Cash to pay over, counted (a coin's or note's cents to how many); all else of closed drawers goes along."""

    id: UUID
    counted: dict[int, StrictInt] = Field(max_length=len(DENOMINATIONS_CENTS))


class TakeBackBody(Body):
    """A remittance to cancel or to send back; `id` becomes the counter-entry's."""

    id: UUID
    reason: str = Field(min_length=3, max_length=200)


class IntegrateBody(Body):
    """The cash as the officer counted it again."""

    counted_cents: StrictInt


class MeansCentsOut(BaseModel):
    """So many cents of one means."""

    means: Means
    cents: int


class ToRemitOut(BaseModel):
    """What a place could pay over now, and why it is to: "ceiling", "nearly", "period", or nothing yet."""

    to: RemittedTo
    cash_max_cents: int
    others: list[MeansCentsOut]
    to_classify_cents: int = Field(description="received online, and staying until somebody decides where it goes")
    drawers: int
    reason: Literal["ceiling", "nearly", "period"] | None


class RemittanceOut(BaseModel):
    """A numbered slip; a cancellation has the opposite amounts and names what it cancels."""

    id: UUID
    number: str
    sub_office_id: UUID
    place: str
    to: RemittedTo
    made_at: datetime
    cash_cents: int
    total_cents: int
    means: list[MeansCentsOut]
    cancels_id: UUID | None
    cancelled_by_id: UUID | None
    integrated: bool | None = Field(description="what the office decided; null while it has not")
    reason: str
    pdf_url: str


class RemittancesOut(BaseModel):
    """Slips, the newest first."""

    remittances: list[RemittanceOut]


@routes.get("/sub-offices/{id}/to-remit", access=Permission.COLLECT, answer=ToRemitOut)
async def what_to_remit(context: Context) -> ToRemitOut:
    """Say what a place could pay over now."""
    today = local_day(context.now)
    await appointment_of(context.db, officer_of(context).staff_id, context.path_id(), today)
    place, office = await sub_office_by_id(context.db, context.path_id(), today)
    contents = await contents_of(context.db, place, today)
    standing = (await standings_of(context.db, place, office)).fullest
    reason = await reason_to_remit(context.db, place, office, contents=contents, standing=standing, today=today)
    return ToRemitOut(
        to=destination_of(place),
        cash_max_cents=contents.cash_max_cents,
        others=[MeansCentsOut(means=means, cents=cents) for means, cents in contents.others.items()],
        to_classify_cents=contents.to_classify_cents,
        drawers=len(contents.drawer_ids),
        reason=reason.value if reason else None,
    )


@routes.post(
    "/sub-offices/{id}/remittances", access=Permission.COLLECT, body=RemitBody, answer=RemittanceOut, status=201
)
async def remit_it(context: Context, body: RemitBody) -> RemittanceOut:
    """Pay over the counted cash and all else of the closed drawers."""
    made = await remit(
        context.db,
        key=body.id,
        sub_office_id=context.path_id(),
        counted=body.counted,
        officer=officer_of(context),
        now=context.now,
    )
    await context.journal_once("remitted", made.id, subject=("remittance", made.id))
    return await _out(context, made.id)


@routes.get("/sub-offices/{id}/remittances", access=Permission.COLLECT, answer=RemittancesOut)
async def remittances(context: Context) -> RemittancesOut:
    """List a place's latest slips."""
    await appointment_of(context.db, officer_of(context).staff_id, context.path_id(), local_day(context.now))
    lines = await remittances_of(context.db, context.path_id())
    return RemittancesOut(remittances=[_shown(line) for line in lines])


@routes.get("/sub-offices/{id}/to-integrate", access=Permission.COLLECT, answer=RemittancesOut)
async def pending(context: Context) -> RemittancesOut:
    """List what the places of this counter's office paid over, for its officer to decide."""
    today = local_day(context.now)
    place, office = await sub_office_by_id(context.db, context.path_id(), today)
    if not place.is_main or not await is_officer(context.db, office.id, officer_of(context).staff_id, today):
        raise NotMandatary
    return RemittancesOut(remittances=[_shown(line) for line in await to_integrate(context.db, office.id)])


@routes.get("/remittances/{id}", access=Permission.COLLECT, answer=RemittanceOut)
async def one_remittance(context: Context) -> RemittanceOut:
    """Show a slip of a place where one may collect, or of one's office."""
    return _shown(await remittance_here(context))


@routes.post("/remittances/{id}/cancel", access=Permission.COLLECT, body=TakeBackBody, answer=RemittanceOut, status=201)
async def cancel_it(context: Context, body: TakeBackBody) -> RemittanceOut:
    """Take a remittance back by its counter-entry, as long as the office has not decided."""
    made = await cancel_remittance(
        context.db,
        key=body.id,
        remittance_id=context.path_id(),
        reason=body.reason,
        officer=officer_of(context),
        now=context.now,
    )
    await context.journal_once("remittance-cancelled", made.id, subject=("remittance", context.path_id()))
    return await _out(context, made.id)


@routes.post("/remittances/{id}/integrate", access=Permission.COLLECT, body=IntegrateBody, answer=RemittanceOut)
async def integrate_it(context: Context, body: IntegrateBody) -> RemittanceOut:
    """Take a sub-office's remittance into the office's books, once."""
    await integrate(
        context.db,
        remittance_id=context.path_id(),
        counted_cents=body.counted_cents,
        officer=officer_of(context),
        now=context.now,
    )
    await context.journal_once("remittance-integrated", context.path_id(), subject=("remittance", context.path_id()))
    return await _out(context, context.path_id())


@routes.post(
    "/remittances/{id}/send-back", access=Permission.COLLECT, body=TakeBackBody, answer=RemittanceOut, status=201
)
async def send_it_back(context: Context, body: TakeBackBody) -> RemittanceOut:
    """Send a sub-office's remittance back with a reason."""
    made = await send_back(
        context.db,
        key=body.id,
        remittance_id=context.path_id(),
        reason=body.reason,
        officer=officer_of(context),
        now=context.now,
    )
    await context.journal_once("remittance-sent-back", made.id, subject=("remittance", context.path_id()))
    return await _out(context, made.id)


@routes.get("/remittances/{id}/slip.pdf", access=Permission.COLLECT)
async def slip_file(context: Context) -> web.Response:
    """Give the PDF of a slip."""
    return slip_response(await remittance_here(context))


def slip_response(line: RemittanceLine) -> web.Response:
    """Return a slip's PDF as it is sent."""
    pdf = remittance_pdf(line.remittance, cancelled=line.cancelled_by_id is not None)
    return web.Response(
        body=pdf,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{number_of(line.remittance)}.pdf"',
            "Cache-Control": "no-store",
        },
    )


async def remittance_here(context: Context) -> RemittanceLine:
    """Return the remittance in the path, to a mandatary of its place or to the office's officer.

    Raises:
        UnknownRemittance, NotMandatary
    """
    line = await remittance_line(context.db, context.path_id())
    staff_id, today = officer_of(context).staff_id, local_day(context.now)
    if not await is_officer(context.db, line.remittance.office_id, staff_id, today):
        await appointment_of(context.db, staff_id, line.remittance.sub_office_id, today)
    return line


async def _out(context: Context, remittance_id: UUID) -> RemittanceOut:
    return _shown(await remittance_line(context.db, remittance_id))


def _shown(line: RemittanceLine) -> RemittanceOut:
    remittance, decided = line.remittance, line.integration
    printed = remittance.printed
    return RemittanceOut(
        id=remittance.id,
        number=number_of(remittance),
        sub_office_id=remittance.sub_office_id,
        place=printed["place"],
        to=remittance.to,
        made_at=remittance.made_at,
        cash_cents=remittance.cash_cents,
        total_cents=remittance.total_cents,
        means=[MeansCentsOut(means=Means(word), cents=cents) for word, cents in printed["means"].items()],
        cancels_id=remittance.cancels_id,
        cancelled_by_id=line.cancelled_by_id,
        integrated=decided.accepted if decided else None,
        reason=printed.get("reason", ""),
        pdf_url=f"/api/v1/remittances/{remittance.id}/slip.pdf",
    )
