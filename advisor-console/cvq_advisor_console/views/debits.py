"""The cash officer's pages of direct debit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cvq_core.web.views import Act


@dataclass(frozen=True, slots=True)
class DebitRow:
    """One invoice of the next collection; `why` says what keeps it from being debited, `told` what was announced."""

    family: str
    holder: str
    invoice: str
    mandate: str
    account: str
    amount_cents: int
    told: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A file that was made: `word` and `tone` say what became of it."""

    url: str
    name: str
    day: date
    items: int
    total_cents: int
    word: str
    tone: str
    returned: int = 0
    returned_cents: int = 0


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """A line of the bank's file, and what became of it."""

    reference: str
    reason: str
    amount_cents: int | None
    word: str
    tone: str


@dataclass(frozen=True, slots=True)
class ReturnsView:
    """`fragments/debit_returns.html`: where the bank's file is taken in, and what the last one held."""

    url: str
    rows: tuple[ReturnRow, ...] = ()
    taken: bool = False
    taken_cents: int = 0


@dataclass(frozen=True, slots=True)
class DebitsPage:
    """`debits.html`: GET `url` with `day`. `make` and `tell` are None where there is nothing to make or to tell."""

    url: str
    place: str
    office: str
    refused: str = ""
    refused_todo: str = ""
    day: date | None = None
    first_day: date | None = None
    items: tuple[DebitRow, ...] = ()
    total_cents: int = 0
    kept_back: tuple[DebitRow, ...] = ()
    kept_back_cents: int = 0
    to_tell: int = 0
    make: Act | None = None
    make_id: str = ""
    tell: Act | None = None
    tell_id: str = ""
    letters_url: str = ""
    runs: tuple[RunRow, ...] = ()
    returns: ReturnsView | None = None
    mandates_url: str = ""


@dataclass(frozen=True, slots=True)
class ReasonOption:
    """Why the bank sent a debit back."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A debit of a file. `take_back` notes that it came back; `returned` says why it did, with the bank's fee."""

    family: str
    holder: str
    invoice: str
    mandate: str
    amount_cents: int
    returned: str = ""
    fee_cents: int = 0
    take_back: Act | None = None


@dataclass(frozen=True, slots=True)
class RunPage:
    """`debit_run.html`: one file, its debits, and what can be done with it."""

    name: str
    place: str
    day: date
    made_at: datetime
    made_by: str
    word: str
    tone: str
    rows: tuple[ItemRow, ...]
    total_cents: int
    returned_cents: int
    fees_cents: int
    file_url: str
    back_url: str
    end: Act | None = None
    reasons: tuple[ReasonOption, ...] = ()


@dataclass(frozen=True, slots=True)
class MandateRow:
    """A mandate in the list; its account is masked."""

    url: str
    reference: str
    family: str
    holder: str
    account: str
    word: str
    tone: str
    signed_on: date | None = None
    last_used_on: date | None = None
    revoked_why: str = ""


@dataclass(frozen=True, slots=True)
class MandatesPage:
    """`debit_mandates.html`: GET `url` with `q`."""

    url: str
    place: str
    back_url: str
    query: str
    rows: tuple[MandateRow, ...]
