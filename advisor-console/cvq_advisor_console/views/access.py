"""Doors, gates and tablets as those who manage a service see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cvq_advisor_console.views.books import Choice
from cvq_core.web.views import Act


@dataclass(frozen=True, slots=True)
class Region:
    """Where a part of the page is fetched anew; it has no topic, the page asks every few seconds."""

    url: str
    topics: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PointRow:
    """A point: its mode, whether its reader answers, and what passed today."""

    url: str
    label: str
    site: str
    mode: str
    mode_tone: str
    reader: str
    reader_tone: str
    allowed: int
    refused: int


@dataclass(frozen=True, slots=True)
class AreaRow:
    """How many are inside; `percent` None without a limit."""

    label: str
    inside: int
    capacity: int | None
    percent: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a door, a controller or a card gives to know."""

    at: datetime
    where: str
    words: str
    tone: str


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """A late tap that does not agree; POST `url` with `outcome` and `reason`, `outcomes` being those that can be.

    Hour and point are known as long as the tap is kept.
    """

    url: str
    day: date
    at: datetime | None
    words: str
    point: str
    person: str
    account: str
    amount_cents: int
    outcomes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a point would answer, and why."""

    allowed: bool
    person: str
    point: str
    at: datetime
    display_short: str
    display_long: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TryForm:
    """The question "show me this card at this door then": POST `url`; what was typed comes back."""

    url: str
    points: tuple[Choice, ...]
    number: str = ""
    day: str = ""
    hour: str = ""
    error: str = ""
    found: Found | None = None


@dataclass(frozen=True, slots=True)
class AccessNow:
    """What changes from one minute to the next."""

    region: Region
    points: tuple[PointRow, ...] = ()
    areas: tuple[AreaRow, ...] = ()
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessPage:
    """`access.html`: a service's doors now, the question why, and what waits to be settled."""

    url: str
    services: tuple[Choice, ...]
    service: str
    now: AccessNow
    two_sites: tuple[Told, ...] = ()
    ask: TryForm | None = None
    conflicts: tuple[ConflictRow, ...] = ()
    new_url: str = ""
    areas_url: str = ""


@dataclass(frozen=True, slots=True)
class TapRow:
    """One presentation: who, when, what was answered. `late` came in after the line was cut."""

    at: datetime
    person: str
    words: str
    allowed: bool
    late: bool


@dataclass(frozen=True, slots=True)
class TapsNow:
    """The last presentations at a point."""

    region: Region
    rows: tuple[TapRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ModeChoice:
    """A mode that a point can be set to, in words."""

    value: str
    label: str
    help: str
    current: bool
    set: Act | None


@dataclass(frozen=True, slots=True)
class PointPage:
    """`access_point.html`: one point, its modes and who passes."""

    label: str
    site: str
    back_url: str
    modes: tuple[ModeChoice, ...]
    mode_url: str
    facts: tuple[tuple[str, str], ...]
    taps: TapsNow
    settings_url: str = ""
    rights_url: str = ""
