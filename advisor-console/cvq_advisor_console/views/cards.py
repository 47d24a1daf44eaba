"""Cards, as their pages show them: finding one, its life, and batches that are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cvq_advisor_console.views.advances import Choice


@dataclass(frozen=True, slots=True)
class CardRow:
    """A card in a list; `tone` is of its state's chip."""

    number: str
    url: str
    state: str
    tone: str
    valid_until: date


@dataclass(frozen=True, slots=True)
class HolderRow:
    """Somebody who was found, with their cards; `make_url` is where a card is ordered for them."""

    name: str
    born: date | None
    commune: str
    cards: tuple[CardRow, ...]
    make_url: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many cards of a batch are somewhere."""

    words: str
    count: int


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch in a list."""

    label: str
    url: str
    place: str
    made_at: datetime
    counts: tuple[Count, ...]
    left: int


@dataclass(frozen=True, slots=True)
class CardsPage:
    """`cards.html`: GET `q`; batches where the person makes cards; how many cards are soon at their end."""

    query: str
    searched: bool
    found: tuple[HolderRow, ...]
    more: bool
    batches: tuple[BatchRow, ...]
    ending: int
    ending_url: str = ""


@dataclass(frozen=True, slots=True)
class LifeRow:
    """What happened to a card; `how` says through which channel and how well the person was known."""

    at: datetime
    words: str
    how: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class CardPage:
    """`card.html`: a card, what can be done with it, and its life. An empty address is an act that is not possible.

    `hand_over_url`: POST `identity`; `block_url`: `why`, `channel`, `identity`, `note`; `found_url`: `note`;
    `unblock_url`: `identity`;
    `make_url`: a link to where another one is ordered.
    """

    number: str
    name: str
    born: date | None
    state: str
    tone: str
    said: str
    valid_from: date
    valid_until: date
    chip: str
    life: tuple[LifeRow, ...]
    back_url: str
    newer_url: str = ""
    block_url: str = ""
    found_url: str = ""
    unblock_url: str = ""
    make_url: str = ""
    order_url: str = ""
    hand_over_url: str = ""
    reasons: tuple[Choice, ...] = ()
    channels: tuple[Choice, ...] = ()
    identities: tuple[Choice, ...] = ()
    recognised: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A card to make.

    `hand_over_url`: POST `identity`; `scrap_url`: `reason`, `again`; `cancel_url`: `reason`; `chip_url`: `uid`.
    """

    position: int
    name: str
    number: str
    state: str
    tone: str
    card_url: str = ""
    hand_over_url: str = ""
    scrap_url: str = ""
    cancel_url: str = ""
    chip_url: str = ""


@dataclass(frozen=True, slots=True)
class BatchPage:
    """`card_batch.html`: POST `up_to` to `printed_url` once they are printed."""

    label: str
    place: str
    made_at: datetime
    counts: tuple[Count, ...]
    rows: tuple[OrderRow, ...]
    back_url: str
    faces_url: str
    sheet_url: str
    printed_url: str = ""
    to_print: int = 0
    up_to: int = 1
    to_encode: int = 0
    recognised: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class ToMake:
    """Somebody to make a card for; in a list of several, ticked beforehand. `value` names them and the former card."""

    value: str
    name: str
    born: date | None
    number: str
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class MakeCardsPage:
    """`cards_make.html`: POST `key`, `label`, `stock` and every `person` to `url`."""

    title: str
    about: str
    url: str
    key: str
    label: str
    people: tuple[ToMake, ...]
    stocks: tuple[Choice, ...]
    back_url: str
