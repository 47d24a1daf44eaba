"""The parts of the pages of cards."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from cvq_advisor_console.views.advances import Choice
from cvq_advisor_console.views.cards import (
    BatchPage,
    BatchRow,
    CardPage,
    CardRow,
    CardsPage,
    Count,
    HolderRow,
    LifeRow,
    MakeCardsPage,
    OrderRow,
    ToMake,
)
from cvq_core.card_keys.tables import CardChip
from cvq_core.cards.life import Ending, ending_cards, events_of
from cvq_core.cards.making import batches_at, orders_of
from cvq_core.cards.making_rules import (
    CHANNEL_WORDS,
    EVENT_WORDS,
    HANDING_OVER,
    IDENTITY_WORDS,
    ORDER_WORDS,
    Channel,
    IdentityCheck,
    OrderStatus,
)
from cvq_core.cards.rules import BlockedReason, CardStatus, printed_number, standing
from cvq_core.cards.store import card_facts, cards_of, standing_in_words
from cvq_core.cards.tables import Card, CardBatch, CardEvent, CardOrder
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.inactive_values.store import kinds_of
from cvq_core.offices.store import sub_offices_of
from cvq_core.offices.tables import SubOffice
from cvq_core.people.names import listed_name
from cvq_core.people.tables import Person
from cvq_core.web import Context
from cvq_desk.booking.lookup import Match, look_up

URL = "/cartes"
STATUS_WORDS = {
    CardStatus.MADE: N_("faite, à remettre"),
    CardStatus.ACTIVE: N_("en service"),
    CardStatus.BLOCKED: N_("bloquée"),
    CardStatus.REPLACED: N_("remplacée"),
    CardStatus.EXPIRED: N_("arrivée à son terme"),
}
STATUS_TONES = {CardStatus.ACTIVE: "ok", CardStatus.BLOCKED: "alert", CardStatus.MADE: "sun"}
REASON_WORDS = {
    BlockedReason.LOST: N_("perdue"),
    BlockedReason.STOLEN: N_("volée"),
    BlockedReason.WITHDRAWN: N_("suspendue par la collectivité"),
}
COUNT_WORDS = {
    OrderStatus.PLANNED: N_("à imprimer"),
    OrderStatus.PRINTED: N_("à encoder"),
    OrderStatus.ENCODED: N_("à remettre"),
    OrderStatus.HANDED_OVER: N_("chez leur titulaire"),
    OrderStatus.SCRAPPED: N_("au rebut"),
    OrderStatus.CANCELLED: N_("sans suite"),
}
ORDER_TONES = {OrderStatus.ENCODED: "sun", OrderStatus.HANDED_OVER: "ok", OrderStatus.SCRAPPED: "off"}
PROVES = N_("prouve qui elle est, clé {version}")
PROVES_NOTHING = N_("sans clé : vaut par son numéro seul")
ENDING_SOON = N_(
    "Elles arrivent à leur terme dans les trois mois, ou viennent d’y arriver, et leur titulaire n’en a pas d’autre."
)
NO_STOCK = N_("{place}, sans compter les cartes vierges")
FROM_STOCK = N_("{place}, sur le stock « {kind} »")


async def cards_page(context: Context, query: str) -> CardsPage:
    """Return the people who were found with their cards, and the batches where this person makes cards."""
    found = await look_up(context.db, query, actor=context.principal.actor, now=context.now, language=context.language)
    cards = await cards_of(context.db, [each.person_id for each in found.people])
    places = {place.id: place.label for place in await own_places(context)}
    batches = [
        BatchRow(
            each.batch.label,
            batch_url(each.batch.id),
            places[each.batch.place_id],
            each.batch.made_at,
            _counts(context, each.counts),
            sum(count for status, count in each.counts.items() if status.is_open),
        )
        for each in await batches_at(context.db, list(places), limit=20)
    ]
    ending = len(await ending_cards(context.db, local_day(context.now)))
    return CardsPage(
        query=query,
        searched=found.searched and bool(query),
        found=tuple(
            _holder(context, each, cards.get(each.person_id, ()), can_make=bool(places)) for each in found.people
        ),
        more=found.more,
        batches=tuple(batches),
        ending=ending,
        ending_url=f"{URL}/a-renouveler" if ending and places else "",
    )


async def card_page(context: Context, card: Card) -> CardPage:
    """Return a card, what can be done with it, and its life."""
    person = await context.db.get_one(Person, card.person_id)
    chip = await context.db.get(CardChip, card.id)
    order = await context.db.get(CardOrder, card.id)
    status, may_make = card.status, bool(await own_places(context))
    path = f"{URL}/{card.id}"
    return CardPage(
        number=printed_number(card.number),
        name=person_name(person),
        born=person.birth_date,
        state=context._(STATUS_WORDS[status]),
        tone=STATUS_TONES.get(status, "off"),
        said=standing_in_words(card_facts(card), local_day(context.now), language=context.language),
        valid_from=card.valid_from,
        valid_until=card.valid_until,
        chip=context._(PROVES, version=chip.key_version) if chip else context._(PROVES_NOTHING),
        life=tuple(_life(context, each) for each in await events_of(context.db, card.id)),
        back_url=URL,
        newer_url=f"{URL}/{card.replaced_by_id}" if card.replaced_by_id else "",
        block_url=f"{path}/bloquer" if status is CardStatus.ACTIVE else "",
        found_url=f"{path}/retrouvee" if status is CardStatus.BLOCKED else "",
        unblock_url=f"{path}/en-service" if status is CardStatus.BLOCKED else "",
        make_url=f"{make_url(person.id)}?remplace={card.id}"
        if may_make and status not in (CardStatus.REPLACED, CardStatus.MADE)
        else "",
        order_url=batch_url(order.batch_id) if order is not None and status is CardStatus.MADE and may_make else "",
        # Cards are made at one place for many town halls: whoever has it hands it over.
        hand_over_url=f"{path}/remettre" if status is CardStatus.MADE else "",
        reasons=choices(context, REASON_WORDS),
        channels=choices(context, {each: CHANNEL_WORDS[each] for each in (Channel.COUNTER, Channel.PHONE)}),
        identities=choices(context, IDENTITY_WORDS),
        recognised=recognised(context),
    )


async def batch_page(context: Context, batch: CardBatch) -> BatchPage:
    """Return a batch with what is to be done with each of its cards."""
    place = await context.db.get_one(SubOffice, batch.place_id)
    orders = await orders_of(context.db, batch.id)
    made = set(await context.db.scalars(select(Card.id).where(Card.id.in_([order.id for order, _ in orders]))))
    counts: dict[OrderStatus, int] = {}
    for order, _ in orders:
        counts[order.status] = counts.get(order.status, 0) + 1
    planned = counts.get(OrderStatus.PLANNED, 0)
    path, last = batch_url(batch.id), max((order.position for order, _ in orders), default=1)
    return BatchPage(
        label=batch.label,
        place=place.label,
        made_at=batch.made_at,
        counts=_counts(context, counts),
        rows=tuple(_order(context, order, person, is_made=order.id in made) for order, person in orders),
        back_url=URL,
        faces_url=f"{path}/faces.pdf?jusqu={last}",
        sheet_url=f"{path}/planche.pdf?jusqu={last}",
        printed_url=f"{path}/imprimees" if planned else "",
        to_print=planned,
        up_to=last,
        to_encode=counts.get(OrderStatus.PRINTED, 0),
        recognised=recognised(context),
    )


async def make_page(context: Context, person: Person, card: Card | None) -> MakeCardsPage:
    """Return a card to order for one person, in the place of another where there is one."""
    return MakeCardsPage(
        title=context._(N_("Faire une carte")),
        about=context._(
            N_("Elle remplacera la carte {number}, dès qu’elle sera remise."), number=printed_number(card.number)
        )
        if card
        else context._(N_("C’est sa première carte.")),
        url=f"{URL}/series",
        key=str(new_id()),
        label=person_name(person)[:80],
        people=(_to_make(person, card),),
        stocks=await stocks(context),
        back_url=f"{URL}/{card.id}" if card else URL,
    )


async def renewal_page(context: Context, ending: Iterable[Ending]) -> MakeCardsPage:
    """Return the cards that are soon at their end, to be made anew together."""
    return MakeCardsPage(
        title=context._(N_("Cartes à renouveler")),
        about=context._(ENDING_SOON),
        url=f"{URL}/series",
        key=str(new_id()),
        label=context._(N_("Renouvellement")),
        people=tuple(_to_make(each.person, each.card) for each in ending),
        stocks=await stocks(context),
        back_url=URL,
    )


async def own_places(context: Context) -> list[SubOffice]:
    """Return the places where the person is appointed today: where they may make cards."""
    assert context.principal.id is not None
    return await sub_offices_of(context.db, context.principal.id, local_day(context.now))


async def stocks(context: Context) -> tuple[Choice, ...]:
    """Return the places, each with a stock of blanks where its office keeps one; sent as "place" or "place:kind"."""
    found = []
    for place in await own_places(context):
        kinds = [kind for kind in await kinds_of(context.db, place.office_id) if kind.is_card]
        found += [
            Choice(f"{place.id}:{kind.id}", context._(FROM_STOCK, place=place.label, kind=kind.label)) for kind in kinds
        ]
        if not kinds:
            found.append(Choice(str(place.id), context._(NO_STOCK, place=place.label)))
    return tuple(found)


def recognised(context: Context) -> tuple[Choice, ...]:
    """Return how somebody who takes a card can have been recognised."""
    return choices(context, {each: IDENTITY_WORDS[each] for each in IdentityCheck if each in HANDING_OVER})


def choices(
    context: Context, words: dict[BlockedReason, str] | dict[Channel, str] | dict[IdentityCheck, str]
) -> tuple[Choice, ...]:
    """Return words to choose from."""
    return tuple(Choice(each.value, context._(said)) for each, said in words.items())


def person_name(person: Person) -> str:
    """Return somebody's name as it stands in a list."""
    return listed_name(person.family_name, person.usual_name, person.given_names)


