"""Inactive values: the stock account, movements, sales at the counter, counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cvq_advisor_console.views.advances import Choice
from cvq_advisor_console.views.cash import StepLink
from cvq_core.web.views import Act


@dataclass(frozen=True, slots=True)
class StockRow:
    """What one holder has of one kind; `tone` is "" while somebody answers for it."""

    label: str
    where: str
    holder: str
    numbers: str
    quantity: int
    cents: int
    tone: str = ""


@dataclass(frozen=True, slots=True)
class KindTotal:
    """How much of a kind is in stock here."""

    label: str
    quantity: int
    cents: int


@dataclass(frozen=True, slots=True)
class ValueMovementRow:
    """A movement in a list; `undo` takes a sale back with its reason."""

    moved_at: datetime
    label: str
    numbers: str
    words: str
    reason: str
    undo: Act | None = None


@dataclass(frozen=True, slots=True)
class StockView:
    """The stock account. `new_kind` adds a kind: POST `key`, `code`, `label`, `face` (euros), `service`."""

    rows: tuple[StockRow, ...]
    movements: tuple[ValueMovementRow, ...]
    csv_url: str
    pdf_url: str
    new_kind: Act | None = None
    key: str = ""
    services: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class MoveView:
    """Numbers to move. POST `key`, `kind`, `numbers` ("101-150"), `source`, `target`, `reason` to `url`."""

    url: str
    key: str
    kinds: tuple[Choice, ...]
    sources: tuple[Choice, ...]
    targets: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class SellView:
    """Values to sell. POST `key`, `kind`, `number`, `account`, `means`, `tendered` and a cheque's fields to `url`."""

    url: str
    key: str
    kinds: tuple[Choice, ...]
    means: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class CountValuesView:
    """A stock to count. POST `key`, `kind`, `holder`, `counted` ("1-20, 25") and `explanation` to `url`."""

    url: str
    key: str
    kinds: tuple[Choice, ...]
    holders: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class CountedValuesView:
    """What a count found."""

    label: str
    holder: str
    counted: str
    missing: str
    unexpected: str
    explanation: str
    next_url: str


@dataclass(frozen=True, slots=True)
class ValuesPage:
    """`values.html`: exactly one of the steps is there; what is in stock at the place stands beside."""

    place: str
    office: str
    links: tuple[StepLink, ...]
    steps: tuple[StepLink, ...]
    totals: tuple[KindTotal, ...]
    total_cents: int
    stock: StockView | None = None
    move: MoveView | None = None
    sell: SellView | None = None
    refused: str = ""
    count: CountValuesView | None = None
    counted: CountedValuesView | None = None
