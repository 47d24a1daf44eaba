"""The sub-office's page, one step at a time, and what each step asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from cvq_advisor_console.cash.amounts import BAD_AMOUNT, BAD_DAY, BAD_NUMBER, cents_of, required_cents
from cvq_advisor_console.cash.counter import (
    PLACE_COOKIE,
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
    required_details,
    search_view,
)
from cvq_advisor_console.cash.safe import (
    held_view,
    lookup_view,
    may_integrate,
    pending_view,
    remit_view,
    slip_view,
)
from cvq_advisor_console.views.cash import CashPage, CountedView, DetailsFields, VoucherLine
from cvq_core.clock import local_day
from cvq_core.errors import BadInput, NotFound, Refusal
from cvq_core.offices.ceilings import check_ceilings
from cvq_core.offices.drawer_pdf import closed_drawer, drawer_pdf
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.integrations import integrate, send_back
from cvq_core.offices.receipt_pdf import receipt_pdf
from cvq_core.offices.remittance_routes import remittance_here, slip_response
from cvq_core.offices.remittance_rules import NotCashOfficer
from cvq_core.offices.remittances import cancel_remittance, is_officer, remit
from cvq_core.offices.rules import (
    DENOMINATIONS_CENTS,
    DrawerClosed,
    Means,
    NotMandatary,
    TenderedTooLittle,
    VouchersGiveNoChange,
    check_collection,
)
from cvq_core.offices.service import collect, print_receipt, void
from cvq_core.offices.store import drawer_by_id, drawer_totals, find_receipts, receipt_by_id
from cvq_core.offices.tables import Drawer, Receipt, SubOffice
from cvq_core.payables.rules import NothingToPay
from cvq_core.payables.store import payable_lines
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe

routes = Routes("/caisse", tag="pages")


class OpenForm(BaseModel):
    """A drawer to open; its id was made with the form."""

    drawer_id: UUID
    float: str = Field(max_length=20)


class PlaceForm(BaseModel):
    """The place where one goes on."""

    place: UUID


class SearchForm(BaseModel):
    """Who pays."""

    q: str = Field(default="", max_length=120)


class CollectForm(BaseModel):
    """Amounts for one family: a field `w<wallet>` or `i<invoice>` for each, in euros as they are written.

    Vouchers come as `f<n>`, their face value, and `n<n>`, how many.
    """

    model_config = ConfigDict(extra="allow")

    account_id: UUID
    person_id: UUID | None = None
    means: str = Field(default="", max_length=20)
    tendered: str = Field(default="", max_length=20)
    key: UUID | None = None
    cheque_number: str = Field(default="", max_length=20)
    cheque_bank: str = Field(default="", max_length=60)
    cheque_drawer: str = Field(default="", max_length=80)
    card_reference: str = Field(default="", max_length=40)

    def asked(self) -> Asked:
        """Return the form as the page takes it."""
        extra = self.model_extra or {}
        return asked_of(extra, self.account_id, {**self.model_dump(), **extra})


class CountForm(BaseModel):
    """A count: a field `d<cents>` for each note and coin."""

    model_config = ConfigDict(extra="allow")


class RemitForm(CountForm):
    """A count of what is paid over."""

    key: UUID


class IntegrateForm(BaseModel):
    """The cash as the officer counted it again, in euros."""

    counted: str = Field(max_length=20)


class LookupForm(BaseModel):
    """A receipt to look up: its number, its day, or a family."""

    number: str = Field(default="", max_length=40)
    day: str = Field(default="", max_length=10)
    family: str = Field(default="", max_length=80)


class VoidForm(BaseModel):
    """A receipt to void, and why."""

    key: UUID
    reason: str = Field(min_length=3, max_length=200)


def asked_of(amounts: Mapping[str, Any], account_id: UUID, fields: Mapping[str, Any]) -> Asked:
    """Return a form, or what an address says, as the page takes it."""

    def text(name: str) -> str:
        return str(fields.get(name) or "")[:80]

    person = fields.get("person_id") or fields.get("person")
    return Asked(
        account_id=account_id,
        person_id=person if isinstance(person, UUID) else _optional_id(person),
        amounts=amounts_by_id("w", amounts),
        invoices=amounts_by_id("i", amounts),
        means=text("means"),
        tendered=text("tendered")[:20],
        noted=DetailsFields(
            cheque_number=text("cheque_number"),
            cheque_bank=text("cheque_bank"),
            cheque_drawer=text("cheque_drawer"),
            card_reference=text("card_reference"),
            vouchers=tuple(VoucherLine(index, text(f"f{index}")[:20], text(f"n{index}")[:20]) for index in range(1, 5)),
        ),
    )


def amounts_by_id(letter: str, fields: Mapping[str, Any]) -> dict[UUID, str]:
    """Return the amounts of a form by wallet ("w") or invoice ("i"); a field of another shape is left alone."""
    amounts = {}
    for name, value in list(fields.items())[:60]:
        if name.startswith(letter) and isinstance(value, str):
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
    view = await counter.page(opening=opening_view(counter), held=await held_view(counter))
    return context.page("cash.html", view=view)


@routes.post("/lieu", access=Permission.COLLECT, body=PlaceForm, form=True)
async def choose_place(context: Context, form: PlaceForm) -> web.Response:
    """Go on at another place where one may collect; each has a drawer of its own."""
    counter = await counter_of(context)
    if form.place not in {place.id for place in counter.places}:
        raise NotMandatary
    response = context.redirect("/caisse")
    response.set_cookie(
        PLACE_COOKIE,
        str(form.place),
        httponly=True,
        samesite="Strict",
        secure=context.services.settings.secure_cookies,
        path="/caisse",
    )
    return response


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
    await context.journal_once("drawer-opened", drawer.id, subject=("drawer", drawer.id))
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
    asked = asked_of(query, context.path_id(), query)
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
            problem = describe(refusal, context.words)
            errors = {_WHERE.get(type(refusal), "wallets"): " ".join((problem["title"], problem["detail"])).strip()}
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
    receipt = await collect(
        context.db,
        key=form.key,
        drawer_id=counter.drawer.id,
        payables=asked.payables(),
        means=_means(asked),
        tendered_cents=asked.tendered_cents(),
        details=asked.details(),
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        "collected",
        receipt.id,
        subject=("receipt", receipt.id),
        account_id=asked.account_id,
        personal={"number": number_of(receipt)},
    )
    return context.redirect(f"/caisse/quittances/{receipt.id}")


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
        counted=_counted_pieces(form),
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
    await context.journal_once(
        "receipt-voided", made.id, subject=("receipt", receipt.id), personal={"reason": form.reason}
    )
    return context.redirect(f"/caisse/quittances/{made.id}")


@routes.get("/compter", access=Permission.COLLECT)
async def count_page(context: Context) -> web.Response:
    """Show the count that closes the drawer."""
    counter = await _open_counter(context)
    return context.page("cash.html", view=await counter.page(count=count_view(counter)))


@routes.post("/fermer", access=Permission.COLLECT, body=CountForm, form=True)
async def close_it(context: Context, form: CountForm) -> web.Response:
    """Close the drawer on its count; a difference is written, never hidden."""
    counter = await _open_counter(context)
    assert counter.drawer is not None
    counted = _counted_pieces(form)
    drawer = await close_drawer(
        context.db, counter.drawer.id, counted=counted, officer=counter.officer, now=context.now
    )
    await context.journal_once(
        "drawer-closed", drawer.id, subject=("drawer", drawer.id), personal={"difference": drawer.difference_cents}
    )
    return context.redirect(f"/caisse/arretes/{drawer.id}")


@routes.get("/arretes/{id}.pdf", access=Permission.COLLECT)
async def counted_file(context: Context) -> web.Response:
    """Give the paper of a closed drawer, to be signed."""
    counter = await counter_of(context)
    closed = await closed_drawer(context.db, await _closed_drawer(counter))
    return web.Response(
        body=drawer_pdf(closed),
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="arrete-{closed.place.code}-{closed.drawer.id}.pdf"',
            "Cache-Control": "no-store",
        },
    )


@routes.get("/arretes/{id}", access=Permission.COLLECT)
async def counted_page(context: Context) -> web.Response:
    """Show a drawer that was closed: what should be there, what was, and the difference."""
    counter = await counter_of(context)
    drawer = await _closed_drawer(counter)
    return context.page(
        "cash.html", view=await counter.page(counted=await _counted(counter, drawer), held=await held_view(counter))
    )


def _counted_pieces(form: CountForm) -> dict[int, int]:
    """Return a count as denomination in cents to how many.

    Raises:
        BadInput: a field holds no number; it is named.
    """
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
    return counted


async def _closed_drawer(counter: Counter) -> Drawer:
    """Return the closed drawer in the path, to whoever held it and to the office's officer."""
    context = counter.context
    drawer = await drawer_by_id(context.db, context.path_id())
    mine = drawer.staff_id == counter.officer.staff_id
    office_id = (await context.db.get_one(SubOffice, drawer.sub_office_id)).office_id
    if not mine and not await is_officer(context.db, office_id, counter.officer.staff_id, local_day(context.now)):
        raise NotFound
    if drawer.closed_at is None:
        raise NotFound
    return drawer


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
        minute_url=f"/caisse/arretes/{drawer.id}.pdf",
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


