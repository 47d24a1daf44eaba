"""The files of an old base as rows of text, whatever wrote them: CSV of any separator and encoding, or XLSX.

Everything is bounded: a file comes from another machine, and may be a zip that opens into gigabytes.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from openpyxl import load_workbook

from cvq_core.errors import N_, BadInput
from cvq_core.imports.mapping import FileMapping

FILE_BYTES_MAX = 60 * 1024**2
UNPACKED_BYTES_MAX = 400 * 1024**2
PARTS_MAX = 500
ROWS_MAX = 150_000
COLUMNS_MAX = 200
CELL_CHARACTERS_MAX = 500
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

Cell = str | date


class UnreadableFile(BadInput):
    """The file cannot be read as a table."""

    slug = "unreadable-import-file"
    message = N_("Le fichier « {file} » ne peut pas être lu.")
    what_to_do = N_("{why}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file, counted from 1, and its cells under their titles; empty ones are left out."""

    line: int
    cells: dict[str, Cell]


def rows_of(name: str, content: bytes, mapping: FileMapping) -> Iterator[Row]:
    """Yield the rows of one file after its titles.

    Raises:
        UnreadableFile: it is no table, lacks a column of the mapping, or is over a bound; the sentence says which.
    """
    if len(content) > FILE_BYTES_MAX:
        raise UnreadableFile(file=name, why=_TOO_LARGE)
    lines = _sheet_lines(name, content, mapping) if content[:2] == b"PK" else _csv_lines(name, content, mapping)
    titles: list[str] | None = None
    for count, (number, cells) in enumerate(lines):
        if count > ROWS_MAX:
            raise UnreadableFile(file=name, why=_TOO_MANY_ROWS)
        if number < mapping.header_line:
            continue
        if titles is None:
            titles = _titles(name, cells, mapping)
            continue
        row = {title: cell for title, cell in zip(titles, cells, strict=False) if title and cell != ""}
        if row:
            yield Row(number, row)
    if titles is None:
        raise UnreadableFile(file=name, why=_NO_TITLES)


def plain(text: str) -> str:
    """Return a cell's text composed, without control characters, its spaces single, cut at the bound."""
    composed = unicodedata.normalize("NFC", _CONTROL.sub(" ", text[: 4 * CELL_CHARACTERS_MAX]))
    return " ".join(composed.split())[:CELL_CHARACTERS_MAX]


def decoded(content: bytes, encoding: str = "") -> str:
    """Return a file's text: UTF-8 where it is, else Windows-1252, in which every byte is some letter."""
    if encoding:
        return content.decode(encoding, "replace")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _titles(name: str, cells: Sequence[Cell], mapping: FileMapping) -> list[str]:
    titles = [plain(str(cell)) for cell in cells]
    missing = sorted(mapping.columns() - set(titles))
    if missing:
        there = " », « ".join(title for title in titles if title)[:300]
        raise UnreadableFile(file=name, why=_MISSING.format(columns=" », « ".join(missing), there=there))
    doubled = sorted(title for title in mapping.columns() if titles.count(title) > 1)
    if doubled:
        raise UnreadableFile(file=name, why=_DOUBLED.format(columns=" », « ".join(doubled)))
    return titles


def _csv_lines(name: str, content: bytes, mapping: FileMapping) -> Iterator[tuple[int, list[Cell]]]:
    text = decoded(content, mapping.encoding)
    separator = mapping.separator or _separator(text, mapping)
    csv.field_size_limit(64 * 1024)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    before = 0
    try:
        for cells in reader:
            # A quoted cell may hold line ends: a row is named by the line on which it begins.
            line, before = before + 1, reader.line_num
            if len(cells) > COLUMNS_MAX:
                raise UnreadableFile(file=name, why=_TOO_MANY_COLUMNS)
            yield line, [plain(cell) for cell in cells]
    except csv.Error:
        raise UnreadableFile(file=name, why=_BAD_LINE.format(line=before + 1)) from None


def _separator(text: str, mapping: FileMapping) -> str:
    """Return the separator under which the titles' line has most of the columns that the mapping names."""
    head = "\n".join(text.split("\n", mapping.header_line)[mapping.header_line - 1 : mapping.header_line])
    wanted = mapping.columns()

    def found(separator: str) -> int:
        titles = next(iter(csv.reader([head.strip("\r")], delimiter=separator)), [])
        return len(wanted & {plain(title) for title in titles})

    return max((";", ",", "\t"), key=found)


def _sheet_lines(name: str, content: bytes, mapping: FileMapping) -> Iterator[tuple[int, list[Cell]]]:
    _check_zip(name, content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        if mapping.sheet and mapping.sheet not in book.sheetnames:
            why = _NO_SHEET.format(sheet=mapping.sheet, there=" », « ".join(book.sheetnames)[:300])
            raise UnreadableFile(file=name, why=why)
        sheet = book[mapping.sheet] if mapping.sheet else book.worksheets[0]
        # What a file says of its own size is not believed.
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(max_col=COLUMNS_MAX, values_only=True), start=1):
            yield number, [_cell(cell) for cell in cells]
    except UnreadableFile:
        raise
    except Exception:
        # openpyxl lets whatever its parsers raise come through: a bad file is no fault of ours.
        raise UnreadableFile(file=name, why=_BAD_WORKBOOK) from None


def _check_zip(name: str, content: bytes) -> None:
    """Refuse what would unpack beyond the bound; zipfile never reads more of a part than it declares."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
    except (zipfile.BadZipFile, ValueError, OSError):
        raise UnreadableFile(file=name, why=_BAD_WORKBOOK) from None
    if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_BYTES_MAX:
        raise UnreadableFile(file=name, why=_TOO_LARGE)


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, float):
        # 742.0 is what a workbook makes of 742; cents beyond the second decimal are a fault that is told elsewhere.
        return str(int(value)) if value.is_integer() and abs(value) < 10**15 else repr(round(value, 6))
    return plain(str(value))


_TOO_LARGE = N_("Il est trop volumineux, ou se déplie en un fichier énorme. Exportez-le en plusieurs parties.")
_TOO_MANY_ROWS = N_("Il a plus de 150 000 lignes. Exportez-le en plusieurs parties.")
_TOO_MANY_COLUMNS = N_("Une ligne a plus de 200 colonnes : le séparateur n’est sans doute pas le bon.")
_NO_TITLES = N_("Il n’a pas de ligne de titres là où la correspondance l’attend.")
_MISSING = N_("Il n’a pas de colonne « {columns} ». Ses colonnes sont « {there} ».")
_DOUBLED = N_("Deux de ses colonnes portent le même titre : « {columns} ». Renommez l’une des deux.")
_BAD_LINE = N_("La ligne {line} n’est pas lisible : un guillemet n’est pas fermé, ou une cellule est immense.")
_BAD_WORKBOOK = N_("Ce n’est pas un classeur XLSX entier. Enregistrez-le de nouveau, ou exportez-le en CSV.")
_NO_SHEET = N_("Il n’a pas de feuille « {sheet} ». Ses feuilles sont « {there} ».")
