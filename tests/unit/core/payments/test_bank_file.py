"""The bank's file is read as banks and spreadsheets write it, or refused with the number of its line."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.payments.bank import BadBankFile, BankRow, Match, OnBooks, match, missing, read_bank_file

DAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    "text",
    [
        "Date;Référence;Montant;Autorisation\n22/11/2026;CVQA1;12,35;000123\n",
        "date,refdet,montant,numauto\r\n2026-11-22,CVQA1,12.35,000123\r\n",
        "Jour;Intitulé;Montant payé;Référence de la dette;NumAuto\n22/11/2026;Cantine;12,35 €;CVQA1;000123\n\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_file_is_read_by_the_names_of_its_columns(text: str, encoding: str) -> None:
    assert read_bank_file(text.encode(encoding)) == [BankRow(DAY, "CVQA1", 1235, "000123")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("Date;Montant\n22/11/2026;12,35\n", 1),
        ("Date;Référence;Montant\n", 1),
        ("Date;Référence;Montant\n22/11/2026;CVQA1;12,35\n31/02/2026;CVQA2;1,00\n", 3),
        ("Date;Référence;Montant\n22/11/2026;CVQA1;-12,35\n", 2),
        ("Date;Référence;Montant\n22/11/2026;CVQA1;0,00\n", 2),
        ("Date;Référence;Montant\n22/11/2026;CVQ A1;1,00\n", 2),
        ("Date;Référence;Montant\n22/11/2026;CVQA1\n", 2),
        ("Date;Référence;Montant\n22/11/2026;CVQA1;1\0\n", 1),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BadBankFile) as refusal:
        read_bank_file(text.encode())
    assert refusal.value.facts["line"] == line


@given(st.binary(max_size=400))
def test_nothing_else_than_a_refusal_comes_of_any_bytes(content: bytes) -> None:
    with suppress(BadBankFile):
        assert read_bank_file(content)


def test_each_line_of_the_bank_is_agreed_or_told() -> None:
    rows = [BankRow(DAY, name, cents) for name, cents in (("A", 100), ("B", 100), ("C", 100), ("A", 100), ("D", 100))]
    books = {"A": OnBooks("A", 100), "B": OnBooks("B", None), "C": OnBooks("C", 90)}
    assert match(rows, books) == [
        Match.AGREED,
        Match.NOT_CREDITED,
        Match.OTHER_AMOUNT,
        Match.DOUBLED,
        Match.UNKNOWN,
    ]
    assert missing(rows, [OnBooks("A", 100), OnBooks("E", 50)]) == [OnBooks("E", 50)]
