"""The moment at which all samples are taken, and the shell around their pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cvq_core.clock import PARIS
from cvq_core.web.views import NavItem, Region, Shell

NOW = datetime(2026, 11, 24, 10, 12, tzinfo=PARIS)


def at(hour: int, minute: int = 0, days: int = 0) -> datetime:
    """Return an hour of the sample's day, or of a day after it."""
    return NOW.replace(hour=hour, minute=minute) + timedelta(days=days)


def shell(person: str, place: str, *nav: NavItem, live: bool = True, message: str = "") -> Shell:
    """Return what surrounds a page of a signed-in person."""
    return Shell(
        person=person,
        place=place,
        nav=nav,
        sign_out_url="/logout",
        account_url="/account",
        live_url="/api/v1/live" if live else "",
        message=message,
    )


def region(name: str) -> Region:
    """Return the address of a live region and a topic."""
    return Region(f"/fragments/{name}", (f"{name}:1",))


@dataclass(frozen=True, slots=True)
class Sample:
    """A template, what it is given, and what is pressed (CSS selectors) before the picture is taken."""

    template: str
    values: dict[str, Any]
    presses: tuple[str, ...] = ()
