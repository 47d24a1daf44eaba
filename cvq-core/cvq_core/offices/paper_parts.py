"""What the A4 papers of a cash office are made of: headings, tables with their amounts at the right, signatures."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from cvq_core.paper import BOLD, FONT, counted, register_fonts
from cvq_core.text import unbroken

MARGIN = 16 * mm
FRAME_PADDING = 6
WIDTH = A4[0] - 2 * (MARGIN + FRAME_PADDING)
TEXT = ParagraphStyle("text", fontName=FONT, fontSize=10, leading=13.5)
SMALL = ParagraphStyle("small", parent=TEXT, fontSize=8.5, leading=11.5)
AMOUNT = ParagraphStyle("amount", parent=TEXT, alignment=2)
TITLE = ParagraphStyle("title", parent=TEXT, fontName=BOLD, fontSize=18, leading=23)
HEADING = ParagraphStyle("heading", parent=TEXT, fontName=BOLD, fontSize=12, leading=16, spaceBefore=9, spaceAfter=3)
MARK = ParagraphStyle("mark", parent=HEADING, borderWidth=1.4, borderColor=colors.black, borderPadding=5, spaceAfter=9)
LINES = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.grey),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
    ]
)
Row = Sequence[str]


def sheet(parts: Sequence[Flowable], *, title: str, author: str) -> bytes:
    """Return an A4 paper: its title at the foot of each page, pages counted, the same bytes for the same words."""
    out = BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=14 * mm,
        bottomMargin=18 * mm,
        title=title,
        author=author,
        lang="fr-FR",
        invariant=1,
    )
    document.build(list(parts), canvasmaker=counted(title, margin=MARGIN, size=8.5))
    return out.getvalue()


def table(rows: Sequence[Row], widths: Sequence[float], head: Row = (), *, amounts: int = 1) -> Table:
    """Return a table as wide as the page, amounts in its last columns; a long one repeats its head on each page."""
    first = len(widths) - amounts
    written = [[text(cell, AMOUNT if column >= first else TEXT) for column, cell in enumerate(row)] for row in rows]
    if head:
        bold = [text(f"<b>{cell}</b>", AMOUNT if column >= first else TEXT) for column, cell in enumerate(head)]
        written.insert(0, bold)
    return Table(written, colWidths=[WIDTH * width for width in widths], repeatRows=1 if head else 0, style=LINES)


def text(words: str, style: ParagraphStyle = TEXT) -> Paragraph:
    """Return a paragraph whose signs never begin a line; what came from people is escaped before."""
    # A paragraph looks for its fonts when it is made.
    register_fonts()
    return Paragraph(unbroken(words), style)


def capital(word: str) -> str:
    """Return a word as it begins a line."""
    return word[:1].upper() + word[1:]


def signatures(left: str, right: str) -> list[Flowable]:
    """Return two boxes to sign in, each with who signs."""
    boxes = Table(
        [[text(left, SMALL), text(right, SMALL)]],
        colWidths=[WIDTH / 2] * 2,
        rowHeights=[26 * mm],
        style=TableStyle([("BOX", (0, 0), (0, 0), 0.6, colors.grey), ("BOX", (1, 0), (1, 0), 0.6, colors.grey)]),
    )
    return [KeepTogether([Spacer(0, 7 * mm), boxes])]
