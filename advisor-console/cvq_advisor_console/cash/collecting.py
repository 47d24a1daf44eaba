"""Collecting at the sub-office's page: who pays, what is paid and how, a last look, the receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from cvq_advisor_console.cash.amounts import BAD_AMOUNT, cents_of
from cvq_advisor_console.cash.counter import Counter, counter_of, number_of, search_view
from cvq_advisor_console.cash.forms import open_counter, optional_id
from cvq_advisor_console.cash.payment import Asked, collecting_view, confirm_view, required_details
from cvq_advisor_console.views.cash import DetailsFields, VoucherLine
from cvq_core.errors import BadInput, Refusal
from cvq_core.offices.ceilings import check_ceilings
from cvq_core.offices.rules import Means, TenderedTooLittle, VouchersGiveNoChange, check_collection
from cvq_core.offices.service import collect
from cvq_core.payables.rules import NothingToPay
from cvq_core.payables.store import payable_lines
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe

routes = Routes("/caisse", tag="pages")


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


def asked_of(amounts: Mapping[str, Any], account_id: UUID, fields: Mapping[str, Any]) -> Asked:
    """Return a form, or what an address says, as the page takes it."""

    def text(name: str) -> str:
        return str(fields.get(name) or "")[:80]

    person = fields.get("person_id") or fields.get("person")
    return Asked(
        account_id=account_id,
        person_id=person if isinstance(person, UUID) else optional_id(person),
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
    counter = await open_counter(context)
    query = context.request.query
    asked = asked_of(query, context.path_id(), query)
    return context.page("cash.html", view=await counter.page(collecting=await collecting_view(counter, asked)))


@routes.post("/verifier", access=Permission.COLLECT, body=CollectForm, form=True)
async def verify(context: Context, form: CollectForm) -> web.Response:
    """Show what is about to be collected; nothing is written yet."""
    counter = await open_counter(context)
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
    counter = await open_counter(context)
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
