"""The advance over HTTP: what the act grants, expenses and statements with their papers, money received.

An account number leaves only in the order of its transfer.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field, StrictInt

from cvq_core.advances.paper import statement_pdf, voucher_pdf
from cvq_core.advances.rules import (
    DOCUMENT_LENGTH_MAX,
    GRANTED_CENTS_MAX,
    PAYEE_LENGTH_MAX,
    Expense,
    Moved,
    NotAdvanceOfficer,
    PaidBy,
    Purpose,
    Terms,
    UnknownExpense,
    UnknownStatement,
)
from cvq_core.advances.service import cancel_expense, move, pay, set_terms, state_expenses
from cvq_core.advances.store import (
    ExpenseLine,
    StatementLine,
    expense_line,
    expense_lines,
    fund_of,
    movements_of,
    statement_line,
    statement_lines,
    terms_on,
)
from cvq_core.advances.tables import AdvanceExpense, AdvanceMovement, AdvanceStatement
from cvq_core.clock import local_day
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.routes import Body, officer_of
from cvq_core.offices.store import sub_office_by_id
from cvq_core.offices.tables import CashOffice
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="advances")


class TermsBody(Body):
    """What the act grants an office from a day on; `id` is made by who asks. Amounts in cents."""

    id: UUID
    valid_from: date
    granted_cents: StrictInt = Field(ge=1, le=GRANTED_CENTS_MAX)
    payment_max_cents: StrictInt = Field(ge=1, le=GRANTED_CENTS_MAX)
    purposes: list[Purpose] = Field(min_length=1, max_length=len(Purpose))
    paid_by: list[PaidBy] = Field(min_length=1, max_length=len(PaidBy))
    act: str = Field(min_length=1, max_length=200)


class ExpenseBody(Body):
    """An expense to pay; `id` becomes its voucher's. A transfer has an IBAN, the refund of a wallet its wallet."""

    id: UUID
    purpose: Purpose
    paid_by: PaidBy
    amount_cents: StrictInt
    payee: str = Field(min_length=1, max_length=PAYEE_LENGTH_MAX)
    document: str = Field(min_length=1, max_length=DOCUMENT_LENGTH_MAX)
    wallet_id: UUID | None = None
    iban: str = Field(default="", max_length=50)

    def expense(self) -> Expense:
        """Return it for the rules."""
        return Expense(**self.model_dump(exclude={"id"}))


class CancelBody(Body):
    """An expense to take back; `id` becomes the counter-entry's."""

    id: UUID
    reason: str = Field(min_length=3, max_length=200)


class StateBody(Body):
    """A statement to make of what stands on none; `id` becomes its own."""

    id: UUID


class MoveBody(Body):
    """Money that comes to the fund or leaves it; `statement_id` says what is given back."""

    id: UUID
    kind: Moved
    place: PaidBy
    amount_cents: StrictInt
    reference: str = Field(default="", max_length=80)
    statement_id: UUID | None = None


class TermsOut(BaseModel):
    """What the act grants today."""

    valid_from: date
    granted_cents: int
    payment_max_cents: int
    purposes: list[Purpose]
    paid_by: list[PaidBy]
    act: str


class ExpenseOut(BaseModel):
    """An expense; a cancellation has the opposite amount and names what it takes back."""

    id: UUID
    number: str
    paid_at: datetime
    purpose: Purpose
    paid_by: PaidBy
    amount_cents: int
    payee: str
    document: str
    cancels_id: UUID | None
    cancelled_by_id: UUID | None
    statement_id: UUID | None
    pdf_url: str


class StatementOut(BaseModel):
    """A statement of expenses, with what is still to be given back on it."""

    id: UUID
    number: str
    made_at: datetime
    total_cents: int
    due_cents: int
    pdf_url: str


class MovementOut(BaseModel):
    """Money that came to the fund or left it."""

    id: UUID
    kind: Moved
    place: PaidBy
    amount_cents: int
    reference: str
    made_at: datetime


class AdvanceOut(BaseModel):
    """An advance at a glance: what was granted is the cash, the account, and the expenses that wait."""

    granted_cents: int
    cash_cents: int
    account_cents: int
    awaiting_cents: int
    terms: TermsOut
    expenses: list[ExpenseOut]
    statements: list[StatementOut]
    movements: list[MovementOut]


