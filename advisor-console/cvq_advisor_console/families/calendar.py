"""A month of a shared child as a calendar: whose each day is, in words; no drawing, no request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from cvq_advisor_console.families.sides import Child
from cvq_advisor_console.views.families import DayView, MonthView, WeekView, Whose
from cvq_core.errors import N_
from cvq_core.people.custody import EXCEPTION, LEFT_ACCOUNT, NOBODYS_EXCEPTION, Arrangement, DayOf, whose_day
from cvq_core.text import month_name
from cvq_core.web import Context

REASONS_MAX = 12
NOBODY = N_("Personne")


def first_of_next(month: date) -> date:
    """Return the first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def month_view(
    context: Context, child: Child, month: date, *, today: date, more: Iterable[Arrangement] = ()
) -> MonthView:
    """Return a month as a calendar; `more` are arrangements that would be, to be looked at before they are recorded."""
    after = first_of_next(month)
    arrangements = [*child.arrangements, *more]
    found = {
        month + timedelta(days=number): whose_day(child.memberships, arrangements, month + timedelta(days=number))
        for number in range((after - month).days)
    }
    days = {day: _day(context, child, day, of, today) for day, of in found.items()}
    return MonthView(
        title=month_name(month, context.language),
        weeks=tuple(_weeks(days, month, after)),
        reasons=tuple(_reasons(context, child, found)),
        here=sum(day.whose == "here" for day in days.values()),
        others=sum(day.whose == "other" for day in days.values()),
        nobody=sum(day.whose == "nobody" for day in days.values()),
    )


def _day(context: Context, child: Child, day: date, of: DayOf, today: date) -> DayView:
    side = child.side_of(of.account_id)
    belongs = any(each.holds(day) for each in child.memberships)
    whose: Whose
    if side is not None:
        whose, word = ("here" if side.is_own else "other"), side.word
    elif belongs:
        whose, word = "nobody", context._(NOBODY)
    else:
        whose, word = "none", "—"
    return DayView(day, word, whose, of.sentence in (EXCEPTION, NOBODYS_EXCEPTION), day == today)


def _weeks(days: Mapping[date, DayView], month: date, after: date) -> Iterable[WeekView]:
    monday = month - timedelta(days=month.weekday())
    while monday < after:
        number = monday.isocalendar().week
        yield WeekView(number, number % 2 == 0, tuple(days.get(monday + timedelta(days=offset)) for offset in range(7)))
        monday += timedelta(days=7)


def _reasons(context: Context, child: Child, found: Mapping[date, DayOf]) -> Sequence[str]:
    """Return the month's exceptions, and days that come back to an account the child has left, each once."""
    names: dict[UUID, str] = child.names
    told = (EXCEPTION, NOBODYS_EXCEPTION, LEFT_ACCOUNT)
    sentences = [of.in_words(names, context.language) for of in found.values() if of.sentence in told]
    return list(dict.fromkeys(sentences))[:REASONS_MAX]
