"""The pages of cards, and what each asks for."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, Field

from cvq_advisor_console.cards.pages import (
    URL,
    batch_page,
    batch_url,
    card_page,
    cards_page,
    make_page,
    renewal_page,
)
from cvq_core.advances.routes import pdf_response
from cvq_core.cards import life, making
from cvq_core.cards.life import ending_cards
from cvq_core.cards.making_rules import (
    BATCH_MAX,
    POSITION_MAX,
    REASON_MAX,
    Channel,
    IdentityCheck,
    OrderStatus,
    UnknownOrder,
    Wanted,
)
from cvq_core.cards.paper import Face, faces_pdf, sheet_pdf
from cvq_core.cards.routes import by_of, officer_of, own_batch, own_order
from cvq_core.cards.rules import BlockedReason
from cvq_core.cards.store import UnknownCard
from cvq_core.cards.tables import Card, CardBatch
from cvq_core.clock import local_day
from cvq_core.errors import BadInput
from cvq_core.people.names import spoken_name
from cvq_core.people.store import person_by_id
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes

routes = Routes(URL, tag="pages")
QUERY_MAX = 120


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


class BlockForm(BaseModel):
    """Why a card is blocked, and how whoever said so was heard and known."""

    why: BlockedReason
    channel: Literal[Channel.COUNTER, Channel.PHONE]
    identity: IdentityCheck
    note: str = Field(default="", max_length=REASON_MAX)


class NoteForm(BaseModel):
    """Who brought a card, or where it lay."""

    note: str = Field(default="", max_length=REASON_MAX)


class IdentityForm(BaseModel):
    """How whoever takes a card was recognised."""

    identity: IdentityCheck


class MakeForm(BaseModel):
    """Cards to make together; `stock` is "place" or "place:kind", `person` is "person" or "person:former card"."""

    key: UUID
    label: str = Field(min_length=1, max_length=80)
    stock: str = Field(min_length=36, max_length=80)
    person: Annotated[list[Annotated[str, Field(max_length=80)]], BeforeValidator(_listed)] = Field(
        min_length=1, max_length=BATCH_MAX
    )


class PrintedForm(BaseModel):
    """The last position that the page showed as to be printed."""

    up_to: int = Field(ge=1, le=POSITION_MAX)


class ScrapForm(BaseModel):
    """Why a card is scrapped, and whether another one is made in its place."""

    reason: str = Field(min_length=3, max_length=REASON_MAX)
    again: Literal["", "1"] = ""


class ChipForm(BaseModel):
    """What a reader sees of the chip."""

    uid: str = Field(min_length=1, max_length=60)


class CancelForm(BaseModel):
    """Why nobody needs the card any more."""

    reason: str = Field(min_length=3, max_length=REASON_MAX)


@routes.get("", access=Permission.MANAGE_CARDS)
async def find(context: Context) -> web.Response:
    """Find cards by number, chip or name; show the batches under way."""
    query = context.request.query.get("q", "")[:QUERY_MAX].strip()
    return context.page("cards.html", view=await cards_page(context, query))


@routes.get("/a-renouveler", access=Permission.MANAGE_CARDS)
async def to_renew(context: Context) -> web.Response:
    """Show the cards that are soon at their end, to be made anew."""
    ending = await ending_cards(context.db, local_day(context.now))
    return context.page("cards_make.html", view=await renewal_page(context, ending[:BATCH_MAX]))


@routes.get("/faire/{person_id}", access=Permission.MANAGE_CARDS)
async def make_one(context: Context) -> web.Response:
    """Ask from which stock a card for somebody is made: in the place of `remplace`, or of their own."""
    person = await person_by_id(context.db, context.path_id("person_id"))
    former = context.request.query.get("remplace", "")
    card = await making.own_card(context.db, person.id)
    if former:
        card = await context.db.get(Card, _pair(former)[0])
        if card is None or card.person_id != person.id:
            raise UnknownCard
    return context.page("cards_make.html", view=await make_page(context, person, card))


@routes.post("/series", access=Permission.MANAGE_CARDS, body=MakeForm, form=True)
async def make_them(context: Context, form: MakeForm) -> web.Response:
    """Plan the cards, and show their batch."""
    place_id, kind_id = _pair(form.stock)
    new = making.NewBatch(form.key, place_id, kind_id, form.label, tuple(Wanted(*_pair(each)) for each in form.person))
    years = context.services.settings.card_years
    batch = await making.plan_batch(context.db, new, officer_of(context), by_of(context), years=years)
    return context.redirect(batch_url(batch.id))


@routes.get("/series/{id}", access=Permission.MANAGE_CARDS)
async def show_batch(context: Context) -> web.Response:
    """Show a batch with each of its cards."""
    batch = await own_batch(context, context.path_id())
    return context.page("card_batch.html", view=await batch_page(context, batch))


@routes.get("/series/{id}/faces.pdf", access=Permission.MANAGE_CARDS)
async def faces(context: Context) -> web.Response:
    """Give the faces for a card printer, a page each."""
    batch = await own_batch(context, context.path_id())
    return pdf_response(faces_pdf(await _faces(context, batch)), "cartes")


@routes.get("/series/{id}/planche.pdf", access=Permission.MANAGE_CARDS)
async def sheet(context: Context) -> web.Response:
    """Give the faces on A4, ten a page."""
    batch = await own_batch(context, context.path_id())
    return pdf_response(sheet_pdf(await _faces(context, batch)), "planche-de-cartes")


@routes.post("/series/{id}/imprimees", access=Permission.MANAGE_CARDS, body=PrintedForm, form=True)
async def are_printed(context: Context, form: PrintedForm) -> web.Response:
    """Note that the planned cards are printed: those that the page knew."""
    by = by_of(context)
    await making.mark_printed(context.db, context.path_id(), officer_of(context), by, up_to=form.up_to)
    return context.redirect(batch_url(context.path_id()))


@routes.post("/ordres/{id}/remettre", access=Permission.MANAGE_CARDS, body=IdentityForm, form=True)
async def hand_over(context: Context, form: IdentityForm) -> web.Response:
    """Give a made card to its holder."""
    order = await own_order(context, context.path_id())
    await life.hand_over(context.db, order.id, by_of(context, identity=form.identity))
    return context.redirect(batch_url(order.batch_id))


@routes.post("/ordres/{id}/puce", access=Permission.MANAGE_CARDS, body=ChipForm, form=True)
async def without_keys(context: Context, form: ChipForm) -> web.Response:
    """Make a printed card by its chip's number alone: no key is written, and it proves nothing."""
    order = await own_order(context, context.path_id())
    await making.take_blank(context.db, await making.locked_order(context.db, order.id), form.uid, by_of(context))
    return context.redirect(batch_url(order.batch_id))


