"""The balance on paper: A4 on its side, every table of it, and lines to sign on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, black, grey
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
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
    Table,
    TableStyle,
)

from cvq_core.books.rules import Heading
from cvq_core.paper import BOLD, FONT, counted, register_fonts
from cvq_core.spreadsheets import Cell, Money, Sheet
from cvq_core.text import money, unbroken

PAGE = landscape(A4)
MARGIN = 12 * mm
PADDING = 6
WIDTH = PAGE[0] - 2 * (MARGIN + PADDING)
RULE = Color(0.72, 0.72, 0.72)
TEXT = ParagraphStyle("text", fontName=FONT, fontSize=7.5, leading=9.8)
AMOUNT = ParagraphStyle("amount", TEXT, alignment=TA_RIGHT)
TITLE = ParagraphStyle("title", TEXT, fontName=BOLD, fontSize=16, leading=21)
LINE = ParagraphStyle("line", TEXT, fontSize=10, leading=14)
HEADING = ParagraphStyle("heading", TEXT, fontName=BOLD, fontSize=11, leading=15, spaceBefore=9, spaceAfter=3)
MARK = ParagraphStyle("mark", HEADING, borderWidth=1.2, borderColor=black, borderPadding=4, spaceAfter=8)
TOGETHER = 12
"""A table this short is not parted between two pages."""


def balance_pdf(path: Path, heading: Heading, parts: Sequence[Sheet]) -> None:
    """Write the balance's paper; the first part is its heading."""
    register_fonts()
    title = f"Balance, {heading.label}"
    document = SimpleDocTemplate(
        str(path),
        pagesize=PAGE,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=12 * mm,
        bottomMargin=18 * mm,
        title=f"{title}, {heading.period.word}",
        author=heading.office,
        lang="fr-FR",
        invariant=1,
    )
    what, *tables = parts
    story: list[Flowable] = [Paragraph(escape(title), TITLE)]
    if heading.mark:
        story += [Spacer(0, 3 * mm), Paragraph(heading.mark, MARK)]
    story.append(_table(what, (0.3, 0.7)))
    for part in tables:
        story += _section(part)
    story += _signatures()
    foot = " · ".join(word for word in (heading.label, heading.period.word, heading.number_word) if word)
    document.build(story, canvasmaker=counted(foot, margin=MARGIN + PADDING, size=8))


def _section(part: Sheet) -> list[Flowable]:
    head = Paragraph(escape(part.name), HEADING)
    table = _table(part, _widths(part))
    if len(part.rows) <= TOGETHER:
        return [KeepTogether([head, table])]
    return [CondPageBreak(45 * mm), head, table]


def _widths(part: Sheet) -> Sequence[float]:
    """Return the columns' parts of the page: words need more room than amounts."""
    cells = part.rows[0] if part.rows else part.columns
    needs = [_need(column, word, cell) for column, (word, cell) in enumerate(zip(part.columns, cells, strict=True))]
    whole = 1.0 if len(needs) > 2 else 0.55
    return [whole * need / sum(needs) for need in needs]


def _need(column: int, word: str, cell: Cell) -> float:
    if word in ("Lignes", "De la ligne", "À la ligne"):
        return 0.85
    if word in ("De", "À"):
        return 2.35
    if isinstance(cell, Money):
        return 1.1
    return 2.2 if column == 0 else 1.3


def _table(part: Sheet, widths: Sequence[float]) -> LongTable:
    columns = range(len(part.columns))
    right = {column for column in columns if any(not isinstance(row[column], str) for row in part.rows)}
    is_plain = len(part.columns) == 2 and part.columns[0] == "Quoi"
    rows = (
        []
        if is_plain
        else [[_cell(f"<b>{_bare(word)}</b>", column in right) for column, word in enumerate(part.columns)]]
    )
    for row in part.rows:
        bold = row[0] == "Total"
        rows.append(
            [_cell(_said(cell, bold=bold), column in right and not is_plain) for column, cell in enumerate(row)]
        )
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.8),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        *([] if is_plain else [("LINEBELOW", (0, 0), (-1, 0), 0.9, black)]),
    ]
    return LongTable(
        rows,
        colWidths=[WIDTH * width for width in widths],
        repeatRows=0 if is_plain else 1,
        style=TableStyle(style),
        hAlign="LEFT",
    )


def _cell(words: str, right: bool) -> Paragraph:
    return Paragraph(unbroken(words), AMOUNT if right else TEXT)


def _said(cell: Cell, *, bold: bool) -> str:
    if isinstance(cell, Money):
        words = money(cell.cents)
    elif isinstance(cell, (str, int)):
        words = escape(_bare(str(cell)))
    else:
        words = str(cell.row)
    return f"<b>{words}</b>" if bold else words


def _bare(word: str) -> str:
    """Return a heading without its unit: on paper each amount has its own."""
    return word.removesuffix(" (€)")


def _signatures() -> list[Flowable]:
    boxes = Table(
        [[Paragraph("Le régisseur, le", TEXT), Paragraph("Vu par le comptable, le", TEXT)]],
        colWidths=[WIDTH / 2] * 2,
        rowHeights=[24 * mm],
        style=TableStyle([("BOX", (0, 0), (0, 0), 0.6, grey), ("BOX", (1, 0), (1, 0), 0.6, grey)]),
    )
    return [KeepTogether([Spacer(0, 6 * mm), boxes])]
