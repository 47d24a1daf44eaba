"""The secretary's page: who comes, for which organisation, for what and when; today beside it, and the booth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from cvq_core.web.views import Act, NavItem, Region


@dataclass(frozen=True, slots=True)
class PersonFound:
    """Somebody of the base; birth date, commune and the card's last digits tell homonyms apart."""

    id: str
    name: str
    birth_date: date | None = None
    commune: str = ""
    card_digits: str = ""
    card_trouble: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class FoundView:
    """`fragments/found.html`: POST `q` to `search_url` answers it (a page, where no module asked).

    `searched` is false before the first letter. `card_read` is true when `q` was a card's number. `more` says that
    others were left out. `written` is true when the person without an account is chosen.
    """

    search_url: str
    query: str = ""
    people: tuple[PersonFound, ...] = ()
    searched: bool = False
    card_read: bool = False
    more: bool = False
    written: bool = False


@dataclass(frozen=True, slots=True)
class OrganisationChoice:
    """One organisation that can be reached from this town hall."""

    id: str
    name: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class ReasonChoice:
    """One reason of an organisation; `to_bring` are the papers, in words."""

    id: str
    organisation_id: str
    label: str
    to_bring: tuple[str, ...] = ()
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class NowChoice:
    """Coming at once: how long the wait is, in minutes, or why it cannot be; `warning` is said beside it."""

    wait_minutes: int | None = None
    waiting_count: int = 0
    why_not: str = ""
    warning: str = ""
    chosen: bool = True


@dataclass(frozen=True, slots=True)
class Slot:
    """A free beginning; `value` is what the form sends back."""

    value: str
    starts_at: datetime
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class SlotDay:
    """The free beginnings of one day."""

    day: date
    slots: tuple[Slot, ...]
    today: bool = False


@dataclass(frozen=True, slots=True)
class WhenView:
    """`fragments/when.html`: GET `url` with `organisation`, `reason` and the `when` chosen answers it.

    `waiting_for` is a sentence while organisation or reason are not chosen yet. `later` are days that unfold.
    """

    url: str
    now: NowChoice | None = None
    days: tuple[SlotDay, ...] = ()
    later: tuple[SlotDay, ...] = ()
    waiting_for: str = ""


@dataclass(frozen=True, slots=True)
class BookedView:
    """`fragments/booked.html`: what was just booked, with its slip (a PDF) that prints by itself."""

    appointment_id: str
    name: str
    organisation: str
    starts_at: datetime
    slip_url: str
    now: bool = False
    to_bring: tuple[str, ...] = ()
    cancel: Act | None = None


@dataclass(frozen=True, slots=True)
class BookingView:
    """`fragments/booking.html`: the form. POST to `url`: `person_id` ("" for somebody without an account, then
    `written_name` and `written_birth_date`), `organisation`, `reason`, `when` ("now" or a slot's value), and
    `booking_id`, made with the form, so that a form sent twice books once.
    """

    url: str
    booking_id: str
    found: FoundView
    when: WhenView
    organisations: tuple[OrganisationChoice, ...]
    reasons: tuple[ReasonChoice, ...]
    written_name: str = ""
    written_birth_date: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


class RowState(StrEnum):
    """How an appointment of today stands."""

    EXPECTED = "expected"
    ARRIVED = "arrived"
    SEATED = "seated"
    IN_VISIT = "in_visit"
    SERVED = "served"
    ABSENT = "absent"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class TodayRow:
    """One appointment of today. `initials` stand for the name while names are hidden from the queue."""

    id: str
    starts_at: datetime
    name: str
    initials: str
    organisation: str
    state: RowState
    state_since: datetime | None = None
    expect: Act | None = None
    arrive: Act | None = None
    seat: Act | None = None
    mark_absent: Act | None = None
    vouch: Act | None = None
    vouched: bool = False
    slip_url: str = ""


@dataclass(frozen=True, slots=True)
class ComingRow:
    """One appointment of a later day; `move_url` is a page where another hour is chosen."""

    id: str
    starts_at: datetime
    name: str
    initials: str
    organisation: str
    slip_url: str
    move_url: str
    cancel: Act


@dataclass(frozen=True, slots=True)
class TodayView:
    """`fragments/today.html`. `coming` are the appointments of later days, that unfold beneath."""

    region: Region
    place: str
    rows: tuple[TodayRow, ...] = ()
    closes_at: datetime | None = None
    stale_since: datetime | None = None
    coming: tuple[ComingRow, ...] = ()


class BoothState(StrEnum):
    """What the booth is doing, as the secretary needs it."""

    READY = "ready"
    BUSY = "busy"
    RINGING = "ringing"
    WIPING = "wiping"
    CLOSED = "closed"
    OFFLINE = "offline"


class AlertKind(StrEnum):
    """What makes the secretary's page sound."""

    HELP = "help"
    FAINT = "faint"
    PAPER_OUT = "paper_out"
    CARD_FORGOTTEN = "card_forgotten"
    CLOSING_SOON = "closing_soon"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class BoothAlert:
    """Something that wants the secretary; it sounds until `acknowledge` was pressed."""

    id: str
    kind: AlertKind
    title: str
    todo: str
    since: datetime
    acknowledge: Act | None = None


@dataclass(frozen=True, slots=True)
class MachineState:
    """One machine of the booth in words; `tone` is ok, sun, alert or off."""

    name: str
    word: str
    tone: str = "ok"


@dataclass(frozen=True, slots=True)
class BoothHealthView:
    """`fragments/booth_health.html`."""

    region: Region
    state: BoothState
    since: datetime | None = None
    advisor_organisation: str = ""
    checked_at: datetime | None = None
    machines: tuple[MachineState, ...] = ()
    alerts: tuple[BoothAlert, ...] = ()


@dataclass(frozen=True, slots=True)
class SecretaryPage:
    """`secretary.html`. `cash_url` is filled for a mandatary of a sub-office, `places` for who works at several."""

    place: str
    booking: BookingView
    today: TodayView
    booth: BoothHealthView
    booked: BookedView | None = None
    cash_url: str = ""
    places: tuple[NavItem, ...] = ()


@dataclass(frozen=True, slots=True)
class MovePage:
    """`move.html`: another hour for an appointment. POST `when` (a slot's value) to `url`."""

    url: str
    back_url: str
    name: str
    organisation: str
    starts_at: datetime
    when: WhenView
    error: str = ""
