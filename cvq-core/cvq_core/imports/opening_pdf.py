"""What a cash officer took over of an old base, on paper: totals beside the old base's own, each family, signatures."""

from __future__ import annotations

from xml.sax.saxutils import escape

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from cvq_core.clock import local_day
from cvq_core.imports.opening_list import OpeningList
from cvq_core.imports.tables import OpeningSignOff
from cvq_core.offices.paper_parts import HEADING, SMALL, TEXT, TITLE, Row, sheet, signatures, table, text
from cvq_core.services.rules import SERVICE_LABELS
from cvq_core.text import hour, long_date, money


def opening_pdf(opening: OpeningList) -> bytes:
    """Return the PDF of one service's balances that were signed off."""
    signed = opening.signed
    assert signed is not None, "it was signed off"
    batch, service = opening.batch, SERVICE_LABELS[signed.service_code]
    when = f"{long_date(local_day(signed.signed_at))}, {hour(signed.signed_at)}"
    office = opening.office
    title = f"Reprise des soldes : {service}"
    of = f"Soldes au {long_date(batch.balances_on)} de" if batch.balances_on else "Soldes de"
    parts: list[Flowable] = [
        *([text(f"<b>{escape(office.label)}</b>", TEXT), text(escape(office.founding_act), SMALL)] if office else []),
        Spacer(0, 5 * mm),
        text(escape(title), TITLE),
        text(escape(f"{of} l’ancienne base « {batch.title} » ({batch.base})"), TEXT),
        text(escape(f"Pris en compte le {when}, par {signed.signed_name}, tous ou aucun."), TEXT),
        text("Totaux", HEADING),
        table(_totals(signed), (0.34, 0.22, 0.22, 0.22), ("", "Nos soldes", "Ancienne base", "Différence"), amounts=3),
    ]
    if signed.explanation:
        parts.append(text(escape(f"Explication : {signed.explanation}"), TEXT))
    parts += [text("Famille par famille", HEADING), _families(opening)]
    parts += signatures(escape(f"{signed.signed_name}, pour la régie"), "Vu par l’ordonnateur ou le comptable")
    return sheet(parts, title=f"{title}, {batch.title}", author=office.label if office else batch.title)


def _totals(signed: OpeningSignOff) -> list[Row]:
    ours = (signed.credit_cents, signed.debt_cents)
    theirs = (signed.stated_credit_cents, signed.stated_debt_cents)
    rows = [
        ("Avoirs des familles", ours[0], theirs[0]),
        ("Dettes des familles", ours[1], theirs[1]),
        ("Avoirs moins dettes", ours[0] - ours[1], theirs[0] - theirs[1]),
    ]
    return [(words, money(mine), money(old), money(mine - old)) for words, mine, old in rows]


def _families(opening: OpeningList) -> Flowable:
    rows: list[Row] = [
        (
            *(escape(row.account), escape(row.label), escape(row.old_number)),
            *(money(row.cents) if row.cents > 0 else "", money(-row.cents) if row.cents < 0 else ""),
        )
        for row in opening.rows
    ]
    totals = opening.totals
    count = f"<b>{totals.families} famille{'s' if totals.families > 1 else ''}</b>"
    rows.append(("", count, "", f"<b>{money(totals.credit_cents)}</b>", f"<b>{money(totals.debt_cents)}</b>"))
    return table(rows, (0.14, 0.42, 0.14, 0.15, 0.15), ("Compte", "Famille", "Ancien n°", "Avoir", "Dette"), amounts=2)
