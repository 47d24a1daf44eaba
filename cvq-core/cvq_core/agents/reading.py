"""A staff list as an employer's software writes it, read as a whole or not at all. Pure."""

from __future__ import annotations

from datetime import date

from cvq_core.agents.rules import BYTES_MAX, ROWS_MAX, BadStaffList, ListRow
from cvq_core.bank_table import Table, day_of, one_line, read_table

COLUMNS = {
    "number": ("matricule", "numero d agent", "numero agent", "code agent", "id agent"),
    "family": ("nom", "nom usuel", "nom d usage", "nom de famille"),
    "given": ("prenom", "prenoms"),
    "born": ("date de naissance", "naissance", "ne le", "nee le", "ne e le"),
    "group": ("groupe", "service", "affectation", "site", "direction"),
    "first": ("date d entree", "entree", "date d embauche", "debut de contrat", "date de debut"),
    "last": ("date de sortie", "sortie", "fin de contrat", "date de fin", "date de depart"),
}
NEEDED = {"number", "family", "given", "group"}


def read_staff_list(content: bytes, *, today: date) -> list[ListRow]:
    """Return who works there on a day; whose contract is over, or has not begun, is left out.

    Raises:
        BadStaffList: naming the first line that cannot be read; a file without people too.
    """
    table = read_table(
        content, COLUMNS, complete=NEEDED.issubset, bad=BadStaffList, bytes_max=BYTES_MAX, lines_max=ROWS_MAX
    )
    rows: dict[str, ListRow] = {}
    for line, cells in table.lines:
        row = _row(table, line, cells)
        first, last = _day(table, line, cells, "first"), _day(table, line, cells, "last")
        if (first is not None and today < first) or (last is not None and last < today):
            continue  # of somebody's contracts, one a line, those that are over or to come
        if row.number in rows:
            raise BadStaffList(line=line)
        rows[row.number] = row
    if not rows:
        raise BadStaffList(line=1)
    return list(rows.values())


def _row(table: Table, line: int, cells: list[str]) -> ListRow:
    number, family, given, group = (
        one_line(table.cell(cells, column), 81) for column in ("number", "family", "given", "group")
    )
    if not (number and family and given) or len(number) > 40 or len(family) > 80 or len(given) > 80 or len(group) > 80:
        raise BadStaffList(line=line)
    return ListRow(number, family, given, _day(table, line, cells, "born"), group)


def _day(table: Table, line: int, cells: list[str], column: str) -> date | None:
    text = table.cell(cells, column)
    if not text:
        return None
    day = day_of(text)
    if day is None:
        raise BadStaffList(line=line)
    return day
