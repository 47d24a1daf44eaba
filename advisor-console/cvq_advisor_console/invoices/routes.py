"""Invoices on paper over HTTP: for a family's file, at a counter, in a visit, and the printing of a whole month."""

from __future__ import annotations

import asyncio
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.console.desk import desk_of
from cvq_advisor_console.invoices.pages import URL, invoices_page, runs_view
from cvq_core.clock import local_day
from cvq_core.errors import NotFound
from cvq_core.invoice_papers.paper import InvoicePaper
from cvq_core.invoice_papers.pdf import invoice_pdf
from cvq_core.invoice_papers.rules import UnknownRun, read_month
from cvq_core.invoice_papers.runs import ask_run, run_by_id, run_file
from cvq_core.invoice_papers.store import Papers, note_print
from cvq_core.invoices.rules import UnknownInvoice
from cvq_core.invoices.store import invoices_by_id
from cvq_core.journal import record
from cvq_core.offices.rules import NotMandatary, Officer
from cvq_core.offices.store import sub_offices_of
from cvq_core.offices.tables import CashOffice
from cvq_core.people.store import family_account_by_id
from cvq_core.staff import Permission
from cvq_core.treasury.accounts import NotTreasuryOfficer, offices_of
from cvq_core.web import Context, Routes
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.routes import act_of
from cvq_desk.visits.rules import ConsentScope, NoConsent

routes = Routes(tag="pages")


class RunForm(BaseModel):
    """A month to print; `seulement` leaves out what was printed before."""

    key: UUID
    mois: str = Field(max_length=7)
    seulement: str = Field(default="", max_length=10)


@routes.get("/familles/{id}/factures/{invoice_id}.pdf", access=Permission.FAMILIES)
async def family_paper(context: Context) -> web.Response:
    """Print an invoice of a family."""
    account = await family_account_by_id(context.db, context.path_id())
    return await _paper(context, context.path_id("invoice_id"), account.id)


@routes.get("/caisse/factures/{id}.pdf", access=Permission.COLLECT)
async def counter_paper(context: Context) -> web.Response:
    """Print an invoice at a counter; the quotient is on it for those alone who may see families."""
    assert context.principal.id is not None, "only staff collect"
    if not await sub_offices_of(context.db, context.principal.id, local_day(context.now)):
        raise NotMandatary
    return await _paper(context, context.path_id(), with_reasons=context.principal.may(Permission.FAMILIES))


@routes.get("/console/{id}/factures/{invoice_id}.pdf", access=Permission.SERVE)
async def visit_paper(context: Context) -> web.Response:
    """Print an invoice of the family whose consent stands. No quotient is told: the consent's words do not name it."""
    desk = await desk_of(context, context.path_id())
    if desk.consent is None:
        raise NoConsent(visit_id=desk.visit.id)
    consent = await check_look(act_of(context), desk.visit, desk.consent.account_id, ConsentScope.WALLETS)
    return await _paper(
        context,
        context.path_id("invoice_id"),
        consent.account_id,
        with_reasons=False,
        visit_id=desk.visit.id,
        consent_id=consent.id,
    )


@routes.get(URL, access=Permission.COLLECT)
async def page(context: Context) -> web.Response:
    """Show the invoices of a month and their printings."""
    office = await _office(context)
    month = read_month(context.request.query.get("mois", ""), local_day(context.now))
    context.place = office.label
    return context.page("invoices.html", view=await invoices_page(context, office, month))


@routes.get(f"{URL}/fragments/impressions", access=Permission.COLLECT)
async def runs_fragment(context: Context) -> web.Response:
    """Draw a month's printings anew."""
    office = await _office(context)
    month = read_month(context.request.query.get("mois", ""), local_day(context.now))
    return context.page("fragments/invoice_runs.html", view=await runs_view(context, office, month))


