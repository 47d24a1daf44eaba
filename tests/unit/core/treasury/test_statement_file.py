"""The treasury account's statement is read as its bank exports it, or refused with the number of its line."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.treasury.statement_file import BadStatement, StatementRow, digests_of, read_statement

TODAY = date(2026, 3, 10)
DAY = date(2026, 3, 3)
IN, OUT = StatementRow(DAY, "REMISE CB", "R1", 123450), StatementRow(DAY, "FRAIS", "", -300)


@pytest.mark.parametrize(
    "text",
    [
        "Date;Libellé;Référence;Débit;Crédit\n03/03/2026;REMISE CB;R1;;1 234,50\n03/03/2026;FRAIS;;3,00;\n",
        "Date opération,Libellé,Référence,Débit,Crédit\n2026-03-03,REMISE CB,R1,0,1234.50\n2026-03-03,FRAIS,,-3.00,0\n",
        "Date\tLibelle\tReference\tMontant\n03.03.2026\tREMISE CB\tR1\t+1234,50 €\n03/03/26\tFRAIS\t\t−3\n",
        'Compte;FR76 1007 1790;;;\nPériode du 01/03/2026 au 09/03/2026\n\n"Date";"Libellé";"Référence"'
        ';"Débit";"Crédit"\n'
        "03/03/2026;REMISE  CB;R1;;1234,5\n03/03/2026;FRAIS;;3;\n;Total;;3,00;1234,50\n"
        "09/03/2026;Solde au 09/03/2026;;;9 999,00\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_statement_is_read_by_the_names_of_its_columns(text: str, encoding: str) -> None:
    assert read_statement(text.encode(encoding), TODAY) == [IN, OUT]


def test_a_statement_of_an_old_program_is_read_too() -> None:
    text = "Date;Libellé;Débit;Crédit\n03/03/2026;VERSEMENT ESPÈCES;;10,00\n"
    assert read_statement(text.encode("cp1252"), TODAY) == [StatementRow(DAY, "VERSEMENT ESPÈCES", "", 1000)]


@pytest.mark.parametrize(
    ("lines", "at"),
    [
        ("", 1),
        ("03/03/2026;A;;", 2),
        ("03/03/2026;A;1,00;2,00", 2),
        ("03/03/2026;A;0;0", 2),
        ("03/03/2026;A;x;", 2),
        ("03/03/2026;;1,00;", 2),
        ("31/02/2026;A;1,00;", 2),
        ("11/03/2026;A;1,00;", 2),
        ("03/03/1999;A;1,00;", 2),
        ("03/03/2026;A;;1,00\n03/03/2026;B", 3),
        ("03/03/2026;A;;-1,00", 2),
        ("03/03/2026;A;;123456789012,00", 2),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(lines: str, at: int) -> None:
    with pytest.raises(BadStatement) as refusal:
        read_statement(f"Date;Libellé;Débit;Crédit\n{lines}\n".encode(), TODAY)
    assert refusal.value.facts["line"] == at


@pytest.mark.parametrize("text", ["", "Date;Montant\n", "Date;Libellé;Débit\n03/03/2026;A;1,00\n", "\0"])
def test_what_is_no_statement_is_refused(text: str) -> None:
    with pytest.raises(BadStatement):
        read_statement(text.encode(), TODAY)


def test_there_is_a_bound_on_lines_and_on_bytes() -> None:
    head = "Date;Libellé;Débit;Crédit\n"
    with pytest.raises(BadStatement):
        read_statement((head + "03/03/2026;A;;1,00\n" * 5001).encode(), TODAY)
    with pytest.raises(BadStatement):
        read_statement((head + f"03/03/2026;{'A' * 3_000_000};;1,00\n").encode(), TODAY)


@given(st.binary(max_size=400))
def test_nothing_else_than_a_refusal_comes_of_any_bytes(content: bytes) -> None:
    with suppress(BadStatement):
        assert read_statement(content, TODAY)


@given(st.text(max_size=300))
def test_nothing_else_than_a_refusal_comes_of_any_lines(lines: str) -> None:
    with suppress(BadStatement):
        rows = read_statement(f"Date;Libellé;Débit;Crédit\n{lines}".encode(errors="replace"), TODAY)
        assert all(row.amount_cents for row in rows)


def test_the_same_movement_has_the_same_name_in_every_file_and_its_twin_another() -> None:
    first = digests_of([IN, OUT, IN])
    assert len(set(first)) == 3
    assert digests_of([OUT, IN]) == [first[1], first[0]]
    assert digests_of([IN, IN, IN])[:2] == [first[0], first[2]]
