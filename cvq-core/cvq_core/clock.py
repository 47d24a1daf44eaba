"""The only place that asks for the time: rules get it as an argument, tests set it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
"""Returns an aware UTC datetime."""

PARIS = ZoneInfo("Europe/Paris")


def utc_now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def shifted(offset_s: int) -> Clock:
    """Return a clock that runs `offset_s` seconds from the machine's: a demonstration at night needs an open office."""
    if offset_s == 0:
        return utc_now
    offset = timedelta(seconds=offset_s)
    return lambda: utc_now() + offset


def local(instant: datetime, zone: ZoneInfo = PARIS) -> datetime:
    """Return `instant` on the clocks of the territory."""
    return instant.astimezone(zone)


def local_day(instant: datetime, zone: ZoneInfo = PARIS) -> date:
    """Return the civil day of `instant` in the territory."""
    return local(instant, zone).date()
