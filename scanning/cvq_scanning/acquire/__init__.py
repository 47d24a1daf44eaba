"""Scanning on the booth's machine: which scanners there are, how they are, and pages as they come."""

from cvq_scanning.acquire.inventory import list_scanners, probe
from cvq_scanning.acquire.model import Band, Page, ScanJob, ScannerInfo, ScannerState
from cvq_scanning.acquire.overrides import BadOverrides, load_overrides
from cvq_scanning.acquire.scanning import STALL_TIMEOUT_S, ReadyWorker, scan
from cvq_scanning.troubles import TROUBLE_SLUGS, ScanTrouble, TroubleSlug

__all__ = [
    "STALL_TIMEOUT_S",
    "TROUBLE_SLUGS",
    "BadOverrides",
    "Band",
    "Page",
    "ReadyWorker",
    "ScanJob",
    "ScanTrouble",
    "ScannerInfo",
    "ScannerState",
    "TroubleSlug",
    "list_scanners",
    "load_overrides",
    "probe",
    "scan",
]
