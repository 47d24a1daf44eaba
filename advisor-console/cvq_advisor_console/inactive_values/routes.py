"""The pages of inactive values, and what each asks for."""

from __future__ import annotations

import csv
import io
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import select

from cvq_advisor_console.cash.amounts import required_cents
from cvq_advisor_console.cash.counter import Counter, counter_of
from cvq_advisor_console.inactive_values.pages import (
    URL,
    Stock,
    count_values_view,
    counted_view,
    holder_of,
    move_view,
    sell_view,
    stock_here,
    stock_view,
)
from cvq_core.advances.routes import pdf_response
from cvq_core.clock import local_day
from cvq_core.errors import BadInput, NotFound
from cvq_core.inactive_values.counter import Payment, sell, take_back_sale
from cvq_core.inactive_values.paper import COLUMNS, rows_of, stock_pdf
from cvq_core.inactive_values.rules import BadSpan, UnknownValue, Whereabouts, spans_of
from cvq_core.inactive_values.service import count_stock, create_kind, transfer
from cvq_core.inactive_values.store import kind_by_id
from cvq_core.inactive_values.tables import ValueCount
from cvq_core.offices.rules import Cheque, DrawerClosed, Means, MeansDetails
from cvq_core.people.store import UnknownFamilyAccount
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes

routes = Routes("/caisse/valeurs", tag="pages")


class KindForm(BaseModel):
    """A kind of value to keep; without a service it is a blank card."""

    key: UUID
    code: str = Field(min_length=1, max_length=20)
    label: str = Field(min_length=1, max_length=80)
    face: str = Field(max_length=20)
    service: ServiceCode | str = Field(default="", max_length=40)


class MoveForm(BaseModel):
    """Numbers in a row to move."""

    key: UUID
    kind: UUID
    numbers: str = Field(min_length=1, max_length=40)
    source: str = Field(max_length=120)
    target: str = Field(max_length=120)
    reason: str = Field(default="", max_length=200)


class SellForm(BaseModel):
    """Values to sell to a family, by its account's number."""

    key: UUID
    kind: UUID
    number: int = Field(ge=1, le=100)
    account: str = Field(min_length=1, max_length=20)
    means: Means
    tendered: str = Field(default="", max_length=20)
    cheque_number: str = Field(default="", max_length=20)
    cheque_bank: str = Field(default="", max_length=60)
    cheque_drawer: str = Field(default="", max_length=80)
    card_reference: str = Field(default="", max_length=40)

    def details(self) -> MeansDetails:
        """Return what is noted of the means; what belongs to another one is left out."""
        cheque = Cheque(self.cheque_number.strip(), self.cheque_bank.strip(), self.cheque_drawer.strip())
        return MeansDetails(
            cheque=cheque if self.means is Means.CHEQUE else None,
            card_reference=self.card_reference.strip() if self.means is Means.CARD else "",
        )


class UndoForm(BaseModel):
    """A sale to take back, and why."""

    key: UUID
    reason: str = Field(min_length=3, max_length=200)


class CountForm(BaseModel):
    """A stock as it was counted."""

    key: UUID
    kind: UUID
    holder: str = Field(max_length=120)
    counted: str = Field(default="", max_length=4000)
    explanation: str = Field(default="", max_length=200)


@routes.get("", access=Permission.COLLECT)
async def stock_page(context: Context) -> web.Response:
    """Show the stock account."""
    stock = await _stock(context)
    return context.page("values.html", view=stock.page(stock=await stock_view(stock)))


