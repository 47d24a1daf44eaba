"""Minutes: what was written, a count without the books in sight, and books beside count before both sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cvq_advisor_console.views.advances import Choice
from cvq_advisor_console.views.cash import StepLink


@dataclass(frozen=True, slots=True)
class MinuteRow:
    """A minute in a list."""

    number: str
    made_at: datetime
    kind: str
    place: str
    parties: str
    url: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class MinutesView:
    """The latest minutes. A GET of `begin_url` with `sorte` and `endroit` begins one."""

    begin_url: str
    kinds: tuple[Choice, ...]
    places: tuple[Choice, ...]
    minutes: tuple[MinuteRow, ...]


@dataclass(frozen=True, slots=True)
class PieceField:
    """How many of one note or coin; the field is `name`."""

    name: str
    cents: int


@dataclass(frozen=True, slots=True)
class LineField:
    """One thing to count: cash note by note, an amount in euros, or a number; the field is `name`."""

    name: str
    label: str
    unit: str
    notes: tuple[PieceField, ...] = ()
    coins: tuple[PieceField, ...] = ()


@dataclass(frozen=True, slots=True)
class CountingView:
    """A count, its parties first; POST to `url`. `fields` go along."""

    url: str
    title: str
    place: str
    is_handover: bool
    fields: Mapping[str, str]
    lines: tuple[LineField, ...]
    outgoing: tuple[Choice, ...] = ()
    incoming: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A line of the books beside what was counted, in words; `explain` is the field where a difference is explained."""

    label: str
    books: str
    counted: str
    difference: str
    explain: str = ""
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class ComparingView:
    """Books beside count; POST to `url` signs. `fields` go along."""

    url: str
    title: str
    place: str
    parties: tuple[str, str]
    rows: tuple[ComparedRow, ...]
    fields: Mapping[str, str]
    back_url: str
    ends: str = ""


@dataclass(frozen=True, slots=True)
class MinuteView:
    """A minute as it was written."""

    id: str
    title: str
    number: str
    made_at: datetime
    place: str
    parties: tuple[str, ...]
    rows: tuple[ComparedRow, ...]
    facts: tuple[tuple[str, str], ...]
    pdf_url: str
    back_url: str
    ends: str = ""


@dataclass(frozen=True, slots=True)
class DestroyView:
    """Values to destroy. POST `key`, `kind`, `numbers`, `holder`, `witness`, `reason` to `url`."""

    url: str
    key: str
    kinds: tuple[Choice, ...]
    holders: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class MinutesPage:
    """`minutes.html`: exactly one of the steps is there."""

    place: str
    office: str
    links: tuple[StepLink, ...]
    steps: tuple[StepLink, ...] = ()
    minutes: MinutesView | None = None
    counting: CountingView | None = None
    comparing: ComparingView | None = None
    minute: MinuteView | None = None
    destroy: DestroyView | None = None
