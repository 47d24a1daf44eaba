"""The stock account of inactive values as a PDF, to be signed, and as rows for a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from cvq_core.clock import local_day
from cvq_core.inactive_values.rules import WHEREABOUTS_WORDS, written
from cvq_core.inactive_values.store import StockLine
from cvq_core.offices.paper_parts import HEADING, SMALL, TEXT, TITLE, capital, sheet, signatures, table, text
from cvq_core.offices.tables import CashOffice
from cvq_core.text import hour, long_date, money

COLUMNS = ("Valeur", "Valeur faciale", "Où", "Chez", "Numéros", "Nombre", "Montant")


def stock_pdf(office: CashOffice, lines: Sequence[StockLine], *, now: datetime, officer: str) -> bytes:
    """Return the stock account of an office at an instant: what is to be answered for first, then what is gone."""
    when = f"{long_date(local_day(now))}, {hour(now)}"
    kept, gone = [each for each in lines if each.in_stock], [each for each in lines if not each.in_stock]
    parts = [
        text(f"<b>{escape(office.label)}</b>", TEXT),
        text(escape(office.founding_act), SMALL),
        Spacer(0, 5 * mm),
        text("Compte des valeurs inactives", TITLE),
        text(capital(when), TEXT),
        text("En stock", HEADING),
        _lines(kept),
    ]
    if gone:
        parts += [text("Sorti du stock", HEADING), _lines(gone)]
    parts += signatures(f"Le régisseur : {escape(officer)}", "Vérifié par (nom, date et signature)")
    return sheet(parts, title=f"Valeurs inactives {office.code}", author=office.label)


def rows_of(lines: Sequence[StockLine]) -> list[list[str]]:
    """Return the stock account as the rows of a file, amounts as "12,50"; `COLUMNS` are their names."""
    return [
        [
            line.kind.label,
            _euros(line.kind.face_cents),
            WHEREABOUTS_WORDS[line.holder.where],
            line.holder_name,
            written(line.spans),
            f"{line.quantity}",
            _euros(line.cents),
        ]
        for line in lines
    ]


def _lines(lines: Sequence[StockLine]) -> Flowable:
    rows = [
        (
            escape(f"{line.kind.label} à {money(line.kind.face_cents)}"),
            escape(f"{WHEREABOUTS_WORDS[line.holder.where]}{f' : {line.holder_name}' if line.holder_name else ''}"),
            written(line.spans),
            f"{line.quantity}",
            money(line.cents),
        )
        for line in lines
    ]
    total = money(sum(line.cents for line in lines))
    rows.append(("<b>En tout</b>", "", "", f"<b>{sum(line.quantity for line in lines)}</b>", f"<b>{total}</b>"))
    head = ("Valeur", "Où", "Numéros", "Nombre", "Montant")
    return table(rows, (0.26, 0.25, 0.21, 0.11, 0.17), head=head, amounts=2)


def _euros(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"