@routes.post("/ordres/{id}/rebut", access=Permission.MANAGE_CARDS, body=ScrapForm, form=True)
async def scrap(context: Context, form: ScrapForm) -> web.Response:
    """Put a spoiled card aside."""
    order = await own_order(context, context.path_id())
    again = form.again == "1"
    await making.scrap(context.db, order.id, form.reason, officer_of(context), by_of(context), again=again)
    return context.redirect(batch_url(order.batch_id))


@routes.post("/ordres/{id}/annuler", access=Permission.MANAGE_CARDS, body=CancelForm, form=True)
async def cancel(context: Context, form: CancelForm) -> web.Response:
    """Take a card that nobody began out of its batch."""
    order = await own_order(context, context.path_id())
    await making.cancel(context.db, order.id, form.reason, officer_of(context), by_of(context))
    return context.redirect(batch_url(order.batch_id))


@routes.get("/{id}", access=Permission.MANAGE_CARDS)
async def show(context: Context) -> web.Response:
    """Show a card and its life."""
    card = await context.db.get(Card, context.path_id())
    if card is None:
        raise UnknownCard
    return context.page("card.html", view=await card_page(context, card))


@routes.post("/{id}/bloquer", access=Permission.MANAGE_CARDS, body=BlockForm, form=True)
async def block(context: Context, form: BlockForm) -> web.Response:
    """Block a card, from now on and everywhere."""
    by = by_of(context, form.channel, form.identity)
    card = await life.block(context.db, context.path_id(), form.why, by, reason=form.note)
    return context.redirect(f"{URL}/{card.id}")


@routes.post("/{id}/retrouvee", access=Permission.MANAGE_CARDS, body=NoteForm, form=True)
async def is_found(context: Context, form: NoteForm) -> web.Response:
    """Note that somebody brought a card."""
    card = await life.note_found(context.db, context.path_id(), by_of(context), reason=form.note)
    return context.redirect(f"{URL}/{card.id}")


@routes.post("/{id}/remettre", access=Permission.MANAGE_CARDS, body=IdentityForm, form=True)
async def hand_over_here(context: Context, form: IdentityForm) -> web.Response:
    """Give a made card to its holder, wherever it was made."""
    card = await life.hand_over(context.db, context.path_id(), by_of(context, identity=form.identity))
    return context.redirect(f"{URL}/{card.id}")


@routes.post("/{id}/en-service", access=Permission.MANAGE_CARDS, body=IdentityForm, form=True)
async def unblock(context: Context, form: IdentityForm) -> web.Response:
    """Let a found card work again."""
    card = await life.unblock(context.db, context.path_id(), by_of(context, identity=form.identity))
    return context.redirect(f"{URL}/{card.id}")


def _pair(sent: str) -> tuple[UUID, UUID | None]:
    """Return one id, or two around a colon.

    Raises:
        BadInput: it is neither.
    """
    first, _, second = sent.partition(":")
    try:
        return UUID(first), UUID(second) if second else None
    except ValueError:
        raise BadInput from None


async def _faces(context: Context, batch: CardBatch) -> list[Face]:
    """Return what is printed: the cards that wait for it, or all that were printed when none does.

    `jusqu` is the last position that the page knew, so that its PDF and its button speak of the same cards.

    Raises:
        UnknownOrder: there is nothing to print.
    """
    orders = await making.orders_of(context.db, batch.id)
    last = context.request.query.get("jusqu", "")
    if last.isascii() and last.isdigit() and len(last) <= len(str(POSITION_MAX)):
        orders = [pair for pair in orders if pair[0].position <= int(last)]
    waiting = [pair for pair in orders if pair[0].status is OrderStatus.PLANNED]
    town = context.services.settings.territory
    faces = [
        Face(
            spoken_name(person.family_name, person.usual_name, person.given_names),
            order.number,
            order.valid_until,
            town,
        )
        for order, person in waiting or orders
        if order.status not in (OrderStatus.SCRAPPED, OrderStatus.CANCELLED)
    ]
    if not faces:
        raise UnknownOrder
    return faces
