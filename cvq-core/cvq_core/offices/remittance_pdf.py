"""The slip (bordereau) of a remittance: what is paid over, note by note, cheque by cheque, drawer by drawer; A4.

The remittance's row holds every word that is printed, so the same slip says the same years later.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, SimpleDocTemplate, Spacer

from cvq_core.clock import local_day
from cvq_core.offices.paper_parts import (
    HEADING,
    MARGIN,
    MARK,
    SMALL,
    TEXT,
    TITLE,
    capital,
    signatures,
    table,
    text,
)
from cvq_core.offices.receipt_pdf import means_details
from cvq_core.offices.remittance_rules import REMITTED_TO_WORDS, TAKING_WORDS, TakingKind, slip_number
from cvq_core.offices.rules import MEANS_WORDS, Means
from cvq_core.offices.tables import Remittance
from cvq_core.paper import FONT, register_fonts
from cvq_core.text import hour, long_date, money, short_date


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
        *_receipts(printed["receipts"], "de ce lieu", printed["means"]),
        *_sources(printed["sources"], printed["means"]),
        *_drawers(printed["drawers"]),
        *_bank(printed.get("bank", ()), printed.get("to_classify_cents", 0)),
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
        text(f"<b>{escape(printed['office'])}</b>", TEXT),
        text(escape(printed["founding_act"]), SMALL),
        text(escape(" · ".join(part for part in (printed["place"], printed["address"]) if part)), SMALL),
        Spacer(0, 5 * mm),
        text(title, TITLE),
        text(f"n° {number}", TITLE),
        text(f"{made[:1].upper()}{made[1:]} · versé {REMITTED_TO_WORDS[remittance.to]}", TEXT),
    ]
    if cancelled:
        parts += [Spacer(0, 3 * mm), text("ANNULÉ", MARK)]
    if is_cancel:
        because = f"Annule le versement {printed['cancels']}. Motif : {printed['reason']}"
        parts += [Spacer(0, 3 * mm), text(escape(because), MARK)]
    return parts


def _totals(remittance: Remittance) -> list[Flowable]:
    rows = [(capital(MEANS_WORDS[Means(word)]), money(cents)) for word, cents in remittance.printed["means"].items()]
    rows.append(("<b>Total versé</b>", f"<b>{money(remittance.total_cents)}</b>"))
    return [text("Ce qui est versé", HEADING), table(rows, (0.7, 0.3))]


def _cash(remittance: Remittance) -> list[Flowable]:
    counted = sorted(((int(cents), number) for cents, number in remittance.counted.items()), reverse=True)
    if not counted:
        return []
    rows = [(money(cents), f"{number}", money(cents * number)) for cents, number in counted]
    rows.append(("<b>Espèces</b>", "", f"<b>{money(abs(remittance.cash_cents))}</b>"))
    left = remittance.printed["left_cents"]
    note = f"Reste au coffre après ce versement, hors fonds de caisse : {money(left)}."
    counted = table(rows, (0.4, 0.3, 0.3), head=("Billets et pièces", "Nombre", "Somme"))
    return [KeepTogether([text("Espèces", HEADING), counted, text(note, SMALL)])]


def _receipts(receipts: Sequence[dict[str, Any]], whose: str, carried: Collection[str]) -> list[Flowable]:
    """Return the receipts of what the slip carries, by means; the officer's slip leaves cheques and cards out."""
    parts: list[Flowable] = []
    for means in Means:
        mine = [each for each in receipts if each["means"] == means and means in carried]
        if mine:
            rows = [(each["number"], escape(means_details(each)), money(each["amount_cents"])) for each in mine]
            total = money(sum(each["amount_cents"] for each in mine))
            rows.append((f"<b>{len(mine)} en tout</b>", "", f"<b>{total}</b>"))
            head = ("Quittance", "Ce qui est noté", "Montant")
            parts += [
                text(f"{capital(MEANS_WORDS[means])}, {escape(whose)}", HEADING),
                table(rows, (0.22, 0.55, 0.23), head=head),
            ]
    return parts


def _sources(sources: Sequence[dict[str, Any]], carried: Collection[str]) -> list[Flowable]:
    if not sources:
        return []
    rows = [
        (
            each["number"],
            escape(each["place"]),
            money(sum(cents for word, cents in each["means"].items() if word in carried)),
        )
        for each in sources
    ]
    parts: list[Flowable] = [
        text("Versements des sous-régies intégrés", HEADING),
        table(rows, (0.22, 0.55, 0.23), head=("Bordereau", "Lieu", "Montant")),
    ]
    for each in sources:
        parts += _receipts(each["receipts"], f"{each['place']} ({each['number']})", carried)
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
        text("Caisses fermées depuis le dernier versement", HEADING),
        table(rows, (0.17, 0.3, 0.33, 0.2), head=head),
    ]


def _bank(lines: Sequence[dict[str, Any]], to_classify_cents: int) -> list[Flowable]:
    """Return what came by the bank, and what of it waits: that is said, and not paid over."""
    parts: list[Flowable] = []
    if lines:
        rows = []
        for each in lines:
            what = f"{MEANS_WORDS[Means(each['means'])]}, {TAKING_WORDS[TakingKind(each['kind'])]}"
            said = f"{capital(what)} {each['reference']}".rstrip()
            day = short_date(date.fromisoformat(each["day"]))
            rows.append((day, escape(said), f"{each['payments']}", money(each["cents"])))
        total = money(sum(each["cents"] for each in lines))
        rows.append(("<b>En tout</b>", "", "", f"<b>{total}</b>"))
        head = ("Jour", "Par la banque", "Nombre", "Montant")
        parts += [text("Encaissé par la banque", HEADING), table(rows, (0.2, 0.44, 0.14, 0.22), head=head)]
    if to_classify_cents:
        note = f"Recettes à classer, non versées : {money(to_classify_cents)}. Elles le seront une fois décidées."
        parts.append(text(note, SMALL))
    return parts


def _signatures(remittance: Remittance) -> list[Flowable]:
    printed = remittance.printed
    received = f"Reçu {REMITTED_TO_WORDS[remittance.to].replace('au ', 'par le ')}"
    return signatures(f"Versé par {escape(printed['remitted_by'])}, {printed['title']}", received)
