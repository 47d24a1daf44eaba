"""The books of a cash office: a period at a glance, its journal, its editions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cvq_core.web.views import Act, Region


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a list; `value` is what the form sends."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class BookChooser:
    """Whose books and which period: GET `url` with `livre` and `periode`."""

    url: str
    books: tuple[Choice, ...]
    periods: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One amount that stays in sight."""

    label: str
    cents: int


@dataclass(frozen=True, slots=True)
class HeldRow:
    """What was held by one means, why it changed, and what is held; `moved_cents` follows the page's `movements`."""

    word: str
    opening_cents: int
    moved_cents: tuple[int, ...]
    closing_cents: int


@dataclass(frozen=True, slots=True)
class TotalRow:
    """One total with the lines that it is made of; `url` lists them."""

    words: tuple[str, ...]
    received_cents: int
    taken_back_cents: int
    total_cents: int
    lines: int
    first: str
    last: str
    url: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account of the general balance."""

    label: str
    opening_cents: int
    debit_cents: int
    credit_cents: int
    closing_cents: int


@dataclass(frozen=True, slots=True)
class FileLink:
    """One file of an edition."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class EditionRow:
    """One edition; `done` of `payments` while it is being made."""

    title: str
    asked_at: datetime
    state: str
    tone: str
    files: tuple[FileLink, ...] = ()
    is_making: bool = False
    done: int = 0
    payments: int = 0


@dataclass(frozen=True, slots=True)
class EditionsView:
    """`fragments/book_editions.html`: the period's editions; `ask` takes `key`, `livre` and `periode`."""

    region: Region
    rows: tuple[EditionRow, ...]
    ask: Act
    key: str
    book: str
    period: str
    is_closed: bool


@dataclass(frozen=True, slots=True)
class BooksPage:
    """`books.html`: a period of an office's books, or of one place's.

    `close` closes the month (POST `key`, `livre`, `periode`), with `why_not` where it cannot be yet; `disagreement`
    says that journal and ledger do not tell the same.
    """

    label: str
    period: str
    chooser: BookChooser
    figures: tuple[Figure, ...]
    closed_on: date | None
    editions: EditionsView
    movements: tuple[str, ...]
    held: tuple[HeldRow, ...]
    held_total: HeldRow
    cash: tuple[Figure, ...]
    totals: tuple[TotalRow, ...]
    totals_sum: TotalRow
    accounts: tuple[AccountRow, ...]
    accounts_sum: AccountRow
    to_classify_cents: int = 0
    close: Act | None = None
    close_key: str = ""
    disagreement: str = ""


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line of the journal."""

    row: int
    kind: str
    number: str
    at: datetime
    place: str
    by: str
    account: str
    service: str
    means: str
    amount_cents: int
    voids: str
    slip: str
    treasury_slip: str


@dataclass(frozen=True, slots=True)
class JournalPage:
    """`book_journal.html`: lines of a period, some on each page; GET `url` with `service` and `moyen` narrows them."""

    label: str
    period: str
    url: str
    book: str
    period_word: str
    services: tuple[Choice, ...]
    means: tuple[Choice, ...]
    rows: tuple[LineRow, ...]
    total: TotalRow
    back_url: str
    page: int
    pages: int
    earlier_url: str = ""
    later_url: str = ""
