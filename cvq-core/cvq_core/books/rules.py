"""Lines and totals of a cash office's books, as pure functions.

Plus is what came in, minus is what went back or was paid over; all amounts are cents. Nothing is dated back: what is
written belongs to the civil day on which the server wrote it, so a month that is over never changes, and a
counter-entry stands in the month in which it was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cvq_core.books.periods import Period
from cvq_core.errors import N_, Forbidden, NotFound
from cvq_core.ledger.rules import TransactionKind
from cvq_core.offices.rules import Means
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode

SEVERAL_SERVICES = "several"
TO_CLASSIFY = "to_classify"
OTHER_PLACES_WORDS: dict[str, str] = {
    SEVERAL_SERVICES: N_("Factures de plusieurs services"),
    TO_CLASSIFY: N_("À classer"),
}
"""What a line is for, where it is for no one service."""


class UnknownBook(NotFound):
    """No office or place has this id, or this person may not read its books."""

    slug = "unknown-book"
    message = N_("Cette régie n’existe pas, ou ses livres ne vous sont pas ouverts.")


class NotTheBookkeeper(Forbidden):
    """Only the office's officer, or the substitute, closes its months."""

    slug = "not-the-bookkeeper"
    message = N_("Seul le régisseur, ou son suppléant, arrête un mois.")
    what_to_do = N_("Demandez-lui de le faire.")


class BookMissing(NotFound):
    """The edition is not made yet, or was removed since."""

    slug = "book-missing"
    message = N_("Cette édition n’existe pas, ou pas encore.")
    what_to_do = N_("Attendez qu’elle soit prête, ou demandez-la de nouveau.")


class LineKind(StrEnum):
    """What a line of the journal is."""

    RECEIPT = "receipt"
    VOID = "void"
    ONLINE = "online"
    DEBIT = "debit"
    RETURNED = "returned"


LINE_WORDS: dict[LineKind, str] = {
    LineKind.RECEIPT: N_("quittance"),
    LineKind.VOID: N_("annulation"),
    LineKind.ONLINE: N_("paiement en ligne"),
    LineKind.DEBIT: N_("prélèvement"),
    LineKind.RETURNED: N_("prélèvement revenu"),
}


@dataclass(frozen=True, slots=True)
class BookLine:
    """One line of the journal: what one payment brought for one account, in cents.

    A payment for several accounts has as many lines under its number. `account` is the family account's number: no
    name is in the books. `service` is a `ServiceCode` or a key of `OTHER_PLACES_WORDS`. `voids` is the number of what
    it takes back; `slip` carries it away from its place, `treasury_slip` to the comptable.
    """

    row: int
    kind: LineKind
    number: str
    at: datetime
    place: str
    by: str
    account: str
    service: str
    means: Means
    amount_cents: int
    voids: str = ""
    slip: str = ""
    treasury_slip: str = ""

    @property
    def is_taken_back(self) -> bool:
        """Whether it gives back what another line brought."""
        return self.kind in (LineKind.VOID, LineKind.RETURNED)


def service_word(service: str) -> str:
    """Return what a line is for, in French."""
    return OTHER_PLACES_WORDS.get(service) or SERVICE_LABELS[ServiceCode(service)]


@dataclass(slots=True)
class Total:
    """So many cents, and the lines that they are made of: how many, from which to which."""

    received_cents: int = 0
    taken_back_cents: int = 0
    lines: int = 0
    first: str = ""
    last: str = ""
    first_row: int = 0
    last_row: int = 0

    @property
    def cents(self) -> int:
        """What remains: what came in less what was taken back."""
        return self.received_cents + self.taken_back_cents

    def add(self, line: BookLine) -> None:
        """Count a line that comes after those which are counted."""
        if line.is_taken_back:
            self.taken_back_cents += line.amount_cents
        else:
            self.received_cents += line.amount_cents
        if not self.lines:
            self.first, self.first_row = line.number, line.row
        self.lines += 1
        self.last, self.last_row = line.number, line.row


