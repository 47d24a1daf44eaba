"""Instants and days that come from outside, within two centuries: the year 1 or 9999 is on no local clock."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
FIRST_HOUR, LAST_HOUR = datetime(2000, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)


def _within(instant: datetime) -> datetime:
    if not FIRST_HOUR <= instant <= LAST_HOUR:
        raise ValueError("an instant from 2000 to 2199")
    return instant


def _clamped(instant: datetime) -> datetime:
    return min(max(instant, FIRST_HOUR), LAST_HOUR)


Instant = Annotated[AwareDatetime, AfterValidator(_within)]
"""What somebody wrote; beyond these years it is refused."""

ClockInstant = Annotated[AwareDatetime, AfterValidator(_clamped)]
"""What a machine's clock says. One without a battery says anything: beyond these years it is these, never believed."""

Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
"""A civil day that somebody wrote."""
