"""The desk's commands on a real scanner driver, a real printer and a real camera: each once, and for its visit only."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from PIL import Image

from cvq_booth.commands import Commands
from cvq_booth.desk import DeskRefused, DeskUnreachable
from cvq_booth.devices.printer import Printer
from cvq_booth.machines import Machines
from cvq_booth.spool import Spool
from cvq_booth.virtual.printer import Fault, VirtualPrinter, virtual_printer
from cvq_desk.wire import Command, CommandKind, CommandReport
from cvq_scanning.virtual import PAPER_DEVICE, TEST_DEVICE, VirtualScanner, prepare
from tests.integration.booth.desk_stand_in import DEADLINE_S, eventually

VISIT = uuid4()
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"


class Booth:
    """What comes out of the commands."""

    def __init__(self) -> None:
        self.reports: list[CommandReport] = []
        self.activities: list = []
        self.bands: list = []
        self.pages: list = []
        self.stills: list = []
        self.hands = 0
        self.wipes: list[UUID] = []

    def command_went(self, report) -> None:
        self.reports.append(report)

    def machine_does(self, activity) -> None:
        self.activities.append(activity)

    def machine_needs_hands(self) -> None:
        self.hands += 1

    async def band_came(self, head, jpeg) -> None:
        self.bands.append((head, jpeg))

    async def page_came(self, head, path) -> None:
        self.pages.append((head, path))

    async def still_came(self, head, jpeg) -> None:
        self.stills.append((head, jpeg))

    async def wipe(self, visit_id):
        self.wipes.append(visit_id)
        return {"files": 3}

    def states(self, command: Command) -> list[str]:
        return [report.state for report in self.reports if report.command_id == command.id]

    async def end(self, command: Command) -> CommandReport:
        ends = {"done", "failed", "cancelled"}
        await eventually(lambda: ends & set(self.states(command)))
        return next(r for r in self.reports if r.command_id == command.id and r.state in ends)


@pytest.fixture(scope="module")
def scanner(tmp_path_factory) -> VirtualScanner:
    return prepare(tmp_path_factory.mktemp("scanners"))


@pytest.fixture
def scanner_env(scanner, monkeypatch):
    for name, value in scanner.env.items():
        monkeypatch.setenv(name, value)
    yield scanner
    scanner.set_control()
    scanner.overrides.unlink(missing_ok=True)


@pytest.fixture
def spool() -> AsyncIterator[Spool]:
    import shutil

    folder = Path("/dev/shm") / f"cvq-test-{uuid4()}"
    opened = Spool(folder)
    opened.open_visit(VISIT)
    yield opened
    opened.close()
    shutil.rmtree(folder)


@pytest.fixture
async def printer():
    async with virtual_printer() as virtual:
        yield virtual


class Worker:
    """Commands with their booth, and files that the desk would give."""

    def __init__(self, spool: Spool, machines: Machines) -> None:
        self.booth = Booth()
        self.files: dict[str, bytes] = {}
        self.away = 0
        """How many times nothing answers before the desk does."""
        self.desk_now = datetime.now(UTC)
        self.commands = Commands(
            spool=spool,
            machines=machines,
            listener=self.booth,
            fetch=self.fetch,
            desk_now=lambda: self.desk_now,
        )

    async def fetch(self, path: str) -> bytes:
        if self.away:
            self.away -= 1
            raise DeskUnreachable(f"{path}: the server is being started again")
        if path not in self.files:
            raise DeskRefused(404, path)
        return self.files[path]

    def command(self, kind: CommandKind, **params) -> Command:
        return Command(
            id=uuid4(), visit_id=VISIT, kind=kind, deadline=self.desk_now + timedelta(seconds=60), params=params
        )

    def scan(self, **params) -> Command:
        return self.command(CommandKind.SCAN, **{"resolution_dpi": 75, "mode": "gray", **params})

    def print(self, document: bytes = PDF, **params) -> Command:
        path = f"/api/v1/booth/files/{uuid4()}"
        self.files[path] = document
        digest = hashlib.sha256(document).hexdigest()
        return self.command(
            CommandKind.PRINT, **{"url": path, "sha256": digest, "title": "Votre inscription", **params}
        )

    async def do(self, command: Command) -> CommandReport:
        self.commands.follow(VISIT, [command])
        return await self.booth.end(command)


@pytest.fixture
async def worker(spool, scanner_env, printer):
    made = Worker(
        spool,
        Machines(scanner=PAPER_DEVICE, scanner_overrides=scanner_env.overrides, printer=Printer(printer.uri)),
    )
    yield made
    await made.commands.close()


# Scanning


async def test_a_page_grows_band_by_band_and_the_spool_holds_it(worker, spool):
    command = worker.scan()
    report = await worker.do(command)
    assert (report.state, report.detail["pages"]) == ("done", 1)
    assert len(worker.booth.bands) > 1
    (head, path), held = worker.booth.pages[0], spool.pages(VISIT)[0]
    assert (head.page_id, path) == (held.page_id, held.path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == head.sha256
    assert head.bytes == path.stat().st_size
    assert Image.open(path).size == (head.width, head.height)
    assert worker.booth.states(command) == ["accepted", "running", "running", "done"]
    assert [activity.state for activity in worker.booth.activities] == ["starting", "running", "running", "done"]


async def test_a_stack_of_sheets_becomes_pages_one_after_the_other(worker, spool):
    report = await worker.do(worker.scan(source="feeder"))
    assert report.detail["pages"] == 4
    assert [page.page for page in spool.pages(VISIT)] == [1, 2, 3, 4]
    assert [page.blank for page in spool.pages(VISIT)] == [False, False, False, True]


async def test_a_jam_is_told_as_a_jam_and_the_pages_before_it_are_kept(worker, spool, scanner_env):
    scanner_env.set_control("jammed", page=3)
    report = await worker.do(worker.scan(source="feeder"))
    assert (report.state, report.detail) == ("failed", {"trouble": "paper_jam", "pages": 2})
    assert len(spool.pages(VISIT)) == 2
    assert worker.booth.activities[-1].trouble == "paper_jam"


async def test_an_open_cover_calls_somebody(worker, scanner_env):
    scanner_env.overrides.write_text(f'{{"{TEST_DEVICE}": {{"read-return-value": "SANE_STATUS_COVER_OPEN"}}}}')
    made = Worker(worker.commands._spool, Machines(scanner=TEST_DEVICE, scanner_overrides=scanner_env.overrides))
    report = await made.do(made.scan())
    assert report.detail["trouble"] == "cover_open"
    assert made.booth.hands == 1


async def test_a_stack_over_the_limit_stops_there_and_keeps_what_came(worker, spool):
    report = await worker.do(worker.scan(source="feeder", pages_max=2))
    assert (report.detail["trouble"], report.detail["pages"]) == ("too_many_pages", 2)
    assert len(spool.pages(VISIT)) == 2


async def test_one_scan_at_a_time(worker, scanner_env):
    scanner_env.set_control("pause", page=1, row=200)
    first, second = worker.scan(source="feeder"), worker.scan()
    worker.commands.follow(VISIT, [first])
    await eventually(lambda: worker.booth.bands)
    assert (await worker.do(second)).detail["trouble"] == "device_busy"
    scanner_env.set_control()
    assert (await worker.booth.end(first)).state == "done"


async def test_the_residents_stop_is_obeyed_by_the_machine_and_the_next_scan_is_good(worker, spool, scanner_env):
    scanner_env.set_control("pause", page=2, row=200)
    command = worker.scan(source="feeder")
    worker.commands.follow(VISIT, [command])
    await eventually(lambda: worker.booth.pages and any(head.page == 2 for head, _ in worker.booth.bands))
    await worker.commands.stop_by_resident()
    report = await worker.booth.end(command)
    assert (report.state, report.detail) == ("cancelled", {"by": "resident"})
    assert len(spool.pages(VISIT)) == 1, "the page that was whole stays"
    scanner_env.set_control()
    assert (await worker.do(worker.scan())).state == "done"


async def test_the_advisor_can_cancel_the_scan_that_is_meant_and_no_other(worker, scanner_env):
    scanner_env.set_control("pause", page=1, row=200)
    command = worker.scan(source="feeder")
    worker.commands.follow(VISIT, [command])
    await eventually(lambda: worker.booth.bands)
    other = worker.command(CommandKind.CANCEL_SCAN, command_id=str(uuid4()))
    assert (await worker.do(other)).detail["stopped"] == 0
    assert (await worker.do(worker.command(CommandKind.CANCEL_SCAN, command_id=str(command.id)))).detail["stopped"] == 1
    assert worker.booth.states(command)[-1] == "cancelled"


async def test_a_scan_that_is_cancelled_in_the_view_that_brings_it_never_begins(worker):
    command = worker.scan()
    cancel = worker.command(CommandKind.CANCEL_SCAN, command_id=str(command.id))
    worker.commands.follow(VISIT, [command])
    worker.commands.follow(VISIT, [command, cancel])
    assert (await worker.booth.end(cancel)).state == "done"
    assert (await worker.booth.end(command)).state in {"cancelled", "done"}
    assert worker.commands.busy == frozenset()


async def test_a_booth_without_a_scanner_says_so(spool):
    made = Worker(spool, Machines())
    assert (await made.do(made.scan())).detail["trouble"] == "device_missing"
    assert (await made.do(made.print())).detail["trouble"] == "missing"
    assert (await made.do(made.command(CommandKind.STILL))).detail["trouble"] == "missing"


# Once, in time, for this visit


async def test_a_command_that_comes_again_is_not_done_again(worker):
    command = worker.scan()
    await worker.do(command)
    bands = len(worker.booth.bands)
    for _ in range(3):
        worker.commands.follow(VISIT, [command])
    assert worker.commands.busy == frozenset()
    assert len(worker.booth.bands) == bands


async def test_a_command_that_ended_before_a_restart_is_told_again_and_not_done_again(worker, spool):
    command = worker.scan()
    await worker.do(command)
    new = Worker(spool, Machines(scanner=PAPER_DEVICE))
    report = await new.do(command)
    assert (report.state, report.detail) == ("done", {"pages": 1})
    assert new.booth.bands == []


async def test_a_scan_that_a_kill_interrupted_is_told_as_such_with_the_pages_that_came(worker, spool, scanner_env):
    scanner_env.set_control("pause", page=2, row=200)
    command = worker.scan(source="feeder")
    worker.commands.follow(VISIT, [command])
    await eventually(lambda: worker.booth.pages and any(head.page == 2 for head, _ in worker.booth.bands))
    await worker.commands.close()
    assert worker.booth.states(command)[-1] == "running", "nothing was ended, only left"
    new = Worker(spool, Machines(scanner=PAPER_DEVICE))
    report = await new.do(command)
    assert (report.state, report.detail) == ("failed", {"trouble": "interrupted", "pages": 1})


async def test_a_command_of_another_visit_is_refused(worker):
    command = worker.scan().model_copy(update={"visit_id": uuid4()})
    report = await worker.do(command)
    assert (report.state, report.detail["trouble"]) == ("failed", "other_visit")
    assert worker.booth.bands == []


async def test_a_command_that_comes_too_late_is_not_begun(worker):
    command = worker.scan().model_copy(update={"deadline": worker.desk_now - timedelta(seconds=1)})
    assert (await worker.do(command)).detail["trouble"] == "deadline"
    assert worker.booth.bands == []


async def test_a_command_that_takes_too_long_is_ended(worker, scanner_env):
    scanner_env.set_control("hang", page=1, row=200)
    command = worker.scan(source="feeder").model_copy(update={"deadline": worker.desk_now + timedelta(seconds=2)})
    assert (await worker.do(command)).detail["trouble"] == "deadline"


@pytest.mark.parametrize(
    "params",
    [{"source": "ceiling"}, {"resolution_dpi": 5}, {"pages_max": 100_000}, {"mode": {"x": 1}}],
)
async def test_a_command_that_cannot_be_meant_is_refused(worker, params):
    report = await worker.do(worker.scan(**params))
    assert (report.state, report.detail["trouble"]) == ("failed", "bad_command")


# Printing


async def test_a_file_prints_as_it_is_and_every_step_is_told(worker, printer: VirtualPrinter):
    command = worker.print()
    report = await worker.do(command)
    assert report.state == "done"
    assert [path.read_bytes() for path in printer.printed()] == [PDF]
    assert worker.booth.activities[0].title == "Votre inscription"
    assert worker.booth.activities[-1].state == "done"


async def test_nothing_prints_twice_when_the_agent_was_killed_in_between(worker, spool, printer):
    printer.set_speed(3.0)
    command = worker.print()
    worker.commands.follow(VISIT, [command])
    await eventually(lambda: "running" in worker.booth.states(command))
    await worker.commands.close()
    new = Worker(spool, Machines(printer=Printer(printer.uri)))
    new.files = worker.files
    assert (await new.do(command)).state == "done"
    assert len(printer.printed()) == 1


async def test_paper_out_is_told_while_it_waits_and_the_rest_prints_when_there_is_some(worker, printer):
    await printer.set_faults(Fault.PAPER_OUT)
    printer.set_speed(2.0)
    command = worker.print()
    worker.commands.follow(VISIT, [command])
    await eventually(lambda: "waiting" in worker.booth.states(command))
    waiting = next(report for report in worker.booth.reports if report.state == "waiting")
    assert waiting.detail["reason"] == "paper_out"
    assert worker.booth.activities[-1].trouble == "paper_out"
    await printer.set_faults()
    assert (await worker.booth.end(command)).state == "done"


async def test_a_printer_that_is_off_calls_somebody(worker, printer):
    await printer.switch_off()
    report = await worker.do(worker.print())
    assert (report.state, report.detail["trouble"]) == ("failed", "off")
    assert worker.booth.hands == 1


async def test_a_print_that_is_stopped_is_taken_back_from_the_printer(worker, printer):
    await printer.set_faults(Fault.PAPER_OUT)
    printer.set_speed(5.0)
    command = worker.print()
    worker.commands.follow(VISIT, [command])
    await eventually(lambda: "waiting" in worker.booth.states(command))
    await worker.commands.stop_by_resident()
    assert (await worker.booth.end(command)).state == "cancelled"
    await printer.set_faults()
    status = Printer(printer.uri)
    async with asyncio.timeout(DEADLINE_S):
        while (await status.status()).state != "ready":
            await asyncio.sleep(0.1)


async def test_a_file_that_is_not_the_one_that_was_meant_is_not_printed(worker, printer):
    command = worker.print(sha256="0" * 64)
    assert (await worker.do(command)).detail["trouble"] == "wrong_file"
    assert printer.printed() == []


async def test_a_file_that_cannot_be_had_is_told(worker):
    command = worker.print()
    worker.files.clear()
    assert (await worker.do(command)).detail["trouble"] == "no_file"


async def test_a_file_is_waited_for_while_the_server_is_being_started_again(worker, printer):
    worker.away = 2
    assert (await worker.do(worker.print())).state == "done"
    assert len(printer.printed()) == 1


# A picture, and forgetting


async def test_a_still_of_the_document_camera_is_taken(spool, tmp_path):
    camera = tmp_path / "camera.y4m"
    frame = b"FRAME\n" + bytes([120]) * (64 * 48) + bytes([128]) * (64 * 48 // 2)
    camera.write_bytes(b"YUV4MPEG2 W64 H48 F15:1 Ip C420\n" + frame * 10)
    made = Worker(spool, Machines(camera=str(camera)))
    report = await made.do(made.command(CommandKind.STILL))
    assert report.detail == {"width": 64, "height": 48}
    head, jpeg = made.booth.stills[0]
    assert Image.open(__import__("io").BytesIO(jpeg)).size == (64, 48)
    assert head.bytes == len(jpeg)


async def test_a_camera_that_gives_no_picture_is_told(spool, tmp_path):
    (tmp_path / "camera.y4m").write_bytes(os.urandom(1000))
    made = Worker(spool, Machines(camera=str(tmp_path / "camera.y4m")))
    assert (await made.do(made.command(CommandKind.STILL))).detail["trouble"] == "failed"


async def test_a_wipe_stops_everything_else_and_can_be_asked_for_again(worker, scanner_env):
    scanner_env.set_control("pause", page=1, row=200)
    scan, wipe = worker.scan(source="feeder"), worker.command(CommandKind.WIPE)
    worker.commands.follow(VISIT, [scan])
    await eventually(lambda: worker.booth.bands)
    await worker.commands.stop_for_wipe()
    assert (await worker.booth.end(scan)).detail == {"by": "wipe"}
    assert (await worker.do(wipe)).detail == {"files": 3}
    assert worker.booth.wipes == [VISIT]
