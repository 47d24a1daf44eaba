"""The booth's printer on CUPS' ippeveprinter: every state, every trouble, and the sheets that come out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from pyipp import IPP
from pyipp.enums import IppOperation

from cvq_booth.devices.ipp import ANSWER_BYTES_MAX
from cvq_booth.devices.print_log import PrintLog
from cvq_booth.devices.printer import DOCUMENT_BYTES_MAX, Printer, PrintJob, PrintProgress, PrintRefused
from cvq_booth.virtual.printer import RASTER_ONLY, Fault, VirtualPrinter, virtual_printer

TIMEOUT_S = 30.0
POLL_S = 0.1


async def until(follow: AsyncIterator[PrintProgress], state: str, reason: str | None = None) -> PrintProgress:
    """Follow a job up to a state."""
    async with asyncio.timeout(TIMEOUT_S):
        async for progress in follow:
            if (progress.state, progress.reason) == (state, reason):
                return progress
            assert not progress.over, f"ended as {progress} before {state} {reason}"
    raise AssertionError(f"the job was never {state} {reason}")


async def submit(printer: VirtualPrinter, log: PrintLog, pdf: bytes, **more: Any) -> tuple[Printer, PrintJob]:
    booth = Printer(printer.uri, poll_s=POLL_S)
    return booth, await booth.submit(pdf, title="Inscription", key=uuid4(), log=log, **more)


async def test_a_printer_in_order_is_ready(printer: VirtualPrinter) -> None:
    status = await Printer(printer.uri).status()
    assert (status.device, status.state, status.trouble) == ("printer", "ready", None)


@pytest.mark.parametrize(
    ("fault", "slug"),
    [
        (Fault.PAPER_OUT, "paper_out"),
        (Fault.PAPER_JAM, "paper_jam"),
        (Fault.COVER_OPEN, "cover_open"),
        (Fault.TONER_EMPTY, "toner_empty"),
    ],
)
async def test_each_trouble_of_an_idle_printer_has_its_name(printer: VirtualPrinter, fault: Fault, slug: str) -> None:
    await printer.set_faults(fault)
    status = await Printer(printer.uri).status()
    assert (status.state, status.trouble) == ("trouble", slug)
    await printer.set_faults()
    assert (await Printer(printer.uri).status()).state == "ready"


async def test_a_printer_that_prints_is_busy(printer: VirtualPrinter, print_log: PrintLog, pdf: bytes) -> None:
    printer.set_speed(0.4)
    booth, job = await submit(printer, print_log, pdf)
    await until(booth.follow(job), "printing")
    assert (await booth.status()).state == "busy"


async def test_a_printer_that_is_off_is_in_trouble_and_refuses(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    await printer.switch_off()
    status = await Printer(printer.uri).status()
    assert (status.state, status.trouble) == ("trouble", "off")
    with pytest.raises(PrintRefused) as refused:
        await submit(printer, print_log, pdf)
    assert refused.value.slug == "off"


@pytest.mark.parametrize("uri", [None, "", "http://localhost:631/ipp/print", "ipp://", "rubbish"])
async def test_a_booth_without_a_printers_address_misses_one(uri: str | None, print_log: PrintLog, pdf: bytes) -> None:
    assert (await Printer(uri).status()).state == "missing"
    with pytest.raises(PrintRefused) as refused:
        await Printer(uri).submit(pdf, title="", key=uuid4(), log=print_log)
    assert refused.value.slug == "missing"


@pytest.fixture
async def something_else(unused_tcp_port: int, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Serve an answer that is no printer's at an ipp:// address."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(**request.param)

    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    yield f"ipp://127.0.0.1:{unused_tcp_port}/ipp/print"
    await runner.cleanup()


@pytest.mark.parametrize(
    "something_else",
    [
        {"status": 404},
        {"status": 426},
        {"status": 401, "body": b"\xff\xfe"},
        {"text": "<html>Routeur</html>"},
        {"body": b""},
        {"body": b"\x02\x00\x00\x00\x00\x00\x00\x01\x03"},
        {"body": b"\x02\x00\x00\x00\x00\x00\x00\x01\x01" + b"\x47\x00\x05charset\x7f\xff"},
    ],
    indirect=True,
)
async def test_what_is_no_printer_is_told_as_missing(something_else: str) -> None:
    assert (await Printer(something_else).status()).state == "missing"


@pytest.mark.parametrize("something_else", [{"body": bytes(ANSWER_BYTES_MAX + 1)}], indirect=True)
async def test_an_answer_without_end_is_not_read(something_else: str) -> None:
    status = await Printer(something_else).status()
    assert (status.state, status.trouble) == ("trouble", "off")
    assert "no end" in status.detail


async def test_a_document_comes_out_byte_for_byte(printer: VirtualPrinter, print_log: PrintLog, pdf: bytes) -> None:
    told: list[PrintJob] = []

    async def on_submitted(job: PrintJob) -> None:
        told.append(job)

    booth, job = await submit(printer, print_log, pdf, on_submitted=on_submitted)
    done = await until(booth.follow(job), "done")
    assert done.pages_done == 2
    assert [path.read_bytes() for path in printer.printed()] == [pdf]
    assert told == [job]


async def test_progress_is_told_in_order_and_only_when_it_changes(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    printer.set_speed(0.7)
    booth, job = await submit(printer, print_log, pdf)
    progress = [step async for step in booth.follow(job)]
    assert progress[-1] == PrintProgress("done", None, 2)
    assert {step.state for step in progress[:-1]} <= {"queued", "printing"}
    assert len(set(progress)) == len(progress) >= 3


async def test_copies_are_printed(printer: VirtualPrinter, print_log: PrintLog, pdf: bytes) -> None:
    booth, job = await submit(printer, print_log, pdf, copies=3)
    assert (await until(booth.follow(job), "done")).pages_done == 6


@pytest.mark.parametrize(
    ("fault", "slug"),
    [(Fault.PAPER_OUT, "paper_out"), (Fault.PAPER_JAM, "paper_jam"), (Fault.COVER_OPEN, "cover_open")],
)
async def test_a_job_waits_for_hands_and_then_goes_on(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes, fault: Fault, slug: str
) -> None:
    await printer.set_faults(fault)
    booth, job = await submit(printer, print_log, pdf)
    await until(booth.follow(job), "waiting", slug)
    assert printer.printed() == []
    await printer.set_faults()
    await until(booth.follow(job), "done")
    assert [path.read_bytes() for path in printer.printed()] == [pdf]


async def test_trouble_that_comes_while_printing_is_told(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    printer.set_speed(0.6)
    booth, job = await submit(printer, print_log, pdf)
    await until(booth.follow(job), "printing")
    await printer.set_faults(Fault.PAPER_OUT)
    await until(booth.follow(job), "waiting", "paper_out")


async def test_a_printer_short_of_toner_prints_on(printer: VirtualPrinter, print_log: PrintLog, pdf: bytes) -> None:
    printer.set_speed(0.6)
    await printer.set_faults(Fault.TONER_EMPTY)
    booth, job = await submit(printer, print_log, pdf)
    await until(booth.follow(job), "printing", "toner_empty")
    await until(booth.follow(job), "done")


@pytest.mark.parametrize("fault", [None, Fault.PAPER_OUT])
async def test_a_cancelled_job_leaves_no_sheet(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes, fault: Fault | None
) -> None:
    printer.set_speed(20)
    if fault:
        await printer.set_faults(fault)
    booth, job = await submit(printer, print_log, pdf)
    await booth.cancel(job)
    await until(booth.follow(job), "cancelled")
    await booth.cancel(job)
    assert printer.printed() == []


async def test_a_job_at_its_deadline_is_cancelled_and_never_comes_out(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    await printer.set_faults(Fault.PAPER_OUT)
    booth, job = await submit(printer, print_log, pdf)
    await until(booth.follow(job, deadline_s=0.7), "failed", "deadline")
    await until(booth.follow(job), "cancelled")
    await printer.set_faults()
    assert printer.printed() == []


async def test_a_printer_switched_off_in_the_middle_has_interrupted_the_job(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    printer.set_speed(20)
    booth, job = await submit(printer, print_log, pdf)
    progress = booth.follow(job)
    await until(progress, "printing")
    await printer.switch_off()
    progress = booth.follow(job)
    await anext(progress)
    await printer.switch_on()
    await until(progress, "failed", "interrupted")
    assert printer.printed() == []


async def test_a_number_that_the_printer_gave_again_is_not_taken_for_ours(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    printer.set_speed(20)
    booth, lost = await submit(printer, print_log, pdf)
    await printer.switch_off()
    await printer.switch_on()
    printer.set_speed(0.3)
    job = await booth.submit(pdf, title="", key=uuid4(), log=print_log)
    assert job.number == lost.number
    await booth.cancel(lost)
    assert [step.reason for step in [step async for step in booth.follow(lost)]] == ["already_printed"]
    await until(booth.follow(job), "done")


async def test_cancelling_on_a_printer_that_is_off_is_refused(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    printer.set_speed(20)
    booth, job = await submit(printer, print_log, pdf)
    await printer.switch_off()
    with pytest.raises(PrintRefused) as refused:
        await booth.cancel(job)
    assert refused.value.slug == "off"


async def test_a_document_waits_for_its_turn_on_a_busy_printer(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    printer.set_speed(0.5)
    booth, _ = await submit(printer, print_log, pdf)
    job = await booth.submit(pdf, title="Deuxième", key=uuid4(), log=print_log)
    await until(booth.follow(job), "done")
    assert len(printer.printed()) == 2


async def test_the_printer_is_told_the_key_and_nothing_of_the_document(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    booth, key = Printer(printer.uri, poll_s=POLL_S), uuid4()
    await booth.submit(pdf, title="Inscription de Jeanne Moreau", key=key, log=print_log)
    answer = b""
    async with IPP(printer.uri) as ipp:
        for which in ("completed", "not-completed"):
            wanted = {"which-jobs": which, "requested-attributes": "all"}
            answer += await ipp.raw(IppOperation.GET_JOBS, {"operation-attributes-tag": wanted})
    assert f"Guichet {key}".encode() in answer
    assert b"iso_a4_210x297mm" in answer  # not the sheet that a printer from elsewhere would take
    assert b"Moreau" not in answer
    assert b"Inscription" not in answer


@pytest.mark.parametrize(
    ("document", "copies", "slug"),
    [
        (b"", 1, "too_large"),
        (b"%PDF-" + bytes(DOCUMENT_BYTES_MAX), 1, "too_large"),
        (b"%PDF-1.7", 0, "too_many_copies"),
        (b"%PDF-1.7", 1000, "too_many_copies"),
        (b"%!PS showpage", 1, "bad_document"),
    ],
)
async def test_what_cannot_be_printed_is_refused_before_the_printer_hears_of_it(
    printer: VirtualPrinter, print_log: PrintLog, document: bytes, copies: int, slug: str
) -> None:
    with pytest.raises(PrintRefused) as refused:
        await submit(printer, print_log, document, copies=copies)
    assert refused.value.slug == slug
    async with IPP(printer.uri) as ipp:
        assert (await ipp.execute(IppOperation.GET_JOBS, {}))["jobs"] == []


async def test_a_printer_that_takes_neither_pdf_nor_raster_is_told(print_log: PrintLog, pdf: bytes) -> None:
    async with virtual_printer(formats=["image/jpeg"]) as printer:
        with pytest.raises(PrintRefused) as refused:
            await submit(printer, print_log, pdf)
    assert refused.value.slug == "format_unsupported"


async def test_a_raster_printer_gets_the_pages_as_raster(print_log: PrintLog, pdf: bytes) -> None:
    async with virtual_printer(formats=RASTER_ONLY) as printer:
        booth, job = await submit(printer, print_log, pdf)
        assert (await until(booth.follow(job), "done")).pages_done == 2
        [sheet] = printer.printed()
        raster = sheet.read_bytes()
    first_page = read_pwg_page(raster)
    assert raster.count(b"PwgRaster\0") == 2
    assert (first_page.width, first_page.height) == (2479, 3508)
    assert first_page.pixel(1000, 450) == (204, 0, 0)
    assert first_page.pixel(1000, 1000) == (255, 255, 255)
    assert [path.name for path in print_log.directory.iterdir()] == ["print.log"]


async def test_a_hostile_pdf_is_refused_by_the_conversion(print_log: PrintLog) -> None:
    async with virtual_printer(formats=RASTER_ONLY) as printer:
        with pytest.raises(PrintRefused) as refused:
            await submit(printer, print_log, b"%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 1 0 R >> endobj")
        assert refused.value.slug == "bad_document"
        assert list(print_log.directory.iterdir()) == []
        assert printer.printed() == []


async def test_received_files_lie_in_the_printers_own_directory(
    tmp_path: Path, print_log: PrintLog, pdf: bytes
) -> None:
    async with virtual_printer(tmp_path / "printer") as printer:
        booth, job = await submit(printer, print_log, pdf)
        await until(booth.follow(job), "done")
    [kept] = (tmp_path / "printer" / "printed").iterdir()
    assert kept.read_bytes() == pdf


class PwgPage:
    """The first page of a PWG raster stream (PWG 5102.4, 4.3 and 4.4), unpacked."""

    def __init__(self, data: bytes) -> None:
        header, at = data[4 : 4 + 1796], 4 + 1796
        self.width, self.height = (int.from_bytes(header[i : i + 4], "big") for i in (372, 376))
        line_bytes = int.from_bytes(header[392:396], "big")
        self.rows: list[bytes] = []
        while len(self.rows) < self.height:
            repeat, at = data[at] + 1, at + 1
            row = bytearray()
            while len(row) < line_bytes:
                count, at = data[at], at + 1
                pixels, times = (1, count + 1) if count < 128 else (257 - count, 1)
                row += data[at : at + 3 * pixels] * times
                at += 3 * pixels
            self.rows += [bytes(row)] * repeat

    def pixel(self, x: int, y: int) -> tuple[int, ...]:
        return tuple(self.rows[y][3 * x : 3 * x + 3])


def read_pwg_page(data: bytes) -> PwgPage:
    assert data.startswith(b"RaS2")
    return PwgPage(data)
