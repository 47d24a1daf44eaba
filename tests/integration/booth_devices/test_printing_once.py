"""A document comes out once for its key: after a crash at any point, a lost answer, a lost log or two calls at once.

A relay of the tests stands between booth and printer. It passes everything on and stops at one operation: before the
printer hears of it, or after, so that the answer is lost.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession, web

from cvq_booth.devices.print_log import PrintLog
from cvq_booth.devices.printer import Printer, PrintJob
from cvq_booth.virtual.printer import Fault, VirtualPrinter

TIMEOUT_S = 30.0
POLL_S = 0.1
PRINT_JOB, CREATE_JOB, SEND_DOCUMENT = 0x0002, 0x0005, 0x0006
OPERATION_NOT_SUPPORTED = bytes.fromhex("020005010000000101") + b"G\0\x12attributes-charset\0\5utf-8" + b"\3"

BOOTH = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
from cvq_booth.devices.print_log import PrintLog
from cvq_booth.devices.printer import Printer
uri, log, document, key = sys.argv[1:]
asyncio.run(Printer(uri).submit(Path(document).read_bytes(), title="", key=UUID(key), log=PrintLog(Path(log))))
"""


class Relay:
    """Passes operations on to a printer, and holds one of them."""

    def __init__(self, printer: VirtualPrinter) -> None:
        self.printer = printer
        self.uri = ""
        self.held = asyncio.Event()
        self.given_up = asyncio.Event()
        self.hold_before: int | None = None
        self.hold_after: int | None = None
        self.refused: int | None = None

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        operation = int.from_bytes(body[2:4], "big")
        if operation == self.refused:
            return web.Response(body=OPERATION_NOT_SUPPORTED, content_type="application/ipp")
        if operation == self.hold_before:
            await self._hold()
        url = self.printer.uri.replace("ipp://", "http://")
        async with (
            ClientSession() as session,
            session.post(url, data=body, headers={"Content-Type": "application/ipp"}) as answer,
        ):
            printed = await answer.read()
        if operation == self.hold_after:
            await self._hold()
        return web.Response(body=printed, content_type="application/ipp")

    async def _hold(self) -> None:
        self.held.set()
        await self.given_up.wait()
        raise web.HTTPServiceUnavailable


@pytest.fixture
async def relay(printer: VirtualPrinter, unused_tcp_port: int) -> AsyncIterator[Relay]:
    """Return a relay before the virtual printer."""
    relay = Relay(printer)
    application = web.Application(client_max_size=1 << 26)
    application.router.add_post("/ipp/print", relay.answer)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    relay.uri = f"ipp://127.0.0.1:{unused_tcp_port}/ipp/print"
    yield relay
    relay.given_up.set()
    await runner.cleanup()


async def print_again(printer: VirtualPrinter, pdf: bytes, key: UUID, log: PrintLog) -> PrintJob:
    """Submit with the same key, as a booth that started again does, and wait for the end."""
    booth = Printer(printer.uri, poll_s=POLL_S)
    async with asyncio.timeout(TIMEOUT_S):
        job = await booth.submit(pdf, title="", key=key, log=log)
        progress = [step async for step in booth.follow(job)]
    assert progress[-1].state == "done"
    return job


