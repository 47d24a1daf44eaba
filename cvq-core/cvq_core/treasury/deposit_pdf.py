"""The slip of a deposit of cheques (bordereau de remise): each cheque, how many, and how much; A4.

The deposit's row holds every word that is printed, so the same slip says the same years later.
"""

from __future__ import annotations

from datetime import date
from xml.sax.saxutils import escape

from cvq_core.clock import local_day
from cvq_core.offices.paper_parts import sheet, signatures, table
from cvq_core.text import hour, long_date, money, short_date
from cvq_core.treasury.deposits import number_of
from cvq_core.treasury.papers import heading, marked
from cvq_core.treasury.tables import ChequeDeposit


def deposit_pdf(deposit: ChequeDeposit, *, cancelled: bool = False) -> bytes:
    """Return the PDF of a slip; `cancelled` says in a frame that it was taken back."""
    printed, number = deposit.printed, number_of(deposit)
    is_cancel = deposit.cancels_id is not None
    title = "Bordereau d’annulation de remise de chèques" if is_cancel else "Bordereau de remise de chèques"
    day = long_date(local_day(deposit.made_at))
    made = f"{day[:1].upper()}{day[1:]}, {hour(deposit.made_at)} · remis à l’encaissement sur le compte au Trésor"
    parts = heading(printed, title, number, made)
    if cancelled:
        parts += marked("ANNULÉ")
    if is_cancel:
        parts += marked(f"Annule la remise {printed['cancels']}. Motif : {printed['reason']}")
    rows = [
        (
            f"{position}",
            escape(each["number"]),
            escape(each["bank"]),
            escape(each["drawer_name"]),
            escape(f"{each['receipt']}, {short_date(date.fromisoformat(each['collected_on']))}"),
            money(each["amount_cents"]),
        )
        for position, each in enumerate(printed["cheques"], start=1)
    ]
    count = f"{deposit.cheques} chèque{'s' if deposit.cheques > 1 else ''}"
    rows.append(("", f"<b>{count}</b>", "", "", "<b>Total remis</b>", f"<b>{money(deposit.total_cents)}</b>"))
    head = ("", "Chèque n°", "Banque", "Tireur", "Quittance", "Montant")
    parts += [
        *marked(f"{count} pour {money(deposit.total_cents)}"),
        table(rows, (0.06, 0.15, 0.18, 0.2, 0.26, 0.15), head=head),
        *signatures(
            escape(f"Remis par {printed['deposited_by']}, {printed['title']}"), "Reçu par le centre d’encaissement"
        ),
    ]
    return sheet(parts, title=f"{title} {number}", author=printed["office"])
