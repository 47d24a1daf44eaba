"""What was served on days that are no account's, as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class BearerView:
    """One button: an account that may bear the charge, or all of them by their shares."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class UnclaimedRow:
    """One charge; POST `url` with `bearer`."""

    url: str
    child: str
    service: str
    day: date
    amount_cents: int
    because: str
    bearers: tuple[BearerView, ...] = ()


@dataclass(frozen=True, slots=True)
class UnclaimedPage:
    """`unclaimed.html`: what waits, the oldest first."""

    rows: tuple[UnclaimedRow, ...] = ()
