"""Cheques to bank, deposits with their slips, and cheques that come back."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Annotated
from uuid import UUID

import holidays
from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.cash.amounts import BAD_AMOUNT, BAD_DAY, cents_of
from cvq_advisor_console.treasury.desk import URL, TreasuryDesk, as_list, desk_of
from cvq_advisor_console.views.cash import SlipRow
from cvq_advisor_console.views.treasury import (
    BankedRow,
    ChequeRow,
    ChequesView,
    ChequeView,
    DepositedRow,
    DepositView,
    ReasonChoice,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput, Refusal
from cvq_core.ids import new_id
from cvq_core.offices.rules import receipt_number
from cvq_core.staff import Permission
from cvq_core.treasury.bounces import BankedCheque, banked_cheque, bounce, bounces_of, find_banked
from cvq_core.treasury.cheque_rules import (
    BOUNCE_WORDS,
    CHEQUES_MAX,
    BadBounceDay,
    BounceReason,
    FeesOutOfBounds,
    UnknownCheque,
    UnknownDeposit,
    deposit_number,
    is_late,
)
from cvq_core.treasury.deposit_pdf import deposit_pdf
from cvq_core.treasury.deposits import (
    DepositLine,
    cancel_deposit,
    deposit,
    deposit_line,
    deposits_of,
    families_of,
    held_cheques,
    number_of,
)
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe
from cvq_core.web.views import Act

routes = Routes(URL, tag="pages")

AT_BANK = N_("remise à la banque")
CANCELLED = N_("annulée")
CANCELS = N_("annulation")
DEPOSIT = N_("Remise de chèques")
CANCELLATION = N_("Annulation de remise de chèques")
BANKED = N_("à la banque")
BOUNCED = N_("rejeté")


class DepositForm(BaseModel):
    """The cheques that go to the bank, each by its receipt."""

    key: UUID
    cheque: str | list[Annotated[str, Field(max_length=40)]] | None = None


class SearchForm(BaseModel):
    """What stands on a cheque."""

    q: str = Field(default="", max_length=80)


class CancelForm(BaseModel):
    """Why a deposit is taken back."""

    key: UUID
    reason: str = Field(min_length=3, max_length=200)


class BounceForm(BaseModel):
    """A cheque that came back: why, when, and what the bank took for it."""

    key: UUID
    reason: BounceReason
    bounced_on: str = Field(default="", max_length=10)
    fees: str = Field(default="", max_length=20)


@routes.get("", access=Permission.COLLECT)
async def first_page(context: Context) -> web.Response:
    """Go to the cheques."""
    await desk_of(context)
    return context.redirect(f"{URL}/cheques")


@routes.get("/cheques", access=Permission.COLLECT)
async def cheques_page(context: Context) -> web.Response:
    """Show the cheques to bank, the latest deposits and what came back."""
    desk = await desk_of(context)
    return desk.page(cheques=await _cheques(desk))


@routes.post("/cheques/remettre", access=Permission.COLLECT, body=DepositForm, form=True)
async def deposit_them(context: Context, form: DepositForm) -> web.Response:
    """Bank cheques, and give the numbered slip; the same key twice is one slip."""
    desk = await desk_of(context)
    made = await deposit(
        context.db,
        key=form.key,
        office_id=desk.office.id,
        receipt_ids=_ids(as_list(form.cheque, CHEQUES_MAX)),
        officer=desk.officer,
        now=context.now,
    )
    await context.journal_once("cheques-banked", made.id, subject=("cheque_deposit", made.id))
    return context.redirect(f"{URL}/remises/{made.id}")


@routes.post("/cheques/chercher", access=Permission.COLLECT, body=SearchForm, form=True)
async def search(context: Context, form: SearchForm) -> web.Response:
    """Look for a cheque at the bank."""
    desk = await desk_of(context)
    found = await find_banked(context.db, desk.office.id, form.q, cents_of(form.q))
    return desk.page(cheques=await _cheques(desk, form.q, found))


@routes.get("/remises/{id}.pdf", access=Permission.COLLECT)
async def slip_file(context: Context) -> web.Response:
    """Give a deposit's slip."""
    line = await _deposit_here(await desk_of(context))
    pdf = deposit_pdf(line.deposit, cancelled=line.cancelled_by_id is not None)
    name = number_of(line.deposit)
    return web.Response(
        body=pdf,
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"},
    )


