"""Cards over HTTP: finding one, its life, what happens to it, and batches that are made. Pages are the console's."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictInt

from cvq_core.cards import life, making
from cvq_core.cards.life import By, ending_cards, events_of
from cvq_core.cards.making_rules import (
    BATCH_MAX,
    POSITION_MAX,
    REASON_MAX,
    CardEventKind,
    Channel,
    IdentityCheck,
    OrderStatus,
    Wanted,
)
from cvq_core.cards.rules import BadCardNumber, BlockedReason, CardStatus
from cvq_core.cards.store import UnknownCard, find_card
from cvq_core.cards.tables import Card, CardBatch, CardOrder
from cvq_core.clock import local_day
from cvq_core.offices.rules import Officer
from cvq_core.offices.store import appointment_of
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="cards")
HeardBy = Annotated[Literal[Channel.COUNTER, Channel.PHONE], Field()]


class CardWanted(BaseModel):
    """A card to look for, by its printed number or by what a reader sees of its chip."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(default="", max_length=30)
    card_uid: str = Field(default="", max_length=60)


class BlockBody(BaseModel):
    """Why a card is blocked, and how whoever said so was heard and known."""

    model_config = ConfigDict(extra="forbid")

    why: BlockedReason
    channel: HeardBy = Channel.COUNTER
    identity: IdentityCheck
    note: str = Field(default="", max_length=REASON_MAX)


class FoundBody(BaseModel):
    """Who brought a card, or where it lay."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(default="", max_length=REASON_MAX)


class IdentityBody(BaseModel):
    """How whoever takes the card was recognised."""

    model_config = ConfigDict(extra="forbid")

    identity: IdentityCheck


class WantedBody(BaseModel):
    """Somebody to make a card for; without `replaces_id` it takes the place of the one they have."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID
    replaces_id: UUID | None = None


class BatchBody(BaseModel):
    """Cards to make together; `id` is the key of a retry. `kind_id` is the stock of blanks, where one is kept."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    place_id: UUID
    kind_id: UUID | None = None
    label: str = Field(min_length=1, max_length=80)
    cards: list[WantedBody] = Field(min_length=1, max_length=BATCH_MAX)


class ScrapBody(BaseModel):
    """Why a card is scrapped, and whether another one is made in its place."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=3, max_length=REASON_MAX)
    again: bool = True


class CancelBody(BaseModel):
    """Why nobody needs the card any more."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=3, max_length=REASON_MAX)


class EventOut(BaseModel):
    """What happened to a card."""

    model_config = ConfigDict(from_attributes=True)

    at: AwareDatetime
    what: CardEventKind
    channel: Channel
    identity: IdentityCheck | None
    reason: str
    actor_name: str


class CardOut(BaseModel):
    """A card."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    number: str
    person_id: UUID
    status: CardStatus
    status_since: AwareDatetime
    blocked_reason: BlockedReason | None
    valid_from: date
    valid_until: date
    replaced_by_id: UUID | None


class CardLifeOut(BaseModel):
    """A card and what happened to it, the newest first."""

    card: CardOut
    events: list[EventOut]


