"""Families as their pages show them: search, file, calendar of a shared child, merger, and the forms between.

What is masked of a child's other account is not in any of these values.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from cvq_advisor_console.views.invoices import InvoiceRow


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """One family that was found; `members` are names in one line."""

    label: str
    number: str
    members: str
    url: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class LeftRow:
    """What a closed account holds or owes, and what becomes of it."""

    number: str
    url: str
    what: str
    amount_cents: int
    service: str
    goes_on: str = ""


@dataclass(frozen=True, slots=True)
class FamiliesPage:
    """`families.html`: GET `url` with `q`."""

    url: str
    new_url: str
    left_url: str
    certificates_url: str = ""
    entity_url: str = ""
    query: str = ""
    searched: bool = False
    rows: tuple[FamilyRow, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class LeftPage:
    """`families_left.html`: closed accounts on which money or debts are left."""

    back_url: str
    rows: tuple[LeftRow, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One role of one person, from a day to another."""

    name: str
    role: str
    valid_from: date
    valid_until: date | None = None
    birth_date: date | None = None
    deceased_on: date | None = None
    end_url: str = ""
    death_url: str = ""
    calendar_url: str = ""


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """A wallet's balance, or (`is_due`) what is due on an invoice."""

    label: str
    amount_cents: int
    is_due: bool = False


@dataclass(frozen=True, slots=True)
class SharedRow:
    """A child whom the family shares: the other guardians' names, whose today is, and what is not shown."""

    name: str
    others: str
    today: str
    masked: str
    url: str
    attended: tuple[AttendedRow, ...] = ()
    billed: tuple[BilledRow, ...] = ()


@dataclass(frozen=True, slots=True)
class AttendedRow:
    """That the child was at a service on a day, or was absent."""

    day: date
    service: str
    present: bool
    amount_cents: int


@dataclass(frozen=True, slots=True)
class BilledRow:
    """A line that is the child's, on whichever account's invoice."""

    day: date
    label: str
    number: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class EventRow:
    """One thing that happened, in words."""

    day: date
    sentence: str


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A page, under its name."""

    label: str
    url: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class FamilyPage:
    """`family.html`: a family's file. `state` is a sentence about a closed or merged account."""

    label: str
    number: str
    opened_on: date
    back_url: str
    today: date
    members: tuple[MemberRow, ...] = ()
    gone: tuple[MemberRow, ...] = ()
    shared: tuple[SharedRow, ...] = ()
    money: tuple[MoneyRow, ...] = ()
    total_cents: int = 0
    due_cents: int = 0
    history: tuple[EventRow, ...] = ()
    state: str = ""
    state_link: LinkRow | None = None
    actions: tuple[LinkRow, ...] = ()
    papers: tuple[LinkRow, ...] = ()
    invoices: tuple[InvoiceRow, ...] = ()
    merges: tuple[LinkRow, ...] = ()
    warnings: tuple[str, ...] = ()
    quotient: str = ""
    quotient_url: str = ""
    entity: str = ""
    """What kind of body it is and its number, where it is no family's account."""

    cards: tuple[HeldCardRow, ...] = ()
    card_url: str = ""


