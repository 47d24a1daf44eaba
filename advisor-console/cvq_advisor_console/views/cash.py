"""The sub-office's page: a mandatary opens a drawer, collects, gives receipts, counts and closes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from cvq_core.web.views import Act


@dataclass(frozen=True, slots=True)
class MeansTotal:
    """What came in by one means: how many receipts, how much."""

    word: str
    receipt_count: int
    total_cents: int


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A receipt of the open drawer; `pdf_url` prints it again, marked as a duplicate."""

    number: str
    issued_at: datetime
    name: str
    means_word: str
    total_cents: int
    pdf_url: str
    voided: bool = False
    void: Act | None = None


@dataclass(frozen=True, slots=True)
class CeilingView:
    """What a place or its office holds against its ceiling; `warned` from 80 % on."""

    place: str
    held_cents: int
    ceiling_cents: int
    percent: int
    warned: bool = False
    reached: bool = False


@dataclass(frozen=True, slots=True)
class DrawerView:
    """The open drawer, always in sight; `expected_cents` is the cash that must lie in it."""

    opened_at: datetime
    float_cents: int
    expected_cents: int
    by_means: tuple[MeansTotal, ...] = ()
    receipts: tuple[ReceiptRow, ...] = ()
    count_url: str = ""
    ceilings: tuple[CeilingView, ...] = ()


@dataclass(frozen=True, slots=True)
class OpeningView:
    """No drawer is open. POST `float` (euros, "50,00") and `drawer_id`, made with the form, to `url`."""

    url: str
    drawer_id: str
    float_limit_cents: int
    float_value: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class PayerFound:
    """A family account that the search found; `url` chooses it."""

    name: str
    url: str
    family: str = ""
    birth_date: date | None = None
    commune: str = ""
    card_digits: str = ""


@dataclass(frozen=True, slots=True)
class PayerSearch:
    """Who pays: POST `q` to `url` answers with the page, to `fragment_url` with `fragments/cash_payers.html`."""

    url: str
    fragment_url: str
    query: str = ""
    found: tuple[PayerFound, ...] = ()
    searched: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class PriceChoice:
    """What one unit costs some of the family today, and why: a button that adds `cents` to the wallet's amount."""

    label: str
    names: str
    cents: int
    why: str


