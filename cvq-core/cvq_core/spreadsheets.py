"""Tables as files: CSV for any spreadsheet (semicolons, UTF-8 with its mark) and the sheets of an XLSX workbook."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

HARMLESS = {"strings_to_formulas": False, "strings_to_urls": False}
"""What a workbook is opened with: texts are never formulas."""


@dataclass(frozen=True, slots=True)
class Money:
    """Cents, written as euros."""

    cents: int


@dataclass(frozen=True, slots=True)
class RowLink:
    """The number of a row of another sheet, its heading not counted; in a workbook one can go there."""

    sheet: str
    row: int


Cell = str | int | Money | RowLink


@dataclass(frozen=True, slots=True)
class Sheet:
    """A part of the file: its name, the words over its columns, its rows."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


class SheetWriter:
    """Writes the rows of one sheet one after the other, as a workbook in constant memory wants it."""

    def __init__(self, book: Any, name: str, columns: Sequence[str], widths: Sequence[int]) -> None:
        self._head = book.add_format({"bold": True, "text_wrap": True})
        self._euros = book.add_format({"num_format": "#,##0.00"})
        self._sheet = book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        self._next = 1
        for column, (width, word) in enumerate(zip(widths, columns, strict=True)):
            self._sheet.set_column(column, column, width)
            self._sheet.write_string(0, column, word, self._head)

    def add(self, row: Sequence[Cell]) -> None:
        """Write the next row: amounts are numbers, texts never formulas."""
        number = self._next
        self._next += 1
        for column, cell in enumerate(row):
            if isinstance(cell, Money):
                self._sheet.write_number(number, column, cell.cents / 100, self._euros)
            elif isinstance(cell, RowLink):
                self._sheet.write_url(number, column, f"internal:'{cell.sheet}'!A{cell.row + 1}", string=str(cell.row))
            elif isinstance(cell, int):
                self._sheet.write_number(number, column, cell)
            else:
                self._sheet.write_string(number, column, cell)

    def filtered(self, columns: int) -> None:
        """Let people filter by any column."""
        self._sheet.autofilter(0, 0, max(1, self._next - 1), columns - 1)


def to_csv(parts: Sequence[Sheet]) -> bytes:
    """Return the parts one under the other, with an empty line between them."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    for part in parts:
        writer.writerow([part.name])
        writer.writerow(part.columns)
        writer.writerows(csv_row(row) for row in part.rows)
        writer.writerow([])
    return out.getvalue().encode("utf-8-sig")


def to_xlsx(parts: Sequence[Sheet]) -> bytes:
    """Return the parts as the sheets of a workbook."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, **HARMLESS}) as book:
        for part in parts:
            add_sheet(book, part)
    return out.getvalue()


def add_sheet(book: Any, part: Sheet) -> None:
    """Write a part as the next sheet of a workbook."""
    writer = SheetWriter(book, part.name, part.columns, list(_widths(part)))
    for row in part.rows:
        writer.add(row)


def csv_row(cells: Iterable[Cell]) -> list[str]:
    """Return cells as a CSV file has them: euros with a comma, no text that a spreadsheet takes for a formula."""
    return [_written(cell) for cell in cells]


def euros(cents: int) -> str:
    """Return cents as "-2,35"."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100},{abs(cents) % 100:02d}"


def harmless(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _widths(part: Sheet) -> Iterator[int]:
    for column, word in enumerate(part.columns):
        longest = max((len(str(row[column])) for row in part.rows if isinstance(row[column], str)), default=0)
        yield min(60, max(12, len(word), longest) + 2)


def _written(cell: Cell) -> str:
    if isinstance(cell, Money):
        return euros(cell.cents)
    if isinstance(cell, RowLink):
        return str(cell.row)
    return harmless(str(cell))
