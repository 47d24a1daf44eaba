"""The journal on paper: A4 on its side, written page by page while the lines come, each page with its running total."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from cvq_core.books.parts import JOURNAL, line_cells
from cvq_core.books.rules import BookLine, Heading
from cvq_core.paper import BOLD, FONT, register_fonts
from cvq_core.spreadsheets import Money
from cvq_core.text import long_date, money, unbroken

PAGE = landscape(A4)
MARGIN = 10 * mm
SIZE, SIZE_MIN = 6.6, 5.0
FOOT_SIZE = 7.5
PAGES = "pages"
ROW = 4.05 * mm
TOP = PAGE[1] - 27 * mm
BOTTOM = 18 * mm
STRIPE = 0.955

# (head, width in millimetres); the kind of a line and the second slip share another's column.
COLUMNS = (
    ("Ligne", 11),
    ("Numéro", 41),
    ("Jour", 16),
    ("Heure", 10),
    ("Lieu", 30),
    ("Encaissé par", 25),
    ("Compte", 15),
    ("Service", 32),
    ("Moyen", 25),
    ("Montant", 20),
    ("Annule", 27),
    ("Versement", 25),
)
AMOUNT = 9


class JournalPdf:
    """A journal that is being written; `close` ends it."""

    def __init__(self, path: Path, heading: Heading) -> None:
        register_fonts()
        self._heading = heading
        self._cents = self._lines = 0
        self._foot = " · ".join(part for part in (heading.label, heading.period.word, heading.number_word) if part)
        # The same lines give the same bytes: no hour of printing inside.
        self._canvas = Canvas(str(path), pagesize=PAGE, pageCompression=1, invariant=1, lang="fr-FR")
        self._canvas.setTitle(f"{JOURNAL}, {heading.label}, {heading.period.word}")
        self._canvas.setAuthor(heading.office)
        self._y = self._begin_page()

    def add(self, lines: Sequence[BookLine]) -> None:
        """Write further lines."""
        for line in lines:
            if self._y < BOTTOM + ROW:
                self._end_page("À reporter")
                self._canvas.showPage()
                self._y = self._begin_page()
            self._cents += line.amount_cents
            self._lines += 1
            self._write(line)

    def close(self) -> None:
        """Write the last page's total, and the file."""
        self._end_page(f"Total du journal, {self._lines} ligne{'s' if self._lines > 1 else ''}")
        pages = self._canvas.getPageNumber()
        self._canvas.showPage()
        self._canvas.beginForm(PAGES)
        self._canvas.setFont(FONT, FOOT_SIZE)
        self._canvas.drawString(0, 0, f" sur {pages}")
        self._canvas.endForm()
        self._canvas.save()

    def _begin_page(self) -> float:
        canvas, heading = self._canvas, self._heading
        title = f"Journal, {heading.label}"
        canvas.setFont(BOLD, 13)
        canvas.drawString(MARGIN, PAGE[1] - 13 * mm, title)
        canvas.setFont(FONT, 8.5)
        period = f"du {long_date(heading.period.first)} au {long_date(heading.period.last)}"
        of = "" if heading.label == heading.office else f"{heading.office} · "
        canvas.drawString(MARGIN, PAGE[1] - 18 * mm, unbroken(f"{of}{period}"))
        right = PAGE[0] - MARGIN
        canvas.setFont(BOLD, 9.5)
        canvas.drawRightString(right, PAGE[1] - 12 * mm, heading.mark)
        canvas.setFont(FONT, 8.5)
        if heading.number_word:
            canvas.drawRightString(right, PAGE[1] - 17 * mm, f"Édition {heading.number_word}")
        y: float = TOP
        self._cells([head for head, _ in COLUMNS], y, bold=True)
        canvas.setLineWidth(0.8)
        canvas.line(MARGIN, y - 1.4 * mm, right, y - 1.4 * mm)
        if self._lines:
            y -= ROW + 1.2 * mm
            self._sum("Report", y)
        return float(y - ROW - 1.2 * mm)

    def _end_page(self, word: str) -> None:
        self._canvas.setLineWidth(0.8)
        self._canvas.line(MARGIN, self._y + ROW - 1.2 * mm, PAGE[0] - MARGIN, self._y + ROW - 1.2 * mm)
        self._sum(word, self._y - 0.6 * mm)
        self._canvas.setFont(FONT, FOOT_SIZE)
        self._canvas.drawString(MARGIN, 10 * mm, self._foot)
        left = PAGE[0] - MARGIN - 14 * mm
        self._canvas.drawRightString(left, 10 * mm, f"Page {self._canvas.getPageNumber()}")
        # How many there are is known when all are written: `paper.counted` would keep a year's pages until then.
        self._canvas.saveState()
        self._canvas.translate(left, 10 * mm)
        self._canvas.doForm(PAGES)
        self._canvas.restoreState()

    def _sum(self, word: str, y: float) -> None:
        cells = [""] * len(COLUMNS)
        cells[AMOUNT] = money(self._cents)
        self._cells(cells, y, bold=True)
        self._canvas.setFont(BOLD, SIZE)
        left = MARGIN + sum(width for _, width in COLUMNS[:AMOUNT]) * mm - 2
        self._canvas.drawRightString(left, y, word)

    def _write(self, line: BookLine) -> None:
        if self._lines % 2 == 0:
            self._canvas.setFillGray(STRIPE)
            self._canvas.rect(MARGIN, self._y - 1.15 * mm, PAGE[0] - 2 * MARGIN, ROW, stroke=0, fill=1)
            self._canvas.setFillGray(0)
        self._cells(paper_cells(line), self._y)
        self._y -= ROW

    def _cells(self, cells: Sequence[str], y: float, *, bold: bool = False) -> None:
        x, font = MARGIN, BOLD if bold else FONT
        for column, (text, (_, width)) in enumerate(zip(cells, COLUMNS, strict=True)):
            room = width * mm - 5
            if text:
                size, shown = _fitted(text, font, room, cut=column in _CUT)
                self._canvas.setFont(font, size)
                if column in (0, AMOUNT):
                    self._canvas.drawRightString(x + room, y, shown)
                else:
                    self._canvas.drawString(x, y, shown)
            x += width * mm


_CUT = frozenset({4, 5, 7, 8})
"""Columns of words, which may be cut; a number or an amount never is."""


def paper_cells(line: BookLine) -> list[str]:
    """Return a line as the columns of the paper."""
    row, _, number, day, at, place, by, account, service, means, cents, voids, slip, treasury_slip = line_cells(line)
    assert isinstance(cents, Money)
    slips = str(slip) if treasury_slip in ("", slip) else f"{slip} → {str(treasury_slip).rpartition('-')[2]}"
    words = (row, number, day, at, place, by, account, service, means, money(cents.cents), voids, slips)
    return [str(word) for word in words]


def _fitted(text: str, font: str, room: float, *, cut: bool) -> tuple[float, str]:
    """Return the size at which a text fits, and the text, cut where it may be and must."""
    width = pdfmetrics.stringWidth(text, font, SIZE)
    if width <= room:
        return SIZE, text
    size = max(SIZE_MIN if cut else 3.5, SIZE * room / width)
    if cut:
        while len(text) > 1 and pdfmetrics.stringWidth(text, font, size) > room:
            text = text[:-2] + "…"
    return size, text