def batch_url(batch_id: UUID) -> str:
    """Return the address of a batch."""
    return f"{URL}/series/{batch_id}"


def make_url(person_id: UUID) -> str:
    """Return where a card is ordered for somebody."""
    return f"{URL}/faire/{person_id}"


def _holder(context: Context, match: Match, cards: Iterable[Card], *, can_make: bool) -> HolderRow:
    today = local_day(context.now)
    return HolderRow(
        match.name,
        match.birth_date,
        match.commune,
        tuple(
            CardRow(
                printed_number(card.number),
                f"{URL}/{card.id}",
                context._(STATUS_WORDS[CardStatus.EXPIRED if _is_over(card, context) else card.status]),
                STATUS_TONES.get(card.status, "off") if standing(card_facts(card), today).usable else "off",
                card.valid_until,
            )
            for card in cards
        ),
        make_url(match.person_id) if can_make else "",
    )


def _is_over(card: Card, context: Context) -> bool:
    return card.status is CardStatus.ACTIVE and card.valid_until < local_day(context.now)


def _life(context: Context, event: CardEvent) -> LifeRow:
    how = [context._(CHANNEL_WORDS[event.channel])]
    if event.identity is not None:
        how.append(context._(IDENTITY_WORDS[event.identity]))
    return LifeRow(event.at, context._(EVENT_WORDS[event.what]), ", ".join(how), event.actor_name, event.reason)


