"""Founding acts: the list of offices, one office with all that was ever decided of it, a change, its last question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class OfficeLine:
    """One office in the list."""

    url: str
    label: str
    code: str
    places: int


@dataclass(frozen=True, slots=True)
class OfficesPage:
    """`acts.html` without an office."""

    offices: tuple[OfficeLine, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A limit in words."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class PlaceCard:
    """A place, what it collects today, and the days on which that changes."""

    label: str
    code: str
    is_main: bool
    services: tuple[str, ...]
    means: tuple[str, ...]
    vouchers: tuple[Fact, ...]
    limits: tuple[Fact, ...]
    planned: tuple[date, ...]
    act_url: str
    limits_url: str
    closed_on: date | None = None


@dataclass(frozen=True, slots=True)
class AppointmentRow:
    """Somebody's appointment; `state` is now, planned or over."""

    name: str
    title: str
    place: str
    valid_from: date
    valid_until: date | None
    state: str
    end_url: str


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One thing that a change says anew."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change that was written down."""

    title: str
    place: str
    holds_from: date
    order: str
    signed_on: date
    written_by: str
    changed_at: datetime
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True)
class OfficePage:
    """`acts.html` with an office; the addresses of changes are shown where `may_change`."""

    label: str
    code: str
    founding_act: str
    limits: tuple[Fact, ...]
    places: tuple[PlaceCard, ...]
    appointments: tuple[AppointmentRow, ...]
    past: tuple[AppointmentRow, ...]
    changes: tuple[ChangeRow, ...]
    may_change: bool
    limits_url: str
    appoint_url: str


@dataclass(frozen=True, slots=True)
class Option:
    """One of several to choose from."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class FormField:
    """A field; `kind` is text, date, amount, number, one (of `options`) or several (each a field of its own)."""

    name: str
    label: str
    kind: str = "text"
    value: str = ""
    hint: str = ""
    error: str = ""
    required: bool = True
    options: tuple[Option, ...] = ()
    suggestions: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class ActFormPage:
    """`act_form.html`: a change as the order says it."""

    title: str
    about: str
    url: str
    back_url: str
    key: str
    fields: tuple[FormField, ...]
    refused: str = ""
    refused_todo: str = ""


@dataclass(frozen=True, slots=True)
class ActConfirmPage:
    """`act_confirm.html`: what would change, before it does."""

    title: str
    about: str
    url: str
    holds_from: date
    order: str
    signed_on: date
    lines: tuple[DiffLine, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