@dataclass(frozen=True, slots=True)
class WalletLine:
    """One wallet that can be topped up; `field_name` carries the amount in euros. `why_not` where it may not be."""

    field_name: str
    service: str
    balance_cents: int
    value: str = ""
    error: str = ""
    why_not: str = ""
    prices: tuple[PriceChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One invoice on which something is due; `field_name` carries the amount in euros."""

    field_name: str
    label: str
    due_on: date
    due_cents: int
    value: str = ""
    error: str = ""
    why_not: str = ""
    paper_url: str = ""


@dataclass(frozen=True, slots=True)
class VoucherLine:
    """Vouchers of one face value: the fields `f<n>` (euros) and `n<n>` (how many)."""

    index: int
    face_value: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class DetailsFields:
    """What is noted of a cheque, a card payment or vouchers, as it was written."""

    cheque_number: str = ""
    cheque_bank: str = ""
    cheque_drawer: str = ""
    card_reference: str = ""
    vouchers: tuple[VoucherLine, ...] = tuple(VoucherLine(index) for index in range(1, 5))


@dataclass(frozen=True, slots=True)
class MeansChoice:
    """A means that the founding act enumerates."""

    value: str
    word: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class CollectingView:
    """Amounts and means, for one family. POST to `url`, which answers with what is to be confirmed.

    The form sends `account_id`, each wallet's amount, `means`, `tendered` (euros; for cash). `quick_cents` are the
    amounts of the buttons.
    """

    url: str
    account_id: str
    family: str
    payer: str
    wallets: tuple[WalletLine, ...]
    means: tuple[MeansChoice, ...]
    tendered_value: str = ""
    invoices: tuple[InvoiceLine, ...] = ()
    details: DetailsFields = field(default_factory=DetailsFields)
    quick_cents: tuple[int, ...] = (500, 1000, 2000, 5000)
    limit_words: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    change_payer_url: str = ""


@dataclass(frozen=True, slots=True)
class ConfirmLine:
    """One line of what is about to be collected; of an invoice, what stays due on it."""

    service: str
    amount_cents: int
    balance_after_cents: int
    is_invoice: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmView:
    """The last look before the receipt. `fields` go along with `collect` and with the way back (GET `back_url`)."""

    family: str
    lines: tuple[ConfirmLine, ...]
    total_cents: int
    means_word: str
    tendered_cents: int
    change_cents: int
    fields: Mapping[str, str]
    collect: Act
    back_url: str
    details_words: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptDone:
    """The receipt that was just issued; it prints by itself once."""

    id: str
    number: str
    name: str
    total_cents: int
    change_cents: int
    pdf_url: str
    next_url: str
    void: Act | None = None


@dataclass(frozen=True, slots=True)
class CountLine:
    """One note or coin; the form's field is `d<cents>`."""

    denomination_cents: int
    number: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class CountView:
    """The count that closes the drawer. POST `d<cents>` for each denomination to `url`."""

    url: str
    notes: tuple[CountLine, ...]
    coins: tuple[CountLine, ...]
    error: str = ""
    back_url: str = ""


@dataclass(frozen=True, slots=True)
class CountedView:
    """The closed drawer: what should be there, what was, and the difference, which is written and never hidden."""

    closed_at: datetime
    expected_cents: int
    counted_cents: int
    difference_cents: int
    by_means: tuple[MeansTotal, ...]
    float_cents: int
    minute_url: str = ""
    next_url: str = ""


@dataclass(frozen=True, slots=True)
class StepLink:
    """Another thing to do at this place; `key` is its shortcut."""

    label: str
    url: str
    key: str
    icon: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class HeldView:
    """What the place holds outside of drawers and could pay over; `reason` says why it is to do so now.

    `to_classify_cents` came online too, and stays until somebody decides where it goes.
    """

    cash_cents: int
    others: tuple[MeansTotal, ...]
    total_cents: int
    ceilings: tuple[CeilingView, ...] = ()
    reason: str = ""
    to_classify_cents: int = 0


@dataclass(frozen=True, slots=True)
class SlipRow:
    """A remittance in a list."""

    number: str
    made_at: datetime
    total_cents: int
    url: str
    state: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class RemitView:
    """What is paid over, counted. POST `key` and `d<cents>` for each denomination to `url`."""

    url: str
    key: str
    to_words: str
    alongside: str
    held: HeldView
    notes: tuple[CountLine, ...]
    coins: tuple[CountLine, ...]
    slips: tuple[SlipRow, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class DrawerRow:
    """A closed drawer on a slip: its receipts from the first to the last, and what it took."""

    opened_at: datetime
    receipts: str
    by_means: tuple[MeansTotal, ...]
    difference_cents: int


@dataclass(frozen=True, slots=True)
class BankRow:
    """What came by the bank on one day, or one payment that was decided, with its reference."""

    means_word: str
    kind_word: str
    day: date
    reference: str
    payments: int
    total_cents: int


@dataclass(frozen=True, slots=True)
class SlipView:
    """One remittance. `cancel`, `accept` (POST `counted`, in euros) and `send_back` where they are allowed."""

    id: str
    title: str
    number: str
    place: str
    made_at: datetime
    by_means: tuple[MeansTotal, ...]
    total_cents: int
    cash_cents: int
    drawers: tuple[DrawerRow, ...]
    pdf_url: str
    next_url: str
    state: str
    tone: str = ""
    reason: str = ""
    bank: tuple[BankRow, ...] = ()
    to_classify_cents: int = 0
    prints_at_once: bool = False
    cancel: Act | None = None
    accept: Act | None = None
    send_back: Act | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class PendingView:
    """What the places paid over, for the officer to check and integrate."""

    slips: tuple[SlipRow, ...]


@dataclass(frozen=True, slots=True)
class LookupView:
    """Receipts by number, day or family. POST `number`, `day`, `family` to `url`."""

    url: str
    number: str = ""
    day: str = ""
    family: str = ""
    receipts: tuple[ReceiptRow, ...] = ()
    total_cents: int = 0
    searched: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlaceChoice:
    """A place where the person may collect today."""

    id: str
    label: str
    current: bool


@dataclass(frozen=True, slots=True)
class CashPage:
    """`cash.html`: exactly one of the steps is there; `refused` says why nothing can be collected at all."""

    place: str
    office: str
    drawer: DrawerView | None = None
    opening: OpeningView | None = None
    search: PayerSearch | None = None
    collecting: CollectingView | None = None
    confirm: ConfirmView | None = None
    done: ReceiptDone | None = None
    count: CountView | None = None
    counted: CountedView | None = None
    remit: RemitView | None = None
    slip: SlipView | None = None
    pending: PendingView | None = None
    lookup: LookupView | None = None
    held: HeldView | None = None
    links: tuple[StepLink, ...] = ()
    places: tuple[PlaceChoice, ...] = ()
    refused: str = ""
    refused_todo: str = ""
