"""Reading a workbook that we wrote, cell by cell, from the XML itself: texts, numbers, and links."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from xml.etree import ElementTree
from zipfile import ZipFile

NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(slots=True)
class WrittenSheet:
    """A sheet's rows, with "" for an empty cell; `formulas` are the cells that hold one; `links` are by cell."""

    rows: list[list[str | float]] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)


def read_workbook(content: bytes) -> dict[str, WrittenSheet]:
    """Return the sheets by name, in their order."""
    with ZipFile(io.BytesIO(content)) as file:
        names = [
            sheet.attrib["name"] for sheet in ElementTree.fromstring(file.read("xl/workbook.xml")).iter(f"{NS}sheet")
        ]
        shared = _shared(file)
        return {
            name: _sheet(file.read(f"xl/worksheets/sheet{number}.xml"), shared)
            for number, name in enumerate(names, start=1)
        }


def _shared(file: ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in file.namelist():
        return []
    root = ElementTree.fromstring(file.read("xl/sharedStrings.xml"))
    return ["".join(each.itertext()) for each in root.iter(f"{NS}si")]


def _sheet(xml: bytes, shared: list[str]) -> WrittenSheet:
    root, found = ElementTree.fromstring(xml), WrittenSheet()
    for row in root.iter(f"{NS}row"):
        cells: list[str | float] = []
        for cell in row.iter(f"{NS}c"):
            column = _column(cell.attrib["r"])
            cells += [""] * (column - len(cells) - 1)
            cells.append(_value(cell, shared))
            if cell.find(f"{NS}f") is not None:
                found.formulas.append(cell.attrib["r"])
        found.rows.append(cells)
    for link in root.iter(f"{NS}hyperlink"):
        found.links[link.attrib["ref"]] = link.attrib["location"]
    return found


def _value(cell: ElementTree.Element, shared: list[str]) -> str | float:
    kind, value = cell.attrib.get("t", "n"), cell.findtext(f"{NS}v") or ""
    if kind == "inlineStr":
        return "".join(cell.itertext())
    if kind == "s":
        return shared[int(value)]
    return float(value) if value else ""


def _column(reference: str) -> int:
    letters = re.sub(r"\d", "", reference)
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
