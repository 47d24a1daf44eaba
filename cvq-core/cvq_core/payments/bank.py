"""The bank's file of a day beside our own books, as pure functions.

The file is a table with a header line, as the DGFiP's exports and any spreadsheet write it: `;` or `,` between the
columns, UTF-8 or Windows-1252, days as 31/12/2026 or 2026-12-31, amounts in euros. Columns are found by their names.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

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

_EUROS = re.compile(r"\+?([0-9]{1,7})(?:[.,]([0-9]{1,2}))?")


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
    lines = _text(content).splitlines()
    header = next(iter(lines), "")
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=";" if ";" in header else ",")
    rows: list[BankRow] = []
    places: dict[str, int] = {}
    try:
        for number, cells in enumerate(reader, start=1):
            if number == 1:
                places = _places(cells)
            elif any(cell.strip() for cell in cells):
                rows.append(_row(cells, places, number))
    except csv.Error:
        raise BadBankFile(line=reader.line_num) from None
    if not rows or len(rows) > LINES_MAX:
        raise BadBankFile(line=len(rows) + 1)
    return rows


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


def _text(content: bytes) -> str:
    if len(content) > BYTES_MAX or b"\0" in content:
        raise BadBankFile(line=1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _places(cells: Sequence[str]) -> dict[str, int]:
    names = [_plain(cell) for cell in cells]
    places = {}
    for column, known in COLUMNS.items():
        place = next((names.index(name) for name in known if name in names), None)
        if place is not None:
            places[column] = place
        elif column != "bank_number":
            raise BadBankFile(line=1)
    return places


def _row(cells: Sequence[str], places: Mapping[str, int], number: int) -> BankRow:
    cell = {column: cells[place].strip() if place < len(cells) else "" for column, place in places.items()}
    day, cents = _day(cell["day"]), _cents(cell["amount"])
    if day is None or cents is None or not is_refdet(cell["refdet"]):
        raise BadBankFile(line=number)
    return BankRow(day, cell["refdet"], cents, cell.get("bank_number", "")[:40])


def _day(text: str) -> date | None:
    for pattern in ("%d/%m/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a civil day
        except ValueError:
            continue
    return None


def _cents(text: str) -> int | None:
    found = _EUROS.fullmatch(re.sub(r"[\s€\u00a0\u202f]", "", text))
    if found is None:
        return None
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")) or None


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.strip().lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", " ", letters).strip()
