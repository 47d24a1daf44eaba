"""A month or a year of the books, and when a month may be closed; pure functions."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from cvq_core.clock import PARIS
from cvq_core.errors import N_, BadInput, Refusal

FIRST_YEAR, LAST_YEAR = 2000, 2199
SETTLED_AFTER = timedelta(hours=1)
"""So long after its last midnight a month may be closed: whatever was under way then is over."""


class BadBookPeriod(BadInput):
    """Neither a month nor a year, or one that has not begun."""

    slug = "bad-book-period"
    message = N_("Cette période n’est pas possible : choisissez un mois ou une année qui a commencé.")


class MonthNotOver(Refusal):
    """A month is closed when its last day is past."""

    slug = "month-not-over"
    message = N_("Ce mois n’est pas fini : il ne peut pas encore être arrêté.")
    what_to_do = N_("Attendez le premier jour du mois suivant. D’ici là, une édition provisoire est possible.")


class MonthClosed(Refusal):
    """It was closed before."""

    slug = "month-closed"
    message = N_("Ce mois est déjà arrêté.")


class EarlierMonthOpen(Refusal):
    """Months are closed one after the other."""

    slug = "earlier-month-open"
    message = N_("Un mois d’avant n’est pas encore arrêté : {month}.")
    what_to_do = N_("Arrêtez les mois dans leur ordre.")


@dataclass(frozen=True, slots=True)
class Period:
    """A civil month or year, both its days included."""

    first: date
    last: date

    @property
    def is_month(self) -> bool:
        """Whether it is a month, and not a year."""
        return self.first.month == self.last.month

    @property
    def begin(self) -> datetime:
        """Its first instant."""
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        return midnight(self.last + timedelta(days=1))

    @property
    def word(self) -> str:
        """Return it as addresses and files write it: "2026-03" or "2026"."""
        return f"{self.first:%Y-%m}" if self.is_month else f"{self.first:%Y}"

    def months(self) -> Iterator[Period]:
        """Yield its months."""
        for number in range(self.first.month, self.last.month + 1):
            yield month(self.first.year, number)


def month(year: int, number: int) -> Period:
    """Return a month."""
    return Period(date(year, number, 1), date(year, number, monthrange(year, number)[1]))


def month_of(day: date) -> Period:
    """Return the month of a day."""
    return month(day.year, day.month)


def month_after(period: Period) -> Period:
    """Return the month that follows."""
    return month_of(period.last + timedelta(days=1))


def read_period(word: str, today: date) -> Period:
    """Return the period that an address names: "2026-03" or "2026".

    Raises:
        BadBookPeriod: it is neither, or has not begun.
    """
    year, _, number = word.partition("-")
    try:
        if len(year) != 4 or not FIRST_YEAR <= int(year) <= LAST_YEAR:
            raise ValueError(word)
        found = month(int(year), int(number)) if number else Period(date(int(year), 1, 1), date(int(year), 12, 31))
    except ValueError:
        raise BadBookPeriod from None
    if found.first > today or found.word != word:
        raise BadBookPeriod
    return found


def check_closing(period: Period, last_closed: Period | None, first_month: Period, now: datetime) -> None:
    """Refuse to close a month that is not the next one; `first_month` is the office's first.

    Raises:
        BadBookPeriod, MonthNotOver, MonthClosed, EarlierMonthOpen
    """
    if not period.is_month or period.first < first_month.first:
        raise BadBookPeriod
    if last_closed is not None and period.first <= last_closed.first:
        raise MonthClosed
    due = month_after(last_closed) if last_closed is not None else first_month
    if period != due:
        raise EarlierMonthOpen(month=f"{due.first:%m/%Y}")
    if now < period.end + SETTLED_AFTER:
        raise MonthNotOver


def midnight(day: date) -> datetime:
    """Return the instant at which a civil day begins."""
    return datetime.combine(day, time(), PARIS).astimezone(UTC)
