"""What is shown of employers' staff lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cvq_core.web.views import Act


@dataclass(frozen=True, slots=True)
class RunRow:
    """A list that changed something, or was refused; `left` are those whose doors closed, `more` how many besides."""

    at: datetime
    words: str
    tone: str
    source: str
    joined: int
    moved: int
    left: tuple[str, ...]
    opened: int
    closed: int
    more: int = 0


@dataclass(frozen=True, slots=True)
class ListView:
    """One employer's list. POST `number` and `carte` to `link` to say whose a number is.

    `since` is when it was last believed, `state` in words how it is now; `unknown` are numbers that nobody here has.
    """

    code: str
    label: str
    source: str
    state: str
    tone: str
    since: datetime | None
    listed: int
    link: Act
    unknown: tuple[str, ...] = ()
    unknown_more: int = 0
    without_doors: tuple[str, ...] = ()
    runs: tuple[RunRow, ...] = ()
    error: str = ""
    error_number: str = ""


@dataclass(frozen=True, slots=True)
class PersonnelPage:
    """`personnel.html`: every employer's list."""

    lists: tuple[ListView, ...]
