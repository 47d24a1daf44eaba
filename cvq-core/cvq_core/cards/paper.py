"""What is printed: a card's face for a card printer (CR80), and a sheet of ten for an office printer, to cut out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import segno
from reportlab.lib.colors import HexColor, black, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from cvq_core.cards.rules import printed_number
from cvq_core.paper import BOLD, FONT, register_fonts

CARD_WIDTH, CARD_HEIGHT = 85.6 * mm, 53.98 * mm
"""ISO/IEC 7810, ID-1."""
COLUMNS, ROWS = 2, 5
SHEET_CARDS = COLUMNS * ROWS
_GAP = 4 * mm
_TEAL, _SUN = HexColor("#0b4f55"), HexColor("#ffcf33")
_EDGE = 5 * mm
_BAND = 13 * mm
_CODE = 17 * mm


@dataclass(frozen=True, slots=True)
class Face:
    """What stands on a card: its holder's name as one says it, ten digits, its last day, whose card it is."""

    name: str
    number: str
    valid_until: date
    town: str


def faces_pdf(faces: Sequence[Face]) -> bytes:
    """Return one page a card, of a card's size."""
    out, canvas = _canvas((CARD_WIDTH, CARD_HEIGHT))
    for face in faces:
        _draw(canvas, face)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def sheet_pdf(faces: Sequence[Face]) -> bytes:
    """Return A4 pages with ten cards each, and marks to cut along."""
    out, canvas = _canvas(A4)
    left = (A4[0] - COLUMNS * CARD_WIDTH - (COLUMNS - 1) * _GAP) / 2
    top = A4[1] - (A4[1] - ROWS * CARD_HEIGHT - (ROWS - 1) * _GAP) / 2
    for start in range(0, len(faces), SHEET_CARDS):
        for place, face in enumerate(faces[start : start + SHEET_CARDS]):
            column, row = place % COLUMNS, place // COLUMNS
            x = left + column * (CARD_WIDTH + _GAP)
            y = top - (row + 1) * CARD_HEIGHT - row * _GAP
            canvas.saveState()
            canvas.translate(x, y)
            _marks(canvas)
            _draw(canvas, face)
            canvas.restoreState()
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _canvas(size: tuple[float, float]) -> tuple[BytesIO, Canvas]:
    register_fonts()
    out = BytesIO()
    canvas = Canvas(out, pagesize=size, invariant=1)
    canvas.setTitle("Cartes de vie quotidienne")
    return out, canvas


def _draw(canvas: Canvas, face: Face) -> None:
    """Draw a face from its lower left corner: a band with whose card it is, the name, the number, a code to read it."""
    canvas.setFillColor(_TEAL)
    canvas.rect(0, CARD_HEIGHT - _BAND, CARD_WIDTH, _BAND, stroke=0, fill=1)
    canvas.setFillColor(_SUN)
    canvas.rect(0, CARD_HEIGHT - _BAND - 1.2 * mm, CARD_WIDTH, 1.2 * mm, stroke=0, fill=1)
    width = CARD_WIDTH - 2 * _EDGE
    canvas.setFillColor(white)
    _line(canvas, face.town, (BOLD, 12), CARD_HEIGHT - 6 * mm, width)
    _line(canvas, "Carte de vie quotidienne", (FONT, 8.5), CARD_HEIGHT - 10.5 * mm, width)
    canvas.setFillColor(black)
    lines = _name_lines(face.name, width)
    for index, line in enumerate(lines):
        _line(canvas, line, (BOLD, 15), CARD_HEIGHT - (21.5 + 6 * index) * mm, width)
    beside = width - _CODE - 3 * mm
    _line(canvas, printed_number(face.number), (BOLD, 16), 11.5 * mm, beside)
    _line(canvas, f"Valable jusqu’au {face.valid_until:%d/%m/%Y}", (FONT, 8), 6 * mm, beside)
    _code(canvas, face.number, CARD_WIDTH - _EDGE - _CODE, 4.5 * mm)


def _line(canvas: Canvas, text: str, style: tuple[str, float], y: float, width: float) -> None:
    """Write a line at the left edge, smaller where it would not fit."""
    font, size = style
    while size > 6 and stringWidth(text, font, size) > width:
        size -= 0.5
    while stringWidth(text, font, size) > width:
        text = text[:-2] + "…"
    canvas.setFont(font, size)
    canvas.drawString(_EDGE, y, text)


def _name_lines(name: str, width: float) -> list[str]:
    """Return a name on one line, or on two where it is long."""
    if stringWidth(name, BOLD, 15) <= width or " " not in name:
        return [name]
    words = name.split(" ")
    cuts = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
    return list(min(cuts, key=lambda cut: max(stringWidth(part, BOLD, 15) for part in cut)))


def _code(canvas: Canvas, number: str, x: float, y: float) -> None:
    """Draw the number as a QR code: a tablet's camera reads it where a chip cannot be read."""
    rows = [list(row) for row in segno.make(number, error="m", micro=False, boost_error=False).matrix]
    side = _CODE / len(rows)
    canvas.setFillColor(black)
    for down, row in enumerate(rows):
        for across, dark in enumerate(row):
            if dark:
                canvas.rect(x + across * side, y + (len(rows) - 1 - down) * side, side, side, stroke=0, fill=1)


def _marks(canvas: Canvas) -> None:
    """Draw short lines outside of each corner."""
    canvas.setStrokeColor(black)
    canvas.setLineWidth(0.3)
    long, away = 1.3 * mm, 0.5 * mm
    for x, outward in ((0.0, -1), (CARD_WIDTH, 1)):
        for y, upward in ((0.0, -1), (CARD_HEIGHT, 1)):
            canvas.line(x + outward * away, y, x + outward * (away + long), y)
            canvas.line(x, y + upward * away, x, y + upward * (away + long))
