"""A family's statement on paper: A4, its columns named anew and its pages counted on each one. French."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, black
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
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

from cvq_core.families.statements import FamilyStatement, StatementSection
from cvq_core.text import THIN_SPACE, long_date, money, short_date, unbroken

FONT, BOLD = "Releve", "Releve-Bold"
FONT_FILES = {FONT: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf"}
FONT_FOLDER = Path("/usr/share/fonts/truetype/dejavu")
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
AMOUNT = ParagraphStyle("amount", TEXT, alignment=TA_RIGHT)
TITLE = ParagraphStyle("title", TEXT, fontName=BOLD, fontSize=17, leading=22)
PERIOD = ParagraphStyle("period", TEXT, fontSize=11.5, leading=16)
SECTION = ParagraphStyle("section", TEXT, fontName=BOLD, fontSize=12.5, leading=16, spaceBefore=9, spaceAfter=4)


def statement_pdf(found: FamilyStatement, *, issuer: str = "") -> bytes:
    """Return the PDF of a statement; `issuer` is who hands it out."""
    _register_fonts()
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
    document.build(story, canvasmaker=lambda *args, **kwargs: _Counted(title, *args, **kwargs))
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
            Paragraph(escape(unbroken(line.label)), TEXT),
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


@cache
def _register_fonts() -> None:
    for name, file in FONT_FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(FONT_FOLDER / file)))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


class _Counted(Canvas):  # type: ignore[misc]  # reportlab has no types
    """A canvas that knows how many pages there are before it numbers them."""

    def __init__(self, title: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._of = title
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - reportlab's own name
        """Keep the page until all of them are there."""
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Number the pages that were kept, and write them."""
        for number, page in enumerate(self._kept, start=1):
            self.__dict__.update(page)
            self.setFont(FONT, 8.5)
            self.drawString(MARGIN + PADDING, 11 * mm, self._of)
            self.drawRightString(A4[0] - MARGIN - PADDING, 11 * mm, f"Page {number} / {len(self._kept)}")
            super().showPage()
        super().save()
