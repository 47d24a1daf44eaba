"""Imports of old bases: which there are, two records beside each other, and balances that an officer takes over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from cvq_core.imports.beside import Piece


@dataclass(frozen=True, slots=True)
class ImportRow:
    """An import in the overview; `decide_url` and `list_url` are empty where there is nothing to look at."""

    title: str
    base: str
    commune: str
    word: str
    tone: str
    staged_at: datetime
    ready: int
    held: int
    applied: int
    refused: int
    left: int
    balances: str
    next_words: str
    decide_url: str = ""
    list_url: str = ""


@dataclass(frozen=True, slots=True)
class ImportsPage:
    """`imports.html`."""

    rows: tuple[ImportRow, ...]
    balances_url: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """Whose record one side of a pair is."""

    title: str
    more: str


@dataclass(frozen=True, slots=True)
class LineView:
    """One thing that both records say; `tone` and `icon` go with `word`, which says it."""

    what: str
    left: tuple[Piece, ...]
    right: tuple[Piece, ...]
    word: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class PairView:
    """Two records beside each other. POST `low`, `high`, `seen` and `verdict` to `url` decides."""

    url: str
    low: str
    high: str
    seen: str
    score: int
    certain: bool
    likeness: tuple[str, ...]
    against: tuple[str, ...]
    heads: tuple[Head, Head]
    lines: tuple[LineView, ...]
    decided: str = ""
    put_off: bool = False


@dataclass(frozen=True, slots=True)
class PairRow:
    """A pair in a list."""

    url: str
    names: tuple[str, str]
    score: int
    word: str
    tone: str
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How far deciding is."""

    left: int
    later: int
    certain: int
    decided: int

    @property
    def fresh(self) -> int:
        """Return how many nobody has looked at."""
        return self.left - self.later

    @property
    def all(self) -> int:
        """Return how many there are."""
        return self.left + self.decided


@dataclass(frozen=True, slots=True)
class PairPage:
    """`import_pair.html`: a pair, or none when everything is decided."""

    title: str
    base: str
    counts: Counts
    next_url: str
    list_url: str
    back_url: str
    pair: PairView | None = None
    lately: tuple[PairRow, ...] = ()
    error: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class HeldFamily:
    """A family that waits, by its number in the old base, and why."""

    number: str
    why: str


@dataclass(frozen=True, slots=True)
class PairsPage:
    """`import_pairs.html`: the pairs of an import, some on each page."""

    title: str
    base: str
    counts: Counts
    next_url: str
    back_url: str
    tabs: tuple[tuple[str, str, bool], ...]
    rows: tuple[PairRow, ...]
    held: tuple[HeldFamily, ...] = ()
    earlier_url: str = ""
    later_url: str = ""


@dataclass(frozen=True, slots=True)
class OpeningRow:
    """One service's balances of an import in a list."""

    title: str
    service: str
    families: int
    credit_cents: int
    debt_cents: int
    word: str
    tone: str
    url: str


@dataclass(frozen=True, slots=True)
class OpeningsPage:
    """`openings.html`: the balances that one may take over, and those that were."""

    rows: tuple[OpeningRow, ...]


@dataclass(frozen=True, slots=True)
class TotalsView:
    """Balances in all, a debt above zero."""

    families: int
    credit_cents: int
    debt_cents: int

    @property
    def net_cents(self) -> int:
        """Return credits less debts."""
        return self.credit_cents - self.debt_cents


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """What one family brings along."""

    account: str
    label: str
    old_number: str
    credit_cents: int
    debt_cents: int


@dataclass(frozen=True, slots=True)
class StatingView:
    """Asks for the old base's own totals. POST `credit` and `debt` to `url`."""

    url: str
    credit: str = ""
    debt: str = ""
    errors: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ComparedTotal:
    """One total of ours beside the old base's own."""

    what: str
    ours_cents: int
    theirs_cents: int

    @property
    def difference_cents(self) -> int:
        """Return what we have more."""
        return self.ours_cents - self.theirs_cents


@dataclass(frozen=True, slots=True)
class ComparingView:
    """Our totals beside the old base's; POST to `url` signs. `fields` go along."""

    url: str
    fields: Mapping[str, str]
    rows: tuple[ComparedTotal, ...]
    back_url: str
    explanation: str = ""
    error: str = ""

    @property
    def differs(self) -> bool:
        """Return whether there is something to explain."""
        return any(row.difference_cents for row in self.rows)


@dataclass(frozen=True, slots=True)
class SignedView:
    """Who took balances over, and what was compared."""

    at: datetime
    name: str
    rows: tuple[ComparedTotal, ...]
    explanation: str
    pdf_url: str


@dataclass(frozen=True, slots=True)
class OpeningPage:
    """`opening.html`: one service's balances; to state, to compare or signed."""

    title: str
    service: str
    on: date | None
    totals: TotalsView
    waiting: TotalsView
    left_out: TotalsView
    rows: tuple[BalanceRow, ...]
    more_rows: int
    back_url: str
    csv_url: str
    xlsx_url: str
    why_not: str = ""
    stating: StatingView | None = None
    comparing: ComparingView | None = None
    signed: SignedView | None = None
