"""The paper receipt (quittance): A5 with its counterfoil, or a strip of 80 mm. French, large, black on white.

The receipt's row holds every word that is printed, so a duplicate says the same years later; it is marked as one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, Literal

from reportlab.lib.pagesizes import A5, landscape
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from cvq_core.clock import local_day
from cvq_core.offices.rules import MEANS_WORDS, Means, receipt_number
from cvq_core.offices.tables import Receipt
from cvq_core.paper import BOLD, FONT, register_fonts
from cvq_core.text import hour, long_date, money

PAGE = landscape(A5)
COUNTERFOIL = 62 * mm
MARGIN = 9 * mm
LINES_ON_A5 = 5
SERVICE_SIZE = 13
FAMILIES_NAMED = 2
STRIP = 80 * mm
STRIP_MARGIN = 4 * mm

Paper = Literal["a5", "strip"]


@dataclass(frozen=True, slots=True)
class ReceiptWords:
    """A receipt as words and amounts, ready to be laid out."""

    title: str
    number: str
    marks: tuple[str, ...]
    when: str
    payer: str
    lines: tuple[tuple[str, str, str], ...]
    total_label: str
    total: str
    paid: tuple[str, ...]
    because: str
    office: str
    founding_act: str
    place: tuple[str, ...]
    collected_by: str
    foot: tuple[str, ...]


def receipt_pdf(receipt: Receipt, *, copy: int = 0, voided: bool = False, paper: Paper = "a5") -> bytes:
    """Return the PDF of a receipt: `copy` 0 is the original, every other one says that it is a duplicate."""
    register_fonts()
    words = receipt_words(receipt, copy=copy, voided=voided)
    out = BytesIO()
    # The same receipt gives the same bytes: no hour of printing inside.
    canvas = Canvas(out, pagesize=PAGE, invariant=1, lang="fr-FR")
    canvas.setTitle(f"{words.title} {words.number}")
    canvas.setAuthor(words.office)
    if paper == "a5":
        _draw_a5(canvas, words)
    else:
        _draw_strip(canvas, words)
    canvas.save()
    return out.getvalue()


def receipt_words(receipt: Receipt, *, copy: int = 0, voided: bool = False) -> ReceiptWords:
    """Return what a receipt says."""
    printed: dict[str, Any] = receipt.printed
    is_void = receipt.voids_id is not None
    marks = (f"DUPLICATA N° {copy}" if copy else "", "ANNULÉE" if voided else "")
    lines = tuple(
        (
            line["service"],
            _standing_after(line),
            money(line["amount_cents"]),
        )
        for line in printed["lines"]
    )
    return ReceiptWords(
        title="Quittance d’annulation" if is_void else "Quittance",
        number=receipt_number(printed["series"], receipt.number),
        marks=tuple(mark for mark in marks if mark),
        when=_when(receipt.issued_at),
        payer=_payer([line["family"] for line in printed["lines"]], is_void=is_void),
        lines=lines,
        total_label="Total rendu" if is_void else "Total reçu",
        total=money(abs(receipt.total_cents)),
        paid=_paid(receipt),
        because=f"Annule la quittance {printed['voids']}. Motif : {printed['reason']}" if is_void else "",
        office=printed["office"],
        founding_act=printed["founding_act"],
        place=tuple(line for line in (printed["place"], printed["address"], _phone(printed["phone"])) if line),
        collected_by=f"{printed['collected_by']}, {printed['title']}",
        foot=(
            f"{'Établie' if is_void else 'Encaissé'} par {printed['collected_by']}, {printed['title']}.",
            f"Gardez cette quittance : elle prouve {'ce qui vous a été rendu' if is_void else 'votre paiement'}.",
        ),
    )


def _standing_after(line: dict[str, Any]) -> str:
    """Say what is on a wallet now, or what is still due on an invoice."""
    if line.get("invoice_id") is not None:
        return f"compte {line['account']}, reste dû {money(-line['balance_cents'])}"
    return f"compte {line['account']}, nouveau solde {money(line['balance_cents'])}"


def _paid(receipt: Receipt) -> tuple[str, ...]:
    means = MEANS_WORDS[receipt.means]
    if receipt.voids_id is not None:
        return (f"Rendu en {means}",) if receipt.means is Means.CASH else (f"Paiement par {means} rendu",)
    if receipt.means is not Means.CASH:
        noted = means_details(receipt.printed)
        return (f"Payé par {means}", *((noted,) if noted else ()))
    if receipt.change_cents == 0:
        return ("Payé en espèces",)
    return ("Payé en espèces", f"Remis {money(receipt.tendered_cents)}, rendu {money(receipt.change_cents)}")


def means_details(printed: dict[str, Any]) -> str:
    """Return what was noted of a cheque, a card payment or vouchers, as one line of a paper."""
    if cheque := printed.get("cheque"):
        return f"n° {cheque['number']}, {cheque['bank']}, tiré par {cheque['drawer_name']}"
    if reference := printed.get("card_reference"):
        return f"référence {reference}"
    return ", ".join(f"{each['number']} × {money(each['face_cents'])}" for each in printed.get("vouchers", ()))


def _payer(families: list[str], *, is_void: bool) -> str:
    names = list(dict.fromkeys(families))
    others = len(names) - FAMILIES_NAMED
    named = ", ".join(names[:FAMILIES_NAMED]) + (f" et {others} autres" if others > 0 else "")
    return f"Rendu à : {named}" if is_void else f"Reçu de : {named}"


def _phone(phone: str) -> str:
    return f"Téléphone {phone}" if phone else ""


def _when(instant: datetime) -> str:
    return f"{long_date(local_day(instant))}, {hour(instant)}"


class _Column:
    """A column of text that grows downwards; measures in points."""

    def __init__(self, canvas: Canvas, left: float, right: float, top: float) -> None:
        self.canvas, self.left, self.right, self.y = canvas, left, right, top

    def text(self, text: str, size: float, *, bold: bool = False, after: float = 0) -> None:
        """Write a text over as many lines as it takes."""
        font = BOLD if bold else FONT
        for line in _wrapped(text, font, size, self.right - self.left):
            self.y -= size * 1.25
            self.canvas.setFont(font, size)
            self.canvas.drawString(self.left, self.y, line)
        self.y -= after

    def pair(self, left: str, right: str, size: float, *, bold: bool = False, after: float = 0) -> None:
        """Write a text at the left, over as many lines as it takes, and an amount at the right of the first."""
        font = BOLD if bold else FONT
        for number, line in enumerate(_beside(left, right, font, size, self.right - self.left)):
            self.y -= size * (1.25 if number else 1.35)
            self.canvas.setFont(font, size)
            self.canvas.drawString(self.left, self.y, line)
            if number == 0:
                self.canvas.drawRightString(self.right, self.y, right)
        self.y -= after

    def rule(self, *, before: float = 3, after: float = 1) -> None:
        """Draw a line across."""
        self.y -= before
        self.canvas.setLineWidth(0.6)
        self.canvas.line(self.left, self.y, self.right, self.y)
        self.y -= after

    def marks(self, texts: tuple[str, ...], size: float) -> None:
        """Write texts in frames that nobody overlooks."""
        for text in texts:
            self.y -= size * 1.6 + 4
            self.canvas.setLineWidth(1.4)
            self.canvas.rect(self.left, self.y, pdfmetrics.stringWidth(text, BOLD, size) + 10, size * 1.6)
            self.canvas.setFont(BOLD, size)
            self.canvas.drawString(self.left + 5, self.y + size * 0.45, text)
        self.y -= 3 if texts else 0


def _wrapped(text: str, font: str, size: float, width: float) -> list[str]:
    """Return the lines of a text: it breaks at plain spaces, so that "2,35 €" stays in one piece, and after hyphens."""
    lines: list[str] = []
    for part in re.findall(r"[^ -]*-+|[^ -]+ ?| ", text):
        if lines and pdfmetrics.stringWidth((lines[-1] + part).rstrip(" "), font, size) <= width:
            lines[-1] += part
        else:
            lines.extend(_cut(part, font, size, width))
    return [line.rstrip(" ") for line in lines]


def _cut(word: str, font: str, size: float, width: float) -> list[str]:
    """Return a word in pieces that fit: nothing of what was paid is left out."""
    pieces = [""]
    for letter in word:
        if pieces[-1] and pdfmetrics.stringWidth((pieces[-1] + letter).rstrip(" "), font, size) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _beside(left: str, right: str, font: str, size: float, width: float) -> list[str]:
    return _wrapped(left, font, size, width - pdfmetrics.stringWidth(right, font, size) - 6)


def _draw_a5(canvas: Canvas, words: ReceiptWords) -> None:
    pages = _pages(words.lines)
    for number, lines in enumerate(pages, start=1):
        folio = f" ({number}/{len(pages)})" if len(pages) > 1 else ""
        _draw_counterfoil(canvas, words, folio)
        _draw_receipt(canvas, words, lines, folio, last=number == len(pages))
        canvas.showPage()


def _pages(lines: tuple[tuple[str, str, str], ...]) -> list[tuple[tuple[str, str, str], ...]]:
    """Part the lines into pages; a service's name of two lines takes the room of another balance."""
    width = PAGE[0] - COUNTERFOIL - 2 * MARGIN
    pages: list[tuple[tuple[str, str, str], ...]] = [()]
    room = float(LINES_ON_A5)
    for line in lines:
        needs = 1 + 0.6 * (len(_beside(line[0], line[2], BOLD, SERVICE_SIZE, width)) - 1)
        if needs > room and pages[-1]:
            pages.append(())
            room = float(LINES_ON_A5)
        pages[-1] += (line,)
        room -= needs
    return pages