_WHERE: dict[type[Refusal], str] = {TenderedTooLittle: "tendered", VouchersGiveNoChange: "vouchers"}
"""Beside which part of the form a refusal stands; otherwise above the amounts."""


def _written_wrong(asked: Asked) -> dict[str, str]:
    """Return the fields that hold no amount, or nothing where something is wanted."""
    written = [(f"w{wallet_id}", text) for wallet_id, text in asked.amounts.items()]
    written += [(f"i{invoice_id}", text) for invoice_id, text in asked.invoices.items()]
    wrong = {name: BAD_AMOUNT for name, text in written if text.strip() and cents_of(text) is None}
    if asked.means == Means.CASH and asked.tendered.strip() and cents_of(asked.tendered) is None:
        wrong["tendered"] = BAD_AMOUNT
    return wrong | required_details(asked.noted, asked.means)


def _means(asked: Asked) -> Means:
    if asked.means not in {means.value for means in Means}:
        raise BadInput
    return Means(asked.means)


async def _check(counter: Counter, asked: Asked) -> None:
    """Refuse now what collecting would refuse, while everything can still be corrected."""
    db = counter.context.db
    lines = await payable_lines(db, asked.payables())
    if any(line.family_account_id != asked.account_id for line in lines):
        raise NothingToPay
    means = _means(asked)
    due = check_collection(counter.act, lines, means, asked.tendered_cents(), asked.details())
    await check_ceilings(db, counter.sub_office, counter.office, means, due.total_cents)


def _optional_id(text: Any) -> UUID | None:
    try:
        return UUID(str(text)) if text else None
    except ValueError:
        raise NotFound from None