@dataclass(slots=True)
class Totals:
    """The totals of a journal by service and means, added up while it is read."""

    by_both: dict[tuple[str, Means], Total] = field(default_factory=dict)
    by_service: dict[str, Total] = field(default_factory=dict)
    by_means: dict[Means, Total] = field(default_factory=dict)
    all: Total = field(default_factory=Total)

    def add(self, line: BookLine) -> None:
        """Count a line in each total that it is part of."""
        self.by_both.setdefault((line.service, line.means), Total()).add(line)
        self.by_service.setdefault(line.service, Total()).add(line)
        self.by_means.setdefault(line.means, Total()).add(line)
        self.all.add(line)

    def services(self) -> list[str]:
        """Return the services that have lines, in the order of lists."""
        order = [*(code.value for code in ServiceCode), *OTHER_PLACES_WORDS]
        return sorted(self.by_service, key=order.index)

    def means(self) -> list[Means]:
        """Return the means that have lines, in the order of lists."""
        return [means for means in Means if means in self.by_means]


def totals_of(lines: Iterable[BookLine]) -> Totals:
    """Return the totals of some lines."""
    totals = Totals()
    for line in lines:
        totals.add(line)
    return totals


class Movement(StrEnum):
    """Why what an office holds changed."""

    RECEIVED = "received"
    TAKEN_BACK = "taken_back"
    DIFFERENCE = "difference"
    INTEGRATED = "integrated"
    REMITTED = "remitted"
    DEPOSITED = "deposited"
    BOUNCED = "bounced"
    OTHER = "other"


MOVEMENT_WORDS: dict[Movement, str] = {
    Movement.RECEIVED: N_("Encaissé"),
    Movement.TAKEN_BACK: N_("Annulé ou revenu"),
    Movement.DIFFERENCE: N_("Écarts de caisse"),
    Movement.INTEGRATED: N_("Reçu des sous-régies"),
    Movement.REMITTED: N_("Versé"),
    Movement.DEPOSITED: N_("Chèques remis à la banque"),
    Movement.BOUNCED: N_("Chèques impayés"),
    Movement.OTHER: N_("Autres mouvements"),
}
_MOVEMENTS = {
    TransactionKind.DRAWER_CLOSED: Movement.DIFFERENCE,
    TransactionKind.DIFFERENCE: Movement.DIFFERENCE,
    TransactionKind.INTEGRATED: Movement.INTEGRATED,
    TransactionKind.REMITTED: Movement.REMITTED,
    TransactionKind.DEPOSITED: Movement.DEPOSITED,
}


def movement_of(kind: TransactionKind, reverses: TransactionKind | None, *, in_journal: bool) -> Movement:
    """Return why a transaction moved what is held; `reverses` is the kind of what it takes back.

    A bounced cheque names the payment that never was. What stands in the journal was received, or taken back; anything
    else is told by its kind.
    """
    if kind is TransactionKind.BOUNCED:
        return Movement.BOUNCED
    if in_journal:
        return Movement.RECEIVED if reverses is None else Movement.TAKEN_BACK
    return _MOVEMENTS.get(reverses or kind, Movement.OTHER)


