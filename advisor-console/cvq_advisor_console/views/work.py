"""The console's regions of work: the form, the papers, the printer, the account, the help on a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from cvq_advisor_console.views.invoices import InvoiceRow
from cvq_core.web.views import Act, Region
from cvq_desk.wire import ConsentState


class FieldKind(StrEnum):
    """How a field of a form is filled."""

    TEXT = "text"
    PARAGRAPH = "paragraph"
    DATE = "date"
    CHOICE = "choice"
    CHOICES = "choices"
    YES_NO = "yes_no"
    PHONE = "phone"
    EMAIL = "email"
    MONEY = "money"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. `values` holds what was written or chosen, none or one or several; money is written as "12,50"."""

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    values: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    hint: str = ""
    error: str = ""
    required: bool = False
    current: bool = False
    wide: bool = False
    length_max: int = 500


@dataclass(frozen=True, slots=True)
class FormSection:
    """Fields under one heading; `add` and `remove` where the section can stand several times."""

    title: str
    fields: tuple[FormField, ...]
    add: Act | None = None
    remove: Act | None = None


class SaveState(StrEnum):
    """Where the last key pressed is."""

    EMPTY = "empty"
    SAVED = "saved"
    SAVING = "saving"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class FormChoice:
    """A form that belongs to the reason."""

    title: str
    open: Act


@dataclass(frozen=True, slots=True)
class FormView:
    """`fragments/form.html`: a form of the dossier; its module sends each change of a field to `draft_url`.

    `notes` are what was computed from the answers. Without a `form_id` the forms to choose from are shown.
    """

    region: Region
    form_id: str = ""
    title: str = ""
    draft_url: str = ""
    sections: tuple[FormSection, ...] = ()
    notes: tuple[str, ...] = ()
    save_state: SaveState = SaveState.EMPTY
    saved_at: datetime | None = None
    error_count: int = 0
    choices: tuple[FormChoice, ...] = ()
    read_back: Act | None = None
    print_form: Act | None = None
    complete: Act | None = None
    completed: bool = False
    why_not: str = ""


class ScanState(StrEnum):
    """What the scanner does for this visit."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    TROUBLE = "trouble"
    CANCELLING = "cancelling"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a machine stopped for: what happened, what to tell the resident, what to do then."""

    title: str
    tell: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class FiledDocument:
    """A document of the dossier. `ready` once its text can be searched."""

    title: str
    page_count: int
    filed_at: datetime
    url: str
    file_name: str
    ready: bool = True
    print_it: Act | None = None


@dataclass(frozen=True, slots=True)
class PapersView:
    """`fragments/papers.html`: the scanner's keys, its troubles and what was filed.

    The pages that are not filed yet live in the browser alone: `fragments/strip.html`, outside this region. Filing
    sends them to `file_url` with the `title` chosen among `expected`. `pages_kept` tells that the scan which ended in
    `trouble` brought pages.
    """

    region: Region
    state: ScanState = ScanState.IDLE
    page: int = 0
    pages_max: int = 20
    trouble: Trouble | None = None
    pages_kept: bool = False
    scan_feeder: Act | None = None
    scan_flatbed: Act | None = None
    take_still: Act | None = None
    cancel: Act | None = None
    filed: tuple[FiledDocument, ...] = ()
    expected: tuple[str, ...] = ()
    file_url: str = ""
    why_not: str = ""


class PrintState(StrEnum):
    """How a paper for the resident stands."""

    QUEUED = "queued"
    PRINTING = "printing"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PrintRow:
    """One paper on its way to the booth's printer."""

    id: str
    title: str
    state: PrintState
    since: datetime
    trouble: Trouble | None = None
    cancel: Act | None = None
    again: Act | None = None


@dataclass(frozen=True, slots=True)
class PrintingView:
    """`fragments/printing.html`. A PDF dropped on the zone goes to `drop_url`."""

    region: Region
    rows: tuple[PrintRow, ...] = ()
    drop_url: str = ""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Movement:
    """One posting of a wallet, as its family reads it."""

    day: date
    label: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class NamedAct:
    """Something that can be done, and its word."""

    label: str
    act: Act
    icon: str = "arrow-right"


@dataclass(frozen=True, slots=True)
class WalletRow:
    """One service: what is on it, what an empty one means there, and the latest movements.

    `tickets_left` is set where the service counts tickets. `word` is a state such as "à jour".
    """

    service: str
    balance_cents: int | None = None
    tickets_left: int | None = None
    word: str = ""
    tone: str = ""
    rule: str = ""
    movements: tuple[Movement, ...] = ()
    can: tuple[NamedAct, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member of the family, with the card's state in words."""

    name: str
    role: str
    birth_date: date | None = None
    card_word: str = ""
    card_tone: str = "off"
    card_digits: str = ""
    present: bool = False
    # POST `why` ("lost" or "stolen"), where the resident agreed to it.
    block: Act | None = None


@dataclass(frozen=True, slots=True)
class AttendedRow:
    """That a shared child was at a service on a day, or was absent."""

    day: date
    service: str
    present: bool
    amount_cents: int = 0


@dataclass(frozen=True, slots=True)
class BilledRow:
    """One line of an invoice that is the shared child's, on whichever account."""

    day: date
    number: str
    label: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class SharedChildView:
    """A child who also belongs to another account: the other guardians' names, and what both may know of the child.

    `today` says whose day it is; `masked` what is not shown.
    """

    name: str
    others: str
    masked: str
    today: str = ""
    attended: tuple[AttendedRow, ...] = ()
    billed: tuple[BilledRow, ...] = ()


@dataclass(frozen=True, slots=True)
class LookAtAccount:
    """Somebody's look at this account, or act on it, in words."""

    at: datetime
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class PriceLine:
    """What some members pay for a unit of a service; `explanation` holds the reasons and the price."""

    service: str
    item: str
    names: str
    explanation: str


@dataclass(frozen=True, slots=True)
class FamilyView:
    """A family account; `masked` says what is not shown, and why. `looks` are who saw this account last."""

    name: str
    commune: str
    members: tuple[MemberRow, ...]
    wallets: tuple[WalletRow, ...]
    masked: str = ""
    shared: tuple[SharedChildView, ...] = ()
    looks: tuple[LookAtAccount, ...] = ()
    statement_url: str = ""
    invoices: tuple[InvoiceRow, ...] = ()
    quotient: str = ""
    prices: tuple[PriceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountView:
    """`fragments/account.html`: open only while a consent stands; `consent` is none before it was asked."""

    region: Region
    consent: ConsentState | None = None
    until: datetime | None = None
    families: tuple[FamilyView, ...] = ()
    no_account: bool = False
    closed_because: str = ""


@dataclass(frozen=True, slots=True)
class HelpPage:
    """`help.html` and `fragments/reason_help.html`: what an advisor should know of a reason."""

    reason: str
    organisation: str
    steps: tuple[str, ...] = ()
    to_bring: tuple[str, ...] = ()
    say: tuple[str, ...] = ()
    silence: str = ""
    contact: str = ""
