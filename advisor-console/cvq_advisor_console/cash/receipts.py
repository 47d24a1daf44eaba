"""Receipts at the sub-office's page: looked up, shown, printed, voided."""

from __future__ import annotations

from datetime import date

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.cash.amounts import BAD_DAY, BAD_NUMBER
from cvq_advisor_console.cash.counter import Counter, counter_of, done_view
from cvq_advisor_console.cash.forms import VoidForm, open_counter, optional_id
from cvq_advisor_console.cash.safe import lookup_view
from cvq_core.errors import NotFound
from cvq_core.offices.receipt_pdf import receipt_pdf
from cvq_core.offices.service import print_receipt, void
from cvq_core.offices.store import find_receipts, receipt_by_id
from cvq_core.offices.tables import Receipt
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes

routes = Routes("/caisse", tag="pages")


class LookupForm(BaseModel):
    """A receipt to look up: its number, its day, or a family."""

    number: str = Field(default="", max_length=40)
    day: str = Field(default="", max_length=10)
    family: str = Field(default="", max_length=80)


@routes.get("/quittances", access=Permission.COLLECT)
async def lookup_page(context: Context) -> web.Response:
    """Show the search for receipts."""
    counter = await counter_of(context)
    view = lookup_view(counter, {"number": "", "day": "", "family": ""})
    return context.page("cash.html", view=await counter.page(lookup=view))


@routes.post("/quittances/chercher", access=Permission.COLLECT, body=LookupForm, form=True)
async def lookup(context: Context, form: LookupForm) -> web.Response:
    """Look receipts of this place up."""
    counter = await counter_of(context)
    # "CVQ-000042" is typed whole, or its digits alone.
    digits = form.number.strip().rpartition("-")[2].lstrip("0")
    day, errors = None, {}
    if form.number.strip() and not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        errors["number"] = context._(BAD_NUMBER)
    if form.day.strip():
        try:
            day = date.fromisoformat(form.day.strip())
        except ValueError:
            errors["day"] = context._(BAD_DAY)
    found = None
    if not errors:
        number = int(digits) if digits else None
        found = await find_receipts(context.db, [counter.sub_office.id], number=number, day=day, family=form.family)
    view = lookup_view(counter, form.model_dump(), found, errors)
    return context.page("cash.html", view=await counter.page(lookup=view), status=422 if errors else 200)


@routes.get("/quittances/{id}.pdf", access=Permission.COLLECT)
async def receipt_file(context: Context) -> web.Response:
    """Print a receipt; each printing is noted, and all but the first are marked as duplicates."""
    counter = await counter_of(context)
    print_id = optional_id(context.request.query.get("print"))
    if print_id is None:
        raise NotFound
    # The page was asked for by GET, in a reading transaction; a printing is written down in one of its own.
    async with context.services.database.write() as db:
        receipt = await receipt_by_id(db, context.path_id())
        if receipt.sub_office_id != counter.sub_office.id:
            raise NotFound
        printing = await print_receipt(db, receipt.id, print_id=print_id, officer=counter.officer, now=context.now)
    pdf = receipt_pdf(printing.receipt, copy=printing.copy, voided=printing.voided)
    return web.Response(body=pdf, content_type="application/pdf")


@routes.get("/quittances/{id}", access=Permission.COLLECT)
async def receipt_page(context: Context) -> web.Response:
    """Show a receipt that was issued here."""
    counter = await counter_of(context)
    receipt = await _own_receipt(counter)
    return context.page("cash.html", view=await counter.page(done=await done_view(counter, receipt)))


@routes.post("/quittances/{id}/annuler", access=Permission.COLLECT, body=VoidForm, form=True)
async def void_it(context: Context, form: VoidForm) -> web.Response:
    """Void a receipt by its counter-entry."""
    counter = await open_counter(context)
    receipt = await _own_receipt(counter)
    made = await void(
        context.db,
        key=form.key,
        receipt_id=receipt.id,
        reason=form.reason,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        "receipt-voided", made.id, subject=("receipt", receipt.id), personal={"reason": form.reason}
    )
    return context.redirect(f"/caisse/quittances/{made.id}")


async def _own_receipt(counter: Counter) -> Receipt:
    receipt = await receipt_by_id(counter.context.db, counter.context.path_id())
    if receipt.sub_office_id != counter.sub_office.id:
        raise NotFound
    return receipt
