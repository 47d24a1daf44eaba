"""Files of old bases, whatever wrote them, and those that must not be read whole."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime

import pytest
import xlsxwriter

from cvq_core.imports import sources
from cvq_core.imports.mapping import FileMapping, Source
from cvq_core.imports.sources import Row, UnreadableFile, rows_of

MAPPING = FileMapping(pattern="*", family={"numéro": Source(("N°",)), "nom": Source(("Prénom",))})


def read(content: bytes, mapping: FileMapping = MAPPING) -> list[Row]:
    return list(rows_of("familles.csv", content, mapping))


def refused(content: bytes, mapping: FileMapping = MAPPING) -> str:
    with pytest.raises(UnreadableFile) as caught:
        read(content, mapping)
    return str(caught.value.facts["why"])


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_separators_and_encodings_are_found_out(separator: str, encoding: str) -> None:
    text = f"N°{separator}Prénom\r\n12{separator}Loïc\r\n"
    assert read(text.encode(encoding)) == [Row(2, {"N°": "12", "Prénom": "Loïc"})]


def test_lines_are_counted_as_the_file_has_them() -> None:
    text = 'N°;Prénom\n1;"deux\nlignes"\n\n2;Léa\n'
    assert [(row.line, row.cells["Prénom"]) for row in read(text.encode())] == [(2, "deux lignes"), (5, "Léa")]


def test_titles_may_stand_further_down() -> None:
    mapping = FileMapping(pattern="*", family=MAPPING.family, header_line=3)
    assert read("Export\n\nN°;Prénom\n1;Léa\n".encode(), mapping) == [Row(4, {"N°": "1", "Prénom": "Léa"})]


def test_a_missing_and_a_doubled_column_are_named() -> None:
    assert "« Prénom »" in refused("N°;Nom\n".encode())
    assert "même titre : « N° »" in refused("N°;N°;Prénom\n".encode())
    assert "ligne de titres" in refused(b"")


def test_nothing_that_a_database_refuses_comes_through() -> None:
    rows = read("N°;Prénom\n1;Lé\x00a\x07 \u00a0 B\n".encode())
    assert rows == [Row(2, {"N°": "1", "Prénom": "Lé a B"})]


def workbook(*rows: list[object]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet, days = book.add_worksheet("Base"), book.add_format({"num_format": "dd/mm/yyyy"})
        for number, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, date):
                    sheet.write_datetime(number, column, cell, days)
                else:
                    sheet.write(number, column, cell)
    return out.getvalue()


def test_a_workbook_gives_days_numbers_and_texts() -> None:
    content = workbook(["N°", "Prénom", "Né", "Solde"], [12, "Léa", datetime(2019, 3, 4), 12.35])  # noqa: DTZ001 - a cell has no zone
    assert read(content) == [Row(2, {"N°": "12", "Prénom": "Léa", "Né": date(2019, 3, 4), "Solde": "12.35"})]
    mapping = FileMapping(pattern="*", family=MAPPING.family, sheet="Autre")
    assert "« Autre »" in refused(content, mapping)


def test_a_workbook_that_would_unpack_into_gigabytes_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook(["N°", "Prénom"], [1, "x" * 30_000])
    monkeypatch.setattr(sources, "UNPACKED_BYTES_MAX", 20_000)
    assert "énorme" in refused(content)


def test_what_only_looks_like_a_workbook_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("xl/workbook.xml", "<workbook/>")
    for content in (b"PK\x03\x04 nothing", out.getvalue()):
        assert "XLSX" in refused(content)


def test_more_rows_than_the_bound_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook(["N°", "Prénom"], *[[number, "Léa"] for number in range(40)])
    monkeypatch.setattr(sources, "ROWS_MAX", 20)
    assert "150 000" in refused(content)
    assert "150 000" in refused("N°;Prénom\n".encode() + b"1;L\n" * 40)
