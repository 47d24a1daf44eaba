"""A family's statement on paper: A4, its columns named anew and its pages counted on each one. French."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, black
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepTogether,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

from cvq_core.families.statements import FamilyStatement, StatementLine, StatementSection
from cvq_core.paper import BOLD, FONT, counted, register_fonts
from cvq_core.text import THIN_SPACE, long_date, money, short_date, unbroken

MARGIN = 18 * mm
# reportlab's frames keep six points free on each side.
PADDING = 6
WIDTHS = (35 * mm, A4[0] - 2 * MARGIN - 2 * PADDING - 89 * mm, 27 * mm, 27 * mm)
RULE = Color(0.72, 0.72, 0.72)
STRIPE = Color(0.955, 0.955, 0.955)
LINES_TOGETHER = 6
"""A section this short is not parted between two pages."""

HEADING_ROOM = 35 * mm

TEXT = ParagraphStyle("text", fontName=FONT, fontSize=9.5, leading=12.5)
WHY = ParagraphStyle("why", TEXT, fontSize=8, leading=10)
AMOUNT = ParagraphStyle("amount", TEXT, alignment=TA_RIGHT)
TITLE = ParagraphStyle("title", TEXT, fontName=BOLD, fontSize=17, leading=22)
PERIOD = ParagraphStyle("period", TEXT, fontSize=11.5, leading=16)
SECTION = ParagraphStyle("section", TEXT, fontName=BOLD, fontSize=12.5, leading=16, spaceBefore=9, spaceAfter=4)


def statement_pdf(found: FamilyStatement, *, issuer: str = "") -> bytes:
    """Return the PDF of a statement; `issuer` is who hands it out."""
    register_fonts()
    out = BytesIO()
    title = f"Relevé du compte {found.account.number}"
    period = unbroken(f"Du {long_date(found.first)} au {long_date(found.last)}")
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
        title=title,
        author=issuer,
        lang="fr-FR",
        # The same statement gives the same bytes: no hour of printing inside.
        invariant=1,
    )
    story: list[Flowable] = [
        Paragraph(title, TITLE),
        Paragraph(escape(found.account.label), PERIOD),
        Paragraph(period, PERIOD),
        Spacer(1, 4 * mm),
        *_summary(found),
    ]
    for section in found.sections:
        story += _section(section, found)
    story += [Spacer(1, 6 * mm), Paragraph(_foot(found), TEXT)]
    document.build(story, canvasmaker=counted(title, margin=MARGIN + PADDING, size=8.5))
    return out.getvalue()


def _summary(found: FamilyStatement) -> list[Flowable]:
    """Return what there was and what there is, service by service: whoever wants no detail reads no further."""
    if not found.sections:
        return [Paragraph("Ce compte n’a aucun mouvement ni aucune facture sur cette période.", TEXT)]
    rows = [_head("Compte", "Au début", "À la fin")]
    rows += [
        [Paragraph(escape(section.title), TEXT), _cents(section.opening_cents), _cents(section.closing_cents)]
        for section in found.sections
    ]
    return [_table(rows, (sum(WIDTHS[:2]), *WIDTHS[2:]))]


def _section(section: StatementSection, found: FamilyStatement) -> list[Flowable]:
    rows = [_head("Jour", "Libellé", "Montant", "Solde")]
    rows.append(_total(found.first, "Solde au début de la période", section.opening_cents))
    rows += [
        [
            short_date(line.day),
            _labelled(line),
            _signed(line.amount_cents),
            _cents(line.balance_cents),
        ]
        for line in section.lines
    ]
    rows.append(_total(found.last, "Solde à la fin de la période", section.closing_cents))
    due = " : ce qui reste dû est en dessous de zéro" if section.is_invoice else ""
    heading = Paragraph(escape(unbroken(section.title + due)), SECTION)
    table = _table(rows, WIDTHS)
    if len(section.lines) <= LINES_TOGETHER:
        return [KeepTogether([heading, table])]
    return [CondPageBreak(HEADING_ROOM), heading, table]


def _labelled(line: StatementLine) -> list[Flowable]:
    """Return what moved, and below it why the price is what it is."""
    label = Paragraph(escape(unbroken(line.label)), TEXT)
    return [label, Paragraph(escape(unbroken(line.why)), WHY)] if line.why else [label]


def _head(*words: str) -> list[Any]:
    """Return the columns' names, the last two above amounts."""
    return [
        Paragraph(f'<font name="{BOLD}">{word}</font>', AMOUNT if column >= len(words) - 2 else TEXT)
        for column, word in enumerate(words)
    ]


def _total(day: Any, words: str, cents: int) -> list[Any]:
    return [short_date(day), Paragraph(f'<font name="{BOLD}">{words}</font>', TEXT), "", _cents(cents)]


def _table(rows: list[list[Any]], widths: tuple[float, ...]) -> LongTable:
    style = [
        ("FONT", (0, 0), (-1, -1), FONT, 9.5),
        ("ALIGN", (-2, 0), (-1, -1), "RIGHT"),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        ("LINEBELOW", (0, 0), (-1, 0), 1, black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, RULE),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), (None, STRIPE)),
    ]
    return LongTable(rows, colWidths=widths, repeatRows=1, style=TableStyle(style))


def _cents(cents: int) -> str:
    return money(cents)


def _signed(cents: int) -> str:
    return f"+{money(cents)}" if cents > 0 else money(cents)


def _foot(found: FamilyStatement) -> str:
    count = f"{found.lines:,}".replace(",", THIN_SPACE)
    return unbroken(
        f"{count} mouvement{'s' if found.lines > 1 else ''}. Un montant précédé de + est arrivé sur le compte ; "
        "un montant précédé de − en est parti."
    )
