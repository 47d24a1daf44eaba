"""The bank's file of a day beside our own books, as pure functions.

The file is a table with a header line, as the DGFiP's exports and any spreadsheet write it: `;` or `,` between the
columns, UTF-8 or Windows-1252, days as 31/12/2026 or 2026-12-31, amounts in euros. Columns are found by their names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cvq_core.bank_table import Table, day_of, read_table, signed_cents
from cvq_core.errors import N_, BadInput
from cvq_core.payments.rules import is_refdet

LINES_MAX = 5_000
BYTES_MAX = 2 * 1024 * 1024
COLUMNS: dict[str, tuple[str, ...]] = {
    "day": ("date", "jour", "date de reglement", "date reglement", "date de paiement"),
    "refdet": ("reference", "refdet", "reference de la dette"),
    "amount": ("montant", "montant regle", "montant paye"),
    "bank_number": ("numauto", "autorisation", "numero d autorisation"),
}
"""Under which names each column is known, without accents and capitals. The last one may be absent."""


class BadBankFile(BadInput):
    """It is no table that we know, or a line of it cannot be read."""

    slug = "bad-bank-file"
    message = N_("Ce fichier de la banque ne se lit pas, ligne {line}.")
    what_to_do = N_("Il faut une ligne de titres avec « date », « référence » et « montant ». Rien n’a été importé.")


@dataclass(frozen=True, slots=True)
class BankRow:
    """One payment that the bank says has arrived."""

    day: date
    refdet: str
    amount_cents: int
    bank_number: str = ""


@dataclass(frozen=True, slots=True)
class OnBooks:
    """What our books say of a reference: the cents that were credited, None while they are not."""

    refdet: str
    credited_cents: int | None


class Match(StrEnum):
    """What a line of the bank is beside our books."""

    AGREED = "agreed"
    NOT_CREDITED = "not_credited"
    OTHER_AMOUNT = "other_amount"
    DOUBLED = "doubled"
    UNKNOWN = "unknown"


MATCH_WORDS: dict[Match, str] = {
    Match.AGREED: N_("crédité"),
    Match.NOT_CREDITED: N_("payé, pas crédité"),
    Match.OTHER_AMOUNT: N_("autre montant"),
    Match.DOUBLED: N_("deux fois"),
    Match.UNKNOWN: N_("référence inconnue"),
}


def read_bank_file(content: bytes) -> list[BankRow]:
    """Return the lines of a bank's file.

    Raises:
        BadBankFile: with the number of the line that cannot be read, the header being 1.
    """
    table = read_table(
        content,
        COLUMNS,
        complete=lambda there: COLUMNS.keys() - {"bank_number"} <= set(there),
        bad=BadBankFile,
        bytes_max=BYTES_MAX,
        lines_max=LINES_MAX,
    )
    if not table.lines:
        raise BadBankFile(line=1)
    return [_row(table, number, cells) for number, cells in table.lines]


def match(rows: Sequence[BankRow], books: Mapping[str, OnBooks]) -> list[Match]:
    """Return what each line of the bank is beside our books, in the order of the lines. `books` is by reference."""
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        seen[row.refdet] += 1
        ours = books.get(row.refdet)
        if ours is None:
            found.append(Match.UNKNOWN)
        elif seen[row.refdet] > 1:
            found.append(Match.DOUBLED)
        elif ours.credited_cents is None:
            found.append(Match.NOT_CREDITED)
        else:
            found.append(Match.AGREED if ours.credited_cents == row.amount_cents else Match.OTHER_AMOUNT)
    return found


def missing(rows: Iterable[BankRow], credited: Iterable[OnBooks]) -> list[OnBooks]:
    """Return what we credited and no line of the bank names."""
    there = {row.refdet for row in rows}
    return [each for each in credited if each.refdet not in there]


def _row(table: Table, number: int, cells: Sequence[str]) -> BankRow:
    refdet = table.cell(cells, "refdet")
    day, cents = day_of(table.cell(cells, "day")), signed_cents(table.cell(cells, "amount"))
    if day is None or cents is None or cents <= 0 or not is_refdet(refdet):
        raise BadBankFile(line=number)
    return BankRow(day, refdet, cents, table.cell(cells, "bank_number")[:40])
