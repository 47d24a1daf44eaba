"""What an invoice says on paper, as values and pure functions. French."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from cvq_core.particulier.rules import is_siret

NAMES_MAX = 2
ADDRESS_LINES_MAX = 6
"""What the window of an envelope shows (La Poste: six lines)."""

ISSUER_NAME_MAX, ISSUER_LINE_MAX, ISSUER_LINES_MAX = 80, 38, 4
"""Characters and lines of a postal address (La Poste: 38 a line); the name of a community may be longer."""

REMEDIES = (
    "Une question, une erreur ? Adressez-vous à qui envoie cette facture, avant la date limite : elle sera revue avec "
    "vous. "
    "Si elle reste impayée, un titre de recettes peut être émis et recouvré par le comptable public. Vous pouvez alors "
    "en contester le bien-fondé devant la juridiction compétente dans les deux mois qui suivent sa réception (article "
    "L. 1617-5 du code général des collectivités territoriales)."
)


@dataclass(frozen=True)
class Issuer:
    """Who sends the invoices, as the operator sets it; `legal` is what the law or the council wants on them."""

    name: str
    address: tuple[str, ...] = ()
    siret: str = ""
    phone: str = ""
    email: str = ""
    legal: str = ""

    # Settings are read by pydantic, which otherwise leaves a key that it does not know alone.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Refuse what has no room on the paper, and a number that is no SIRET.

        Raises:
            ValueError
        """
        if not self.name.strip() or len(self.name) > ISSUER_NAME_MAX:
            raise ValueError(f"name has not 1 to {ISSUER_NAME_MAX} characters")
        lines = (*self.address, self.phone)
        if len(self.address) > ISSUER_LINES_MAX or any(len(line) > ISSUER_LINE_MAX for line in lines):
            raise ValueError(
                f"address has at most {ISSUER_LINES_MAX} lines, and they {ISSUER_LINE_MAX} characters each"
            )
        if len(self.email) > ISSUER_NAME_MAX:
            raise ValueError(f"email has more than {ISSUER_NAME_MAX} characters")
        if len(self.legal) > 400:
            raise ValueError("legal has more than 400 characters")
        if self.siret and not is_siret(self.siret):
            raise ValueError("siret is no SIRET")

    def lines(self) -> tuple[str, ...]:
        """Return what stands below its name."""
        siret = f"SIRET {self.siret[:3]} {self.siret[3:6]} {self.siret[6:9]} {self.siret[9:]}" if self.siret else ""
        phone = f"Téléphone {self.phone}" if self.phone else ""
        return tuple(line for line in (*self.address, phone, self.email, siret) if line)


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One line of the invoice; `why` says how its price came about."""

    service: str
    label: str
    quantity: int
    unit_cents: int
    amount_cents: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Counter:
    """Where it is paid by hand."""

    label: str
    where: str
    means: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InvoicePaper:
    """Everything that is printed. `copy` 0 is the original; `online_url` and `proximity_code` are "" where unset.

    Of what `is_cancelled` nothing is due and nothing was paid.
    """

    issuer: Issuer
    addressee: tuple[str, ...]
    number: str
    account: str
    label: str
    issued_on: date
    due_on: date
    as_of: date
    lines: tuple[PaperLine, ...]
    total_cents: int
    due_cents: int
    copy: int = 0
    is_cancelled: bool = False
    online_url: str = ""
    counters: tuple[Counter, ...] = ()
    more_counters: int = 0
    is_debited: bool = False
    may_be_debited: bool = False
    proximity_code: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def paid_cents(self) -> int:
        """What was paid on it."""
        return 0 if self.is_cancelled else self.total_cents - self.due_cents

    @property
    def marks(self) -> tuple[str, ...]:
        """What nobody may overlook."""
        settled = "ANNULÉE" if self.is_cancelled else "" if self.due_cents else "PAYÉE"
        return tuple(mark for mark in (f"DUPLICATA N° {self.copy}" if self.copy else "", settled) if mark)


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody to whom an invoice may be sent."""

    name: str
    address: str
    postcode: str
    commune: str

    def where(self) -> tuple[str, ...]:
        """Return the lines of the address, the town as the post wants it; () where it is not known."""
        street = [" ".join(line.split()) for line in self.address.splitlines() if line.strip()]
        town = " ".join(part for part in (self.postcode, self.commune.upper()) if part)
        return (*street[: ADDRESS_LINES_MAX - NAMES_MAX - 1], town) if street and town else ()


def addressee(residents: Sequence[Resident], family: str) -> tuple[str, ...]:
    """Return whom an invoice is sent to: the first whose address is known, with those who live there too.

    `family` stands for people where nobody is noted.
    """
    if not residents:
        return (family,)
    first = next((each for each in residents if each.where()), residents[0])
    together = [first, *(each for each in residents if each is not first and each.where() == first.where())]
    return (*(each.name for each in together[:NAMES_MAX]), *first.where())