@routes.post(f"{URL}/imprimer", access=Permission.COLLECT, body=RunForm, form=True)
async def print_month(context: Context, form: RunForm) -> web.Response:
    """Ask for the invoices of a month; they are made in the background."""
    office = await _office(context)
    month = read_month(form.mois, local_day(context.now))
    run = await ask_run(
        context.db,
        form.key,
        office_id=office.id,
        month=month,
        only_new=bool(form.seulement),
        officer=_officer(context),
        now=context.now,
    )
    await context.journal_once(
        "invoices-printed",
        run.id,
        subject=("invoice_run", run.id),
        personal={"month": f"{month:%Y-%m}", "n": run.invoices},
    )
    context.services.jobs.wake()
    return context.redirect(f"{URL}?regie={office.id}&mois={month:%Y-%m}")


@routes.get(f"{URL}/impressions/{{id}}.pdf", access=Permission.COLLECT)
async def file(context: Context) -> web.Response:
    """Give the file of a printing; that it was taken is written down."""
    run = await run_by_id(context.db, context.path_id())
    if run.office_id not in {office.id for office in await _offices(context)}:
        raise UnknownRun
    content = await run_file(context.services.vault, run)
    # The file was asked for by GET, in a reading transaction; that it was taken is recorded in one of its own.
    async with context.services.database.write() as db:
        record(
            db,
            now=context.now,
            actor=context.principal.actor,
            action="invoices-taken",
            subject=("invoice_run", run.id),
        )
    return _pdf(content, f"factures-{run.month:%Y-%m}.pdf")


async def guard_runs(context: Context, office_id: str) -> None:
    """Let an office's officers know of its printings."""
    if office_id not in {str(office.id) for office in await _offices(context)}:
        raise UnknownRun


async def _paper(
    context: Context,
    invoice_id: UUID,
    account_id: UUID | None = None,
    *,
    with_reasons: bool = True,
    visit_id: UUID | None = None,
    consent_id: UUID | None = None,
) -> web.Response:
    """Print an invoice (of `account_id`, where it must be a family's); each printing is noted and counted.

    Raises:
        UnknownInvoice: there is none, or it is another family's.
    """
    try:
        print_id = UUID(context.request.query.get("print", ""))
    except ValueError:
        raise NotFound from None
    # The paper is asked for by GET, in a reading transaction; a printing is written down in one of its own.
    async with context.services.database.write() as db:
        standing = (await invoices_by_id(db, [invoice_id]))[invoice_id]
        if account_id is not None and standing.family_account_id != account_id:
            raise UnknownInvoice
        copy = await note_print(db, invoice_id, print_id, staff_id=_officer(context).staff_id, now=context.now)
        papers = await Papers.begin(db, context.services.settings, context.now)
        paper: InvoicePaper = (await papers.of(db, [invoice_id], {invoice_id: copy}, with_reasons=with_reasons))[0]
        record(
            db,
            now=context.now,
            actor=context.principal.actor,
            action="invoice-printed",
            subject=("invoice", invoice_id),
            account_id=standing.family_account_id,
            visit_id=visit_id,
            consent_id=consent_id,
            personal={"number": paper.number},
        )
    return _pdf(await asyncio.to_thread(invoice_pdf, paper), f"facture-{paper.number}.pdf", inline=True)


def _pdf(content: bytes, name: str, *, inline: bool = False) -> web.Response:
    return web.Response(
        body=content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'{"inline" if inline else "attachment"}; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


async def _office(context: Context) -> CashOffice:
    """Return the office whose officer asks; `regie` in the address chooses among several.

    Raises:
        NotTreasuryOfficer: of none.
    """
    offices = await _offices(context)
    if not offices:
        raise NotTreasuryOfficer
    wanted = context.request.query.get("regie")
    return next((each for each in offices if str(each.id) == wanted), offices[0])


async def _offices(context: Context) -> list[CashOffice]:
    return await offices_of(context.db, _officer(context).staff_id, local_day(context.now))


def _officer(context: Context) -> Officer:
    assert context.principal.id is not None, "only staff print invoices"
    return Officer(context.principal.id, context.principal.name)
