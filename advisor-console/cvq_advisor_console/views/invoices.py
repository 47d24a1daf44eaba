"""Invoices: those of a family with their papers, and the printing of a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cvq_core.web.views import Region


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice with what is due on it; `url` is its paper, to be opened in a tab of its own."""

    number: str
    label: str
    issued_on: date
    due_on: date
    total_cents: int
    due_cents: int
    url: str
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class MonthChoice:
    """A month that can be printed."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class RunRow:
    """A printing: `url` is its file, "" where there is none."""

    title: str
    asked_at: datetime
    state: str
    tone: str
    is_making: bool
    done: int
    invoices: int
    url: str


@dataclass(frozen=True, slots=True)
class RunsView:
    """`fragments/invoice_runs.html`: the printings of a month. POST to `ask_url` with `key`, `mois`, `seulement`."""

    region: Region
    rows: tuple[RunRow, ...]
    ask_url: str
    key: str
    month: str
    invoices: int
    not_printed: int


@dataclass(frozen=True, slots=True)
class InvoicesPage:
    """`invoices.html`: the invoices of a month that an office may collect, to be printed."""

    url: str
    office: str
    month: str
    months: tuple[MonthChoice, ...]
    runs: RunsView
    back_url: str = "/caisse"
