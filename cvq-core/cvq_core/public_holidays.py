"""France's public holidays, by day, with their French names."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType

import holidays


@lru_cache(maxsize=8)
def public_holidays(year: int) -> MappingProxyType[date, str]:
    """Return the holidays of a year that hold everywhere in France (Code du travail, L3133-1)."""
    return MappingProxyType(dict(holidays.country_holidays("FR", years=[year], language="fr")))


@lru_cache(maxsize=64)
def holidays_around(day: date) -> frozenset[date]:
    """Return which of a day and the one before are public holidays: a night belongs to the evening before."""
    return frozenset(each for each in (day - timedelta(days=1), day) if each in public_holidays(each.year))
