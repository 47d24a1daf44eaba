"""Who looked at what: for the resident, read with the secretary, and for the auditor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class LookRow:
    """One look or act on an account. `refused` was not let through."""

    at: datetime
    who: str
    organisation: str
    what: str
    visit_reference: str = ""
    consent: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class VisitsLogPage:
    """`visits_log.html`: GET `url` with `from`, `until` and `q`. `about` names whose account it is, "" for all.

    `export_url` gives the same as a file; `older_url` the page before this one in time.
    """

    url: str
    about: str = ""
    query: str = ""
    from_day: date | None = None
    until_day: date | None = None
    rows: tuple[LookRow, ...] = ()
    older_url: str = ""
    export_url: str = ""
    sealed_until: datetime | None = None