@routes.get("/remises/{id}", access=Permission.COLLECT)
async def deposit_page(context: Context) -> web.Response:
    """Show a deposit, with what may be done about it."""
    desk = await desk_of(context)
    return desk.page(deposit=_deposit(desk, await _deposit_here(desk)))


@routes.post("/remises/{id}/annuler", access=Permission.COLLECT, body=CancelForm, form=True)
async def cancel_it(context: Context, form: CancelForm) -> web.Response:
    """Take a deposit back, with a slip of its own."""
    desk = await desk_of(context)
    await _deposit_here(desk)
    made = await cancel_deposit(
        context.db,
        key=form.key,
        deposit_id=context.path_id(),
        reason=form.reason,
        officer=desk.officer,
        now=context.now,
    )
    await context.journal_once("deposit-cancelled", made.id, subject=("cheque_deposit", context.path_id()))
    return context.redirect(f"{URL}/remises/{made.id}")


@routes.get("/cheques/{id}", access=Permission.COLLECT)
async def cheque_page(context: Context) -> web.Response:
    """Show a cheque at the bank, with the form that notes that it came back."""
    desk = await desk_of(context)
    return desk.page(cheque=_cheque(desk, await _cheque_here(desk)))


@routes.post("/cheques/{id}/rejeter", access=Permission.COLLECT, body=BounceForm, form=True)
async def bounce_it(context: Context, form: BounceForm) -> web.Response:
    """Note that a cheque came back; the same key twice is one record."""
    desk = await desk_of(context)
    cheque = await _cheque_here(desk)
    errors: dict[str, str] = {}
    fees = cents_of(form.fees) if form.fees.strip() else 0
    if fees is None:
        errors["fees"] = context._(BAD_AMOUNT)
    try:
        day = date.fromisoformat(form.bounced_on)
    except ValueError:
        day, errors["bounced_on"] = local_day(context.now), context._(BAD_DAY)
    if not errors and fees is not None:
        try:
            made = await bounce(
                context.db,
                key=form.key,
                receipt_id=cheque.receipt.id,
                reason=form.reason,
                bounced_on=day,
                fees_cents=fees,
                officer=desk.officer,
                now=context.now,
            )
        except (BadBounceDay, FeesOutOfBounds) as refusal:
            errors[_FIELDS[type(refusal)]] = describe(refusal, context.words)["title"]
        else:
            await context.journal_once("cheque-bounced", made.id, subject=("receipt", made.receipt_id))
            return context.redirect(f"{URL}/cheques/{cheque.receipt.id}")
    return desk.page(cheque=_cheque(desk, cheque, form, errors), status=422)


_FIELDS: dict[type[Refusal], str] = {BadBounceDay: "bounced_on", FeesOutOfBounds: "fees"}


def is_working_day(day: date) -> bool:
    """Tell whether offices work on a day: neither a weekend nor a public holiday."""
    return day.weekday() < WORKING_WEEK and day not in _holidays()


WORKING_WEEK = 5


@cache
def _holidays() -> holidays.HolidayBase:
    return holidays.country_holidays("FR")


async def _cheques(desk: TreasuryDesk, query: str = "", found: list[BankedCheque] | None = None) -> ChequesView:
    db, today = desk.context.db, local_day(desk.context.now)
    held = await held_cheques(db, desk.office.id)
    rows = tuple(
        ChequeRow(
            value=str(each.receipt_id),
            number=each.cheque.number if each.cheque else "",
            bank=each.cheque.bank if each.cheque else "",
            drawer_name=each.cheque.drawer_name if each.cheque else "",
            receipt=each.receipt_number,
            family=each.family,
            place=each.place,
            collected_on=each.collected_on,
            amount_cents=each.amount_cents,
            late=is_late(each.collected_on, today, is_working_day),
        )
        for each in held[:CHEQUES_MAX]
    )
    return ChequesView(
        url=f"{URL}/cheques/remettre",
        key=str(new_id()),
        cheques=rows,
        total_cents=sum(row.amount_cents for row in rows),
        deposits=tuple(_slip(desk, line) for line in await deposits_of(db, desk.office.id, limit=8)),
        bounced=tuple(_banked(desk, each) for each in await bounces_of(db, desk.office.id, limit=8)),
        search_url=f"{URL}/cheques/chercher",
        query=query,
        found=tuple(_banked(desk, each) for each in found or ()),
        searched=found is not None,
        more=len(held) > CHEQUES_MAX,
    )


