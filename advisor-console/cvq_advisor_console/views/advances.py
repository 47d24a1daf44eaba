"""The cash officer's advance: what is in it, what was paid from it, and what the comptable gives back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cvq_advisor_console.views.cash import StepLink
from cvq_core.web.views import Act


@dataclass(frozen=True, slots=True)
class FundView:
    """Where the advance is, always in sight. What was received is the sum of the other three."""

    received_cents: int
    cash_cents: int
    account_cents: int
    awaiting_cents: int
    granted_cents: int
    payment_max_cents: int
    act: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several; `value` is what the form sends."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class ExpenseRow:
    """An expense in a list."""

    number: str
    paid_at: datetime
    payee: str
    purpose: str
    amount_cents: int
    url: str
    state: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class ClosedRow:
    """A closed family account that still holds money for a service; `url` prepares its refund."""

    number: str
    service: str
    closed_on: date | None
    cents: int
    url: str


@dataclass(frozen=True, slots=True)
class PayingView:
    """What is to be paid. POST `key`, `purpose`, `paid_by`, `amount`, `payee`, `document`, `wallet_id`, `iban`.

    `wallets` are those of the account that was looked up by `number`, which a GET of `lookup_url` sends.
    """

    url: str
    key: str
    purposes: tuple[Choice, ...]
    paid_by: tuple[Choice, ...]
    lookup_url: str
    number: str = ""
    wallets: tuple[Choice, ...] = ()
    amount: str = ""
    closed: tuple[ClosedRow, ...] = ()
    expenses: tuple[ExpenseRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpenseView:
    """One expense, with what may be done about it. `cancel` takes `key` and `reason`."""

    id: str
    title: str
    number: str
    paid_at: datetime
    facts: tuple[tuple[str, str], ...]
    amount_cents: int
    state: str
    tone: str
    pdf_url: str
    back_url: str
    reason: str = ""
    cancel: Act | None = None


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement in a list; `due_cents` is what the comptable has still to give back on it."""

    id: str
    number: str
    made_at: datetime
    total_cents: int
    due_cents: int
    pdf_url: str


@dataclass(frozen=True, slots=True)
class MovementRow:
    """Money that came to the fund or left it."""

    made_at: datetime
    word: str
    where: str
    amount_cents: int
    reference: str


@dataclass(frozen=True, slots=True)
class ReplenishView:
    """What waits to be given back, and money that comes or goes.

    `state` makes a statement of `waiting` (POST `key`); `move_url` takes `key`, `kind` (a statement's is
    "replenished:<id>"), `place`, `amount` and `reference`.
    """

    waiting_cents: int
    waiting: tuple[ExpenseRow, ...]
    state: Act | None
    key: str
    statements: tuple[StatementRow, ...]
    move_url: str
    move_key: str
    kinds: tuple[Choice, ...]
    places: tuple[Choice, ...]
    movements: tuple[MovementRow, ...] = ()


@dataclass(frozen=True, slots=True)
class AdvancePage:
    """`advance.html`: exactly one of the steps is there; without an advance, `refused` says so."""

    place: str
    office: str
    links: tuple[StepLink, ...]
    steps: tuple[StepLink, ...] = ()
    fund: FundView | None = None
    paying: PayingView | None = None
    expense: ExpenseView | None = None
    replenish: ReplenishView | None = None
    refused: str = ""
    refused_todo: str = ""
