"""The next collection and its refusals, the families told, the files, what the bank sends back, and the mandates."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.cash.amounts import BAD_AMOUNT, cents_of
from cvq_advisor_console.cash.counter import Counter, counter_of
from cvq_advisor_console.debits.pages import collection_page, mandates_page, returns_view, run_page
from cvq_advisor_console.views.debits import DebitsPage
from cvq_core.clock import local_day
from cvq_core.debits.collection import (
    check_debit_officer,
    is_bank_day,
    run_by_id,
    send_run,
)
from cvq_core.debits.notices import letters_of, tell_families
from cvq_core.debits.papers import letters_pdf
from cvq_core.debits.reasons import ReturnReason
from cvq_core.debits.return_file import BadReturnFile
from cvq_core.debits.returns import Taken, end_run, take_back, take_back_file
from cvq_core.debits.routes import END_WORDS, file_response
from cvq_core.debits.rules import NoCreditorNumber, NotTheOfficer, UnknownRun, first_collection_day
from cvq_core.debits.tables import DebitCreditor, DebitRun, RunEnd
from cvq_core.errors import BadInput
from cvq_core.offices.rules import NotMandatary
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe
from cvq_core.web.upload import Upload

routes = Routes("/prelevements", tag="pages")

URL = "/prelevements"
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)


class DayForm(BaseModel):
    """A collection on a day; `id` was made with the form."""

    id: UUID
    day: date


class EndForm(BaseModel):
    """What became of a file."""

    end: RunEnd


class ReturnForm(BaseModel):
    """Why a debit came back, and what the bank took for it."""

    reason: ReturnReason
    fee: str = Field(default="", max_length=20)


@routes.get("", access=Permission.COLLECT)
async def debits_page(context: Context) -> web.Response:
    """Show the next collection, what it leaves out and why, and the files that were made."""
    try:
        counter = await _officer(context)
    except (NotMandatary, NotTheOfficer, NoCreditorNumber) as refusal:
        problem = describe(refusal, context.words)
        view = DebitsPage(
            URL, "", "", refused=problem["title"], refused_todo=problem["detail"], mandates_url=f"{URL}/mandats"
        )
        return context.page("debits.html", view=view)
    return context.page("debits.html", view=await collection_page(counter, _day(context)))


@routes.post("/prevenir", access=Permission.COLLECT, body=DayForm, form=True)
async def tell(context: Context, form: DayForm) -> web.Response:
    """Tell the families of a collection on a day."""
    counter = await _officer(context)
    told = await tell_families(
        context.db,
        context.services.settings,
        form.id,
        office_id=counter.office.id,
        day=form.day,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        "debit-families-told", form.id, subject=("debit_announcement", form.id), personal={"families": len(told)}
    )
    context.services.jobs.wake()
    return context.redirect(f"{URL}?day={form.day.isoformat()}")


@routes.get("/lettres/{id}.pdf", access=Permission.COLLECT)
async def letters(context: Context) -> web.Response:
    """Give the letters to families without an e-mail address."""
    counter = await _officer(context)
    found = await letters_of(context.db, context.path_id(), counter.office.id)
    creditor = await context.db.get_one(DebitCreditor, counter.office.id)
    content = await asyncio.to_thread(letters_pdf, found, counter.office, creditor)
    return web.Response(
        body=content,
        content_type="application/pdf",
        headers={"Content-Disposition": 'inline; filename="annonces-de-prelevement.pdf"'},
    )


@routes.post("/fichier", access=Permission.COLLECT, body=DayForm, form=True)
async def make_file(context: Context, form: DayForm) -> web.Response:
    """Debit what may be debited on a day, and make the file for the bank."""
    counter = await _officer(context)
    sent = await send_run(
        context.db,
        context.services.vault,
        form.id,
        office_id=counter.office.id,
        day=form.day,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        "debit-run-made", sent.run.id, subject=("debit_run", sent.run.id), personal={"items": sent.run.items}
    )
    return context.redirect(f"{URL}/fichiers/{sent.run.id}")


@routes.get("/fichiers/{id}", access=Permission.COLLECT)
async def one_run(context: Context) -> web.Response:
    """Show a file, its debits, and what came back."""
    counter, run = await _run(context)
    return context.page("debit_run.html", view=await run_page(counter, run))


@routes.get("/fichiers/{id}/sepa.xml", access=Permission.COLLECT)
async def run_xml(context: Context) -> web.Response:
    """Give the file for the bank, as it was made."""
    _, run = await _run(context)
    return await file_response(context, run)


@routes.post("/fichiers/{id}/fin", access=Permission.COLLECT, body=EndForm, form=True)
async def end(context: Context, form: EndForm) -> web.Response:
    """Note that a file went to the bank, or give it up."""
    counter, run = await _run(context)
    await end_run(context.db, run.id, form.end, officer=counter.officer, now=context.now)
    await context.journal_once(END_WORDS[form.end], run.id, subject=("debit_run", run.id))
    return context.redirect(f"{URL}/fichiers/{run.id}")


@routes.post("/fichiers/{id}/retours/{item_id}", access=Permission.COLLECT, body=ReturnForm, form=True)
async def came_back(context: Context, form: ReturnForm) -> web.Response:
    """Note by hand that the bank sent a debit back."""
    counter, run = await _run(context)
    fee = cents_of(form.fee) if form.fee.strip() else 0
    if fee is None:
        raise BadInput(fields={"fee": BAD_AMOUNT})
    made = await take_back(
        context.db,
        context.path_id("item_id"),
        reason=form.reason,
        fee_cents=fee,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        "debit-returned", made.item_id, subject=("debit", made.item_id), personal={"reason": form.reason.value}
    )
    return context.redirect(f"{URL}/fichiers/{run.id}")


@routes.post("/retours", access=Permission.COLLECT, upload=True)
async def returns_file(context: Context, upload: Upload) -> web.Response:
    """Take in what the bank sends back (pain.002 or camt.054), and show what became of each line."""
    counter = await _officer(context)
    if len(upload.files) != 1:
        raise BadReturnFile
    taken = await take_back_file(
        context.db, counter.office.id, upload.files[0], officer=counter.officer, now=context.now
    )
    # A file that comes again finds everything noted, and does nothing that counts.
    if any(each.taken is Taken.RETURNED for each in taken):
        context.journal(
            "debit-returns-imported", subject=("cash_office", counter.office.id), personal={"lines": len(taken)}
        )
    return context.page("fragments/debit_returns.html", view=returns_view(context, taken))


@routes.get("/mandats", access=Permission.COLLECT)
async def mandates(context: Context) -> web.Response:
    """Show the mandates of the office, and look for one."""
    counter = await counter_of(context)
    query = context.request.query.get("q", "")[:70].replace("\0", "")
    return context.page("debit_mandates.html", view=await mandates_page(counter, query))


async def _officer(context: Context) -> Counter:
    """Return the office that somebody is the officer of, or the substitute.

    Raises:
        NotMandatary, NotTheOfficer
        NoCreditorNumber: it has nothing to debit with.
    """
    counter = await counter_of(context)
    await check_debit_officer(context.db, counter.office.id, counter.officer, context.now)
    if await context.db.get(DebitCreditor, counter.office.id) is None:
        raise NoCreditorNumber
    return counter


async def _run(context: Context) -> tuple[Counter, DebitRun]:
    counter = await _officer(context)
    run = await run_by_id(context.db, context.path_id())
    if run.office_id != counter.office.id:
        raise UnknownRun
    return counter, run


def _day(context: Context) -> date:
    """Return the day that is asked for; without one, the first on which a collection is possible."""
    try:
        day = date.fromisoformat(context.request.query.get("day", ""))
    except ValueError:
        day = LAST_DAY
    return day if FIRST_DAY <= day < LAST_DAY else first_collection_day(local_day(context.now), is_bank_day)
