"""Words for people: gettext catalogues, and dates, hours and amounts as they are read in France.

French sentences are the keys of the catalogues, so French needs none; English is the first translation.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date as babel_date

from cvq_core.clock import PARIS

LOCALES = Path(__file__).parent / "locale"
LANGUAGES = ("fr", "en")
NO_BREAK_SPACE = "\u00a0"
THIN_SPACE = "\u202f"
_MINUTE_S, _HOUR_S = 60, 3600


def unbroken(sentence: str) -> str:
    """Return a French sentence whose « : ; ! ? » never begin a line; the code writes them with plain spaces."""
    sentence = re.sub(r" (?=[:»])|(?<=«) ", NO_BREAK_SPACE, sentence)
    return re.sub(r" (?=[;!?])", THIN_SPACE, sentence)


class _French(gettext.NullTranslations):
    """Gives the sentence of the code back, with its spaces as they are printed."""

    def gettext(self, message: str) -> str:
        return unbroken(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return unbroken(super().ngettext(msgid1, msgid2, n))


@lru_cache
def translator(language: str = "fr") -> gettext.NullTranslations:
    """Return the catalogue of `language`, or one that gives the French sentence back."""
    if language == "fr":
        return _French()
    return gettext.translation("cvq", LOCALES, languages=[language], fallback=True)


def choose_language(accept_language: str | None) -> str:
    """Return the first language of an Accept-Language header that we speak, French otherwise."""
    for part in (accept_language or "").split(","):
        code = part.split(";")[0].strip().lower()[:2]
        if code in LANGUAGES:
            return code
    return "fr"


def money(cents: int, language: str = "fr") -> str:
    """Return an amount in cents as "1 234,50 €" (or "€1,234.50" in English)."""
    sign = "−" if cents < 0 else ""
    euros, rest = divmod(abs(cents), 100)
    if language == "en":
        return f"{sign}€{euros:,}.{rest:02d}"
    return f"{sign}{euros:,}".replace(",", THIN_SPACE) + f",{rest:02d}{NO_BREAK_SPACE}€"


def whole(number: int, language: str = "fr") -> str:
    """Return a whole number as people read it: "7 412" (or "7,412" in English)."""
    written = f"{number:,}"
    return written if language == "en" else written.replace(",", THIN_SPACE)


def percent(number: int, language: str = "fr") -> str:
    """Return a share in hundredths: "60 %" (or "60%" in English)."""
    return f"{number}%" if language == "en" else f"{number}{NO_BREAK_SPACE}%"


def long_date(day: date, language: str = "fr", *, with_year: bool = True) -> str:
    """Return a day with its month in letters: "mardi 24 novembre 2026"."""
    pattern = "EEEE d MMMM" + (" y" if with_year else "")
    text = babel_date(_day(day), pattern, locale=language)
    return text.replace(" 1 ", " 1ᵉʳ ", 1) if language == "fr" else text


def short_date(day: date, language: str = "fr") -> str:
    """Return a birth date or the like: "12 mai 1941"."""
    text = babel_date(_day(day), "d MMMM y", locale=language)
    return "1ᵉʳ" + text[1:] if language == "fr" and text.startswith("1 ") else text


def month_name(day: date, language: str = "fr") -> str:
    """Return a day's month with its year: "novembre 2026"."""
    return babel_date(_day(day), "MMMM y", locale=language)


def hour(instant: datetime, language: str = "fr", zone: ZoneInfo = PARIS) -> str:
    """Return the local hour as "10 h 30" (or "10:30" in English); a naive value is taken as local already."""
    there = instant.astimezone(zone) if instant.tzinfo else instant
    if language == "en":
        return f"{there:%H:%M}"
    return f"{there.hour}{NO_BREAK_SPACE}h{NO_BREAK_SPACE}{there.minute:02d}"


def lasting(span: timedelta, language: str = "fr") -> str:
    """Return how long something took: "0,4 s", "3 min" or "5 h"; what is shorter than a tenth of a second is that."""
    seconds = span.total_seconds()
    if seconds < _MINUTE_S:
        tenths = f"{max(seconds, 0.1):.1f}"
        return (tenths if language == "en" else tenths.replace(".", ",")) + f"{NO_BREAK_SPACE}s"
    if seconds < _HOUR_S:
        return f"{round(seconds / _MINUTE_S)}{NO_BREAK_SPACE}min"
    return f"{round(seconds / _HOUR_S)}{NO_BREAK_SPACE}h"


def _day(day: date) -> date:
    return day.astimezone(PARIS).date() if isinstance(day, datetime) and day.tzinfo else day


def template_words(language: str) -> Mapping[str, Any]:
    """Return the filters that templates use, bound to `language`."""
    return {
        "money": lambda cents: money(cents, language),
        "whole": lambda number: whole(number, language),
        "longdate": lambda day: long_date(day, language),
        "longday": lambda day: long_date(day, language, with_year=False),
        "shortdate": lambda day: short_date(day, language),
        "hour": lambda instant: hour(instant, language),
    }
