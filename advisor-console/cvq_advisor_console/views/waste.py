"""The waste centres' page: what the attendants' tablets did without a network, and the vehicles that they know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cvq_core.web.views import Act


@dataclass(frozen=True, slots=True)
class OverrunRow:
    """A visit beyond a household's quota: which of how many."""

    at: datetime
    site: str
    name: str
    visit: int
    quota: int


@dataclass(frozen=True, slots=True)
class LateRow:
    """A deposit to look at: `words` say why; `amount_cents` None is one that was not taken."""

    at: datetime
    site: str
    who: str
    words: str
    loads: str
    said_cents: int
    amount_cents: int | None


@dataclass(frozen=True, slots=True)
class VehicleRow:
    """A plate with who comes in it and as what."""

    plate: str
    name: str
    standing: str
    forget: Act


@dataclass(frozen=True, slots=True)
class PlateForm:
    """A plate to register: what was typed, and what is wrong with it."""

    url: str
    plate: str = ""
    card: str = ""
    standings: tuple[tuple[str, str, bool], ...] = ()
    """Value, label, whether it is chosen."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class WastePage:
    """Everything of this year."""

    year: int
    visits_a_year: int | None
    overruns: tuple[OverrunRow, ...]
    late: tuple[LateRow, ...]
    vehicles: tuple[VehicleRow, ...]
    form: PlateForm | None
    """None for who only looks."""