@dataclass(frozen=True, slots=True)
class HeldCardRow:
    """A card that somebody carries for a company or an association."""

    name: str
    number: str
    state: str
    valid_until: date


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a field; `hint` says what it means."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of a form: text, date, number, email, `select` or `radio` with their options."""

    name: str
    label: str
    kind: str = "text"
    value: str = ""
    hint: str = ""
    required: bool = True
    max_length: int = 200
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class FormPage:
    """`family_form.html`: something to be said about a family; POST to `url`, which asks once more where it must."""

    title: str
    about: str
    url: str
    back_url: str
    button: str
    fields: tuple[FieldView, ...]
    hidden: tuple[tuple[str, str], ...] = ()
    said: tuple[str, ...] = ()
    error: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class SurePage:
    """`family_sure.html`: the last question. `said` is what will be done, `lasting` what cannot be taken back."""

    title: str
    about: str
    url: str
    back_url: str
    button: str
    said: tuple[str, ...]
    hidden: tuple[tuple[str, str], ...] = ()
    lasting: str = ""
    months: tuple[MonthView, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonOption:
    """Somebody who was found; birth date and commune tell homonyms apart."""

    id: str
    name: str
    birth_date: date | None = None
    commune: str = ""


@dataclass(frozen=True, slots=True)
class MemberPage:
    """`family_member.html`: GET `url` with `q` to find somebody, POST to it to add them."""

    about: str
    url: str
    back_url: str
    key: str
    query: str = ""
    searched: bool = False
    people: tuple[PersonOption, ...] = ()
    more: bool = False
    roles: tuple[Option, ...] = ()
    error: str = ""
    new_url: str = ""


Whose = Literal["here", "other", "nobody", "none"]


@dataclass(frozen=True, slots=True)
class DayView:
    """One day of the calendar: `word` says whose it is, `mark` tells an exception; `whose` is its pattern."""

    day: date
    word: str
    whose: Whose
    is_exception: bool = False
    is_today: bool = False


@dataclass(frozen=True, slots=True)
class WeekView:
    """One week from Monday to Sunday; days of another month are None."""

    number: int
    is_even: bool
    days: tuple[DayView | None, ...]


@dataclass(frozen=True, slots=True)
class MonthView:
    """One month as a calendar; `reasons` are the exceptions, and the days that are nobody's, in words."""

    title: str
    weeks: tuple[WeekView, ...]
    reasons: tuple[str, ...] = ()
    here: int = 0
    others: int = 0
    nobody: int = 0


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A court order as it stands on the paper."""

    court: str
    reference: str
    decided_on: date
    effective_on: date
    note: str
    recorded_on: date


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """What was served on a day that is nobody's, and waits for the service's manager."""

    day: date
    service: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class ChildPage:
    """`family_child.html`: a child's calendar as one of its accounts may know it."""

    name: str
    about: str
    back_url: str
    month: MonthView
    before_url: str
    after_url: str
    today_url: str
    rhythm: tuple[str, ...] = ()
    orders: tuple[OrderRow, ...] = ()
    authority: tuple[str, ...] = ()
    waiting: tuple[WaitingRow, ...] = ()
    is_shared: bool = False
    actions: tuple[LinkRow, ...] = ()
    others: str = ""


@dataclass(frozen=True, slots=True)
class WeekdayField:
    """One day of the two weeks, with the letter that is chosen; a week's seven selects have one name."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class RhythmPage:
    """`family_rhythm.html`: the two weeks, the shares and the first day of a calendar."""

    child: str
    about: str
    url: str
    back_url: str
    key: str
    valid_from: str
    rhythms: tuple[Option, ...]
    rhythm: str
    shares: tuple[FieldView, ...]
    letters: tuple[Option, ...]
    first_week: tuple[WeekdayField, ...]
    second_week: tuple[WeekdayField, ...]
    orders: tuple[Option, ...] = ()
    order: str = ""
    error: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class SideView:
    """One of two accounts beside the other: what it has now."""

    title: str
    label: str
    number: str
    opened_on: date
    members: tuple[str, ...]
    wallets: tuple[MoneyRow, ...]
    total_cents: int


@dataclass(frozen=True, slots=True)
class MergePage:
    """`family_merge.html`: first the other account is found (GET `url` with `q`), then the dry run.

    `after` are the wallets as they would be; `prevented` is why it cannot be done, `moves` and `stays` what would
    follow and what would not.
    """

    about: str
    url: str
    back_url: str
    query: str = ""
    searched: bool = False
    rows: tuple[FamilyRow, ...] = ()
    more: bool = False
    merged: SideView | None = None
    kept: SideView | None = None
    swap_url: str = ""
    after: tuple[MoneyRow, ...] = ()
    moves: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    prevented: tuple[str, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    do_url: str = ""
    error: str = ""
