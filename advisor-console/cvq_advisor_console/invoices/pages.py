"""What the pages of invoices show."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from cvq_advisor_console.views.invoices import InvoiceRow, InvoicesPage, MonthChoice, RunRow, RunsView
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.invoice_papers.rules import RunState
from cvq_core.invoice_papers.runs import TOPIC, count_of_month, runs_of
from cvq_core.invoice_papers.tables import InvoiceRun
from cvq_core.invoices.store import InvoiceStanding
from cvq_core.offices.tables import CashOffice
from cvq_core.text import month_name
from cvq_core.web import Context
from cvq_core.web.views import Region

URL = "/factures"
MONTHS_SHOWN = 18
STATE_WORDS = {
    RunState.MAKING: (N_("en préparation"), "sun"),
    RunState.READY: (N_("prêtes"), "ok"),
    RunState.FAILED: (N_("n’ont pas pu être préparées : signalez-le"), "alert"),
    RunState.GONE: (N_("retirées depuis"), "off"),
}


def paper_row(standing: InvoiceStanding, base: str, *, is_cancelled: bool = False) -> InvoiceRow:
    """Return an invoice with the address of its paper below `base`; that address is one printing."""
    invoice = standing.invoice
    return InvoiceRow(
        number=standing.number,
        label=invoice.label,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        total_cents=invoice.total_cents,
        due_cents=standing.due_cents,
        url=paper_url(base, invoice.id),
        is_cancelled=is_cancelled,
    )


def paper_url(base: str, invoice_id: UUID) -> str:
    """Return where an invoice prints; the same address is the same printing, however often it is fetched."""
    return f"{base}/{invoice_id}.pdf?print={new_id()}"


async def invoices_page(context: Context, office: CashOffice, month: date) -> InvoicesPage:
    """Return the page of a month."""
    return InvoicesPage(
        url=URL,
        office=office.label,
        month=month_name(month, context.language),
        months=_months(context, month),
        runs=await runs_view(context, office, month),
    )


async def runs_view(context: Context, office: CashOffice, month: date) -> RunsView:
    """Return the printings of a month, and how many invoices another one would have."""
    every, new = await count_of_month(context.db, office.id, month, local_day(context.now))
    query = urlencode({"regie": str(office.id), "mois": f"{month:%Y-%m}"})
    return RunsView(
        region=Region(f"{URL}/fragments/impressions?{query}", (f"{TOPIC}:{office.id}",)),
        rows=tuple(_row(context, run) for run in await runs_of(context.db, office.id, month)),
        ask_url=f"{URL}/imprimer?regie={office.id}",
        key=str(new_id()),
        month=f"{month:%Y-%m}",
        invoices=every,
        not_printed=new,
    )


def _row(context: Context, run: InvoiceRun) -> RunRow:
    word, tone = STATE_WORDS[run.state]
    title = N_("Celles qui n’étaient pas imprimées") if run.only_new else N_("Toutes")
    return RunRow(
        title=context._(title),
        asked_at=run.asked_at,
        state=context._(word),
        tone=tone,
        is_making=run.state is RunState.MAKING,
        done=run.done,
        invoices=run.invoices,
        url=f"{URL}/impressions/{run.id}.pdf" if run.state is RunState.READY else "",
    )


def _months(context: Context, chosen: date) -> tuple[MonthChoice, ...]:
    month, found = local_day(context.now).replace(day=1), []
    for _ in range(MONTHS_SHOWN):
        found.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    if chosen not in found:
        found.append(chosen)
    return tuple(MonthChoice(f"{each:%Y-%m}", month_name(each, context.language), each == chosen) for each in found)