@routes.post("/sub-offices/{id}/advance-terms", access=Permission.ADMINISTER, body=TermsBody, answer=TermsOut)
async def set_them(context: Context, body: TermsBody) -> TermsOut:
    """Write what the act grants to the office of this counter, from today on or later."""
    _, office = await sub_office_by_id(context.db, context.path_id(), local_day(context.now))
    terms = Terms(
        valid_from=body.valid_from,
        granted_cents=body.granted_cents,
        payment_max_cents=body.payment_max_cents,
        purposes=frozenset(body.purposes),
        paid_by=frozenset(body.paid_by),
        act=body.act,
    )
    staff_id = officer_of(context).staff_id
    row = await set_terms(context.db, body.id, office=office, terms=terms, staff_id=staff_id, now=context.now)
    await context.journal_once(
        "advance-terms-set", row.id, subject=("advance_terms", row.id), personal={"office": office.code}
    )
    return _terms_out(terms)


@routes.get("/sub-offices/{id}/advance", access=Permission.COLLECT, answer=AdvanceOut)
async def one_advance(context: Context) -> AdvanceOut:
    """Show the advance of this counter's office to its officer."""
    office = await office_here(context)
    fund = await fund_of(context.db, office.id)
    return AdvanceOut(
        granted_cents=fund.granted_cents,
        cash_cents=fund.cash_cents,
        account_cents=fund.account_cents,
        awaiting_cents=fund.awaiting_cents,
        terms=_terms_out(await terms_on(context.db, office.id, local_day(context.now))),
        expenses=[_expense_out(line) for line in await expense_lines(context.db, office.id, limit=50)],
        statements=[_statement_out(line) for line in await statement_lines(context.db, office.id)],
        movements=[_movement_out(row) for row in await movements_of(context.db, office.id)],
    )


@routes.post(
    "/sub-offices/{id}/advance-expenses", access=Permission.COLLECT, body=ExpenseBody, answer=ExpenseOut, status=201
)
async def pay_it(context: Context, body: ExpenseBody) -> ExpenseOut:
    """Pay an expense from the advance, and give its numbered voucher."""
    office = await office_here(context)
    row = await pay(
        context.db, key=body.id, office=office, expense=body.expense(), officer=officer_of(context), now=context.now
    )
    await context.journal_once(
        "advance-paid", row.id, subject=("advance_expense", row.id), personal={"payee": row.payee}
    )
    return _expense_out(await expense_line(context.db, office.id, row.id))


@routes.post("/advance-expenses/{id}/cancel", access=Permission.COLLECT, body=CancelBody, answer=ExpenseOut, status=201)
async def cancel_it(context: Context, body: CancelBody) -> ExpenseOut:
    """Take an expense back by its counter-entry, until it stands on a statement."""
    office, line = await expense_here(context)
    row = await cancel_expense(
        context.db,
        key=body.id,
        office=office,
        expense_id=line.expense.id,
        reason=body.reason,
        officer=officer_of(context),
        now=context.now,
    )
    await context.journal_once("advance-expense-cancelled", row.id, subject=("advance_expense", line.expense.id))
    return _expense_out(await expense_line(context.db, office.id, row.id))


@routes.get("/advance-expenses/{id}/voucher.pdf", access=Permission.COLLECT)
async def voucher_file(context: Context) -> web.Response:
    """Give the PDF of an expense's voucher."""
    _, line = await expense_here(context)
    return pdf_response(voucher_pdf(line), line.number)


@routes.post(
    "/sub-offices/{id}/advance-statements", access=Permission.COLLECT, body=StateBody, answer=StatementOut, status=201
)
async def state_it(context: Context, body: StateBody) -> StatementOut:
    """Put what stands on no statement yet on one, for the comptable."""
    office = await office_here(context)
    row = await state_expenses(context.db, key=body.id, office=office, officer=officer_of(context), now=context.now)
    await context.journal_once("advance-stated", row.id, subject=("advance_statement", row.id))
    return _statement_out(await statement_line(context.db, office.id, row.id))


