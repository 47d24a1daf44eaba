"""What a printer's own words mean to us."""

import pytest

from cvq_booth.devices import ipp
from cvq_booth.devices.ipp import JobState, PrinterState, trouble_of
from cvq_booth.devices.printer import PrintProgress, progress_of
from cvq_booth.devices.raster import RasterForm, choose_form

IDLE = 3


@pytest.mark.parametrize(
    ("reasons", "state", "trouble"),
    [
        ([], IDLE, None),
        (["none"], IDLE, None),
        (["media-empty-error"], ipp.PRINTER_STOPPED, "paper_out"),
        (["media-needed"], IDLE, "paper_out"),
        (["media-empty-report"], IDLE, "paper_out"),
        (["media-jam-error"], ipp.PRINTER_STOPPED, "paper_jam"),
        (["door-open-warning"], IDLE, "cover_open"),
        (["marker-supply-empty-report"], IDLE, "toner_empty"),
        (["marker-supply-low-warning", "media-low-report"], IDLE, None),
        (["media-empty-error", "media-jam-error"], ipp.PRINTER_STOPPED, "paper_jam"),
        (["toner-empty-error", "cover-open-error"], ipp.PRINTER_STOPPED, "cover_open"),
        (["paused"], ipp.PRINTER_STOPPED, "other"),
        (["vendor-specific-thing"], IDLE, None),
    ],
)
def test_the_worst_of_a_printers_reasons_is_told(reasons: list[str], state: int, trouble: str | None) -> None:
    assert trouble_of(reasons, state) == trouble


def printer(trouble: str | None = None, *, stopped: bool = False) -> PrinterState:
    return PrinterState(busy=not stopped, stopped=stopped, trouble=trouble, reasons=())


@pytest.mark.parametrize(
    ("job_state", "found", "expected"),
    [
        (ipp.PENDING, printer(), PrintProgress("queued", None, 1)),
        (ipp.HELD, printer(), PrintProgress("waiting", "held", 1)),
        (ipp.PROCESSING, printer(), PrintProgress("printing", None, 1)),
        (ipp.STOPPED, printer(), PrintProgress("waiting", "other", 1)),
        (ipp.CANCELED, printer("paper_out"), PrintProgress("cancelled", None, 1)),
        (ipp.ABORTED, printer("paper_out"), PrintProgress("failed", "aborted", 1)),
        (ipp.COMPLETED, printer("paper_out"), PrintProgress("done", None, 1)),
        (ipp.PENDING, printer("paper_out"), PrintProgress("waiting", "paper_out", 1)),
        (ipp.PROCESSING, printer("paper_jam"), PrintProgress("waiting", "paper_jam", 1)),
        (ipp.PROCESSING, printer("toner_empty"), PrintProgress("printing", "toner_empty", 1)),
        (ipp.PROCESSING, printer("toner_empty", stopped=True), PrintProgress("waiting", "toner_empty", 1)),
        (ipp.STOPPED, printer("cover_open", stopped=True), PrintProgress("waiting", "cover_open", 1)),
        (99, printer(), PrintProgress("queued", None, 1)),
    ],
)
def test_a_jobs_state_and_the_printers_trouble_make_its_progress(
    job_state: int, found: PrinterState, expected: PrintProgress
) -> None:
    assert progress_of(JobState(1, "Guichet", job_state, (), 1), found) == expected


@pytest.mark.parametrize(
    ("state", "reasons", "without"),
    [
        (ipp.HELD, ("job-data-insufficient",), True),
        (ipp.PENDING, ("job-incoming",), True),
        (ipp.PENDING, ("none",), False),
        (ipp.PROCESSING, ("job-incoming",), False),
        (ipp.COMPLETED, ("job-completed-successfully",), False),
    ],
)
def test_a_job_without_its_document_is_told_from_one_that_may_print(
    state: int, reasons: tuple[str, ...], without: bool
) -> None:
    assert JobState(1, "Guichet", state, reasons, None).without_document is without


@pytest.mark.parametrize(
    ("kinds", "resolutions", "form"),
    [
        (["black_1", "sgray_8", "srgb_8"], [300, 600], RasterForm("srgb_8", 300)),
        (["sgray_8"], [600], RasterForm("sgray_8", 600)),
        (["srgb_8"], [200, 400], RasterForm("srgb_8", 200)),
        ([], [], RasterForm("srgb_8", 300)),
    ],
)
def test_raster_is_made_in_the_form_that_the_printer_takes(
    kinds: list[str], resolutions: list[int], form: RasterForm
) -> None:
    assert choose_form(kinds, resolutions) == form
