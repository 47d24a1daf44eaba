"""Family quotients as their pages show them: a family's history and accord, and a round for all families."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cvq_advisor_console.views.families import LinkRow
from cvq_core.web.views import Act, Region


@dataclass(frozen=True, slots=True)
class QuotientRow:
    """One value that was recorded; `reference` is what proves it, `state` says whether it counts today."""

    value: str
    valid_from: date
    valid_until: date | None
    source: str
    reference: str
    recorded_at: datetime
    recorded_by: str
    state: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class InquiryRow:
    """One question and what came of it, in words."""

    at: datetime
    by: str
    told: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class WordRow:
    """One accord, or that it was taken back, in words."""

    at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class QuotientPage:
    """`family_quotient.html`: what is known of a family's quotient, and how more can be known.

    POST `key` to `ask`; `why_not` says why nobody can be asked. What is closed has neither `paper` nor `accord`.
    """

    about: str
    back_url: str
    known: str
    accord: str
    rows: tuple[QuotientRow, ...] = ()
    inquiries: tuple[InquiryRow, ...] = ()
    words: tuple[WordRow, ...] = ()
    ask: Act | None = None
    key: str = ""
    why_not: str = ""
    paper: LinkRow | None = None
    agree: LinkRow | None = None
    end: LinkRow | None = None


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """How many families of a round had one outcome."""

    word: str
    count: int
    tone: str = ""


@dataclass(frozen=True, slots=True)
class ByHandRow:
    """A family whose certificate is to be asked for, and why; `url` is its file, "" for whoever may not open it."""

    number: str
    label: str
    why: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class RoundView:
    """`fragments/quotient_round.html`: how far the latest round is; `title` is "" before there was one.

    `start` (POST `id`) is None while a round runs, and `stop` while none does; both are None for whoever only reads.
    `by_hand_count` is of all, shown or not.
    """

    region: Region
    title: str = ""
    state: str = ""
    tone: str = ""
    todo: str = ""
    done: int = 0
    families: int = 0
    is_running: bool = False
    outcomes: tuple[OutcomeRow, ...] = ()
    by_hand: tuple[ByHandRow, ...] = ()
    by_hand_count: int = 0
    start: Act | None = None
    start_id: str = ""
    stop: Act | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class RoundPage:
    """`quotients.html`: the latest round, and the families without an accord whose quotient holds no longer."""

    round: RoundView
    agreeing: int
    lapsed: tuple[ByHandRow, ...]
    lapsed_count: int
    csv_url: str
    xlsx_url: str
    rhythm: str = ""
    back_url: str = ""