@routes.get("/advance-statements/{id}/statement.pdf", access=Permission.COLLECT)
async def statement_file(context: Context) -> web.Response:
    """Give the PDF of a statement of expenses."""
    line = await statement_here(context)
    return pdf_response(statement_pdf(line), line.number)


@routes.post(
    "/sub-offices/{id}/advance-movements", access=Permission.COLLECT, body=MoveBody, answer=MovementOut, status=201
)
async def move_it(context: Context, body: MoveBody) -> MovementOut:
    """Note money received from the comptable or given back to them, or cash withdrawn from the advance's account."""
    office = await office_here(context)
    row = await move(
        context.db,
        key=body.id,
        office=office,
        kind=body.kind,
        place=body.place,
        amount_cents=body.amount_cents,
        reference=body.reference,
        statement_id=body.statement_id,
        officer=officer_of(context),
        now=context.now,
    )
    await context.journal_once(f"advance-{row.kind}", row.id, subject=("advance_movement", row.id))
    return _movement_out(row)


def pdf_response(pdf: bytes, name: str) -> web.Response:
    """Return a paper as it is sent."""
    return web.Response(
        body=pdf,
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"},
    )


async def office_here(context: Context) -> CashOffice:
    """Return the office of the counter in the path, to its officer alone.

    Raises:
        UnknownSubOffice, NotAdvanceOfficer
    """
    _, office = await sub_office_by_id(context.db, context.path_id(), local_day(context.now))
    await _check_officer(context, office.id)
    return office


async def expense_here(context: Context) -> tuple[CashOffice, ExpenseLine]:
    """Return the expense in the path with its office, to the office's officer alone.

    Raises:
        UnknownExpense, NotAdvanceOfficer
    """
    expense = await context.db.get(AdvanceExpense, context.path_id())
    if expense is None:
        raise UnknownExpense
    await _check_officer(context, expense.office_id)
    office = await context.db.get_one(CashOffice, expense.office_id)
    return office, await expense_line(context.db, expense.office_id, expense.id)


async def statement_here(context: Context) -> StatementLine:
    """Return the statement in the path, to its office's officer alone.

    Raises:
        UnknownStatement, NotAdvanceOfficer
    """
    statement = await context.db.get(AdvanceStatement, context.path_id())
    if statement is None:
        raise UnknownStatement
    await _check_officer(context, statement.office_id)
    return await statement_line(context.db, statement.office_id, statement.id)


async def _check_officer(context: Context, office_id: UUID) -> None:
    if not await is_officer(context.db, office_id, officer_of(context).staff_id, local_day(context.now)):
        raise NotAdvanceOfficer


def _terms_out(terms: Terms) -> TermsOut:
    return TermsOut(
        valid_from=terms.valid_from,
        granted_cents=terms.granted_cents,
        payment_max_cents=terms.payment_max_cents,
        purposes=[purpose for purpose in Purpose if purpose in terms.purposes],
        paid_by=[way for way in PaidBy if way in terms.paid_by],
        act=terms.act,
    )


def _expense_out(line: ExpenseLine) -> ExpenseOut:
    row = line.expense
    return ExpenseOut(
        id=row.id,
        number=line.number,
        paid_at=row.paid_at,
        purpose=row.purpose,
        paid_by=row.paid_by,
        amount_cents=row.amount_cents,
        payee=row.payee,
        document=row.document,
        cancels_id=row.cancels_id,
        cancelled_by_id=line.cancelled_by_id,
        statement_id=line.statement_id,
        pdf_url=f"/api/v1/advance-expenses/{row.id}/voucher.pdf",
    )


def _statement_out(line: StatementLine) -> StatementOut:
    row = line.statement
    return StatementOut(
        id=row.id,
        number=line.number,
        made_at=row.made_at,
        total_cents=row.total_cents,
        due_cents=line.due_cents,
        pdf_url=f"/api/v1/advance-statements/{row.id}/statement.pdf",
    )


def _movement_out(row: AdvanceMovement) -> MovementOut:
    return MovementOut(
        id=row.id,
        kind=row.kind,
        place=row.place,
        amount_cents=row.amount_cents,
        reference=row.reference,
        made_at=row.made_at,
    )
