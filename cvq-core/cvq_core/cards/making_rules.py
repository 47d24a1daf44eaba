"""Making cards: from the order to the hand of its holder, as pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

from cvq_core.errors import N_, BadInput, NotFound, Refusal

BATCH_MAX = 200
POSITION_MAX = 100_000
"""Beyond every position in a batch: each scrapped card leads to one more."""
REASON_MAX = 200
NUMBER_TRIES = 20


class OrderStatus(StrEnum):
    """Where a card to make is; a scrapped one was begun and spoiled, a cancelled one never begun."""

    PLANNED = "planned"
    PRINTED = "printed"
    ENCODED = "encoded"
    HANDED_OVER = "handed_over"
    SCRAPPED = "scrapped"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for this card."""
        return self in _OPEN


_OPEN = frozenset({OrderStatus.PLANNED, OrderStatus.PRINTED, OrderStatus.ENCODED})
ORDER_WORDS: dict[OrderStatus, str] = {
    OrderStatus.PLANNED: N_("à imprimer"),
    OrderStatus.PRINTED: N_("imprimée, à encoder"),
    OrderStatus.ENCODED: N_("à remettre"),
    OrderStatus.HANDED_OVER: N_("remise"),
    OrderStatus.SCRAPPED: N_("mise au rebut"),
    OrderStatus.CANCELLED: N_("annulée"),
}

OrderAct = Literal["print", "encode", "hand_over", "scrap", "cancel"]
ORDER_TRANSITIONS: dict[tuple[OrderStatus, OrderAct], OrderStatus] = {
    (OrderStatus.PLANNED, "print"): OrderStatus.PRINTED,
    (OrderStatus.PLANNED, "cancel"): OrderStatus.CANCELLED,
    (OrderStatus.PRINTED, "encode"): OrderStatus.ENCODED,
    (OrderStatus.PRINTED, "scrap"): OrderStatus.SCRAPPED,
    (OrderStatus.ENCODED, "hand_over"): OrderStatus.HANDED_OVER,
    (OrderStatus.ENCODED, "scrap"): OrderStatus.SCRAPPED,
}
"""Every change of state that there is."""


class CardEventKind(StrEnum):
    """What happened to a card."""

    PLANNED = "planned"
    PRINTED = "printed"
    ENCODED = "encoded"
    REKEYED = "rekeyed"
    HANDED_OVER = "handed_over"
    SCRAPPED = "scrapped"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    FOUND = "found"
    UNBLOCKED = "unblocked"
    REPLACED = "replaced"
    EXPIRED = "expired"


EVENT_WORDS: dict[CardEventKind, str] = {
    CardEventKind.PLANNED: N_("Commandée"),
    CardEventKind.PRINTED: N_("Imprimée"),
    CardEventKind.ENCODED: N_("Encodée"),
    CardEventKind.REKEYED: N_("Encodée de nouveau, avec une autre clé"),
    CardEventKind.HANDED_OVER: N_("Remise"),
    CardEventKind.SCRAPPED: N_("Mise au rebut"),
    CardEventKind.CANCELLED: N_("Commande annulée"),
    CardEventKind.BLOCKED: N_("Bloquée"),
    CardEventKind.FOUND: N_("Retrouvée"),
    CardEventKind.UNBLOCKED: N_("Remise en service"),
    CardEventKind.REPLACED: N_("Remplacée"),
    CardEventKind.EXPIRED: N_("Arrivée à son terme"),
}


class Channel(StrEnum):
    """How somebody reached whoever acted."""

    COUNTER = "counter"
    PHONE = "phone"
    BOOTH = "booth"
    ENCODER = "encoder"
    SYSTEM = "system"


CHANNEL_WORDS: dict[Channel, str] = {
    Channel.COUNTER: N_("à l’accueil"),
    Channel.PHONE: N_("par téléphone"),
    Channel.BOOTH: N_("au guichet à distance"),
    Channel.ENCODER: N_("à l’encodeur"),
    Channel.SYSTEM: N_("automatiquement"),
}


class IdentityCheck(StrEnum):
    """How well whoever receives a card, or speaks about one, was known that day."""

    PAPER_SHOWN = "paper_shown"
    VOUCHED = "vouched"
    GUARDIAN = "guardian"
    ANSWERS = "answers"


IDENTITY_WORDS: dict[IdentityCheck, str] = {
    IdentityCheck.PAPER_SHOWN: N_("pièce d’identité vue"),
    IdentityCheck.VOUCHED: N_("personne connue de l’agent"),
    IdentityCheck.GUARDIAN: N_("responsable légal de l’enfant, pièce vue"),
    IdentityCheck.ANSWERS: N_("réponses au téléphone"),
}
HANDING_OVER = frozenset({IdentityCheck.PAPER_SHOWN, IdentityCheck.VOUCHED, IdentityCheck.GUARDIAN})
"""What is enough to give somebody a card, or to let one work again; answers by phone are enough to block one."""


class UnknownBatch(NotFound):
    """No such batch of cards, or another place's."""

    slug = "unknown-card-batch"
    message = N_("Cette série de cartes n’existe pas.")


class UnknownOrder(NotFound):
    """No such card to make."""

    slug = "unknown-card-order"
    message = N_("Cette carte à faire n’existe pas.")


class OrderStateRefused(Refusal):
    """The card to make is not where this could be done."""

    slug = "card-order-state"
    message = N_("Cette carte n’en est pas là : elle est « {status} ».")
    what_to_do = N_("Rouvrez la série : son état a peut-être changé entre-temps.")


class AlreadyOrdered(Refusal):
    """Somebody in the list waits for a card already."""

    slug = "card-already-ordered"
    message = N_("Une carte est déjà en cours de fabrication pour {name}.")
    what_to_do = N_("Terminez-la ou annulez-la d’abord.")


class NobodyToMakeFor(BadInput):
    """The list is empty, too long, or names somebody twice or who has died."""

    slug = "bad-card-list"
    message = N_("Cette liste de cartes à faire n’est pas possible : de 1 à {most} personnes en vie, chacune une fois.")


class IdentityNotChecked(BadInput):
    """A card is given to nobody whose identity was not checked."""

    slug = "card-identity-not-checked"
    message = N_("L’identité n’est pas assez vérifiée pour remettre cette carte ou la remettre en service.")
    what_to_do = N_("Demandez une pièce d’identité, ou dites que vous connaissez la personne.")


class ReasonMissing(BadInput):
    """What is scrapped or cancelled is explained."""

    slug = "card-reason-missing"
    message = N_("Écrivez pourquoi, en quelques mots.")


class UidInUse(Refusal):
    """The chip is another card's."""

    slug = "card-uid-in-use"
    message = N_("Cette puce est déjà celle d’une autre carte.")
    what_to_do = N_("Vérifiez le numéro imprimé sur la carte, ou prenez-en une vierge.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A card to make for somebody; `replaces_id` is the card it takes the place of when it is handed over."""

    person_id: UUID
    replaces_id: UUID | None = None


def next_order_status(status: OrderStatus, act: OrderAct) -> OrderStatus:
    """Return the state after `act`.

    Raises:
        OrderStateRefused: there is no such change.
    """
    try:
        return ORDER_TRANSITIONS[status, act]
    except KeyError:
        raise OrderStateRefused(status=ORDER_WORDS[status]) from None


def checked_reason(text: str) -> str:
    """Return a reason without what surrounds it.

    Raises:
        ReasonMissing: it says nothing, or too much.
    """
    plain = " ".join(text.split())
    if not 3 <= len(plain) <= REASON_MAX:
        raise ReasonMissing
    return plain