async def kill_a_booth_while_it_submits(relay: Relay, pdf: bytes, key: UUID, log: PrintLog) -> None:
    """Let another process submit a document, and kill it when the relay holds its operation."""
    document = log.directory / "document.pdf"
    document.write_bytes(pdf)
    booth = await asyncio.create_subprocess_exec(sys.executable, "-c", BOOTH, relay.uri, log.path, document, str(key))
    held, ended = asyncio.create_task(relay.held.wait()), asyncio.create_task(booth.wait())
    await asyncio.wait([held, ended], timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    assert held.done(), "the booth did not come to the operation that is held"
    booth.send_signal(signal.SIGKILL)
    await ended


@pytest.mark.parametrize("operation", [CREATE_JOB, SEND_DOCUMENT], ids=["number", "document"])
@pytest.mark.parametrize("held", ["hold_before", "hold_after"])
async def test_a_booth_killed_while_it_submits_prints_once(
    relay: Relay, print_log: PrintLog, pdf: bytes, operation: int, held: str
) -> None:
    setattr(relay, held, operation)
    key = uuid4()
    await kill_a_booth_while_it_submits(relay, pdf, key, print_log)
    await print_again(relay.printer, pdf, key, print_log)
    assert [path.read_bytes() for path in relay.printer.printed()] == [pdf]


async def test_a_printer_that_prints_in_one_step_only_is_used_so(relay: Relay, print_log: PrintLog, pdf: bytes) -> None:
    relay.refused = CREATE_JOB
    job = await Printer(relay.uri, poll_s=POLL_S).submit(pdf, title="", key=uuid4(), log=print_log)
    await print_again(relay.printer, pdf, job.key, print_log)
    assert [path.read_bytes() for path in relay.printer.printed()] == [pdf]


async def test_a_lost_answer_of_the_one_step_is_found_again(relay: Relay, print_log: PrintLog, pdf: bytes) -> None:
    relay.refused, relay.hold_after = CREATE_JOB, PRINT_JOB
    key = uuid4()
    await kill_a_booth_while_it_submits(relay, pdf, key, print_log)
    await print_again(relay.printer, pdf, key, print_log)
    assert len(relay.printer.printed()) == 1


async def test_never_twice_goes_before_never_lost_where_nobody_can_tell(
    relay: Relay, print_log: PrintLog, pdf: bytes
) -> None:
    """In one step, a printer that knows nothing of the job may have printed and forgotten it."""
    relay.refused, relay.hold_before = CREATE_JOB, PRINT_JOB
    key = uuid4()
    await kill_a_booth_while_it_submits(relay, pdf, key, print_log)
    assert (await print_again(relay.printer, pdf, key, print_log)).number is None
    assert relay.printer.printed() == []


async def test_the_same_key_again_gives_the_same_job(printer: VirtualPrinter, print_log: PrintLog, pdf: bytes) -> None:
    key = uuid4()
    first = await print_again(printer, pdf, key, print_log)
    again = await print_again(printer, pdf, key, print_log)
    assert (again.number, first.repeated, again.repeated) == (first.number, False, True)
    assert len(printer.printed()) == 1


async def test_another_key_prints_again(printer: VirtualPrinter, print_log: PrintLog, pdf: bytes) -> None:
    await print_again(printer, pdf, uuid4(), print_log)
    await print_again(printer, pdf, uuid4(), print_log)
    assert len(printer.printed()) == 2


async def test_a_job_is_found_by_its_name_when_the_log_is_lost(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    key = uuid4()
    first = await print_again(printer, pdf, key, print_log)
    print_log.path.unlink()
    assert (await print_again(printer, pdf, key, print_log)).number == first.number
    assert len(printer.printed()) == 1


async def test_a_job_that_still_waits_is_found_and_followed(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    await printer.set_faults(Fault.PAPER_OUT)
    key = uuid4()
    first = await Printer(printer.uri, poll_s=POLL_S).submit(pdf, title="", key=key, log=print_log)
    print_log.path.unlink()
    booth = Printer(printer.uri, poll_s=POLL_S)
    again = await booth.submit(pdf, title="", key=key, log=print_log)
    assert again.number == first.number
    await printer.set_faults()
    async with asyncio.timeout(TIMEOUT_S):
        assert [step async for step in booth.follow(again)][-1].state == "done"
    assert len(printer.printed()) == 1


async def test_what_a_printer_forgot_counts_as_printed(
    printer: VirtualPrinter, print_log: PrintLog, pdf: bytes
) -> None:
    key = uuid4()
    await print_again(printer, pdf, key, print_log)
    await printer.switch_off()
    await printer.switch_on()
    booth = Printer(printer.uri, poll_s=POLL_S)
    job = await booth.submit(pdf, title="", key=key, log=print_log)
    assert [step.reason for step in [step async for step in booth.follow(job)]] == ["already_printed"]
    assert len(printer.printed()) == 1


async def test_two_calls_at_once_print_once(printer: VirtualPrinter, print_log: PrintLog, pdf: bytes) -> None:
    key, booth = uuid4(), Printer(printer.uri, poll_s=POLL_S)
    jobs = await asyncio.gather(*(booth.submit(pdf, title="", key=key, log=print_log) for _ in range(3)))
    assert len({job.number for job in jobs}) == 1
    await print_again(printer, pdf, key, print_log)
    assert len(printer.printed()) == 1


async def test_a_submission_that_was_stopped_leaves_the_printer_free(
    relay: Relay, print_log: PrintLog, pdf: bytes
) -> None:
    relay.hold_before = SEND_DOCUMENT
    stopped = asyncio.create_task(Printer(relay.uri, poll_s=POLL_S).submit(pdf, title="", key=uuid4(), log=print_log))
    async with asyncio.timeout(TIMEOUT_S):
        await relay.held.wait()
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    await print_again(relay.printer, pdf, uuid4(), print_log)
    assert len(relay.printer.printed()) == 1
