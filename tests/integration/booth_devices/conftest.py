"""Real machines for the tests of the booth's devices: ippeveprinter, pcscd with a virtual card, and a PDF to print."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from cvq_booth.devices.print_log import PrintLog
from cvq_booth.virtual.cards import VirtualCards, virtual_cards
from cvq_booth.virtual.printer import VirtualPrinter, virtual_printer

A4 = (595, 842)


@pytest.fixture(scope="session")
def pdf() -> bytes:
    """Return a PDF of two A4 pages, with a red bar on the first."""
    file = BytesIO()
    canvas = Canvas(file, pagesize=A4)
    canvas.setFillColorRGB(0.8, 0, 0)
    canvas.rect(100, 700, 300, 60, stroke=0, fill=1)
    canvas.showPage()
    canvas.drawString(100, 700, "Deuxième page")
    canvas.showPage()
    canvas.save()
    return file.getvalue()


@pytest.fixture
async def printer() -> AsyncIterator[VirtualPrinter]:
    """Return a virtual printer that is switched on and in order."""
    async with virtual_printer() as running:
        yield running


@pytest.fixture
def print_log(tmp_path: Path) -> PrintLog:
    """Return an empty print log of a visit's spool."""
    return PrintLog(tmp_path / "print.log")


@pytest.fixture
async def cards(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VirtualCards]:
    """Return a virtual card reader that this process's PC/SC finds."""
    async with virtual_cards() as running:
        for name, value in running.environment.items():
            monkeypatch.setitem(os.environ, name, value)
        yield running