def _order(context: Context, order: CardOrder, person: Person, *, is_made: bool) -> OrderRow:
    path, status = f"{URL}/ordres/{order.id}", order.status
    return OrderRow(
        order.position,
        person_name(person),
        printed_number(order.number),
        context._(ORDER_WORDS[status]),
        ORDER_TONES.get(status, ""),
        card_url=f"{URL}/{order.id}" if is_made else "",
        hand_over_url=f"{path}/remettre" if status is OrderStatus.ENCODED else "",
        scrap_url=f"{path}/rebut" if status in (OrderStatus.PRINTED, OrderStatus.ENCODED) else "",
        cancel_url=f"{path}/annuler" if status is OrderStatus.PLANNED else "",
        chip_url=f"{path}/puce" if status is OrderStatus.PRINTED else "",
    )


def _counts(context: Context, counts: dict[OrderStatus, int]) -> tuple[Count, ...]:
    return tuple(Count(context._(COUNT_WORDS[status]), counts[status]) for status in OrderStatus if counts.get(status))


def _to_make(person: Person, card: Card | None) -> ToMake:
    return ToMake(
        f"{person.id}:{card.id}" if card else str(person.id),
        person_name(person),
        person.birth_date,
        printed_number(card.number) if card else "",
        card.valid_until if card else None,
    )
