"""France's public holidays, by day, with their French names."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from types import MappingProxyType

import holidays


@lru_cache(maxsize=8)
def public_holidays(year: int) -> MappingProxyType[date, str]:
    """Return the holidays of a year that hold everywhere in France (Code du travail, L3133-1)."""
    return MappingProxyType(dict(holidays.country_holidays("FR", years=[year], language="fr")))
