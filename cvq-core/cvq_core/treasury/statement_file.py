"""The treasury account's statement as its bank exports it, read as pure functions.

A table whose columns are found by their names: the day, the label, debit and credit (or one signed amount) and, where
there is one, the reference. Above the names the bank may write whose account it is; below the lines, balances.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from cvq_core.bank_table import Table, day_of, one_line, plain, read_table, signed_cents
from cvq_core.errors import N_, BadInput

LINES_MAX = 5_000
BYTES_MAX = 2 * 1024 * 1024
LABEL_MAX = 200
REFERENCE_MAX = 80
FIRST_DAY = date(2000, 1, 1)
COLUMNS: dict[str, tuple[str, ...]] = {
    "day": ("date", "date operation", "date d operation", "date de l operation", "date comptable", "jour"),
    "label": ("libelle", "libelle operation", "libelle de l operation", "operation", "nature", "intitule", "objet"),
    "reference": ("reference", "ref", "reference operation", "reference de l operation", "numero", "piece"),
    "debit": ("debit", "montant debit", "debit euros", "debits"),
    "credit": ("credit", "montant credit", "credit euros", "credits"),
    "amount": ("montant", "montant euros", "montant de l operation"),
}
"""Under which names each column is known, without accents and capitals."""

_BALANCE = re.compile(
    r"((ancien|nouveau) )?solde( (au|du|en|crediteur|debiteur|initial|final|precedent|comptable)\b.*)?"
)
_SUM = re.compile(r"tota(l|ux)\b.*")


class BadStatement(BadInput):
    """It is no statement that we know, or a line of it cannot be read."""

    slug = "bad-treasury-statement"
    message = N_("Ce relevé ne se lit pas, ligne {line}.")
    what_to_do = N_(
        "Il faut une ligne de titres avec « date », « libellé », « débit » et « crédit » (ou « montant »). "
        "Rien n’a été importé."
    )


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One movement as the bank writes it, in cents: plus is what came onto the account."""

    day: date
    label: str
    reference: str
    amount_cents: int


def read_statement(content: bytes, today: date) -> list[StatementRow]:
    """Return the movements of a statement in the order of the file.

    Raises:
        BadStatement: with the number of the line that cannot be read, lies in the future, or has no one amount.
    """
    table = read_table(content, COLUMNS, complete=_complete, bad=BadStatement, bytes_max=BYTES_MAX, lines_max=LINES_MAX)
    rows = [_row(table, number, cells, today) for number, cells in table.lines if not _is_balance(table, cells)]
    if not rows:
        raise BadStatement(line=1)
    return rows


def digests_of(rows: Iterable[StatementRow]) -> list[bytes]:
    """Return what tells each movement from all others of its account, in the order given.

    Two exports that overlap name the same movement alike. Of movements that agree in everything, the second one of a
    day is another than the first.
    """
    seen: Counter[StatementRow] = Counter()
    found = []
    for row in rows:
        seen[row] += 1
        content = "\0".join((row.day.isoformat(), f"{row.amount_cents}", row.label, row.reference, f"{seen[row]}"))
        found.append(hashlib.sha256(content.encode()).digest())
    return found


def _complete(there: Collection[str]) -> bool:
    amounts = "amount" in there or {"debit", "credit"} <= set(there)
    return amounts and {"day", "label"} <= set(there)


def _is_balance(table: Table, cells: Sequence[str]) -> bool:
    """Whether a line says what the account held, or what its lines add up to, and moves nothing."""
    words = next((plain(cell) for cell in cells if plain(cell) and day_of(cell) is None), "")
    undated = day_of(table.cell(cells, "day")) is None
    return _BALANCE.fullmatch(words) is not None or (undated and _SUM.fullmatch(words) is not None)


def _row(table: Table, number: int, cells: Sequence[str], today: date) -> StatementRow:
    day, cents = day_of(table.cell(cells, "day")), _cents(table, cells)
    label = one_line(table.cell(cells, "label"), LABEL_MAX)
    if day is None or not FIRST_DAY <= day <= today or not cents or not label:
        raise BadStatement(line=number)
    return StatementRow(day, label, one_line(table.cell(cells, "reference"), REFERENCE_MAX), cents)


def _cents(table: Table, cells: Sequence[str]) -> int | None:
    """Return what a line moves; None when it has no amount, two, or one that cannot be read."""
    if "debit" not in table.places or "credit" not in table.places:
        return signed_cents(table.cell(cells, "amount"))
    debit, credit = table.cell(cells, "debit"), table.cell(cells, "credit")
    # Some banks write a zero in the column that does not move, and a minus before debits.
    amounts = [signed_cents(text) if text else 0 for text in (debit, credit)]
    if None in amounts or not (debit or credit):
        return None
    out, into = abs(amounts[0] or 0), amounts[1] or 0
    if (out and into) or into < 0:
        return None
    return into - out
