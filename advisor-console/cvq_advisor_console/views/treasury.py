"""The officer's page of the account at the Treasury: cheques, the statement, what stays unpaid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from cvq_advisor_console.views.cash import SlipRow, StepLink
from cvq_core.web.views import Act, Region


@dataclass(frozen=True, slots=True)
class ChequeRow:
    """A cheque that can be banked; `value` is what its box sends. `late` where the next working day is over."""

    value: str
    number: str
    bank: str
    drawer_name: str
    receipt: str
    family: str
    place: str
    collected_on: date
    amount_cents: int
    late: bool = False


@dataclass(frozen=True, slots=True)
class BankedRow:
    """A cheque at the bank; `state` says what became of it."""

    url: str
    number: str
    drawer_name: str
    receipt: str
    deposit: str
    amount_cents: int
    state: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class ChequesView:
    """Cheques to bank. POST `key` and a `cheque` for each to `url`; POST `q` to `search_url`."""

    url: str
    key: str
    cheques: tuple[ChequeRow, ...]
    total_cents: int
    deposits: tuple[SlipRow, ...]
    bounced: tuple[BankedRow, ...]
    search_url: str
    query: str = ""
    found: tuple[BankedRow, ...] = ()
    searched: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class DepositedRow:
    """A cheque on a slip."""

    number: str
    bank: str
    drawer_name: str
    receipt: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class DepositView:
    """One deposit, with what may be done about it."""

    id: str
    title: str
    number: str
    made_at: datetime
    cheques: tuple[DepositedRow, ...]
    total_cents: int
    pdf_url: str
    next_url: str
    state: str
    tone: str = ""
    reason: str = ""
    prints_at_once: bool = False
    cancel: Act | None = None


@dataclass(frozen=True, slots=True)
class ReasonChoice:
    """A reason that a bank gives."""

    value: str
    word: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class ChequeView:
    """One cheque at the bank. POST `key`, `reason`, `bounced_on`, `fees` (euros) to `bounce` while it may come back."""

    number: str
    bank: str
    drawer_name: str
    receipt: str
    family: str
    lines: tuple[tuple[str, int], ...]
    amount_cents: int
    deposit: str
    deposit_url: str
    banked_on: date
    today: date
    next_url: str
    bounce: Act | None = None
    key: str = ""
    reasons: tuple[ReasonChoice, ...] = ()
    fees: str = ""
    bounced_on: date | None = None
    reason: str = ""
    fees_cents: int = 0
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """A movement that is expected; `value` is what its box sends, `age_days` count from its day."""

    value: str
    day: date
    word: str
    label: str
    amount_cents: int
    age_days: int


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One way to read a line. POST `key`, `line` and an `item` for each of `values`; none where the sums differ."""

    values: tuple[str, ...]
    labels: tuple[str, ...]
    why: str
    amount_cents: int
    differs_cents: int = 0


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of the statement that is not matched; `key` is the id of what is decided about it."""

    value: str
    key: str
    day: date
    label: str
    amount_cents: int
    age_days: int
    readings: tuple[ReadingRow, ...] = ()
    word: str = ""


@dataclass(frozen=True, slots=True)
class MatchRow:
    """A decision. `undo` is none where it was undone."""

    lines: tuple[str, ...]
    items: tuple[str, ...]
    amount_cents: int
    why: str
    who: str
    decided_at: datetime
    state: str
    tone: str
    undo: Act | None = None


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that was taken in."""

    name: str
    first_day: date
    last_day: date
    imported_at: datetime
    lines: int
    known: int


@dataclass(frozen=True, slots=True)
class StatementView:
    """Both sides that are not matched. POST `key`, `line`s, `item`s and `note` to `decide_url`."""

    region: Region
    lines: tuple[LineRow, ...]
    lines_cents: int
    items: tuple[ExpectedRow, ...]
    items_cents: int
    matches: tuple[MatchRow, ...]
    files: tuple[FileRow, ...]
    import_url: str
    decide_url: str
    key: str
    match: Act
    csv_url: str
    xlsx_url: str
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class DebtRow:
    """What a family owes on one invoice or wallet; of it `handed_cents` are with the comptable."""

    label: str
    since: date
    age_days: int
    owed_cents: int
    handed_cents: int


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """A family that owes. Its box, where `claimable_cents` is not zero, sends `value` as `keep` when it is kept."""

    value: str
    number: str
    label: str
    debts: tuple[DebtRow, ...]
    open_cents: int
    handed_cents: int
    claimable_cents: int
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class AgeRow:
    """What is owed in one span of days."""

    word: str
    cents: int


@dataclass(frozen=True, slots=True)
class RuleView:
    """The setting in force. POST `key`, `threshold` (euros), `grace_days`, `source`, `valid_from` to `url`."""

    url: str
    key: str
    words: str
    threshold: str
    grace_days: str
    source: str
    valid_from: date
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnpaidView:
    """Who owes what at a day. POST `key`, `total` (cents) and a `keep` for each family left out to `hand_over`."""

    url: str
    day: date
    families: tuple[FamilyRow, ...]
    owed_cents: int
    handed_cents: int
    claimable_cents: int
    claimable: int
    ages: tuple[AgeRow, ...]
    states: tuple[SlipRow, ...]
    rule: RuleView
    key: str
    csv_url: str
    xlsx_url: str
    hand_over: Act | None = None
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class HandedRow:
    """A debt on a list, and what became of it."""

    account: str
    who: str
    label: str
    since: date
    amount_cents: int
    paid_cents: int
    cancelled_cents: int
    left_cents: int


@dataclass(frozen=True, slots=True)
class UnpaidStateView:
    """One list for the comptable, with what may be done about it."""

    id: str
    title: str
    number: str
    made_at: datetime
    rows: tuple[HandedRow, ...]
    families: int
    total_cents: int
    paid_cents: int
    cancelled_cents: int
    left_cents: int
    pdf_url: str
    csv_url: str
    xlsx_url: str
    next_url: str
    state: str
    tone: str
    reason: str = ""
    hidden: int = 0
    withdraw: Act | None = None


@dataclass(frozen=True, slots=True)
class TreasuryPage:
    """`treasury.html`: exactly one of the steps is there."""

    office: str
    links: tuple[StepLink, ...]
    cheques: ChequesView | None = None
    deposit: DepositView | None = None
    cheque: ChequeView | None = None
    statement: StatementView | None = None
    unpaid: UnpaidView | None = None
    unpaid_state: UnpaidStateView | None = None
