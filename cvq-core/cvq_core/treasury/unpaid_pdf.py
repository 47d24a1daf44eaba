"""The list of unpaid debts for the comptable (état des restes à recouvrer), as PDF and for a spreadsheet.

The list's row holds every word that is printed, so the same list says the same years later.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import groupby
from xml.sax.saxutils import escape

from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.offices.paper_parts import SMALL, Row, sheet, signatures, table, text
from cvq_core.spreadsheets import Money, Sheet
from cvq_core.text import hour, long_date, money, short_date
from cvq_core.treasury.papers import heading, marked
from cvq_core.treasury.unpaid import number_of
from cvq_core.treasury.unpaid_tables import UnpaidState


def unpaid_pdf(state: UnpaidState, *, withdrawn: bool = False) -> bytes:
    """Return the PDF of a list; `withdrawn` says in a frame that it was taken back."""
    printed, number = state.printed, number_of(state)
    is_withdrawal = state.withdraws_id is not None
    title = "Retrait d’un état des restes à recouvrer" if is_withdrawal else "État des restes à recouvrer"
    day = long_date(local_day(state.made_at))
    parts = heading(
        printed, title, number, f"{day[:1].upper()}{day[1:]}, {hour(state.made_at)} · transmis au comptable"
    )
    if withdrawn:
        parts += marked("RETIRÉ")
    if is_withdrawal:
        parts += marked(f"Retire l’état {printed['withdraws']}. Motif : {printed['reason']}")
    families = f"{state.families} famille{'s' if state.families > 1 else ''}"
    rule = (
        f"Dettes échues depuis plus de {printed['grace_days']} jours, cumulées par famille à partir de "
        f"{money(printed['threshold_cents'])} ({printed['source']})."
    )
    parts += [*marked(f"{families} pour {money(state.total_cents)}"), text(escape(rule), SMALL)]
    parts.append(table(_rows(state), (0.13, 0.37, 0.22, 0.15, 0.13), head=_HEAD))
    who = f"Transmis par {printed['handed_by']}, {printed['title']}"
    parts += signatures(escape(who), "Reçu par le comptable")
    return sheet(parts, title=f"{title} {number}", author=printed["office"])


_HEAD = ("Compte", "Redevable", "Dette", "Depuis le", "Montant")


def _rows(state: UnpaidState) -> list[Row]:
    rows: list[Row] = []
    for account, group in groupby(state.printed["items"], key=lambda each: each["account"]):
        mine = list(group)
        who = escape(mine[0]["payers"] or mine[0]["family"])
        where = f"<br/>{escape(mine[0]['address'])}" if mine[0]["address"] else ""
        for place, each in enumerate(mine):
            first = (escape(account), f"{who}{where}") if place == 0 else ("", "")
            since = short_date(date.fromisoformat(each["since"]))
            rows.append((*first, escape(each["label"]), since, money(each["amount_cents"])))
        if len(mine) > 1:
            total = sum(each["amount_cents"] for each in mine)
            rows.append(("", "", "<b>Pour cette famille</b>", "", f"<b>{money(total)}</b>"))
    rows.append(("<b>Total</b>", "", "", "", f"<b>{money(abs(state.total_cents))}</b>"))
    return rows


COLUMNS = (
    N_("État"),
    N_("Compte"),
    N_("Famille"),
    N_("Redevables"),
    N_("Adresse"),
    N_("Dette"),
    N_("Depuis le"),
    N_("Montant (€)"),
)


def unpaid_sheet(state: UnpaidState, say: Callable[[str], str]) -> Sheet:
    """Return a list for a spreadsheet, one row a debt."""
    number = number_of(state)
    return Sheet(
        number,
        [say(word) for word in COLUMNS],
        [
            (
                number,
                each["account"],
                each["family"],
                each["payers"],
                each["address"],
                each["label"],
                each["since"],
                Money(each["amount_cents"]),
            )
            for each in state.printed["items"]
        ],
    )
