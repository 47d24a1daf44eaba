"""What a facility's manager sets, as values: hours by weekday and season, who may reserve and how.

Terms hold from a day on, as a whole: to change one thing is to write all of them anew. Pure: values and their checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Any, cast

from pydantic import ConfigDict, TypeAdapter

from cvq_core.errors import N_
from cvq_core.facilities.refusals import BadTerms

OPENINGS_MAX = 60
DAYS_AHEAD_MAX = 730
STANDING_MAX = 100
HOURS_MAX = 24 * 60
MINUTES_MAX = 7 * 24 * 60
AROUND_MINUTES_MAX = 4 * 60
DEPOSIT_CENTS_MAX = 500_000
GRAIN_MINUTES = 5
REMINDER_HOURS_MAX = 7 * 24
HOW_CHARACTERS_MAX = 300
_DAY_OF_YEAR = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_ITEM = re.compile(r"[a-z][a-z0-9_]{0,39}")
_STRICT = ConfigDict(extra="forbid")


class BookerKind(StrEnum):
    """What somebody is where they reserve; one may be several things. Who pays from a body's account is that body."""

    SUBSCRIBER = "subscriber"
    ASSOCIATION = "association"
    COMPANY = "company"
    PUBLIC_BODY = "public_body"
    INHABITANT = "inhabitant"
    OUTSIDER = "outsider"


@dataclass(frozen=True)
class Opening:
    """Hours on some weekdays (a bit a day, Monday lowest), all year or in a season ("MM-DD", both days included).

    What closes before it opens closes on the next day; 00:00 to 00:00 is a whole day.
    """

    __pydantic_config__ = _STRICT

    weekdays: int
    opens: time
    closes: time
    first: str | None = None
    last: str | None = None

    def holds(self, day: date) -> bool:
        """Whether the hours are those of a day."""
        if not self.weekdays >> day.weekday() & 1:
            return False
        if self.first is None or self.last is None:
            return True
        today = f"{day:%m-%d}"
        if self.first <= self.last:
            return self.first <= today <= self.last
        return today >= self.first or today <= self.last


@dataclass(frozen=True)
class BookerRule:
    """What holds for one kind of people: of the rules, the first that fits somebody is theirs.

    `price_item` is what a reservation costs among the items of the service's tariff; None is nothing. Cancelled later
    than `cancel_hours` before, `late_refund_percent` of the price comes back.
    """

    __pydantic_config__ = _STRICT

    who: BookerKind
    days_ahead: int = 30
    standing_max: int = 4
    cancel_hours: int = 24
    late_refund_percent: int = 0
    price_item: str | None = None
    deposit_cents: int = 0


@dataclass(frozen=True)
class Terms:
    """How a facility is reserved from a day on. `slot_minutes` None is by free hours, within the two bounds."""

    __pydantic_config__ = _STRICT

    openings: tuple[Opening, ...]
    rules: tuple[BookerRule, ...]
    slot_minutes: int | None = None
    minutes_min: int = 60
    minutes_max: int = 24 * 60
    minutes_before: int = 10
    minutes_after: int = 10
    closed_on_holidays: bool = True
    offer_hours: int = 4
    reminder_hours: int = 24
    how_to_enter: str = ""

    @property
    def reminder(self) -> timedelta:
        """How long before the beginning people are reminded; nothing: they are not."""
        return timedelta(hours=self.reminder_hours)

    def rule(self, who: BookerKind) -> BookerRule | None:
        """Return the rule of one kind of people."""
        return next((rule for rule in self.rules if rule.who is who), None)


_ADAPTER = TypeAdapter(Terms)


def read_terms(kept: dict[str, Any]) -> Terms:
    """Return terms as they were kept."""
    return _ADAPTER.validate_python(kept)


def kept_terms(terms: Terms) -> dict[str, Any]:
    """Return terms as they are kept."""
    return cast(dict[str, Any], _ADAPTER.dump_python(terms, mode="json"))


def check_terms(terms: Terms) -> Terms:
    """Return terms that can be kept.

    Raises:
        BadTerms: its `fields` say in French what is wrong.
    """
    fields = {name: what for name, wrong, what in _faults(terms) if wrong}
    if fields:
        raise BadTerms(fields=fields)
    return terms


def _faults(terms: Terms) -> Iterator[tuple[str, bool, str]]:
    slot, kinds = terms.slot_minutes, [rule.who for rule in terms.rules]
    lengths = (terms.minutes_min, terms.minutes_max)
    around = (terms.minutes_before, terms.minutes_after)
    openings = 1 <= len(terms.openings) <= OPENINGS_MAX and all(map(_is_opening, terms.openings))
    rules = bool(kinds) and len(set(kinds)) == len(kinds) and all(map(_is_rule, terms.rules))
    yield "openings", not openings, N_("Il faut au moins une plage d’ouverture, à cinq minutes près.")
    yield "rules", not rules, N_("Il faut au moins une règle, et une seule pour chaque public.")
    yield (
        "slot_minutes",
        slot is not None and not _is_length(slot),
        N_("La durée d’un créneau est un multiple de cinq minutes."),
    )
    yield (
        "minutes_min",
        not all(map(_is_length, lengths)) or terms.minutes_min > terms.minutes_max,
        N_("La durée la plus courte et la plus longue sont des multiples de cinq minutes, dans cet ordre."),
    )
    yield (
        "minutes_before",
        not all(0 <= each <= AROUND_MINUTES_MAX for each in around),
        N_("La porte s’ouvre au plus quatre heures avant, et autant après."),
    )
    yield "offer_hours", not 1 <= terms.offer_hours <= 72, N_("Une place libérée se propose de 1 à 72 heures.")
    yield (
        "reminder_hours",
        not 0 <= terms.reminder_hours <= REMINDER_HOURS_MAX,
        N_("Le rappel part au plus sept jours avant."),
    )
    yield "how_to_enter", len(terms.how_to_enter) > HOW_CHARACTERS_MAX, N_("Ce texte est trop long.")


def _is_length(minutes: int) -> bool:
    return GRAIN_MINUTES <= minutes <= MINUTES_MAX and minutes % GRAIN_MINUTES == 0


def _is_opening(each: Opening) -> bool:
    on_grain = all(
        hour.minute % GRAIN_MINUTES == hour.second == hour.microsecond == 0 and hour.tzinfo is None
        for hour in (each.opens, each.closes)
    )
    season = (each.first is None) == (each.last is None)
    written = all(day is None or _DAY_OF_YEAR.fullmatch(day) is not None for day in (each.first, each.last))
    return 1 <= each.weekdays <= 127 and on_grain and season and written


def _is_rule(each: BookerRule) -> bool:
    return (
        0 <= each.days_ahead <= DAYS_AHEAD_MAX
        and 1 <= each.standing_max <= STANDING_MAX
        and 0 <= each.cancel_hours <= HOURS_MAX
        and 0 <= each.late_refund_percent <= 100
        and 0 <= each.deposit_cents <= DEPOSIT_CENTS_MAX
        and (each.price_item is None or _ITEM.fullmatch(each.price_item) is not None)
    )
