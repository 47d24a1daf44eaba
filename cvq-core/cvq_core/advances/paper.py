"""The advance on paper: an expense's voucher, which the payee signs, and the statement that goes to the comptable; A4.

The rows hold every word that is printed, so the same paper says the same years later.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from cvq_core.advances.rules import PAID_BY_WORDS, PURPOSE_WORDS, PaidBy, Purpose
from cvq_core.advances.store import ExpenseLine, StatementLine
from cvq_core.clock import local_day
from cvq_core.offices.paper_parts import HEADING, MARK, SMALL, TEXT, TITLE, sheet, signatures, table, text
from cvq_core.text import hour, long_date, money, short_date


def voucher_pdf(line: ExpenseLine) -> bytes:
    """Return the PDF of an expense's voucher; a transfer's is the order to make it."""
    expense, printed = line.expense, line.expense.printed
    is_cancel = expense.cancels_id is not None
    by_transfer = expense.paid_by is PaidBy.TRANSFER
    title = "Ordre de virement sur l’avance" if by_transfer else "Pièce de dépense sur l’avance"
    if is_cancel:
        title = "Annulation d’une dépense sur l’avance"
    rows = [
        ("À qui", escape(expense.payee)),
        ("Pour quoi", PURPOSE_WORDS[expense.purpose]),
        ("Pièce justificative", escape(expense.document)),
        ("Comment", PAID_BY_WORDS[expense.paid_by]),
    ]
    refunded = printed.get("refunded")
    if refunded:
        rows.append(("Compte remboursé", escape(f"{refunded['service']}, compte famille {refunded['account']}")))
    if by_transfer:
        rows.append(
            ("Sur le compte (IBAN)", " ".join(expense.iban[at : at + 4] for at in range(0, len(expense.iban), 4)))
        )
    rows.append(("<b>Montant</b>", f"<b>{money(expense.amount_cents)}</b>"))
    parts = [
        *_head(printed, title, line.number, expense.paid_at),
        *_marks(line),
        Spacer(0, 4 * mm),
        table(rows, (0.35, 0.65), amounts=0),
        Spacer(0, 3 * mm),
        text(escape(f"Acte : {printed['act']}"), SMALL),
        *signatures(_payee_signs(expense.paid_by, is_cancel=is_cancel), f"Le régisseur : {escape(printed['officer'])}"),
    ]
    return sheet(parts, title=f"Dépense {line.number}", author=printed["office"])


def statement_pdf(line: StatementLine) -> bytes:
    """Return the PDF of a statement of expenses, as it went to the comptable."""
    printed = line.statement.printed
    rows = [
        (
            each["number"],
            short_date(local_day(datetime.fromisoformat(each["paid_at"]))),
            _said(each),
            money(each["amount_cents"]),
        )
        for each in printed["expenses"]
    ]
    rows.append(("<b>À reconstituer</b>", "", "", f"<b>{money(line.statement.total_cents)}</b>"))
    state = [
        ("Avance reçue", money(printed["granted_cents"])),
        ("En caisse d’avance", money(printed["cash_cents"])),
        ("Sur le compte de l’avance", money(printed["account_cents"])),
        ("Dépenses à reconstituer, états précédents compris", money(printed["awaiting_cents"])),
    ]
    parts = [
        *_head(printed, "État des dépenses payées sur l’avance", line.number, line.statement.made_at),
        text("Dépenses, avec leurs pièces jointes", HEADING),
        table(rows, (0.2, 0.2, 0.4, 0.2), head=("Pièce", "Jour", "À qui, pour quoi", "Montant")),
        text("L’avance ce jour", HEADING),
        table(state, (0.7, 0.3)),
        *signatures(f"Le régisseur : {escape(printed['officer'])}", "Le comptable : vu et reconstitué"),
    ]
    return sheet(parts, title=f"État de dépenses {line.number}", author=printed["office"])


def _head(printed: dict[str, Any], title: str, number: str, at: datetime) -> list[Flowable]:
    when = f"{long_date(local_day(at))}, {hour(at)}"
    return [
        text(f"<b>{escape(printed['office'])}</b>", TEXT),
        text(escape(printed["founding_act"]), SMALL),
        text(escape(printed["address"]), SMALL),
        Spacer(0, 5 * mm),
        text(title, TITLE),
        text(f"n° {number}", TITLE),
        text(f"{when[:1].upper()}{when[1:]}", TEXT),
    ]


def _marks(line: ExpenseLine) -> list[Flowable]:
    printed = line.expense.printed
    marks = []
    if line.cancelled_by_id is not None:
        marks.append("ANNULÉE")
    if line.expense.cancels_id is not None:
        marks.append(escape(f"Annule la dépense {printed['cancels']}. Motif : {printed['reason']}"))
    return [part for mark in marks for part in (Spacer(0, 3 * mm), text(mark, MARK))]


def _payee_signs(paid_by: PaidBy, *, is_cancel: bool) -> str:
    if is_cancel:
        return "Rendu par (nom, date et signature)"
    if paid_by is PaidBy.TRANSFER:
        return "Vu par le bénéficiaire (date et signature)"
    return "Pour acquit : le bénéficiaire (date et signature)"


def _said(expense: dict[str, Any]) -> str:
    purpose, paid_by = PURPOSE_WORDS[Purpose(expense["purpose"])], PAID_BY_WORDS[PaidBy(expense["paid_by"])]
    said = f"{expense['payee']} : {purpose} ({expense['document']}), {paid_by}"
    if expense["cancels"]:
        said += f" ; annule {expense['cancels']}"
    return escape(said)
