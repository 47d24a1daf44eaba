"""The advance's pages, for the office's officer alone, and what each asks for."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.advances.pages import Desk, desk_of, expense_view, paying_view, replenish_view
from cvq_advisor_console.cash.amounts import required_cents
from cvq_advisor_console.cash.counter import Counter, counter_of
from cvq_advisor_console.views.advances import AdvancePage
from cvq_core.advances.paper import statement_pdf, voucher_pdf
from cvq_core.advances.routes import expense_here, pdf_response, statement_here
from cvq_core.advances.rules import Expense, Moved, NoAdvance, NotAdvanceOfficer, PaidBy, Purpose
from cvq_core.advances.service import cancel_expense, move, pay, state_expenses
from cvq_core.clock import local_day
from cvq_core.errors import BadInput
from cvq_core.offices.remittances import is_officer
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe

routes = Routes("/caisse/avance", tag="pages")


class PayForm(BaseModel):
    """An expense as it is written; `amount` in euros."""

    key: UUID
    purpose: Purpose
    paid_by: PaidBy
    amount: str = Field(max_length=20)
    payee: str = Field(min_length=1, max_length=80)
    document: str = Field(min_length=1, max_length=80)
    wallet_id: str = Field(default="", max_length=40)
    iban: str = Field(default="", max_length=50)

    def expense(self) -> Expense:
        """Return it for the rules.

        Raises:
            BadInput: the amount is none, or the wallet's id.
        """
        try:
            wallet_id = UUID(self.wallet_id) if self.wallet_id else None
        except ValueError:
            raise BadInput from None
        cents = required_cents("amount", self.amount)
        return Expense(self.purpose, self.paid_by, cents, self.payee, self.document, wallet_id, self.iban)


class CancelForm(BaseModel):
    """An expense to take back, and why."""

    key: UUID
    reason: str = Field(min_length=3, max_length=200)


class StateForm(BaseModel):
    """A statement to make."""

    key: UUID


class MoveForm(BaseModel):
    """Money that comes or goes; `kind` is "replenished:<statement>" for what a statement gives back."""

    key: UUID
    kind: str = Field(max_length=60)
    place: PaidBy
    amount: str = Field(max_length=20)
    reference: str = Field(default="", max_length=80)

    def what(self) -> tuple[Moved, UUID | None]:
        """Return the kind of movement, and the statement that it gives back.

        Raises:
            BadInput: it is none.
        """
        word, _, statement = self.kind.partition(":")
        try:
            return Moved(word), UUID(statement) if statement else None
        except ValueError:
            raise BadInput from None


@routes.get("", access=Permission.COLLECT)
async def paying_page(context: Context) -> web.Response:
    """Show the fund, and what is to be paid from it."""
    counter = await _officer_counter(context)
    try:
        desk = await desk_of(counter)
    except NoAdvance as refusal:
        problem = describe(refusal, context.words)
        view = AdvancePage(
            place=counter.sub_office.label,
            office=counter.office.label,
            links=counter.links(),
            refused=problem["title"],
            refused_todo=problem["detail"],
        )
        return context.page("advance.html", view=view)
    query = context.request.query
    paying = await paying_view(desk, number=query.get("compte", "")[:20], wallet_id=query.get("service", ""))
    return context.page("advance.html", view=desk.page(paying=paying))


@routes.post("/payer", access=Permission.COLLECT, body=PayForm, form=True)
async def pay_it(context: Context, form: PayForm) -> web.Response:
    """Pay an expense, and show its voucher; the same key twice is one expense."""
    counter = await _officer_counter(context)
    row = await pay(
        context.db,
        key=form.key,
        office=counter.office,
        expense=form.expense(),
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        "advance-paid", row.id, subject=("advance_expense", row.id), personal={"payee": row.payee}
    )
    return context.redirect(f"/caisse/avance/depenses/{row.id}")


@routes.get("/depenses/{id}.pdf", access=Permission.COLLECT)
async def voucher_file(context: Context) -> web.Response:
    """Give the PDF of an expense's voucher."""
    _, line = await expense_here(context)
    return pdf_response(voucher_pdf(line), line.number)


@routes.get("/depenses/{id}", access=Permission.COLLECT)
async def expense_page(context: Context) -> web.Response:
    """Show one expense."""
    desk = await _desk(context)
    _, line = await expense_here(context)
    return context.page("advance.html", view=desk.page(expense=expense_view(desk.counter, line)))


@routes.post("/depenses/{id}/annuler", access=Permission.COLLECT, body=CancelForm, form=True)
async def cancel_it(context: Context, form: CancelForm) -> web.Response:
    """Take an expense back by its counter-entry."""
    counter = await _officer_counter(context)
    office, line = await expense_here(context)
    row = await cancel_expense(
        context.db,
        key=form.key,
        office=office,
        expense_id=line.expense.id,
        reason=form.reason,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once("advance-expense-cancelled", row.id, subject=("advance_expense", line.expense.id))
    return context.redirect(f"/caisse/avance/depenses/{row.id}")


@routes.get("/reconstituer", access=Permission.COLLECT)
async def replenish_page(context: Context) -> web.Response:
    """Show what waits to be given back, and money that comes or goes."""
    desk = await _desk(context)
    return context.page("advance.html", view=desk.page(replenish=await replenish_view(desk)))


@routes.post("/etats", access=Permission.COLLECT, body=StateForm, form=True)
async def state_it(context: Context, form: StateForm) -> web.Response:
    """Make the statement of what stands on none; the same key twice is one statement."""
    counter = await _officer_counter(context)
    row = await state_expenses(
        context.db, key=form.key, office=counter.office, officer=counter.officer, now=context.now
    )
    await context.journal_once("advance-stated", row.id, subject=("advance_statement", row.id))
    return context.redirect("/caisse/avance/reconstituer")


@routes.get("/etats/{id}.pdf", access=Permission.COLLECT)
async def statement_file(context: Context) -> web.Response:
    """Give the PDF of a statement."""
    line = await statement_here(context)
    return pdf_response(statement_pdf(line), line.number)


@routes.post("/mouvements", access=Permission.COLLECT, body=MoveForm, form=True)
async def move_it(context: Context, form: MoveForm) -> web.Response:
    """Note money that comes or goes; the same key twice is once."""
    counter = await _officer_counter(context)
    kind, statement_id = form.what()
    row = await move(
        context.db,
        key=form.key,
        office=counter.office,
        kind=kind,
        place=form.place,
        amount_cents=required_cents("amount", form.amount),
        reference=form.reference,
        statement_id=statement_id,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(f"advance-{row.kind}", row.id, subject=("advance_movement", row.id))
    return context.redirect("/caisse/avance/reconstituer")


async def _officer_counter(context: Context) -> Counter:
    """Return the counter of somebody who is their office's officer.

    Raises:
        NotMandatary, NotAdvanceOfficer
    """
    counter = await counter_of(context)
    today = local_day(context.now)
    if not await is_officer(context.db, counter.office.id, counter.officer.staff_id, today):
        raise NotAdvanceOfficer
    return counter


async def _desk(context: Context) -> Desk:
    return await desk_of(await _officer_counter(context))
