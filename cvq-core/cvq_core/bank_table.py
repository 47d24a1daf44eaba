"""A table as banks and spreadsheets write it: `;`, `,` or tabs between the columns, days and amounts in French.

What reads one names the refusal that it raises: a class with a place for the line's number.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from cvq_core.errors import Refusal

_EUROS = re.compile(r"([+-]?)([0-9]{1,8})(?:[.,]([0-9]{1,2}))?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Table:
    """The lines under the columns' names, each with its number in the file, and where each column is."""

    lines: list[tuple[int, list[str]]]
    places: dict[str, int]

    def cell(self, cells: Sequence[str], column: str) -> str:
        """Return what stands in a column of a line; nothing where the line or the table does not have it."""
        place = self.places.get(column)
        return cells[place].strip() if place is not None and place < len(cells) else ""


def read_table(
    content: bytes,
    columns: Mapping[str, tuple[str, ...]],
    *,
    complete: Callable[[Collection[str]], bool],
    bad: type[Refusal],
    bytes_max: int,
    lines_max: int,
) -> Table:
    """Return the table in a file: UTF-8 with or without its mark, or Windows-1252.

    `columns` has the names under which each column is known, without accents and capitals; the first line among
    `HEADER_WITHIN` whose columns are `complete` is the one of names. Empty lines are left out.

    Raises:
        bad: with the number of the line that cannot be read; the first one where it is no such table at all.
    """
    if len(content) > bytes_max or b"\0" in content:
        raise bad(line=1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    above, delimiter = _header(text, columns, complete, bad)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    lines: list[tuple[int, list[str]]] = []
    places: dict[str, int] = {}
    try:
        for cells in reader:
            if reader.line_num <= above:
                continue
            if not places:
                places = _places(cells, columns)
            elif any(cell.strip() for cell in cells):
                lines.append((reader.line_num, cells))
                if len(lines) > lines_max:
                    raise bad(line=reader.line_num)
    except csv.Error:
        raise bad(line=reader.line_num) from None
    return Table(lines, places)


HEADER_WITHIN = 15
"""Among how many first lines the columns' names are looked for: banks write whose account it is above them."""


def _header(
    text: str, columns: Mapping[str, tuple[str, ...]], complete: Callable[[Collection[str]], bool], bad: type[Refusal]
) -> tuple[int, str]:
    """Return how many lines stand above the columns' names, and what separates the columns."""
    for number, line in enumerate(text.splitlines()[:HEADER_WITHIN]):
        for delimiter in ";\t,":
            if complete(_places(line.replace('"', "").split(delimiter), columns)):
                return number, delimiter
    raise bad(line=1)


def _places(cells: Sequence[str], columns: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    names = [plain(cell) for cell in cells]
    places = {}
    for column, known in columns.items():
        place = next((names.index(name) for name in known if name in names), None)
        if place is not None:
            places[column] = place
    return places


def day_of(text: str) -> date | None:
    """Return a day written as 31/12/2026, 31/12/26, 31.12.2026 or 2026-12-31; None when it is none."""
    for pattern in ("%d/%m/%Y", "%Y-%m-%d", "%d/%m/%y", "%d.%m.%Y", "%d-%m-%Y"):
        try:
            return datetime.strptime(text.strip(), pattern).date()  # noqa: DTZ007 - a civil day
        except ValueError:
            continue
    return None


def signed_cents(text: str) -> int | None:
    """Return "1 234,50", "-12,5" or "+3 €" as cents; None when it is no amount."""
    found = _EUROS.fullmatch(re.sub(r"[\s€\u00a0\u202f]", "", text).replace("\u2212", "-"))
    if found is None:
        return None
    cents = int(found[2]) * 100 + int((found[3] or "0").ljust(2, "0"))
    return -cents if found[1] == "-" else cents


def plain(text: str) -> str:
    """Return a text without accents, capitals and signs, its words one space apart."""
    letters = unicodedata.normalize("NFKD", text.strip().lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", " ", letters).strip()


def one_line(text: str, length_max: int) -> str:
    """Return a text on one line, without control signs, cut to a length."""
    return " ".join(_CONTROL.sub(" ", text).split())[:length_max]
