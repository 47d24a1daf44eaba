"""What every printed paper shares: the fonts that are embedded in it, and pages that are counted."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FONT, BOLD = "Guichet", "Guichet-Bold"
FONT_FILES = {FONT: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf"}
FONT_FOLDER = Path("/usr/share/fonts/truetype/dejavu")


@cache
def register_fonts() -> None:
    """Register the fonts that are embedded in every paper; they know all accents."""
    for name, file in FONT_FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(FONT_FOLDER / file)))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def counted(foot: str, *, margin: float, size: float = 10) -> Callable[..., Canvas]:
    """Return what makes reportlab's canvas for pages with a foot line and "Page 1 sur 2".

    Without a foot line, one page alone carries no number either.
    """
    return lambda *args, **kwargs: _Counted(foot, margin, size, *args, **kwargs)


class _Counted(Canvas):  # type: ignore[misc]  # reportlab has no types
    """Keeps its pages until it knows how many there are, and only then writes their feet."""

    def __init__(self, foot: str, margin: float, size: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._foot, self._margin, self._size = foot, margin, size
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - reportlab's name
        """Keep the page until all of them are there."""
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Number the pages that were kept, and write them."""
        for number, page in enumerate(self._kept, start=1):
            self.__dict__.update(page)
            self.setFont(FONT, self._size)
            self.drawString(self._margin, 10 * mm, self._foot)
            if self._foot or len(self._kept) > 1:
                self.drawRightString(self._pagesize[0] - self._margin, 10 * mm, f"Page {number} sur {len(self._kept)}")
            super().showPage()
        super().save()
