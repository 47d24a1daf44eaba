"""What an edition tells, as tables: the same for the paper, the CSV file and the workbook. French, as papers are."""

from __future__ import annotations

from collections.abc import Sequence

from cvq_core.books.rules import (
    LINE_WORDS,
    MOVEMENT_WORDS,
    Balance,
    BookLine,
    Heading,
    Movement,
    Total,
    Totals,
    service_word,
)
from cvq_core.clock import local
from cvq_core.offices.rules import MEANS_WORDS
from cvq_core.spreadsheets import Cell, Money, RowLink, Sheet
from cvq_core.text import hour, long_date, unbroken

JOURNAL = "Journal"
LINE_COLUMNS = (
    "Ligne",
    "Nature",
    "Numéro",
    "Jour",
    "Heure",
    "Lieu",
    "Encaissé par",
    "Compte",
    "Service",
    "Moyen",
    "Montant (€)",
    "Annule",
    "Versement",
    "Versement au comptable",
)
LINE_WIDTHS = (8, 18, 32, 12, 8, 30, 24, 12, 26, 20, 14, 32, 16, 22)


def line_cells(line: BookLine) -> tuple[Cell, ...]:
    """Return a line of the journal as its columns."""
    at = local(line.at)
    return (
        line.row,
        LINE_WORDS[line.kind],
        line.number,
        f"{at:%d/%m/%Y}",
        f"{at:%H:%M}",
        line.place,
        line.by,
        line.account,
        service_word(line.service),
        MEANS_WORDS[line.means],
        Money(line.amount_cents),
        line.voids,
        line.slip,
        line.treasury_slip,
    )


def balance_parts(heading: Heading, balance: Balance, totals: Totals) -> list[Sheet]:
    """Return the tables of a balance, in the order in which they are read."""
    return [
        _what(heading, totals, balance),
        _held(balance, heading),
        _cash(balance),
        _totals("Par service et moyen", ("Service", "Moyen"), _by_both(totals)),
        _totals("Par service", ("Service",), [((service_word(s),), totals.by_service[s]) for s in totals.services()]),
        _totals("Par moyen", ("Moyen",), [((MEANS_WORDS[m],), totals.by_means[m]) for m in totals.means()]),
        _accounts(balance),
    ]


def _what(heading: Heading, totals: Totals, balance: Balance) -> Sheet:
    period = heading.period
    rows: list[tuple[str, Cell]] = [
        ("Régie", heading.office),
        ("Acte constitutif", heading.founding_act),
        ("Livres de", heading.label),
        ("Période", unbroken(f"du {long_date(period.first)} au {long_date(period.last)}")),
        ("Édition", " ".join(part for part in (heading.number_word, heading.mark) if part)),
        ("Versements connus", unbroken(f"le {long_date(local(heading.as_of).date())} à {hour(heading.as_of)}")),
        ("Lignes du journal", totals.all.lines),
        ("Tenu à l’ouverture (€)", Money(balance.opening_cents)),
        ("Encaissé, annulations déduites (€)", Money(totals.all.cents)),
        ("Tenu à la clôture (€)", Money(balance.closing_cents)),
        ("dont à classer (€)", Money(balance.to_classify_cents)),
    ]
    return Sheet("Résumé", ("Quoi", "Combien"), rows)


def _held(balance: Balance, heading: Heading) -> Sheet:
    movements = balance.movements()
    words = {**MOVEMENT_WORDS, Movement.REMITTED: "Versé au comptable" if heading.is_office else "Versé"}
    columns = ("Moyen", "À l’ouverture (€)", *(f"{words[each]} (€)" for each in movements), "À la clôture (€)")
    rows: list[tuple[Cell, ...]] = [
        (
            MEANS_WORDS[line.means],
            Money(line.opening_cents),
            *(Money(line.moved.get(each, 0)) for each in movements),
            Money(line.closing_cents),
        )
        for line in balance.held
    ]
    rows.append(
        (
            "Total",
            Money(balance.opening_cents),
            *(Money(balance.moved(each)) for each in movements),
            Money(balance.closing_cents),
        )
    )
    return Sheet("De l’ouverture à la clôture", columns, rows)


def _cash(balance: Balance) -> Sheet:
    cash = balance.cash
    rows: list[tuple[str, Cell]] = [
        ("Au coffre", Money(cash.safe_cents)),
        ("Dans les caisses ouvertes", Money(cash.drawers_cents)),
        ("En route vers le régisseur", Money(cash.on_its_way_cents)),
        ("dont fonds de caisse", Money(cash.float_cents)),
        ("À verser", Money(cash.beyond_float_cents)),
    ]
    return Sheet("Espèces à la clôture", ("Où", "Somme (€)"), rows)


def _by_both(totals: Totals) -> list[tuple[tuple[str, ...], Total]]:
    return [
        ((service_word(service), MEANS_WORDS[means]), totals.by_both[service, means])
        for service in totals.services()
        for means in totals.means()
        if (service, means) in totals.by_both
    ]


def _totals(name: str, heads: Sequence[str], totals: Sequence[tuple[tuple[str, ...], Total]]) -> Sheet:
    columns = (*heads, "Encaissé (€)", "Annulé (€)", "Total (€)", "Lignes", "De", "À", "De la ligne", "À la ligne")
    rows: list[tuple[Cell, ...]] = [
        (
            *words,
            Money(total.received_cents),
            Money(total.taken_back_cents),
            Money(total.cents),
            total.lines,
            total.first,
            total.last,
            RowLink(JOURNAL, total.first_row),
            RowLink(JOURNAL, total.last_row),
        )
        for words, total in totals
    ]
    received = sum(total.received_cents for _, total in totals)
    back = sum(total.taken_back_cents for _, total in totals)
    lines = sum(total.lines for _, total in totals)
    blank = ("",) * (len(heads) - 1)
    rows.append(("Total", *blank, Money(received), Money(back), Money(received + back), lines, "", "", "", ""))
    return Sheet(name, columns, rows)


def _accounts(balance: Balance) -> Sheet:
    """Return the general balance: debits and credits of each account, and their sums, which are equal."""

    def sides(cents: int) -> tuple[Money, Money]:
        return Money(max(0, -cents)), Money(max(0, cents))

    rows: list[tuple[Cell, ...]] = [
        (
            line.label,
            *sides(line.opening_cents),
            Money(line.debit_cents),
            Money(line.credit_cents),
            *sides(line.closing_cents),
        )
        for line in balance.accounts
    ]
    sums = [sum(_cents(row[column]) for row in rows) for column in range(1, 7)]
    rows.append(("Total", *(Money(cents) for cents in sums)))
    columns = (
        "Compte",
        "Ouverture débit (€)",
        "Ouverture crédit (€)",
        "Débits (€)",
        "Crédits (€)",
        "Solde débiteur (€)",
        "Solde créditeur (€)",
    )
    return Sheet("Balance des comptes", columns, rows)


def _cents(cell: Cell) -> int:
    assert isinstance(cell, Money)
    return cell.cents