def _draw_counterfoil(canvas: Canvas, words: ReceiptWords, folio: str) -> None:
    column = _Column(canvas, MARGIN, COUNTERFOIL - 4 * mm, PAGE[1] - MARGIN)
    column.text("Souche", 11)
    column.text(f"{words.title} n°", 11, bold=True)
    column.text(words.number + folio, 14, bold=True, after=2)
    column.marks(words.marks, 9)
    column.text(words.when, 10.5, after=5)
    column.text(words.payer, 10.5, after=3)
    column.rule()
    column.text(words.total_label, 11)
    column.text(words.total, 19, bold=True, after=3)
    for line in words.paid:
        column.text(line, 10.5)
    if words.because:
        column.text(words.because, 9, after=2)
    column.rule(before=6)
    column.text(words.place[0], 9.5)
    column.text(words.collected_by, 9.5)
    canvas.setDash(2, 3)
    canvas.setLineWidth(0.8)
    canvas.line(COUNTERFOIL, 4 * mm, COUNTERFOIL, PAGE[1] - 4 * mm)
    canvas.setDash()


def _draw_receipt(
    canvas: Canvas, words: ReceiptWords, lines: tuple[tuple[str, str, str], ...], folio: str, *, last: bool
) -> None:
    left, right = COUNTERFOIL + MARGIN, PAGE[0] - MARGIN
    column = _Column(canvas, left, right, PAGE[1] - MARGIN)
    column.text(words.office, 10, bold=True)
    if words.founding_act:
        column.text(words.founding_act, 8.5)
    column.text(" · ".join(words.place), 8.5, after=7)
    column.text(f"{words.title} n° {words.number}{folio}", 16, bold=True, after=2)
    column.marks(words.marks, 11)
    column.text(words.when[:1].upper() + words.when[1:], 12)
    column.text(words.payer, 12, after=3)
    column.rule()
    for service, balance, amount in lines:
        column.pair(service, amount, SERVICE_SIZE, bold=True)
        column.text(balance, 9.5)
    column.rule(before=5)
    if last:
        column.pair(words.total_label, words.total, 20, bold=True, after=3)
        for line in words.paid:
            column.text(line, 11.5)
        if words.because:
            column.text(words.because, 10)
    else:
        column.text("Suite à la page suivante.", 11)
    foot = _Column(canvas, left, right, MARGIN + 28)
    for line in words.foot:
        foot.text(line, 9.5)
    signature = _Column(canvas, right - 42 * mm, right, MARGIN + 64)
    signature.text("Cachet et signature", 8.5)