@routes.get("/compte.csv", access=Permission.COLLECT)
async def stock_file(context: Context) -> web.Response:
    """Give the stock account as a file that a spreadsheet opens: semicolons, UTF-8 with its mark."""
    stock = await _stock(context)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(COLUMNS)
    writer.writerows([_plain(cell) for cell in row] for row in rows_of(stock.lines))
    name = f"valeurs-inactives-{local_day(context.now)}.csv"
    return web.Response(
        body=out.getvalue().encode("utf-8-sig"),
        content_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@routes.get("/compte.pdf", access=Permission.COLLECT)
async def stock_paper(context: Context) -> web.Response:
    """Give the stock account as a PDF."""
    stock = await _stock(context)
    counter = stock.counter
    pdf = stock_pdf(counter.office, stock.lines, now=context.now, officer=counter.officer.name)
    return pdf_response(pdf, f"valeurs-inactives-{local_day(context.now)}")


@routes.post("/sortes", access=Permission.COLLECT, body=KindForm, form=True)
async def add_kind(context: Context, form: KindForm) -> web.Response:
    """Let the office keep a kind of value."""
    counter = await counter_of(context)
    try:
        service = ServiceCode(form.service) if form.service else None
    except ValueError:
        raise BadInput from None
    kind = await create_kind(
        context.db,
        form.key,
        office=counter.office,
        code=form.code,
        label=form.label,
        face_cents=required_cents("face", form.face),
        service=service,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once("value-kind-added", kind.id, subject=("value_kind", kind.id))
    return context.redirect(URL)


@routes.get("/mouvement", access=Permission.COLLECT)
async def move_page(context: Context) -> web.Response:
    """Ask which numbers go from whom to whom."""
    stock = await _stock(context)
    return context.page("values.html", view=stock.page(move=await move_view(stock)))


@routes.post("/mouvements", access=Permission.COLLECT, body=MoveForm, form=True)
async def move_them(context: Context, form: MoveForm) -> web.Response:
    """Let numbers go from one holder to another."""
    counter = await counter_of(context)
    spans, target = spans_of(form.numbers), holder_of(form.target)
    # What is destroyed leaves with its minute, which is another page.
    if len(spans) != 1 or target.where is Whereabouts.DESTROYED:
        raise BadSpan(most=1)
    await _check_kind(counter, form.kind)
    movement = await transfer(
        context.db,
        key=form.key,
        kind_id=form.kind,
        span=spans[0],
        source=holder_of(form.source),
        target=target,
        reason=form.reason,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        "values-moved", movement.id, subject=("value_movement", movement.id), personal={"reason": movement.reason}
    )
    return context.redirect(URL)


@routes.get("/vente", access=Permission.COLLECT)
async def sell_page(context: Context) -> web.Response:
    """Ask what is sold, to whom, and how it is paid."""
    stock = await _stock(context)
    if stock.counter.drawer is None:
        refused = context._(DrawerClosed.what_to_do)
        return context.page("values.html", view=stock.page(refused=refused))
    return context.page("values.html", view=stock.page(sell=sell_view(stock)))


@routes.post("/ventes", access=Permission.COLLECT, body=SellForm, form=True)
async def sell_them(context: Context, form: SellForm) -> web.Response:
    """Sell values at the open drawer, and show the receipt."""
    counter = await counter_of(context)
    if counter.drawer is None:
        raise DrawerClosed
    await _check_kind(counter, form.kind)
    account = await context.db.scalar(
        select(FamilyAccount).where(
            FamilyAccount.number == form.account.strip().upper(), FamilyAccount.closed_on.is_(None)
        )
    )
    if account is None:
        raise UnknownFamilyAccount
    kind = await kind_by_id(context.db, form.kind)
    total = form.number * kind.face_cents
    tendered = required_cents("tendered", form.tendered) if form.tendered.strip() else total
    sale = await sell(
        context.db,
        key=form.key,
        kind_id=form.kind,
        number=form.number,
        family_account_id=account.id,
        drawer_id=counter.drawer.id,
        payment=Payment(form.means, tendered, form.details()),
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        "values-sold", sale.movement.id, subject=("value_movement", sale.movement.id), account_id=account.id
    )
    return context.redirect(f"/caisse/quittances/{sale.receipt.id}")


@routes.post("/ventes/{id}/reprendre", access=Permission.COLLECT, body=UndoForm, form=True)
async def take_back(context: Context, form: UndoForm) -> web.Response:
    """Take sold values back: the receipt is voided, and the numbers return to the stock."""
    counter = await counter_of(context)
    back = await take_back_sale(
        context.db,
        key=form.key,
        movement_id=context.path_id(),
        reason=form.reason,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        "sale-taken-back", back.id, subject=("value_movement", back.id), personal={"reason": form.reason}
    )
    return context.redirect(URL)


@routes.get("/comptage", access=Permission.COLLECT)
async def count_page(context: Context) -> web.Response:
    """Ask what was counted; what should be there is not shown."""
    stock = await _stock(context)
    return context.page("values.html", view=stock.page(count=await count_values_view(stock)))


@routes.post("/comptages", access=Permission.COLLECT, body=CountForm, form=True)
async def count_them(context: Context, form: CountForm) -> web.Response:
    """Write a count, and show what it found."""
    counter = await counter_of(context)
    await _check_kind(counter, form.kind)
    row, found = await count_stock(
        context.db,
        key=form.key,
        kind_id=form.kind,
        holder=holder_of(form.holder),
        counted=spans_of(form.counted),
        explanation=form.explanation,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        "values-counted", row.id, subject=("value_count", row.id), personal={"differs": found.differs}
    )
    return context.redirect(f"{URL}/comptages/{row.id}")


@routes.get("/comptages/{id}", access=Permission.COLLECT)
async def counted_page(context: Context) -> web.Response:
    """Show what a count found."""
    stock = await _stock(context)
    row = await context.db.get(ValueCount, context.path_id())
    mine = row is not None and (stock.officer_here or row.place_id == stock.counter.sub_office.id)
    if row is None or not mine or row.kind_id not in {kind.id for kind in stock.kinds}:
        raise NotFound
    return context.page("values.html", view=stock.page(counted=await counted_view(stock, row)))


async def _stock(context: Context) -> Stock:
    return await stock_here(await counter_of(context))


async def _check_kind(counter: Counter, kind_id: UUID) -> None:
    """Refuse a kind of another office."""
    kind = await kind_by_id(counter.context.db, kind_id)
    if kind.office_id != counter.office.id:
        raise UnknownValue


def _plain(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell
