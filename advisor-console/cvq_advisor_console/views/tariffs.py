"""Tariffs: the list, one version as a table, a proposal with its faults, a simulation, an adoption to confirm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version in a list; `state_word` says where it stands, `tone` is the chip's."""

    url: str
    number: int
    title: str
    state_word: str
    tone: str = ""
    valid_from: date | None = None


@dataclass(frozen=True, slots=True)
class ServiceTariffs:
    """A service with what holds today and its other versions, the newest first."""

    service: str
    propose_url: str
    today: VersionLine | None = None
    others: tuple[VersionLine, ...] = ()


@dataclass(frozen=True, slots=True)
class TariffsPage:
    """`tariffs.html`."""

    today: date
    services: tuple[ServiceTariffs, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One line of a price table, in words."""

    for_whom: str
    quotient: str
    price: str


@dataclass(frozen=True, slots=True)
class ItemTable:
    """An item's prices; `siblings` are the reductions by rank, in words."""

    label: str
    code: str
    unit_word: str
    rows: tuple[PriceRow, ...]
    siblings: tuple[str, ...] = ()

    @property
    def has_quotients(self) -> bool:
        """Whether any of its prices hangs on the family quotient."""
        return any(row.quotient for row in self.rows)


@dataclass(frozen=True, slots=True)
class TariffPage:
    """`tariff.html`. `adopt_url` (GET, `valid_from`) leads to the confirmation; "" where it is adopted already."""

    service: str
    line: VersionLine
    decision: str
    proposed_by: str
    proposed_at: datetime
    items: tuple[ItemTable, ...]
    text: str
    list_url: str
    simulate_url: str
    propose_url: str
    file_url: str
    adopt_url: str = ""
    first_day: date | None = None
    chosen_day: str = ""
    error: str = ""
    adopted_by: str = ""
    adopted_at: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class AdoptPage:
    """`tariff_adopt.html`: the last question before a version holds."""

    service: str
    line: VersionLine
    valid_from: date
    replaces: VersionLine | None
    has_other_from: bool
    url: str
    back_url: str


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A fault of the file: its line, what stands there, what is wrong."""

    line: int
    excerpt: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ProposePage:
    """`tariff_propose.html`: POST `key`, `text`."""

    service: str
    url: str
    key: str
    text: str
    list_url: str
    faults: tuple[FaultRow, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Those whom one price of the new tariff is for."""

    item: str
    for_whom: str
    quotient: str
    uses: int
    families: int
    before_cents: int
    after_cents: int


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """A family that would pay something else, by its account's number."""

    number: str
    uses: int
    before_cents: int
    after_cents: int


@dataclass(frozen=True, slots=True)
class SimulationPage:
    """`tariff_simulation.html`; `before` is None where no tariff holds today: then only the new one is counted."""

    service: str
    line: VersionLine
    before: VersionLine | None
    month: str
    is_real: bool
    uses: int
    before_cents: int
    after_cents: int
    groups: tuple[GroupRow, ...]
    dearer_count: int
    cheaper_count: int
    unchanged_count: int
    dearer: tuple[FamilyRow, ...]
    cheaper: tuple[FamilyRow, ...]
    left_out_before: int
    left_out_after: int
    csv_url: str
    xlsx_url: str
    back_url: str
