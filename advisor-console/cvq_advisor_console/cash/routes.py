"""The sub-office's page, one step at a time, and what each step asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from cvq_advisor_console.cash.amounts import BAD_AMOUNT, BAD_NUMBER, cents_of, required_cents
from cvq_advisor_console.cash.counter import (
    Asked,
    Counter,
    collecting_view,
    confirm_view,
    count_view,
    counter_of,
    done_view,
    empty_search,
    means_totals,
    number_of,
    opening_view,
    search_view,
    services_of,
    tendered_cents,
)
from cvq_advisor_console.views.cash import CashPage, CountedView
from cvq_core.errors import BadInput, NotFound, Refusal
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.receipt_pdf import receipt_pdf
from cvq_core.offices.rules import (
    DENOMINATIONS_CENTS,
    DrawerClosed,
    Means,
    NothingToCollect,
    NotMandatary,
    TenderedTooLittle,
    TopUp,
    check_collection,
)
from cvq_core.offices.service import collect, print_receipt, void
from cvq_core.offices.store import drawer_totals, locked_drawer, receipt_by_id
from cvq_core.offices.tables import Drawer, Receipt
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe

routes = Routes("/caisse", tag="pages")


class OpenForm(BaseModel):
    """A drawer to open; its id was made with the form."""

    drawer_id: UUID
    float: str = Field(max_length=20)


class SearchForm(BaseModel):
    """Who pays."""

    q: str = Field(default="", max_length=120)


class CollectForm(BaseModel):
    """Amounts for one family: a field `w<wallet>` for each, in euros as they are written."""

    model_config = ConfigDict(extra="allow")

    account_id: UUID
    person_id: UUID | None = None
    means: str = Field(default="", max_length=20)
    tendered: str = Field(default="", max_length=20)
    key: UUID | None = None

    def asked(self) -> Asked:
        """Return the form as the page takes it."""
        return Asked(self.account_id, self.person_id, wallet_amounts(self.model_extra or {}), self.means, self.tendered)


class CountForm(BaseModel):
    """A count: a field `d<cents>` for each note and coin."""

    model_config = ConfigDict(extra="allow")


class VoidForm(BaseModel):
    """A receipt to void, and why."""

    key: UUID
    reason: str = Field(min_length=3, max_length=200)


def wallet_amounts(fields: Mapping[str, Any]) -> dict[UUID, str]:
    """Return the amounts of a form by wallet; a field of another shape is left alone."""
    amounts = {}
    for name, value in list(fields.items())[:40]:
        if name.startswith("w") and isinstance(value, str):
            try:
                amounts[UUID(name[1:])] = value[:20]
            except ValueError:
                continue
    return amounts


@routes.get("", access=Permission.COLLECT)
async def cash_page(context: Context) -> web.Response:
    """Show the first step: open a drawer, or choose who pays."""
    try:
        counter = await counter_of(context)
    except NotMandatary as refusal:
        problem = describe(refusal, context.words)
        view = CashPage(place="", office="", refused=problem["title"], refused_todo=problem["detail"])
        return context.page("cash.html", view=view)
    if counter.drawer is not None:
        return context.redirect("/caisse/qui")
    return context.page("cash.html", view=await counter.page(opening=opening_view(counter)))


@routes.get("/qui", access=Permission.COLLECT)
async def payer_page(context: Context) -> web.Response:
    """Ask who pays."""
    counter = await counter_of(context)
    if counter.drawer is None:
        return context.redirect("/caisse")
    return context.page("cash.html", view=await counter.page(search=empty_search()))


@routes.post("/ouvrir", access=Permission.COLLECT, body=OpenForm, form=True)
async def open_it(context: Context, form: OpenForm) -> web.Response:
    """Open a drawer with its float."""
    counter = await counter_of(context)
    drawer = await open_drawer(
        context.db,
        form.drawer_id,
        sub_office_id=counter.sub_office.id,
        officer=counter.officer,
        float_cents=required_cents("float", form.float),
        now=context.now,
    )
    context.journal("drawer-opened", subject=("drawer", drawer.id))
    return context.redirect("/caisse/qui")


@routes.post("/chercher", access=Permission.COLLECT, body=SearchForm, form=True)
async def search(context: Context, form: SearchForm) -> web.Response:
    """Look for who pays."""
    counter = await counter_of(context)
    return context.page("cash.html", view=await counter.page(search=await search_view(counter, form.q)))


@routes.post("/fragments/payers", access=Permission.COLLECT, body=SearchForm, form=True)
async def payers(context: Context, form: SearchForm) -> web.Response:
    """Look for who pays, while it is typed."""
    counter = await counter_of(context)
    return context.page("fragments/cash_payers.html", view=await search_view(counter, form.q))


@routes.get("/comptes/{id}", access=Permission.COLLECT)
async def account(context: Context) -> web.Response:
    """Show the amounts and means for one family."""
    counter = await _open_counter(context)
    query = context.request.query
    asked = Asked(
        account_id=context.path_id(),
        person_id=_optional_id(query.get("person") or query.get("person_id")),
        amounts=wallet_amounts(query),
        means=query.get("means", ""),
        tendered=query.get("tendered", ""),
    )
    return context.page("cash.html", view=await counter.page(collecting=await collecting_view(counter, asked)))


@routes.post("/verifier", access=Permission.COLLECT, body=CollectForm, form=True)
async def verify(context: Context, form: CollectForm) -> web.Response:
    """Show what is about to be collected; nothing is written yet."""
    counter = await _open_counter(context)
    asked = form.asked()
    errors = {name: context._(sentence) for name, sentence in _written_wrong(asked).items()}
    if not errors:
        try:
            await _check(counter, asked)
        except Refusal as refusal:
            where = "tendered" if isinstance(refusal, TenderedTooLittle) else "wallets"
            errors = {where: describe(refusal, context.words)["title"]}
    if errors:
        view = await counter.page(collecting=await collecting_view(counter, asked, errors))
        return context.page("cash.html", view=view, status=422)
    return context.page("cash.html", view=await counter.page(confirm=await confirm_view(counter, asked)))


@routes.post("/encaisser", access=Permission.COLLECT, body=CollectForm, form=True)
async def collect_it(context: Context, form: CollectForm) -> web.Response:
    """Collect, and give the numbered receipt; the same key twice is one receipt."""
    counter = await _open_counter(context)
    asked = form.asked()
    if form.key is None or _written_wrong(asked):
        raise BadInput
    assert counter.drawer is not None
    top_ups = _top_ups(asked)
    receipt = await collect(
        context.db,
        key=form.key,
        drawer_id=counter.drawer.id,
        top_ups=top_ups,
        means=Means(asked.means),
        tendered_cents=tendered_cents(asked, sum(each.amount_cents for each in top_ups)),
        officer=counter.officer,
        now=context.now,
    )
    context.journal(
        "collected",
        subject=("receipt", receipt.id),
        account_id=asked.account_id,
        personal={"number": number_of(receipt)},
    )
    return context.redirect(f"/caisse/quittances/{receipt.id}")


@routes.get("/quittances/{id}.pdf", access=Permission.COLLECT)
async def receipt_file(context: Context) -> web.Response:
    """Print a receipt; each printing is noted, and all but the first are marked as duplicates."""
    counter = await counter_of(context)
    print_id = _optional_id(context.request.query.get("print"))
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
    counter = await _open_counter(context)
    receipt = await _own_receipt(counter)
    made = await void(
        context.db,
        key=form.key,
        receipt_id=receipt.id,
        reason=form.reason,
        officer=counter.officer,
        now=context.now,
    )
    context.journal("receipt-voided", subject=("receipt", receipt.id), personal={"reason": form.reason})
    return context.redirect(f"/caisse/quittances/{made.id}")


@routes.get("/compter", access=Permission.COLLECT)
async def count_page(context: Context) -> web.Response:
    """Show the count that closes the drawer."""
    counter = await _open_counter(context)
    return context.page("cash.html", view=await counter.page(count=count_view()))


@routes.post("/fermer", access=Permission.COLLECT, body=CountForm, form=True)
async def close_it(context: Context, form: CountForm) -> web.Response:
    """Close the drawer on its count; a difference is written, never hidden."""
    counter = await _open_counter(context)
    assert counter.drawer is not None
    fields: Mapping[str, Any] = form.model_extra or {}
    counted, errors = {}, {}
    for cents in DENOMINATIONS_CENTS:
        text = str(fields.get(f"d{cents}", "") or "0").strip()
        if not text.isascii() or not text.isdigit() or len(text) > 5:
            errors[f"d{cents}"] = BAD_NUMBER
        else:
            counted[cents] = int(text)
    if errors:
        raise BadInput(fields=errors)
    drawer = await close_drawer(
        context.db, counter.drawer.id, counted=counted, officer=counter.officer, now=context.now
    )
    context.journal("drawer-closed", subject=("drawer", drawer.id), personal={"difference": drawer.difference_cents})
    return context.redirect(f"/caisse/arretes/{drawer.id}")


@routes.get("/arretes/{id}", access=Permission.COLLECT)
async def counted_page(context: Context) -> web.Response:
    """Show a drawer that was closed: what should be there, what was, and the difference."""
    counter = await counter_of(context)
    drawer = await locked_drawer(context.db, context.path_id())
    if drawer.staff_id != counter.officer.staff_id or drawer.closed_at is None:
        raise NotFound
    return context.page("cash.html", view=await counter.page(counted=await _counted(counter, drawer)))


async def _counted(counter: Counter, drawer: Drawer) -> CountedView:
    assert drawer.closed_at is not None
    totals = await drawer_totals(counter.context.db, drawer)
    return CountedView(
        closed_at=drawer.closed_at,
        expected_cents=drawer.expected_cents or 0,
        counted_cents=drawer.counted_cents or 0,
        difference_cents=drawer.difference_cents or 0,
        by_means=means_totals(counter, totals),
        float_cents=drawer.float_cents,
        next_url="/caisse",
    )


async def _open_counter(context: Context) -> Counter:
    counter = await counter_of(context)
    if counter.drawer is None:
        raise DrawerClosed
    return counter


async def _own_receipt(counter: Counter) -> Receipt:
    receipt = await receipt_by_id(counter.context.db, counter.context.path_id())
    if receipt.sub_office_id != counter.sub_office.id:
        raise NotFound
    return receipt


def _written_wrong(asked: Asked) -> dict[str, str]:
    """Return the fields that hold no amount."""
    wrong = {
        f"w{wallet_id}": BAD_AMOUNT
        for wallet_id, text in asked.amounts.items()
        if text.strip() and cents_of(text) is None
    }
    if asked.means == Means.CASH and asked.tendered.strip() and cents_of(asked.tendered) is None:
        wrong["tendered"] = BAD_AMOUNT
    return wrong


def _top_ups(asked: Asked) -> list[TopUp]:
    amounts = {wallet_id: cents_of(text) or 0 for wallet_id, text in asked.amounts.items()}
    top_ups = [TopUp(wallet_id, cents) for wallet_id, cents in amounts.items() if cents]
    if not top_ups:
        raise NothingToCollect
    if asked.means not in {means.value for means in Means}:
        raise BadInput
    return top_ups


async def _check(counter: Counter, asked: Asked) -> None:
    """Refuse now what collecting would refuse, while everything can still be corrected."""
    top_ups = _top_ups(asked)
    codes = {wallet.id: wallet.service_code for wallet, _ in await services_of(counter, asked.account_id)}
    total = sum(each.amount_cents for each in top_ups)
    if not {each.wallet_id for each in top_ups} <= codes.keys():
        raise NothingToCollect
    check_collection(counter.act, top_ups, codes, Means(asked.means), tendered_cents(asked, total))


def _optional_id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise NotFound from None
