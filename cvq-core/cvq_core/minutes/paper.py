"""A minute (procès-verbal) on paper: books beside count, differences explained, both signatures; A4.

The minute's row holds every word that is printed, so the same minute says the same years later.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer

from cvq_core.clock import local_day
from cvq_core.minutes.rules import MINUTE_WORDS, MinuteKind, Unit
from cvq_core.minutes.service import number_of
from cvq_core.minutes.tables import Minute
from cvq_core.offices.paper_parts import (
    HEADING,
    MARK,
    SMALL,
    TEXT,
    TITLE,
    capital,
    sheet,
    signatures,
    table,
    text,
)
from cvq_core.text import hour, long_date, money


def minute_pdf(minute: Minute) -> bytes:
    """Return the PDF of a minute."""
    printed, number = minute.printed, number_of(minute)
    when = f"{long_date(local_day(minute.made_at))}, {hour(minute.made_at)}"
    first, second = printed["first_party"], printed["second_party"]
    parts: list[Flowable] = [
        text(f"<b>{escape(printed['office'])}</b>", TEXT),
        text(escape(printed["founding_act"]), SMALL),
        text(escape(f"{printed['place']} · {printed['address']}"), SMALL),
        Spacer(0, 5 * mm),
        text(f"Procès-verbal de {MINUTE_WORDS[minute.kind]}", TITLE),
        text(f"n° {number}", TITLE),
        text(escape(f"{capital(when)}, entre {first[0]} ({first[1]}) et {second[0]} ({second[1]})."), TEXT),
    ]
    if minute.kind is MinuteKind.DESTRUCTION:
        parts += _destroyed(printed)
    else:
        parts += _state(printed)
    if printed.get("ends"):
        said = f"La nomination de {first[0]} à ce lieu prend fin ce jour. Décision : {printed['ends']}."
        parts += [Spacer(0, 3 * mm), text(escape(said), MARK)]
    parts += signatures(escape(f"{first[0]}, {first[1]}"), escape(f"{second[0]}, {second[1]}"))
    return sheet(parts, title=f"Procès-verbal {number}", author=printed["office"])


def _state(printed: dict[str, Any]) -> list[Flowable]:
    lines = printed["lines"]
    rows = [
        (
            escape(each["label"]),
            *(amount_words(each["unit"], each[name]) for name in ("books", "counted", "difference")),
        )
        for each in lines
    ]
    head = ("À cet instant", "Selon les livres", "Constaté", "Écart")
    parts: list[Flowable] = [text("Livres et comptage", HEADING), table(rows, (0.43, 0.2, 0.2, 0.17), head, amounts=3)]
    explained = [(escape(each["label"]), escape(each["explanation"])) for each in lines if each["difference"]]
    if explained:
        parts += [text("Écarts et explications", HEADING), table(explained, (0.4, 0.6), amounts=0)]
    else:
        parts.append(text("Aucun écart n’est constaté.", TEXT))
    for each in lines:
        if each["pieces"]:
            pieces = [
                (money(int(cents)), f"{count}", money(int(cents) * count)) for cents, count in each["pieces"].items()
            ]
            counted = table(pieces, (0.4, 0.3, 0.3), ("Billets et pièces", "Nombre", "Somme"))
            parts.append(KeepTogether([text(escape(each["label"]), HEADING), counted]))
    facts = [(escape(name), escape(value)) for name, value in printed["facts"]]
    parts.append(KeepTogether([text("Pour mémoire", HEADING), table(facts, (0.6, 0.4))]))
    return parts


def _destroyed(printed: dict[str, Any]) -> list[Flowable]:
    gone = printed["destroyed"]
    rows = [
        ("Valeur", escape(gone["label"])),
        ("Numéros", gone["numbers"]),
        ("Nombre", f"{gone['quantity']}"),
        ("Montant", money(gone["cents"])),
        ("Motif", escape(printed["reason"])),
    ]
    return [text("Ont été détruits ce jour", HEADING), table(rows, (0.3, 0.7), amounts=0)]


def difference_words(unit: str, difference: int) -> str:
    """Return a difference as it is read, with its sign: nothing where there is none."""
    if difference == 0:
        return ""
    return f"{'+' if difference > 0 else ''}{amount_words(unit, difference)}"


def amount_words(unit: str, amount: int) -> str:
    """Return an amount of a line as it is read: cents as euros, things as they are."""
    if unit == Unit.THINGS:
        return f"{amount}".replace("-", "−")
    return money(amount)
