"""What was paid online and is to be reconciled, with a day of the bank beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cvq_core.web.views import Act, Region


@dataclass(frozen=True, slots=True)
class ToReconcile:
    """One payment on the list. `bank_cents` is what the bank says of it; `credit` credits it on that word.

    `decision_id` is the id of what will be decided, so that deciding twice is deciding once.
    """

    reference: str
    asked_at: datetime
    asked_cents: int
    why: str
    waiting_cents: int
    decision_id: str
    file: Act
    credit: Act | None = None
    bank_cents: int | None = None
    bank_day: date | None = None


@dataclass(frozen=True, slots=True)
class BankLineRow:
    """One line of the bank. `tone` is "ok" where it agrees with our books, "alert" where it does not."""

    reference: str
    amount_cents: int
    word: str
    tone: str


@dataclass(frozen=True, slots=True)
class OnlineList:
    """`fragments/online_list.html`: the list, and beside it the day's lines. `missing` are ours without one."""

    region: Region
    rows: tuple[ToReconcile, ...]
    day: date
    bank: tuple[BankLineRow, ...]
    bank_cents: int
    missing: tuple[BankLineRow, ...]
    import_url: str


@dataclass(frozen=True, slots=True)
class OnlinePage:
    """`online.html`: GET `url` with `day`; `export_url` gives the list as a file."""

    url: str
    place: str
    list: OnlineList
    export_url: str
