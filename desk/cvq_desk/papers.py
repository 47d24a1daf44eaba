"""Papers that the desk prints: fonts and measures shared by forms, slips and summaries. Black on white, large."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from reportlab.lib.colors import black
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

from cvq_core.paper import BOLD, FONT, counted, register_fonts


def style(
    size: float, *, bold: bool = False, before: float = 0, after: float = 0, keep: bool = False, hang: float = 0
) -> ParagraphStyle:
    """Return a paragraph style; sizes and spaces in points, `hang` is the room of a bullet at its left."""
    register_fonts()
    return ParagraphStyle(
        name=f"s{size}{bold}{before}{after}{keep}{hang}",
        fontName=BOLD if bold else FONT,
        fontSize=size,
        leading=size * 1.32,
        spaceBefore=before,
        spaceAfter=after,
        textColor=black,
        alignment=TA_LEFT,
        keepWithNext=1 if keep else 0,
        leftIndent=hang,
        bulletFontName=BOLD,
        bulletFontSize=size,
    )


def build(story: Sequence[Any], *, title: str, author: str, foot: str, margin: float = 18 * mm) -> bytes:
    """Lay a story out on A4 pages with a foot line and "Page 1 sur 2"; return the PDF.

    Without a foot line, one page alone carries no number either.
    """
    register_fonts()
    out = BytesIO()

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
    document.build(list(story), canvasmaker=counted(foot, margin=margin))
    return out.getvalue()
