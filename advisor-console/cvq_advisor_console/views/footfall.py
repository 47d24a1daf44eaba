"""How many passed, as its page shows it: questions first, a chart that people can read, the figures beside."""

from __future__ import annotations

from dataclasses import dataclass

from cvq_advisor_console.views.books import Choice


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a chart, in the chart's own units from the top: the allowed part stands on the floor."""

    label: str
    """What stands below it, "" where there is no room for every one."""
    name: str
    allowed: int
    refused: int
    x: int
    width: int
    allowed_y: int
    allowed_height: int
    refused_y: int
    refused_height: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of columns; `lines` are the heights and the words of its scale."""

    width: int
    height: int
    floor: int
    columns: tuple[Column, ...]
    lines: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A line of a table: a word, how many, and out of a hundred."""

    word: str
    number: int
    percent: int


@dataclass(frozen=True, slots=True)
class PointLine:
    """A point's figures."""

    label: str
    allowed: int
    refused: int


@dataclass(frozen=True, slots=True)
class FootfallPage:
    """`footfall.html`: a service's figures for a month or a year."""

    url: str
    services: tuple[Choice, ...]
    periods: tuple[Choice, ...]
    service: str
    period: str
    allowed: int = 0
    refused: int = 0
    before: str = ""
    """How it compares with a year before, "" where there is nothing to compare with."""
    days: Chart | None = None
    hours: Chart | None = None
    refusals: tuple[Share, ...] = ()
    points: tuple[PointLine, ...] = ()
    exports: tuple[tuple[str, str], ...] = ()
    """The word and the address of each file."""
