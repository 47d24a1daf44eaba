"""A family's statement as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cvq_core.families.statements import StatementLine


@dataclass(frozen=True, slots=True)
class WalletChoice:
    """One wallet that can be looked at by itself."""

    id: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class SectionView:
    """One wallet or invoice over the period; `left_out` is how many earlier lines the page does not show."""

    title: str
    is_invoice: bool
    opening_cents: int
    lines: tuple[StatementLine, ...]
    closing_cents: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class StatementPage:
    """`statement.html`: GET `url` with `first`, `last` and `wallet`; the paper and the file have every line.

    Without a `back_url` it stands in a tab beside the talk.
    """

    url: str
    account: str
    number: str
    first: date
    last: date
    wallets: tuple[WalletChoice, ...] = ()
    sections: tuple[SectionView, ...] = ()
    pdf_url: str = ""
    csv_url: str = ""
    back_url: str = ""
