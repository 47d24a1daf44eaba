"""Paying over at the sub-office's page: what the safe holds, the slip, the officer's decision."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.cash.amounts import required_cents
from cvq_advisor_console.cash.counter import counter_of
from cvq_advisor_console.cash.forms import CountForm, VoidForm, counted_pieces
from cvq_advisor_console.cash.safe import held_view, may_integrate, pending_view, remit_view, slip_view
from cvq_core.offices.integrations import integrate, send_back
from cvq_core.offices.remittance_routes import remittance_here, slip_response
from cvq_core.offices.remittance_rules import NotCashOfficer
from cvq_core.offices.remittances import cancel_remittance, remit
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes

routes = Routes("/caisse", tag="pages")


class RemitForm(CountForm):
    """A count of what is paid over."""

    key: UUID


class IntegrateForm(BaseModel):
    """The cash as the officer counted it again, in euros."""

    counted: str = Field(max_length=20)


@routes.get("/versement", access=Permission.COLLECT)
async def remit_page(context: Context) -> web.Response:
    """Show what could be paid over, and the count of it."""
    counter = await counter_of(context)
    return context.page("cash.html", view=await counter.page(remit=await remit_view(counter)))


@routes.post("/verser", access=Permission.COLLECT, body=RemitForm, form=True)
async def remit_it(context: Context, form: RemitForm) -> web.Response:
    """Pay over, and give the numbered slip; the same key twice is one slip."""
    counter = await counter_of(context)
    made = await remit(
        context.db,
        key=form.key,
        sub_office_id=counter.sub_office.id,
        counted=counted_pieces(form),
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once("remitted", made.id, subject=("remittance", made.id))
    return context.redirect(f"/caisse/versements/{made.id}")


@routes.get("/versements/{id}.pdf", access=Permission.COLLECT)
async def slip_file(context: Context) -> web.Response:
    """Give a slip's PDF."""
    return slip_response(await remittance_here(context))


@routes.get("/versements/{id}", access=Permission.COLLECT)
async def slip_page(context: Context) -> web.Response:
    """Show a slip, with what may be done about it."""
    counter = await counter_of(context)
    line = await remittance_here(context)
    return context.page("cash.html", view=await counter.page(slip=await slip_view(counter, line)))


@routes.post("/versements/{id}/annuler", access=Permission.COLLECT, body=VoidForm, form=True)
async def cancel_it(context: Context, form: VoidForm) -> web.Response:
    """Take a remittance back by its counter-entry."""
    counter = await counter_of(context)
    made = await cancel_remittance(
        context.db,
        key=form.key,
        remittance_id=context.path_id(),
        reason=form.reason,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once("remittance-cancelled", made.id, subject=("remittance", context.path_id()))
    return context.redirect(f"/caisse/versements/{made.id}")


@routes.get("/a-integrer", access=Permission.COLLECT)
async def pending_page(context: Context) -> web.Response:
    """Show what the places paid over, for the officer to decide."""
    counter = await counter_of(context)
    if not await may_integrate(counter):
        raise NotCashOfficer
    view = await counter.page(pending=await pending_view(counter), held=await held_view(counter))
    return context.page("cash.html", view=view)


@routes.post("/versements/{id}/integrer", access=Permission.COLLECT, body=IntegrateForm, form=True)
async def integrate_it(context: Context, form: IntegrateForm) -> web.Response:
    """Take a sub-office's remittance into the office's books, once."""
    counter = await counter_of(context)
    await integrate(
        context.db,
        remittance_id=context.path_id(),
        counted_cents=required_cents("counted", form.counted),
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once("remittance-integrated", context.path_id(), subject=("remittance", context.path_id()))
    return context.redirect("/caisse/a-integrer")


@routes.post("/versements/{id}/renvoyer", access=Permission.COLLECT, body=VoidForm, form=True)
async def send_it_back(context: Context, form: VoidForm) -> web.Response:
    """Send a sub-office's remittance back with a reason."""
    counter = await counter_of(context)
    made = await send_back(
        context.db,
        key=form.key,
        remittance_id=context.path_id(),
        reason=form.reason,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once("remittance-sent-back", made.id, subject=("remittance", context.path_id()))
    return context.redirect("/caisse/a-integrer")