@dataclass(frozen=True, slots=True)
class HeldLine:
    """What was held by one means at the beginning, why it changed, and what was held at the end, in cents."""

    means: Means
    opening_cents: int
    moved: Mapping[Movement, int]

    @property
    def closing_cents(self) -> int:
        """What was held at the end."""
        return self.opening_cents + sum(self.moved.values())


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account of the general balance: plus is credit, minus is debit; `debit_cents` is written without its sign."""

    key: str
    label: str
    opening_cents: int
    debit_cents: int
    credit_cents: int

    @property
    def closing_cents(self) -> int:
        """What its postings add up to at the end."""
        return self.opening_cents + self.credit_cents - self.debit_cents


@dataclass(frozen=True, slots=True)
class CashAt:
    """Cash at the end of a period, in cents, floats included: in safes, in open drawers, on its way to the office."""

    safe_cents: int
    drawers_cents: int
    on_its_way_cents: int
    float_cents: int

    @property
    def beyond_float_cents(self) -> int:
        """What is to be paid over."""
        return self.safe_cents + self.drawers_cents + self.on_its_way_cents - self.float_cents


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance of a period: what is held by means, the cash in detail, every account, and what waits."""

    held: tuple[HeldLine, ...]
    cash: CashAt
    accounts: tuple[AccountLine, ...]
    to_classify_cents: int

    @property
    def opening_cents(self) -> int:
        """What was held at the beginning."""
        return sum(line.opening_cents for line in self.held)

    @property
    def closing_cents(self) -> int:
        """What was held at the end."""
        return sum(line.closing_cents for line in self.held)

    def moved(self, movement: Movement) -> int:
        """Return what changed for one reason, by all means together."""
        return sum(line.moved.get(movement, 0) for line in self.held)

    def movements(self) -> Sequence[Movement]:
        """Return the reasons that there are; what was received, taken back and paid over is always told."""
        told = (Movement.RECEIVED, Movement.TAKEN_BACK, Movement.DIFFERENCE, Movement.REMITTED)
        return [each for each in Movement if each in told or self.moved(each) or self._is_moved(each)]

    def _is_moved(self, movement: Movement) -> bool:
        return any(line.moved.get(movement) for line in self.held)


def disagreement(totals: Totals, balance: Balance) -> str:
    """Return where journal and ledger do not say the same, nothing where they do, as they must."""
    for line in balance.held:
        total = totals.by_means.get(line.means, Total())
        said = (total.received_cents, total.taken_back_cents)
        held = (line.moved.get(Movement.RECEIVED, 0), line.moved.get(Movement.TAKEN_BACK, 0))
        if said != held:
            return f"{line.means.value}: the journal says {said}, the ledger {held}"
    if missing := set(totals.by_means) - {line.means for line in balance.held}:
        return f"{', '.join(sorted(missing))}: in the journal alone"
    for column in ("opening_cents", "closing_cents"):
        if total_cents := sum(getattr(account, column) for account in balance.accounts):
            return f"the accounts' {column} add up to {total_cents}"
    return ""


class EditionState(StrEnum):
    """How far an edition is."""

    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


class BookFormat(StrEnum):
    """The files of an edition."""

    JOURNAL_PDF = "journal_pdf"
    BALANCE_PDF = "balance_pdf"
    JOURNAL_CSV = "journal_csv"
    BALANCE_CSV = "balance_csv"
    XLSX = "xlsx"


FORMAT_FILES: dict[BookFormat, tuple[str, str, str]] = {
    BookFormat.JOURNAL_PDF: ("journal", "pdf", "application/pdf"),
    BookFormat.BALANCE_PDF: ("balance", "pdf", "application/pdf"),
    BookFormat.JOURNAL_CSV: ("journal", "csv", "text/csv"),
    BookFormat.BALANCE_CSV: ("balance", "csv", "text/csv"),
    BookFormat.XLSX: ("livres", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
"""What each is called, how its name ends, and its type."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands over an edition: whose books, which period, and what kind of copy it is."""

    office: str
    office_code: str
    founding_act: str
    label: str
    code: str
    is_office: bool
    period: Period
    number: int | None
    copy: int
    as_of: datetime

    @property
    def number_word(self) -> str:
        """Return the edition's number as it is printed: "CVQ-L-000007"; nothing for a provisional one."""
        return f"{self.office_code}-L-{self.number:06d}" if self.number else ""

    @property
    def mark(self) -> str:
        """What is framed over it: that it is provisional, or a duplicate."""
        if self.number is None:
            return N_("ÉDITION PROVISOIRE")
        return f"DUPLICATA N° {self.copy}" if self.copy else ""

    def file_name(self, kind: BookFormat) -> str:
        """Return what a file of it is called."""
        name, suffix, _ = FORMAT_FILES[kind]
        return f"{name}-{self.code}-{self.period.word}{f'-{self.number:06d}' if self.number else ''}.{suffix}"
