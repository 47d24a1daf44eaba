"""The slip of a reservation: what, when, where and how the door opens, in letters that are read without glasses.

A5, black on white. It may lie on a kitchen table: it names nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import HRFlowable, KeepInFrame, Paragraph

from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.paper import BOLD, FONT, register_fonts
from cvq_core.text import hour, long_date, money, translator

MARGIN = 12 * mm
OPENS = N_("Posez votre carte sur le lecteur : la porte s’ouvre de {begins} à {ends}.")


@dataclass(frozen=True, slots=True)
class ReservationSlip:
    """What stands on it. `opens_from` and `opens_until` are when the card opens; without doors, nothing is said.

    `cancel_until` is until when all comes back; None where it was too late already when it was reserved.
    """

    label: str
    site: str
    address: str
    starts_at: datetime
    ends_at: datetime
    opens_from: datetime
    opens_until: datetime
    has_door: bool
    how_to_enter: str
    price_cents: int
    deposit_cents: int
    cancel_until: datetime | None
    language: str = "fr"


def reservation_slip_pdf(slip: ReservationSlip) -> bytes:
    """Return the slip as a PDF of one page."""
    _ = translator(slip.language).gettext
    register_fonts()
    out = BytesIO()
    canvas = Canvas(out, pagesize=A5, lang="fr-FR" if slip.language == "fr" else "en-GB", initialFontName=FONT)
    canvas.setTitle(_("Votre réservation"))
    canvas.setAuthor(slip.site)
    width, height = A5[0] - 2 * MARGIN, A5[1] - 2 * MARGIN
    page = KeepInFrame(width, height, _story(slip, _), mode="shrink")
    used = page.wrapOn(canvas, width, height)[1]
    page.drawOn(canvas, MARGIN, A5[1] - MARGIN - used)
    canvas.save()
    return out.getvalue()


def _story(slip: ReservationSlip, _: Callable[[str], str]) -> list[Any]:
    language = slip.language

    def when(instant: datetime) -> str:
        """Say an hour, with its day where it is not that of the beginning."""
        said = hour(instant, language)
        day = local_day(instant)
        return said if day == local_day(slip.starts_at) else f"{said} ({long_date(day, language, with_year=False)})"

    day = long_date(local_day(slip.starts_at), language)
    ends = _("jusqu’à {ends}").format(ends=when(slip.ends_at))
    story: list[Any] = [
        _line(_("Votre réservation"), 12, after=2),
        _line(slip.label, 24, bold=True),
        _line(day[0].upper() + day[1:], 19, bold=True, before=4),
        _line(hour(slip.starts_at, language), 34, bold=True),
        _line(ends, 17, bold=True, after=4),
        _rule(),
        *_part(_("Où"), _line(slip.site, 17, bold=True), *([_line(slip.address, 14.5)] if slip.address else [])),
    ]
    if slip.has_door:
        opens = _(OPENS).format(begins=when(slip.opens_from), ends=when(slip.opens_until))
        story += _part(_("Pour entrer"), _line(opens, 14.5))
    if slip.how_to_enter:
        story.append(_line(slip.how_to_enter, 14.5))
    story += _part(_("Payé ou à payer"), *(_line(each, 14.5) for each in _costs(slip, _)))
    story += [_rule(), *_part(_("Pour annuler"), _line(_cancelling(slip, _), 14.5))]
    return story


def _cancelling(slip: ReservationSlip, _: Callable[[str], str]) -> str:
    until = slip.cancel_until
    if until is None:
        return _("Appelez votre mairie dès que possible : quelqu’un attend peut-être la place.")
    day = long_date(local_day(until), slip.language, with_year=False)
    return _("Appelez votre mairie avant {hour}, {day} : tout est rendu.").format(
        hour=hour(until, slip.language), day=day
    )


def _costs(slip: ReservationSlip, _: Callable[[str], str]) -> list[str]:
    found = [money(slip.price_cents, slip.language) if slip.price_cents else _("Rien : c’est gratuit.")]
    if slip.deposit_cents:
        deposit = money(slip.deposit_cents, slip.language)
        found.append(_("Caution de {deposit}, rendue après l’état des lieux.").format(deposit=deposit))
    return found


def _part(title: str, *lines: Paragraph) -> list[Paragraph]:
    return [_line(title, 12, bold=True, before=9, after=2), *lines]


def _line(text: str, size: float, *, bold: bool = False, before: float = 0, after: float = 1) -> Paragraph:
    style = ParagraphStyle(
        f"slip-{size}",
        fontName=BOLD if bold else FONT,
        fontSize=size,
        leading=size * 1.25,
        spaceBefore=before,
        spaceAfter=after,
    )
    return Paragraph(escape(text), style)


def _rule() -> HRFlowable:
    return HRFlowable(width="100%", thickness=1.2, color="black", spaceBefore=6, spaceAfter=0)
