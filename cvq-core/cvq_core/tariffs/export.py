"""A simulation as files: CSV for any spreadsheet (semicolons, UTF-8 with its mark) and XLSX with a sheet for each part.

Families are told by their account's number, never by name: whoever compares tariffs has no need of names.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import xlsxwriter

from cvq_core.errors import N_
from cvq_core.tariffs.simulation import Group, Simulation
from cvq_core.tariffs.words import Say, conditions_words, range_words


@dataclass(frozen=True, slots=True)
class Money:
    """Cents, written as euros."""

    cents: int


Cell = str | int | Money


@dataclass(frozen=True, slots=True)
class Sheet:
    """A part of the file: its name, the words over its columns, its rows."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def sheets(simulation: Simulation, numbers: Mapping[UUID, str], say: Say) -> list[Sheet]:
    """Return a simulation's three parts; `numbers` are the accounts' own."""
    money = (say(N_("Aujourd’hui (€)")), say(N_("Proposé (€)")), say(N_("Différence (€)")))
    before, after = simulation.before_cents, simulation.after_cents
    summary: list[tuple[str, Cell]] = [
        (say(N_("Utilisations comptées")), simulation.uses),
        (say(N_("Sans prix aujourd’hui, laissées de côté")), simulation.left_out_before),
        (say(N_("Sans prix dans le tarif proposé, laissées de côté")), simulation.left_out_after),
        (say(N_("Total aujourd’hui (€)")), Money(before)),
        (say(N_("Total proposé (€)")), Money(after)),
        (say(N_("Différence (€)")), Money(after - before)),
        (say(N_("Familles qui paieraient plus")), len(simulation.dearer)),
        (say(N_("Familles qui paieraient moins")), len(simulation.cheaper)),
        (say(N_("Familles sans changement")), simulation.unchanged),
    ]
    groups = [
        (
            *group_words(group, say),
            group.uses,
            len(group.families),
            Money(group.before_cents),
            Money(group.after_cents),
            Money(group.after_cents - group.before_cents),
        )
        for group in simulation.groups
    ]
    families = [
        (
            numbers.get(family.account_id, ""),
            family.uses,
            Money(family.before_cents),
            Money(family.after_cents),
            Money(family.difference_cents),
        )
        for family in simulation.families
    ]
    uses = say(N_("Utilisations"))
    return [
        Sheet(say(N_("Résumé")), (say(N_("Quoi")), say(N_("Combien"))), summary),
        Sheet(
            say(N_("Tranches")),
            (say(N_("Prestation")), say(N_("Pour qui")), say(N_("Quotient")), uses, say(N_("Familles")), *money),
            groups,
        ),
        Sheet(say(N_("Familles")), (say(N_("Compte")), uses, *money), families),
    ]


def group_words(group: Group, say: Say) -> tuple[str, str, str]:
    """Return an item, whom the price is for, and its bracket's quotients in words."""
    quotients = range_words(group.case.brackets[group.bracket - 1].quotients, say) if group.bracket else ""
    return group.item.label, conditions_words(group.case.conditions, say), quotients


def to_csv(parts: Sequence[Sheet]) -> bytes:
    """Return the parts one under the other, with an empty line between them."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    for part in parts:
        writer.writerow([part.name])
        writer.writerow(part.columns)
        writer.writerows([_written(cell) for cell in row] for row in part.rows)
        writer.writerow([])
    return out.getvalue().encode("utf-8-sig")


def to_xlsx(parts: Sequence[Sheet]) -> bytes:
    """Return the parts as the sheets of a workbook: amounts are numbers, texts never formulas."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        head, euros = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"num_format": "#,##0.00"})
        for part in parts:
            sheet = book.add_worksheet(part.name)
            sheet.freeze_panes(1, 0)
            for column, (width, word) in enumerate(zip(_widths(part), part.columns, strict=True)):
                sheet.set_column(column, column, width)
                sheet.write_string(0, column, word, head)
            for number, row in enumerate(part.rows, start=1):
                for column, cell in enumerate(row):
                    if isinstance(cell, Money):
                        sheet.write_number(number, column, cell.cents / 100, euros)
                    elif isinstance(cell, int):
                        sheet.write_number(number, column, cell)
                    else:
                        sheet.write_string(number, column, cell)
    return out.getvalue()


def _widths(part: Sheet) -> Iterator[int]:
    for column, word in enumerate(part.columns):
        longest = max((len(str(row[column])) for row in part.rows if isinstance(row[column], str)), default=0)
        yield min(60, max(12, len(word), longest) + 2)


def _written(cell: Cell) -> str:
    """Write euros with a comma; keep a spreadsheet from taking a text for a formula."""
    if isinstance(cell, Money):
        sign = "-" if cell.cents < 0 else ""
        return f"{sign}{abs(cell.cents) // 100},{abs(cell.cents) % 100:02d}"
    text = str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
