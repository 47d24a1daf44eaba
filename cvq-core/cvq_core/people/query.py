"""What a secretary types to find somebody, understood: name parts and a birth date, in any order and usual writing.

    parse_query("moreau 12 05 1941", today)     words moreau; born on 12 May 1941
    parse_query("12/5/41 jeanne moreau", today)  words jeanne, moreau; born on 12 May 1941
    parse_query("Moreau J née en 1941", today)   words moreau, j; born in 1941

While somebody types, half a date is not an error: what was not understood is given back in `unread`, to be shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from cvq_core.people.names import folded, words_of

QUERY_LENGTH_MAX = 120
WORDS_MAX = 6
AGE_YEARS_MAX = 120

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("janvier", "janv", "jan"),
            ("fevrier", "fevr", "fev"),
            ("mars",),
            ("avril", "avr"),
            ("mai",),
            ("juin",),
            ("juillet", "juil"),
            ("aout",),
            ("septembre", "sept", "sep"),
            ("octobre", "oct"),
            ("novembre", "nov"),
            ("decembre", "dec"),
        ),
        start=1,
    )
    for name in names
}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_GAP = r"[\s/.-]+"
_BORN = re.compile(r"\bnee?(?:\(e\))?\s+(?:le|en)\b")
# In this order: a longer writing before a shorter one that is a part of it.
_WRITINGS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!\d)(?P<year>\d{{4}}){_GAP}(?P<month>\d{{1,2}}){_GAP}(?P<day>\d{{1,2}})(?!\d)",
        rf"(?<!\d)(?P<day>\d{{1,2}})(?:er)?{_GAP}(?P<month>\d{{1,2}}){_GAP}(?P<year>\d{{4}}|\d{{2}})(?!\d)",
        rf"(?<!\d)(?P<day>\d{{1,2}})(?:er)?{_GAP}(?P<name>{_MONTH})\b\.?(?:{_GAP}(?P<year>\d{{4}}|\d{{2}})(?!\d))?",
        rf"\b(?P<name>{_MONTH}){_GAP}(?P<year>\d{{4}})(?!\d)",
        r"(?<!\d)(?P<day>\d{2})(?P<month>\d{2})(?P<year>\d{4}|\d{2})(?!\d)",
        r"(?<!\d)(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?!\d)",
        rf"(?<!\d)(?P<day>\d{{1,2}}){_GAP}(?P<month>\d{{1,2}})(?!\d)",
        r"(?<!\d)(?P<year>(?:19|20)\d{2})(?!\d)",
    )
)


@dataclass(frozen=True, slots=True)
class Birth:
    """What is known of a birth date: `days` one by one, or everything from `first` to `last`."""

    days: tuple[date, ...] = ()
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class PersonQuery:
    """A search, understood; `unread` is what was not."""

    words: tuple[str, ...]
    birth: Birth | None = None
    unread: str = ""


def parse_query(text: str, today: date) -> PersonQuery:
    """Return what `text` looks for; `today` decides the century of a year of two digits."""
    rest = _BORN.sub(" ", folded(text[:QUERY_LENGTH_MAX]))
    birth: Birth | None = None
    for writing in _WRITINGS:
        for match in writing.finditer(rest):
            birth = _birth(match.groupdict(), today)
            if birth is not None:
                rest = f"{rest[: match.start()]} {rest[match.end() :]}"
                break
        if birth is not None:
            break
    tokens = words_of(rest)
    names = [token for token in tokens if not token[0].isdigit()]
    # An initial narrows a search down; alone it would find half the territory.
    words = names if any(len(name) > 1 for name in names) else []
    unread = [token for token in tokens if token[0].isdigit()]
    return PersonQuery(tuple(dict.fromkeys(words))[:WORDS_MAX], birth, " ".join(unread))


def _birth(parts: dict[str, str | None], today: date) -> Birth | None:
    """Return the birth that the written parts can mean, or None when no calendar has it."""
    name, month_digits, day_digits = parts.get("name"), parts.get("month"), parts.get("day")
    day = int(day_digits) if day_digits else None
    month = MONTHS[name] if name else int(month_digits) if month_digits else None
    years = _years(parts.get("year"), today)
    if not years:
        return None
    if month is None:
        return Birth(first=date(years[0], 1, 1), last=date(years[0], 12, 31))
    if day is None:
        first = date(years[0], month, 1)
        return Birth(first=first, last=(first + timedelta(days=31)).replace(day=1) - timedelta(days=1))
    days = (_day(year, month, day) for year in years)
    possible = tuple(born for born in days if born is not None and born <= today)
    return Birth(days=possible) if possible else None


def _years(written: str | None, today: date) -> list[int]:
    if written is None:
        return list(range(today.year - AGE_YEARS_MAX, today.year + 1))
    if len(written) == 2:
        return [century + int(written) for century in (1900, 2000) if century + int(written) <= today.year]
    return [int(written)] if 1800 <= int(written) <= today.year else []


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
