"""Writing an edition's files into a folder while its lines are read: memory holds some hundreds of them at a time."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import xlsxwriter

from cvq_core.books.balance_pdf import balance_pdf
from cvq_core.books.journal_pdf import JournalPdf
from cvq_core.books.parts import JOURNAL, LINE_COLUMNS, LINE_WIDTHS, balance_parts, line_cells
from cvq_core.books.rules import Balance, BookFormat, BookLine, Heading, Totals
from cvq_core.spreadsheets import HARMLESS, SheetWriter, add_sheet, csv_row, to_csv


class BookFiles:
    """The files of one edition: `add` the lines in their order, then `finish`. Nothing of it is asynchronous."""

    def __init__(self, folder: Path, heading: Heading) -> None:
        self.paths = {kind: folder / kind.value for kind in BookFormat}
        self.totals = Totals()
        self._heading = heading
        self._pdf = JournalPdf(self.paths[BookFormat.JOURNAL_PDF], heading)
        self._file = self.paths[BookFormat.JOURNAL_CSV].open("w", encoding="utf-8-sig", newline="")
        self._csv = csv.writer(self._file, delimiter=";")
        self._csv.writerow(LINE_COLUMNS)
        self._book = xlsxwriter.Workbook(
            str(self.paths[BookFormat.XLSX]), {"constant_memory": True, "tmpdir": str(folder), **HARMLESS}
        )
        self._book.set_properties({"title": f"{JOURNAL}, {heading.label}", "created": heading.as_of})
        self._sheet = SheetWriter(self._book, JOURNAL, LINE_COLUMNS, LINE_WIDTHS)

    def add(self, lines: Sequence[BookLine]) -> None:
        """Write further lines of the journal into each file, and count them."""
        self._pdf.add(lines)
        for line in lines:
            self.totals.add(line)
            cells = line_cells(line)
            self._csv.writerow(csv_row(cells))
            self._sheet.add(cells)

    def finish(self, balance: Balance) -> None:
        """Write what stands under the lines, and close every file."""
        self._pdf.close()
        self._file.close()
        parts = balance_parts(self._heading, balance, self.totals)
        self._sheet.filtered(len(LINE_COLUMNS))
        for part in parts:
            add_sheet(self._book, part)
        self._book.close()
        self.paths[BookFormat.BALANCE_CSV].write_bytes(to_csv(parts))
        balance_pdf(self.paths[BookFormat.BALANCE_PDF], self._heading, parts)
