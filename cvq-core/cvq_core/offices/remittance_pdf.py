"""The slip (bordereau) of a remittance: what is paid over, note by note, cheque by cheque, drawer by drawer; A4.

The remittance's row holds every word that is printed, so the same slip says the same years later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from cvq_core.clock import local_day
from cvq_core.offices.receipt_pdf import means_details
from cvq_core.offices.remittance_rules import REMITTED_TO_WORDS, slip_number
from cvq_core.offices.rules import MEANS_WORDS, Means
from cvq_core.offices.tables import Remittance
from cvq_core.paper import BOLD, FONT, register_fonts
from cvq_core.text import hour, long_date, money, short_date, unbroken

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


def remittance_pdf(remittance: Remittance, *, cancelled: bool = False) -> bytes:
    """Return the PDF of a slip; `cancelled` says in a frame that it was taken back."""
    register_fonts()
    printed: dict[str, Any] = remittance.printed
    number = slip_number(printed["series"], remittance.number)
    out = BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=14 * mm,
        bottomMargin=18 * mm,
        title=f"Bordereau de versement {number}",
        author=printed["office"],
        lang="fr-FR",
        invariant=1,
    )

    def foot(canvas: Canvas, _: SimpleDocTemplate) -> None:
        canvas.setFont(FONT, 8.5)
        canvas.drawString(MARGIN, 10 * mm, f"Versement {number}")
        canvas.drawRightString(A4[0] - MARGIN, 10 * mm, f"Page {canvas.getPageNumber()}")

    parts = [
        *_head(remittance, number, cancelled=cancelled),
        *_totals(remittance),
        *_cash(remittance),
        *_receipts(printed["receipts"], "de ce lieu"),
        *_sources(printed["sources"]),
        *_drawers(printed["drawers"]),
        *_signatures(remittance),
    ]
    document.build(parts, onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _head(remittance: Remittance, number: str, *, cancelled: bool) -> list[Flowable]:
    printed = remittance.printed
    is_cancel = remittance.cancels_id is not None
    title = "Bordereau d’annulation de versement" if is_cancel else "Bordereau de versement"
    made = f"{long_date(local_day(remittance.made_at))}, {hour(remittance.made_at)}"
    parts: list[Flowable] = [
        _text(f"<b>{escape(printed['office'])}</b>", TEXT),
        _text(escape(printed["founding_act"]), SMALL),
        _text(escape(f"{printed['place']} · {printed['address']}"), SMALL),
        Spacer(0, 5 * mm),
        _text(title, TITLE),
        _text(f"n° {number}", TITLE),
        _text(f"{made[:1].upper()}{made[1:]} · versé {REMITTED_TO_WORDS[remittance.to]}", TEXT),
    ]
    if cancelled:
        parts += [Spacer(0, 3 * mm), _text("ANNULÉ", MARK)]
    if is_cancel:
        because = f"Annule le versement {printed['cancels']}. Motif : {printed['reason']}"
        parts += [Spacer(0, 3 * mm), _text(escape(because), MARK)]
    return parts


def _totals(remittance: Remittance) -> list[Flowable]:
    rows = [(_capital(MEANS_WORDS[Means(word)]), money(cents)) for word, cents in remittance.printed["means"].items()]
    rows.append(("<b>Total versé</b>", f"<b>{money(remittance.total_cents)}</b>"))
    return [_text("Ce qui est versé", HEADING), _table(rows, (0.7, 0.3))]


def _cash(remittance: Remittance) -> list[Flowable]:
    counted = sorted(((int(cents), number) for cents, number in remittance.counted.items()), reverse=True)
    if not counted:
        return []
    rows = [(money(cents), f"{number}", money(cents * number)) for cents, number in counted]
    rows.append(("<b>Espèces</b>", "", f"<b>{money(abs(remittance.cash_cents))}</b>"))
    left = remittance.printed["left_cents"]
    note = f"Reste au coffre après ce versement, hors fonds de caisse : {money(left)}."
    table = _table(rows, (0.4, 0.3, 0.3), head=("Billets et pièces", "Nombre", "Somme"))
    return [KeepTogether([_text("Espèces", HEADING), table, _text(note, SMALL)])]


def _receipts(receipts: Sequence[dict[str, Any]], whose: str) -> list[Flowable]:
    parts: list[Flowable] = []
    for means in Means:
        mine = [each for each in receipts if each["means"] == means]
        if mine:
            rows = [(each["number"], escape(means_details(each)), money(each["amount_cents"])) for each in mine]
            total = money(sum(each["amount_cents"] for each in mine))
            rows.append((f"<b>{len(mine)} en tout</b>", "", f"<b>{total}</b>"))
            head = ("Quittance", "Ce qui est noté", "Montant")
            parts += [
                _text(f"{_capital(MEANS_WORDS[means])}, {escape(whose)}", HEADING),
                _table(rows, (0.22, 0.55, 0.23), head=head),
            ]
    return parts


def _sources(sources: Sequence[dict[str, Any]]) -> list[Flowable]:
    if not sources:
        return []
    rows = [(each["number"], escape(each["place"]), money(sum(each["means"].values()))) for each in sources]
    parts: list[Flowable] = [
        _text("Versements des sous-régies intégrés", HEADING),
        _table(rows, (0.22, 0.55, 0.23), head=("Bordereau", "Lieu", "Montant")),
    ]
    for each in sources:
        parts += _receipts(each["receipts"], f"{each['place']} ({each['number']})")
    return parts


def _drawers(drawers: Sequence[dict[str, Any]]) -> list[Flowable]:
    if not drawers:
        return []
    rows = []
    for each in drawers:
        day = short_date(local_day(datetime.fromisoformat(each["opened_at"])))
        which = f"{each['first']} à {each['last']} ({each['receipts']})" if each["receipts"] else "aucune"
        means = ", ".join(f"{MEANS_WORDS[Means(word)]} {money(cents)}" for word, cents in each["means"].items())
        difference = f"écart {money(each['difference_cents'])}" if each["difference_cents"] else ""
        said = " ; ".join(part for part in (means, difference) if part)
        rows.append((day, which, escape(said), money(sum(each["means"].values()))))
    total = money(sum(sum(each["means"].values()) for each in drawers))
    rows.append(("<b>Encaissé</b>", "", "", f"<b>{total}</b>"))
    head = ("Caisse du", "Quittances", "Par moyen", "Montant")
    return [
        _text("Caisses fermées depuis le dernier versement", HEADING),
        _table(rows, (0.17, 0.3, 0.33, 0.2), head=head),
    ]


def _signatures(remittance: Remittance) -> list[Flowable]:
    printed = remittance.printed
    left = f"Versé par {escape(printed['remitted_by'])}, {printed['title']}"
    boxes = Table(
        [[_text(left, SMALL), _text(f"Reçu {REMITTED_TO_WORDS[remittance.to].replace('au ', 'par le ')}", SMALL)]],
        colWidths=[WIDTH / 2] * 2,
        rowHeights=[26 * mm],
        style=TableStyle([("BOX", (0, 0), (0, 0), 0.6, colors.grey), ("BOX", (1, 0), (1, 0), 0.6, colors.grey)]),
    )
    return [KeepTogether([Spacer(0, 7 * mm), boxes])]


def _table(rows: Sequence[Row], widths: Sequence[float], head: Row = ()) -> Table:
    """Return a table as wide as the page, amounts in its last column; a long one repeats its head on each page."""
    last = len(widths) - 1
    written = [[_text(cell, AMOUNT if column == last else TEXT) for column, cell in enumerate(row)] for row in rows]
    if head:
        bold = [_text(f"<b>{cell}</b>", AMOUNT if column == last else TEXT) for column, cell in enumerate(head)]
        written.insert(0, bold)
    return Table(written, colWidths=[WIDTH * width for width in widths], repeatRows=1 if head else 0, style=LINES)


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(unbroken(text), style)


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
