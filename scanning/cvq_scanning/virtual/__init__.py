"""Scanners and papers without hardware, for the demonstration, the tests and whoever tries the product."""

from cvq_scanning.virtual.scanner import (
    PAPER_DEVICE,
    PNM_DEVICE,
    TEST_DEVICE,
    PaperTrouble,
    ScannerNotBuilt,
    VirtualScanner,
    prepare,
)
from cvq_scanning.virtual.sheets import SHEETS

__all__ = [
    "PAPER_DEVICE",
    "PNM_DEVICE",
    "SHEETS",
    "TEST_DEVICE",
    "PaperTrouble",
    "ScannerNotBuilt",
    "VirtualScanner",
    "prepare",
]
