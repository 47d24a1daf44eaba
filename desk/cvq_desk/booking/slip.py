"""The slip that a resident takes home: where, when, with whom, what to bring. Nothing on it says why, or who.

It may lie on a kitchen table, and it is read without glasses: A5, black on white, few words, large.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A5
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import HRFlowable, KeepInFrame, ListFlowable, ListItem, Paragraph

from cvq_core.clock import local_day
from cvq_core.paper import BOLD, FONT, register_fonts
from cvq_core.text import hour, long_date, translator
from cvq_desk.papers import style

MARGIN = 12 * mm
BRING_MAX = 12

# Sizes as parts of the full one; the least is still that of a newspaper.
SCALES = (1.0, 0.9, 0.8, 0.7, 0.62)


@dataclass(frozen=True, slots=True)
class Slip:
    """What stands on it; `bring` are papers in words, `address` may have several lines."""

    place: str
    address: str
    starts_at: datetime
    organisation: str
    bring: tuple[str, ...]
    phone: str
    language: str = "fr"


def slip_pdf(slip: Slip) -> bytes:
    """Return the slip as a PDF of one A5 page; a long list of papers makes all of it smaller."""
    _ = translator(slip.language).gettext
    register_fonts()
    out = BytesIO()
    canvas = Canvas(out, pagesize=A5, lang="fr-FR" if slip.language == "fr" else "en-GB", initialFontName=FONT)
    canvas.setTitle(_("Votre rendez-vous"))
    canvas.setAuthor(slip.place)
    width, height = A5[0] - 2 * MARGIN, A5[1] - 2 * MARGIN
    for scale in SCALES:
        # Far taller than the page, so that nothing is shrunk before it was measured.
        used = KeepInFrame(width, height * 10, _story(slip, _, scale)).wrapOn(canvas, width, height * 10)[1]
        if used <= height:
            break
    page = KeepInFrame(width, height, _story(slip, _, scale), mode="shrink")
    used = page.wrapOn(canvas, width, height)[1]
    page.drawOn(canvas, MARGIN, A5[1] - MARGIN - used)
    canvas.save()
    return out.getvalue()


def _story(slip: Slip, _: Callable[[str], str], scale: float) -> list[Any]:
    def line(text: str, size: float, *, bold: bool = False, before: float = 0, after: float = 1) -> Paragraph:
        return Paragraph(escape(text), style(size * scale, bold=bold, before=before * scale, after=after * scale))

    def heading(text: str) -> Paragraph:
        return line(text, 12, bold=True, before=11, after=2)

    def rule() -> HRFlowable:
        return HRFlowable(width="100%", thickness=1.2, color="black", spaceBefore=6 * scale, spaceAfter=0)

    def bullets(items: tuple[str, ...]) -> ListFlowable:
        size = 14.5 * scale
        return ListFlowable(
            [ListItem(line(item, 14.5), leftIndent=16) for item in items],
            bulletType="bullet",
            start="•",
            bulletFontName=BOLD,
            bulletFontSize=size,
            leftIndent=16,
        )

    day = long_date(local_day(slip.starts_at), slip.language)
    story: list[Any] = [
        line(_("Votre rendez-vous"), 12, after=2),
        line(day[0].upper() + day[1:], 21, bold=True),
        line(hour(slip.starts_at, slip.language), 34, bold=True, after=2),
        rule(),
        heading(_("Où")),
        line(slip.place, 17, bold=True),
        *(line(part, 14.5) for part in slip.address.splitlines() if part.strip()),
        heading(_("Avec")),
        line(slip.organisation, 17, bold=True),
        line(_("Le conseiller vous parle par l’écran du guichet. Vous n’avez rien à faire marcher."), 12, after=2),
        heading(_("À apporter")),
        bullets((*slip.bring[:BRING_MAX], _("Votre carte de vie quotidienne, si vous en avez une"), _("Vos lunettes"))),
    ]
    if slip.phone:
        story += [
            rule(),
            heading(_("Pour changer d’heure ou annuler, appelez la mairie")),
            line(slip.phone, 17, bold=True),
        ]
    return story