def _draw_strip(canvas: Canvas, words: ReceiptWords) -> None:
    # Laid out twice: once on a long strip to learn its length, then on one of that length.
    height = 20 * STRIP
    used = height - _lay_strip(Canvas(BytesIO(), pagesize=(STRIP, height)), words, height)
    length = used + STRIP_MARGIN
    canvas.setPageSize((STRIP, length))
    _lay_strip(canvas, words, length)
    canvas.showPage()


def _lay_strip(canvas: Canvas, words: ReceiptWords, height: float) -> float:
    column = _Column(canvas, STRIP_MARGIN, STRIP - STRIP_MARGIN, height - STRIP_MARGIN)
    column.text(words.office, 9, bold=True)
    for line in words.place:
        column.text(line, 9)
    column.rule(before=5)
    column.text(f"{words.title} n°", 11, bold=True)
    column.text(words.number, 15, bold=True)
    column.marks(words.marks, 11)
    column.text(words.when, 10, after=2)
    column.text(words.payer, 10)
    column.rule(before=5)
    for service, balance, amount in words.lines:
        column.pair(service, amount, 11, bold=True)
        column.text(balance, 9)
    column.rule(before=5)
    column.pair(words.total_label, words.total, 14, bold=True, after=2)
    for line in words.paid:
        column.text(line, 10)
    if words.because:
        column.text(words.because, 10)
    column.rule(before=5)
    for line in words.foot:
        column.text(line, 9)
    return column.y
