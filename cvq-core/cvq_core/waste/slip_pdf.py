"""The slip of a deposit, given on the spot: who, when, where, what, and what it costs or how often one may still come.

A5, black on white, in letters that are read in the rain. A professional shows it as the proof of where waste went.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import HRFlowable, KeepInFrame, Paragraph, Table, TableStyle

from cvq_core.clock import local_day
from cvq_core.paper import BOLD, FONT, register_fonts
from cvq_core.text import hour, long_date, money, unbroken
from cvq_core.waste.rules import STANDING_WORDS, Standing, volume_words
from cvq_core.waste.store import Deposit

MARGIN = 12 * mm
WIDTH, HEIGHT = A5[0] - 2 * MARGIN, A5[1] - 2 * MARGIN


@dataclass(frozen=True, slots=True)
class SlipPlace:
    """Where something was brought, and who runs the place."""

    site: str
    territory: str


def deposit_slip_pdf(deposit: Deposit, place: SlipPlace) -> bytes:
    """Return the slip as a PDF of one page; the same deposit says the same years later."""
    register_fonts()
    out = BytesIO()
    canvas = Canvas(out, pagesize=A5, lang="fr-FR", initialFontName=FONT, invariant=True)
    canvas.setTitle("Bon de dépôt")
    canvas.setAuthor(place.territory)
    page = KeepInFrame(WIDTH, HEIGHT, _story(deposit, place), mode="shrink")
    used = page.wrapOn(canvas, WIDTH, HEIGHT)[1]
    page.drawOn(canvas, MARGIN, A5[1] - MARGIN - used)
    canvas.save()
    return out.getvalue()


def _story(deposit: Deposit, place: SlipPlace) -> list[Any]:
    row = deposit.row
    day = long_date(local_day(row.occurred_at))
    rows = [
        [
            _text(load.label),
            _text(volume_words(load.litres), right=True),
            _text(money(load.amount_cents) if load.amount_cents else "gratuit", right=True),
        ]
        for load in deposit.loads
    ]
    total = money(row.amount_cents) if row.amount_cents else "Gratuit"
    rows.append([_text("Total", bold=True), "", _text(total, bold=True, right=True)])
    table = Table(rows, colWidths=(WIDTH * 0.5, WIDTH * 0.22, WIDTH * 0.28))
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -2), 0.5, colors.grey),
                ("LINEABOVE", (0, -1), (-1, -1), 1.2, colors.black),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return [
        _line(place.territory, 11),
        _line("Bon de dépôt", 24, bold=True),
        _line(place.site, 15, bold=True),
        _line(f"{day[:1].upper()}{day[1:]}, {hour(row.occurred_at)}", 13, after=4),
        _rule(),
        _line(row.printed_name, 15, bold=True, before=6),
        _line(STANDING_WORDS[row.standing].capitalize(), 12, after=6),
        table,
        *(_line(sentence, 12, before=6) for sentence in _said(deposit)),
        _rule(),
        _line(f"Dépôt {row.id!s}", 8, before=3),
    ]


def _said(deposit: Deposit) -> list[str]:
    row = deposit.row
    if row.standing is Standing.PROFESSIONAL:
        if not row.amount_cents:
            return []
        return ["Payé sur le compte." if row.transaction_id else "À payer sur facture."]
    year = local_day(row.occurred_at).year
    if row.quota is None:
        return [unbroken(f"Passage n° {row.visit} de {year}.")]
    left = max(row.quota - row.visit, 0)
    said = [unbroken(f"Passage n° {row.visit} sur {row.quota} en {year} : il en reste {left}.")]
    if row.overrun:
        said.append("Ce passage dépasse le nombre prévu : le service des déchets en est averti.")
    return said


def _text(words: str, *, bold: bool = False, right: bool = False) -> Paragraph:
    font = BOLD if bold else FONT
    style = ParagraphStyle("cell", fontName=font, fontSize=13, leading=16, alignment=2 if right else 0)
    return Paragraph(escape(words), style)


def _line(text: str, size: float, *, bold: bool = False, before: float = 0, after: float = 1) -> Paragraph:
    style = ParagraphStyle(
        f"line-{size}",
        fontName=BOLD if bold else FONT,
        fontSize=size,
        leading=size * 1.25,
        spaceBefore=before,
        spaceAfter=after,
    )
    return Paragraph(escape(text), style)


def _rule() -> HRFlowable:
    return HRFlowable(width="100%", thickness=1.2, color="black", spaceBefore=6, spaceAfter=0)
