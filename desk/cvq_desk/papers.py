"""Papers that the desk prints: fonts and measures shared by forms, slips and summaries. Black on white, large."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from reportlab.lib.colors import black
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

FONT, FONT_BOLD = "Guichet", "Guichet-Bold"
FONT_FILES = {FONT: "DejaVuSans.ttf", FONT_BOLD: "DejaVuSans-Bold.ttf"}
FONT_FOLDER = Path("/usr/share/fonts/truetype/dejavu")


@cache
def register_fonts() -> None:
    """Register the fonts that are embedded in every paper; they know all accents."""
    for name, file in FONT_FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(FONT_FOLDER / file)))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=FONT_BOLD, italic=FONT, boldItalic=FONT_BOLD)


def style(
    size: float, *, bold: bool = False, before: float = 0, after: float = 0, keep: bool = False, hang: float = 0
) -> ParagraphStyle:
    """Return a paragraph style; sizes and spaces in points, `hang` is the room of a bullet at its left."""
    register_fonts()
    return ParagraphStyle(
        name=f"s{size}{bold}{before}{after}{keep}{hang}",
        fontName=FONT_BOLD if bold else FONT,
        fontSize=size,
        leading=size * 1.32,
        spaceBefore=before,
        spaceAfter=after,
        textColor=black,
        alignment=TA_LEFT,
        keepWithNext=1 if keep else 0,
        leftIndent=hang,
        bulletFontName=FONT_BOLD,
        bulletFontSize=size,
    )


def build(story: Sequence[Any], *, title: str, author: str, foot: str, margin: float = 18 * mm) -> bytes:
    """Lay a story out on A4 pages with a foot line and "Page 1 sur 2"; return the PDF.

    Without a foot line, one page alone carries no number either.
    """
    register_fonts()
    out = BytesIO()

    class Numbered(Canvas):  # type: ignore[misc]  # reportlab has no types
        """Keeps its pages until their number is known, and only then writes their feet."""

        kept: ClassVar[list[dict[str, Any]]] = []

        def showPage(self) -> None:  # noqa: N802 – reportlab's name
            self.kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self.kept, start=1):
                self.__dict__.update(page)
                self.setFont(FONT, 10)
                self.drawString(margin, 10 * mm, foot)
                if foot or len(self.kept) > 1:
                    self.drawRightString(A4[0] - margin, 10 * mm, f"Page {number} sur {len(self.kept)}")
                super().showPage()
            super().save()

    document = BaseDocTemplate(
        out,
        pagesize=A4,
        leftMargin=margin,
        rightMargin=margin,
        topMargin=margin,
        bottomMargin=margin + 4 * mm,
        title=title,
        author=author,
        lang="fr-FR",
    )
    frame = Frame(
        document.leftMargin,
        document.bottomMargin,
        document.width,
        document.height,
        id="page",
        leftPadding=0,
        rightPadding=0,
    )
    document.addPageTemplates([PageTemplate(id="page", frames=[frame])])
    document.build(list(story), canvasmaker=Numbered)
    return out.getvalue()
