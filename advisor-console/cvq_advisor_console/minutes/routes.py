"""The pages of minutes, and what each asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from cvq_advisor_console.cash.amounts import BAD_AMOUNT, BAD_DAY, BAD_NUMBER, cents_of
from cvq_advisor_console.cash.counter import Counter, counter_of
from cvq_advisor_console.inactive_values.pages import holder_of
from cvq_advisor_console.minutes.pages import (
    URL,
    comparing_view,
    counting_view,
    destroy_view,
    minute_view,
    minutes_view,
    page,
)
from cvq_core.acts.rules import Order
from cvq_core.acts.store import Appointed
from cvq_core.advances.routes import pdf_response
from cvq_core.clock import local_day
from cvq_core.errors import BadInput
from cvq_core.inactive_values.rules import BadSpan, spans_of
from cvq_core.minutes.books import books_of
from cvq_core.minutes.paper import minute_pdf
from cvq_core.minutes.rules import BadParties, Books, BooksMoved, MinuteKind, Seen, Unit, UnknownMinute, compare
from cvq_core.minutes.service import (
    Audit,
    Count,
    Handover,
    appointed_at,
    destroy,
    minute_here,
    number_of,
    place_for,
    write_minute,
)
from cvq_core.offices.rules import DENOMINATIONS_CENTS
from cvq_core.offices.tables import SubOffice
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes

routes = Routes("/caisse/pv", tag="pages")


class CountingForm(BaseModel):
    """A count with its parties: `l<n>` an amount or number, `l<n>d<cents>` a note or coin, `e<n>` an explanation."""

    model_config = ConfigDict(extra="allow")

    key: UUID
    place_id: UUID
    kind: MinuteKind
    digest: str = Field(min_length=64, max_length=64)
    kept_by: str = Field(default="", max_length=80)
    controller: str = Field(default="", max_length=80)
    capacity: str = Field(default="", max_length=80)
    outgoing: str = Field(default="", max_length=40)
    incoming: str = Field(default="", max_length=40)
    ends: str = Field(default="", max_length=4)
    order_reference: str = Field(default="", max_length=120)
    order_signed_on: str = Field(default="", max_length=10)

    def text(self, name: str) -> str:
        """Return what was written in one of the counted fields."""
        return str((self.model_extra or {}).get(name) or "").strip()[:300]

    def fields(self) -> dict[str, str]:
        """Return all of it, to be sent again."""
        own = {name: str(getattr(self, name)) for name in type(self).model_fields}
        extra = {name: str(value)[:300] for name, value in list((self.model_extra or {}).items())[:800]}
        return {name: value for name, value in (own | extra).items() if value and name != "csrf_token"}


class DestroyForm(BaseModel):
    """Values to destroy before a witness."""

    key: UUID
    kind: UUID
    numbers: str = Field(min_length=1, max_length=40)
    holder: str = Field(max_length=120)
    witness: str = Field(min_length=1, max_length=80)
    reason: str = Field(min_length=3, max_length=200)


@routes.get("", access=Permission.COLLECT)
async def list_page(context: Context) -> web.Response:
    """Show the latest minutes, and what begins one."""
    counter = await counter_of(context)
    return context.page("minutes.html", view=page(counter, minutes=await minutes_view(counter)))


@routes.get("/constat", access=Permission.COLLECT)
async def counting_page(context: Context) -> web.Response:
    """Ask for the parties and the count; what the books say is not shown."""
    counter = await counter_of(context)
    query = context.request.query
    try:
        kind, place_id = MinuteKind(query.get("sorte", "audit")), UUID(query.get("endroit", str(counter.sub_office.id)))
    except ValueError:
        raise BadInput from None
    place, books, appointed = await _standing(counter, place_id)
    return context.page(
        "minutes.html", view=page(counter, counting=counting_view(counter, kind, place, books, appointed))
    )


@routes.post("/comparer", access=Permission.COLLECT, body=CountingForm, form=True)
async def compare_them(context: Context, form: CountingForm) -> web.Response:
    """Show books beside count; nothing is written yet."""
    counter = await counter_of(context)
    place, books, appointed = await _standing(counter, form.place_id)
    if books.digest != form.digest:
        raise BooksMoved
    compared = compare(books, _seen(form, books))
    about = _about(form)
    view = comparing_view(
        counter,
        form.kind,
        place,
        compared,
        form.fields(),
        parties=_parties(about, appointed),
        ends=form.order_reference if isinstance(about, Handover) and about.ends else "",
    )
    return context.page("minutes.html", view=page(counter, comparing=view))


@routes.post("/signer", access=Permission.COLLECT, body=CountingForm, form=True)
async def sign_it(context: Context, form: CountingForm) -> web.Response:
    """Write the minute; the same key twice is one minute."""
    counter = await counter_of(context)
    _, books, _ = await _standing(counter, form.place_id)
    if books.digest != form.digest:
        return await _signed_before(counter, form.key)
    about = _about(form)
    explanations = {line.code: form.text(f"e{index}") for index, line in enumerate(books.lines)}
    minute = await write_minute(
        context.db,
        key=form.key,
        place_id=form.place_id,
        about=about,
        count=Count(form.digest, _seen(form, books), explanations),
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        f"minute-{minute.kind}", minute.id, subject=("minute", minute.id), personal={"number": number_of(minute)}
    )
    if isinstance(about, Handover) and about.ends is not None:
        await context.journal_once("appointment-ended-by-handover", minute.id, subject=("mandatary", about.outgoing_id))
    return context.redirect(f"{URL}/{minute.id}")


@routes.get("/destruction", access=Permission.COLLECT)
async def destroy_page(context: Context) -> web.Response:
    """Ask which values are destroyed, before whom and why."""
    counter = await counter_of(context)
    return context.page("minutes.html", view=page(counter, destroy=await destroy_view(counter)))


@routes.post("/destructions", access=Permission.COLLECT, body=DestroyForm, form=True)
async def destroy_them(context: Context, form: DestroyForm) -> web.Response:
    """Destroy values with the minute of it; the same key twice is once."""
    counter = await counter_of(context)
    spans = spans_of(form.numbers)
    if len(spans) != 1:
        raise BadSpan(most=1)
    minute = await destroy(
        context.db,
        key=form.key,
        kind_id=form.kind,
        span=spans[0],
        holder=holder_of(form.holder),
        witness=form.witness,
        reason=form.reason,
        officer=counter.officer,
        now=context.now,
    )
    await context.journal_once(
        "minute-destruction", minute.id, subject=("minute", minute.id), personal={"number": number_of(minute)}
    )
    return context.redirect(f"{URL}/{minute.id}")


@routes.get("/{id}.pdf", access=Permission.COLLECT)
async def minute_file(context: Context) -> web.Response:
    """Give the PDF of a minute."""
    counter = await counter_of(context)
    minute = await minute_here(context.db, context.path_id(), counter.officer, local_day(context.now))
    return pdf_response(minute_pdf(minute), number_of(minute))


@routes.get("/{id}", access=Permission.COLLECT)
async def minute_page(context: Context) -> web.Response:
    """Show a minute."""
    counter = await counter_of(context)
    minute = await minute_here(context.db, context.path_id(), counter.officer, local_day(context.now))
    return context.page("minutes.html", view=page(counter, minute=minute_view(counter, minute)))


async def _signed_before(counter: Counter, key: UUID) -> web.Response:
    """Lead to the minute that was signed under this key, however the books went on since.

    Raises:
        BooksMoved: there is none.
    """
    context = counter.context
    try:
        minute = await minute_here(context.db, key, counter.officer, local_day(context.now))
    except UnknownMinute:
        raise BooksMoved from None
    return context.redirect(f"{URL}/{minute.id}")


async def _standing(counter: Counter, place_id: UUID) -> tuple[SubOffice, Books, list[Appointed]]:
    """Return a place with what its books say now and who is appointed to it."""
    db, today = counter.context.db, local_day(counter.context.now)
    place, office = await place_for(db, place_id, counter.officer, today)
    return place, await books_of(db, place, office), await appointed_at(db, place, today)


def _seen(form: CountingForm, books: Books) -> dict[str, Seen]:
    """Return what was counted of each line.

    Raises:
        BadInput: a field holds no amount or number; it is named.
    """
    seen: dict[str, Seen] = {}
    errors: dict[str, str] = {}
    for index, line in enumerate(books.lines):
        name = f"l{index}"
        if line.unit is Unit.CASH:
            numbers = {cents: _number(form.text(f"{name}d{cents}") or "0") for cents in DENOMINATIONS_CENTS}
            errors |= {f"{name}d{cents}": BAD_NUMBER for cents, number in numbers.items() if number is None}
            pieces = {cents: number for cents, number in numbers.items() if number}
            seen[line.code] = Seen(0, pieces)
            continue
        typed = form.text(name)
        amount = _number(typed) if line.unit is Unit.THINGS else cents_of(typed)
        if amount is None:
            errors[name] = BAD_NUMBER if line.unit is Unit.THINGS else BAD_AMOUNT
        else:
            seen[line.code] = Seen(amount)
    if errors:
        raise BadInput(fields=errors)
    return seen


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def _about(form: CountingForm) -> Audit | Handover:
    """Return between whom the minute is.

    Raises:
        BadInput, BadParties
    """
    if form.kind is not MinuteKind.HANDOVER:
        return Audit(form.controller, form.capacity, form.kept_by)
    try:
        outgoing, incoming = UUID(form.outgoing), UUID(form.incoming)
    except ValueError:
        raise BadParties from None
    ends = None
    if form.ends:
        try:
            ends = Order(form.order_reference, date.fromisoformat(form.order_signed_on))
        except ValueError:
            raise BadInput(fields={"order_signed_on": BAD_DAY}) from None
    return Handover(outgoing, incoming, ends)


def _parties(about: Audit | Handover, appointed: list[Appointed]) -> tuple[str, str]:
    if isinstance(about, Audit):
        return about.kept_by, about.controller
    names: Mapping[UUID, Any] = {each.id: each.name for each in appointed}
    return str(names.get(about.outgoing_id, "")), str(names.get(about.incoming_id, ""))