def _slip(desk: TreasuryDesk, line: DepositLine) -> SlipRow:
    state, tone = _state(line)
    made = line.deposit
    return SlipRow(number_of(made), made.made_at, made.total_cents, f"{URL}/remises/{made.id}", desk.say(state), tone)


def _state(line: DepositLine) -> tuple[str, str]:
    if line.deposit.cancels_id is not None:
        return CANCELS, "off"
    return (AT_BANK, "ok") if line.stands else (CANCELLED, "off")


def _banked(desk: TreasuryDesk, each: BankedCheque) -> BankedRow:
    receipt, cheque = each.receipt, each.receipt.printed.get("cheque") or {}
    return BankedRow(
        url=f"{URL}/cheques/{receipt.id}",
        number=cheque.get("number", ""),
        drawer_name=cheque.get("drawer_name", "") or families_of(receipt),
        receipt=receipt_number(receipt.printed["series"], receipt.number),
        deposit=deposit_number(each.deposit.printed["series"], each.deposit.number),
        amount_cents=receipt.total_cents,
        state=desk.say(BOUNCED if each.bounced else BANKED),
        tone="alert" if each.bounced else "ok",
    )


def _deposit(desk: TreasuryDesk, line: DepositLine) -> DepositView:
    made, printed = line.deposit, line.deposit.printed
    state, tone = _state(line)
    address = f"{URL}/remises/{made.id}"
    return DepositView(
        id=str(made.id),
        title=desk.say(CANCELLATION if made.cancels_id else DEPOSIT),
        number=number_of(made),
        made_at=made.made_at,
        cheques=tuple(
            DepositedRow(each["number"], each["bank"], each["drawer_name"], each["receipt"], each["amount_cents"])
            for each in printed["cheques"]
        ),
        total_cents=made.total_cents,
        pdf_url=f"{address}.pdf",
        next_url=f"{URL}/cheques",
        state=desk.say(state),
        tone=tone,
        reason=printed.get("reason", ""),
        prints_at_once=made.cancels_id is None,
        cancel=Act(f"{address}/annuler?key={new_id()}") if line.stands else None,
    )


def _cheque(
    desk: TreasuryDesk,
    each: BankedCheque,
    form: BounceForm | None = None,
    errors: dict[str, str] | None = None,
) -> ChequeView:
    receipt, made = each.receipt, each.bounced
    cheque = receipt.printed.get("cheque") or {}
    today = local_day(desk.context.now)
    return ChequeView(
        number=cheque.get("number", ""),
        bank=cheque.get("bank", ""),
        drawer_name=cheque.get("drawer_name", ""),
        receipt=receipt_number(receipt.printed["series"], receipt.number),
        family=families_of(receipt),
        lines=tuple((line["service"], line["amount_cents"]) for line in receipt.printed["lines"]),
        amount_cents=receipt.total_cents,
        deposit=number_of(each.deposit),
        deposit_url=f"{URL}/remises/{each.deposit.id}",
        banked_on=local_day(each.deposit.made_at),
        today=today,
        next_url=f"{URL}/cheques",
        bounce=None if made else Act(f"{URL}/cheques/{receipt.id}/rejeter"),
        key=str(form.key if form else new_id()),
        reasons=tuple(
            ReasonChoice(reason.value, desk.say(word), form is not None and form.reason is reason)
            for reason, word in BOUNCE_WORDS.items()
        ),
        fees=form.fees if form else "",
        bounced_on=made.bounced_on if made else None,
        reason=desk.say(BOUNCE_WORDS[made.reason]) if made else "",
        fees_cents=made.fees_cents if made else 0,
        errors=errors or {},
    )


async def _deposit_here(desk: TreasuryDesk) -> DepositLine:
    """Return the deposit in the path, of this office.

    Raises:
        UnknownDeposit
    """
    line = await deposit_line(desk.context.db, desk.context.path_id())
    if line.deposit.office_id != desk.office.id:
        raise UnknownDeposit
    return line


async def _cheque_here(desk: TreasuryDesk) -> BankedCheque:
    """Return the cheque in the path, of this office.

    Raises:
        UnknownCheque
    """
    cheque = await banked_cheque(desk.context.db, desk.context.path_id())
    if cheque.deposit.office_id != desk.office.id:
        raise UnknownCheque
    return cheque


def _ids(values: list[str]) -> list[UUID]:
    try:
        return [UUID(value) for value in values]
    except ValueError:
        raise BadInput from None
