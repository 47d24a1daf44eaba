"""What is shown of facilities: a week, a reservation to be made, one that is made, and what a manager sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from cvq_advisor_console.views.books import Choice
from cvq_advisor_console.views.cash import PayerSearch
from cvq_core.web.views import Act, Region


@dataclass(frozen=True, slots=True)
class FacilityChoice:
    """A facility that may be chosen."""

    label: str
    site: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class CellView:
    """One time of a week: `url` to reserve it, or of the reservation that has it; `words` say what it is."""

    starts_at: datetime
    ends_at: datetime
    state: str
    words: str
    url: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class DayView:
    """A day's column: its cells by the time at which they begin. `url` reserves free hours of that day."""

    day: date
    cells: tuple[CellView, ...]
    hours: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class WeekRow:
    """One line of a week's table: a cell a day, None where that day has no such time."""

    hour: datetime
    cells: tuple[CellView | None, ...]


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """Somebody who waits for a time, or is offered it."""

    starts_at: datetime
    who: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class WeekView:
    """`reservations.html`: a week of a facility. `rows` where it has slots, else `days` by free hours."""

    region: Region
    label: str
    site: str
    days: tuple[DayView, ...]
    rows: tuple[WeekRow, ...]
    before_url: str
    after_url: str
    today_url: str
    waiting: tuple[WaitingRow, ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """`reservations.html`: the facilities, and a week of one. `week` None where there is no facility."""

    choices: tuple[FacilityChoice, ...]
    week: WeekView | None
    manage_url: str = ""
    new_url: str = ""


@dataclass(frozen=True, slots=True)
class PayerChoice:
    """An account that may pay, with what it would cost it; `why_not` where it cannot. `id` "" is no account."""

    id: str
    label: str
    cost: str
    why: str = ""
    why_not: str = ""
    deposit: str = ""


@dataclass(frozen=True, slots=True)
class NewReservationPage:
    """`reservation_new.html`: what and when; whose it is is looked for first, then who pays.

    Where hours are free, `hours_url` asks for them (GET `jour`, `debut`, `fin`) before anything else.
    """

    label: str
    site: str
    back_url: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    hours_url: str = ""
    day: str = ""
    why_not: str = ""
    search: PayerSearch | None = None
    person: str = ""
    other_url: str = ""
    payers: tuple[PayerChoice, ...] = ()
    id: str = ""
    reserve: Act | None = None
    wait: Act | None = None
    sent: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DepositView:
    """A deposit: to be settled (`settle`), or what became of it in words."""

    amount_cents: int
    words: str = ""
    settle: Act | None = None


@dataclass(frozen=True, slots=True)
class ReservationPage:
    """`reservation.html`: one reservation, and what can still be done with it."""

    label: str
    site: str
    address: str
    back_url: str
    starts_at: datetime
    ends_at: datetime
    person: str
    state: str
    tone: str
    price_cents: int
    refunded_cents: int
    why: str = ""
    told: str = ""
    slip_url: str = ""
    calendar_url: str = ""
    accept: Act | None = None
    cancel: Act | None = None
    cancel_words: str = ""
    take_away: Act | None = None
    deposit: DepositView | None = None


@dataclass(frozen=True, slots=True)
class ClosureRow:
    """A closure to come; POST `lift` opens again."""

    words: str
    reason: str
    lift: Act


@dataclass(frozen=True, slots=True)
class ConcernedRow:
    """A reservation that a closure would take away."""

    words: str
    who: str
    url: str


@dataclass(frozen=True, slots=True)
class ClosingView:
    """A closure that is about to be made: what it takes away, and the fields to send once more."""

    words: str
    reason: str
    concerned: tuple[ConcernedRow, ...]
    close: Act
    sent: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class OpeningRow:
    """Hours as fields: `weekdays` are the numbers that are ticked, 0 is Monday."""

    number: int
    weekdays: frozenset[int] = frozenset()
    opens: str = ""
    closes: str = ""
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """What holds for one kind of people, as fields."""

    who: str
    label: str
    may: bool
    days_ahead: int
    standing_max: int
    cancel_hours: int
    late_refund_percent: int
    price_item: str
    deposit: str


@dataclass(frozen=True, slots=True)
class TermsView:
    """How a facility is reserved, as fields; POST them to `save`. `errors` has a field's name and what is wrong."""

    save: Act
    id: str
    valid_from: date
    slot_minutes: str
    minutes_min: int
    minutes_max: int
    minutes_before: int
    minutes_after: int
    closed_on_holidays: bool
    offer_hours: int
    reminder_hours: int
    how_to_enter: str
    openings: tuple[OpeningRow, ...]
    rules: tuple[RuleRow, ...]
    items: tuple[tuple[str, str], ...]
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewPlacePage:
    """`facility_new.html`: POST `id`, `terms_id`, `service`, `label`, `site` and `address` to `url`."""

    url: str
    back_url: str
    id: str
    terms_id: str
    services: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class FacilityPage:
    """`facility.html`: closures, how the place is reserved, and its calendar's link."""

    label: str
    site: str
    back_url: str
    closures: tuple[ClosureRow, ...]
    closing_url: str
    calendar_url: str
    renew: Act
    terms: TermsView | None = None
    closing: ClosingView | None = None
    today: str = ""
    doors: tuple[Choice, ...] = ()
    save_doors: Act | None = None