class OrderOut(BaseModel):
    """A card to make; its id becomes the card's."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    batch_id: UUID
    position: int
    person_id: UUID
    number: str
    valid_until: date
    replaces_id: UUID | None
    status: OrderStatus


class BatchOut(BaseModel):
    """A batch and its cards."""

    id: UUID
    place_id: UUID
    kind_id: UUID | None
    label: str
    made_at: AwareDatetime
    cards: list[OrderOut]


class PrintedBody(BaseModel):
    """The last position that was printed: what came into the batch after that is not."""

    model_config = ConfigDict(extra="forbid")

    up_to: StrictInt = Field(ge=1, le=POSITION_MAX)


class PrintedOut(BaseModel):
    """How many cards were noted as printed."""

    printed: int


class ScrappedOut(BaseModel):
    """The card that is made in the place of a scrapped one, where one is."""

    again: OrderOut | None


class EndingOut(BaseModel):
    """Cards that are soon at their end, or just were, whose holder has no other one."""

    cards: list[CardOut]


@routes.post("/cards/search", access=Permission.MANAGE_CARDS, body=CardWanted, answer=CardLifeOut)
async def search(context: Context, body: CardWanted) -> CardLifeOut:
    """Find a card by its number or its chip."""
    if not body.number and not body.card_uid:
        raise BadCardNumber
    found = (
        await find_card(context.db, uid=body.card_uid)
        if body.card_uid
        else await find_card(context.db, number=body.number)
    )
    context.journal("card-looked-up", subject=("card", found.id))
    return await _life(context, found)


@routes.get("/cards/ending", access=Permission.MANAGE_CARDS, answer=EndingOut)
async def ending(context: Context) -> EndingOut:
    """List the cards to renew."""
    found = await ending_cards(context.db, local_day(context.now))
    return EndingOut(cards=[CardOut.model_validate(each.card) for each in found])


@routes.get("/cards/{id}", access=Permission.MANAGE_CARDS, answer=CardLifeOut)
async def card_life(context: Context) -> CardLifeOut:
    """Return a card and its life."""
    card = await context.db.get(Card, context.path_id())
    if card is None:
        raise UnknownCard
    return await _life(context, card)


@routes.post("/cards/{id}/block", access=Permission.MANAGE_CARDS, body=BlockBody, answer=CardOut)
async def block(context: Context, body: BlockBody) -> CardOut:
    """Block a card, from now on and everywhere."""
    by = by_of(context, body.channel, body.identity)
    return CardOut.model_validate(await life.block(context.db, context.path_id(), body.why, by, reason=body.note))


@routes.post("/cards/{id}/found", access=Permission.MANAGE_CARDS, body=FoundBody, answer=CardOut)
async def found(context: Context, body: FoundBody) -> CardOut:
    """Note that a card was brought back; it stays as it is."""
    card = await life.note_found(context.db, context.path_id(), by_of(context), reason=body.note)
    return CardOut.model_validate(card)


@routes.post("/cards/{id}/unblock", access=Permission.MANAGE_CARDS, body=IdentityBody, answer=CardOut)
async def unblock(context: Context, body: IdentityBody) -> CardOut:
    """Let a found card work again."""
    card = await life.unblock(context.db, context.path_id(), by_of(context, identity=body.identity))
    return CardOut.model_validate(card)


@routes.post("/card-batches", access=Permission.MANAGE_CARDS, body=BatchBody, answer=BatchOut, status=201)
async def plan(context: Context, body: BatchBody) -> BatchOut:
    """Plan cards to make, one or many."""
    wanted = tuple(Wanted(each.person_id, each.replaces_id) for each in body.cards)
    new = making.NewBatch(body.id, body.place_id, body.kind_id, body.label, wanted)
    years = context.services.settings.card_years
    return await _batch(
        context, await making.plan_batch(context.db, new, officer_of(context), by_of(context), years=years)
    )


@routes.get("/card-batches/{id}", access=Permission.MANAGE_CARDS, answer=BatchOut)
async def batch(context: Context) -> BatchOut:
    """Return a batch of a place where one makes cards."""
    return await _batch(context, await own_batch(context, context.path_id()))


@routes.post("/card-batches/{id}/printed", access=Permission.MANAGE_CARDS, body=PrintedBody, answer=PrintedOut)
async def printed(context: Context, body: PrintedBody) -> PrintedOut:
    """Note that the planned cards of a batch are printed, up to a position."""
    by = by_of(context)
    count = await making.mark_printed(context.db, context.path_id(), officer_of(context), by, up_to=body.up_to)
    return PrintedOut(printed=count)


@routes.post("/card-orders/{id}/hand-over", access=Permission.MANAGE_CARDS, body=IdentityBody, answer=CardOut)
async def hand_over(context: Context, body: IdentityBody) -> CardOut:
    """Give a made card to its holder: the one that it replaces ends."""
    card = await life.hand_over(context.db, context.path_id(), by_of(context, identity=body.identity))
    return CardOut.model_validate(card)


@routes.post("/card-orders/{id}/scrap", access=Permission.MANAGE_CARDS, body=ScrapBody, answer=ScrappedOut)
async def scrap(context: Context, body: ScrapBody) -> ScrappedOut:
    """Put a spoiled card aside."""
    again = await making.scrap(
        context.db, context.path_id(), body.reason, officer_of(context), by_of(context), again=body.again
    )
    return ScrappedOut(again=OrderOut.model_validate(again) if again else None)


@routes.post("/card-orders/{id}/cancel", access=Permission.MANAGE_CARDS, body=CancelBody)
async def cancel(context: Context, body: CancelBody) -> None:
    """Take a card that nobody began out of its batch."""
    await making.cancel(context.db, context.path_id(), body.reason, officer_of(context), by_of(context))


def by_of(context: Context, channel: Channel = Channel.COUNTER, identity: IdentityCheck | None = None) -> By:
    """Return who acts in this request."""
    return By(context.principal.actor, context.now, channel, identity)


def officer_of(context: Context) -> Officer:
    """Return who answers for the blanks in this request."""
    assert context.principal.id is not None
    return Officer(context.principal.id, context.principal.name)


async def own_batch(context: Context, batch_id: UUID) -> CardBatch:
    """Return a batch of a place where the person is appointed today.

    Raises:
        UnknownBatch, NotMandatary
    """
    found = await making.batch_by_id(context.db, batch_id)
    await appointment_of(context.db, officer_of(context).staff_id, found.place_id, local_day(context.now))
    return found


async def own_order(context: Context, order_id: UUID) -> CardOrder:
    """Return a card to make of a place where the person is appointed today.

    Raises:
        UnknownOrder, UnknownBatch, NotMandatary
    """
    order = await making.locked_order(context.db, order_id)
    await own_batch(context, order.batch_id)
    return order


async def _life(context: Context, card: Card) -> CardLifeOut:
    events = [EventOut.model_validate(each) for each in await events_of(context.db, card.id)]
    return CardLifeOut(card=CardOut.model_validate(card), events=events)


async def _batch(context: Context, row: CardBatch) -> BatchOut:
    orders = [OrderOut.model_validate(order) for order, _ in await making.orders_of(context.db, row.id)]
    return BatchOut(
        id=row.id, place_id=row.place_id, kind_id=row.kind_id, label=row.label, made_at=row.made_at, cards=orders
    )
