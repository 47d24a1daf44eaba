"""What scanning, printing and taking a picture consist of at a booth, for one command each."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol
from uuid import UUID

import structlog
from pydantic import BaseModel, ConfigDict, Field

from cvq_booth.desk import DeskRefused, DeskUnreachable
from cvq_booth.devices.print_log import PrintLog
from cvq_booth.devices.printer import Printer, PrintJob, PrintProgress, PrintRefused
from cvq_booth.screens.state import Activity
from cvq_booth.spool import HeldPage, Spool
from cvq_booth.still import CameraTrouble, take_still
from cvq_core.ids import new_id
from cvq_desk.wire import BandHead, Command, CommandReport, PageHead, StillHead
from cvq_scanning.acquire import BadOverrides, Band, Page, ScanJob, ScanTrouble, load_overrides, scan

log = structlog.get_logger(__name__)

Detail = dict[str, str | int | float | bool]
Progress = Literal["accepted", "running", "waiting"]

TAKE_BACK_S = 10.0
FETCH_AGAIN_S = 1.0
FETCH_PATIENCE_S = 120.0
NEEDS_HANDS = frozenset({"cover_open", "toner_empty", "off"})
"""Troubles for which the machine calls the secretary; of paper that is out or jammed the desk tells her by itself."""


class Failed(Exception):
    """A command that did not succeed: `slug` for the console's words, `detail` for what was done before."""

    def __init__(self, slug: str, **detail: str | int | float | bool) -> None:
        super().__init__(slug)
        self.slug = slug
        self.detail: Detail = detail


class ScanParams(BaseModel):
    """What the desk says of a scan."""

    model_config = ConfigDict(extra="ignore")
    source: Literal["flatbed", "feeder"] = "flatbed"
    mode: Literal["color", "gray"] = "color"
    resolution_dpi: int = Field(default=200, ge=75, le=600)
    pages_max: int = Field(default=20, ge=1, le=200)


class PrintParams(BaseModel):
    """What the desk says of a print. `title` is for the resident's screen; the printer's own display shows none."""

    model_config = ConfigDict(extra="ignore")
    url: str = Field(max_length=200)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    title: str = Field(default="", max_length=200)
    copies: int = Field(default=1, ge=1, le=20)


class JobListener(Protocol):
    """Who is told what comes out of a job."""

    def command_went(self, report: CommandReport) -> None:
        """A command was accepted, goes on, waits, or has ended."""

    def machine_does(self, activity: Activity) -> None:
        """What the resident should know has changed."""

    def machine_needs_hands(self) -> None:
        """Somebody of the town hall has to come."""

    async def band_came(self, head: BandHead, jpeg: bytes) -> None:
        """A strip of a page was scanned."""

    async def page_came(self, head: PageHead, path: Path) -> None:
        """A page is whole, and the spool holds it."""

    async def still_came(self, head: StillHead, jpeg: bytes) -> None:
        """A picture was taken."""


@dataclass(slots=True)
class Job:
    """One command being carried out, and what the resident sees of it."""

    command: Command
    spool: Spool
    listener: JobListener
    activity: Activity | None = None
    left: bool = False
    """Set where the agent ends and the machine may go on: what is being printed is no error."""

    @property
    def folder(self) -> Path:
        """Where the command may write."""
        return self.spool.job_folder(self.command.visit_id, self.command.id)

    def show(self, activity: Activity) -> None:
        """Let the resident see what the machine does."""
        self.activity = activity
        self.listener.machine_does(activity)

    def report(self, state: Progress, detail: Detail) -> None:
        """Tell desk and console how it goes on."""
        self.listener.command_went(CommandReport(command_id=self.command.id, state=state, detail=dict(detail)))

    def pages(self) -> int:
        """Return how many pages of this command the spool holds."""
        return pages_of(self.spool, self.command)


def pages_of(spool: Spool, command: Command) -> int:
    """Return how many pages of a command the spool holds."""
    return sum(1 for page in spool.pages(command.visit_id) if page.command_id == command.id)


# Scanning


async def scan_pages(job: Job, params: ScanParams, scanner: str | None, overrides_file: Path | None) -> Detail:
    """Scan one sheet or a stack, and hand on strips and pages as they come.

    Raises:
        Failed: the scanner's trouble; the pages before it are kept.
    """
    if scanner is None:
        raise Failed("device_missing")
    activity = Activity("scan", job.command.id, "starting", source=params.source, page=1)
    job.show(activity)
    try:
        overrides: Mapping[str, str | int | float] = load_overrides(overrides_file, scanner) if overrides_file else {}
        order = ScanJob(
            device=scanner,
            source=params.source,
            mode=params.mode,
            resolution_dpi=params.resolution_dpi,
            pages_max=params.pages_max,
            spool=job.folder,
            extra_options=overrides,
        )
        async with aclosing(scan(order)) as items:
            async for item in items:
                if isinstance(item, Band):
                    await _took_band(job, item)
                else:
                    await _took_page(job, item)
    except ScanTrouble as trouble:
        log.warning("a scan ended in trouble", slug=trouble.slug, detail=trouble.detail)
        raise Failed(trouble.slug, pages=job.pages()) from None
    except BadOverrides as error:
        log.error("the scanner's overrides are wrong", reason=str(error))
        raise Failed("failed", detail="overrides") from None
    return {"pages": job.pages()}


async def _took_band(job: Job, band: Band) -> None:
    assert job.activity is not None
    if job.activity.state != "running" or job.activity.page != band.page:
        job.show(replace(job.activity, state="running", page=band.page))
        job.report("running", {"page": band.page, "pages": band.page - 1})
    head = BandHead(
        command_id=job.command.id,
        page=band.page,
        top=band.top,
        height=band.height,
        page_width=band.page_width,
        page_height=band.page_height,
        bytes=len(band.jpeg),
    )
    await job.listener.band_came(head, band.jpeg)


async def _took_page(job: Job, page: Page) -> None:
    held = HeldPage(
        page_id=new_id(),
        command_id=job.command.id,
        page=page.page,
        path=page.path,
        width=page.width,
        height=page.height,
        resolution_dpi=page.resolution_dpi,
        sha256=page.sha256,
        blank=page.blank,
    )
    job.spool.keep_page(job.command.visit_id, held)
    assert job.activity is not None
    job.show(replace(job.activity, page_id=held.page_id))
    job.report("running", {"page": page.page, "pages": page.page})
    await job.listener.page_came(page_head(held), held.path)


def page_head(page: HeldPage) -> PageHead:
    """Return what the console is told of a page before its bytes come."""
    return PageHead(
        command_id=page.command_id,
        page_id=page.page_id,
        page=page.page,
        width=page.width,
        height=page.height,
        resolution_dpi=page.resolution_dpi,
        media_type=page.media_type,
        sha256=page.sha256,
        blank=page.blank,
        bytes=page.path.stat().st_size,
    )


# Printing


async def print_document(
    job: Job, params: PrintParams, printer: Printer | None, fetch: Callable[[str], Awaitable[bytes]]
) -> Detail:
    """Print a file of the desk, once however often the command comes.

    Raises:
        Failed: the file is not the one that was meant, or the printer's trouble.
    """
    if printer is None:
        raise Failed("missing")
    job.show(Activity("print", job.command.id, "starting", title=params.title))
    document = await _document(params, fetch)
    # A submission that was begun is seen through, so that what is stopped can be taken back from the printer.
    submission = asyncio.create_task(_submit(job, printer, document, params))
    try:
        return await _follow_print(job, printer, await asyncio.shield(submission))
    except PrintRefused as refused:
        log.warning("the printer did not take a document", slug=refused.slug, detail=refused.detail)
        raise Failed(refused.slug) from None
    except asyncio.CancelledError:
        if not job.left:
            await _take_back(printer, submission)
        raise


async def _document(params: PrintParams, fetch: Callable[[str], Awaitable[bytes]]) -> bytes:
    document = await _fetched(params.url, fetch)
    if hashlib.sha256(document).hexdigest() != params.sha256:
        raise Failed("wrong_file")
    return document


async def _fetched(url: str, fetch: Callable[[str], Awaitable[bytes]]) -> bytes:
    """Fetch a file; a server that is being started again, or a line that is cut, is waited for."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + FETCH_PATIENCE_S
    while True:
        try:
            return await fetch(url)
        except DeskRefused as error:
            log.warning("the file to print was refused", reason=str(error))
            raise Failed("no_file") from None
        except DeskUnreachable as error:
            log.warning("the file to print did not come", reason=str(error))
            if loop.time() >= give_up_at:
                raise Failed("no_file") from None
        await asyncio.sleep(FETCH_AGAIN_S)


async def _submit(job: Job, printer: Printer, document: bytes, params: PrintParams) -> PrintJob:
    print_log = PrintLog(job.folder / "print.log")
    key: UUID = job.command.id
    return await printer.submit(document, title=params.title, key=key, log=print_log, copies=params.copies)


async def _follow_print(job: Job, printer: Printer, print_job: PrintJob) -> Detail:
    detail: Detail = {}
    async for step in printer.follow(print_job):
        detail = {"progress": step.state, "job": print_job.number or 0}
        if step.reason:
            detail["reason"] = step.reason
        if step.pages_done is not None:
            detail["pages"] = step.pages_done
        if step.state == "done":
            break
        if step.state in {"failed", "cancelled"}:
            raise Failed(step.reason or step.state, **detail)
        _print_goes_on(job, step, detail)
    return detail


def _print_goes_on(job: Job, step: PrintProgress, detail: Detail) -> None:
    assert job.activity is not None
    if step.reason in NEEDS_HANDS and job.activity.trouble != step.reason:
        job.listener.machine_needs_hands()
    match step.state:
        case "waiting":
            job.show(replace(job.activity, state="waiting", trouble=step.reason))
            job.report("waiting", detail)
        case "printing":
            job.show(replace(job.activity, state="running", trouble=None))
            job.report("running", detail)
        case _:
            job.show(replace(job.activity, state="starting", trouble=None))
            job.report("running", detail)


async def _take_back(printer: Printer, submission: asyncio.Task[PrintJob]) -> None:
    with suppress(PrintRefused, TimeoutError):
        async with asyncio.timeout(TAKE_BACK_S):
            await printer.cancel(await submission)


# A picture of the document camera


async def take_picture(job: Job, camera: str | None) -> Detail:
    """Take a still and hand it on.

    Raises:
        Failed: there is no camera, or it gives no picture.
    """
    job.show(Activity("still", job.command.id, "running"))
    try:
        still = await take_still(camera)
    except CameraTrouble as trouble:
        raise Failed(trouble.slug) from None
    head = StillHead(
        command_id=job.command.id,
        media_type="image/jpeg",
        width=still.width,
        height=still.height,
        bytes=len(still.jpeg),
    )
    await job.listener.still_came(head, still.jpeg)
    return {"width": still.width, "height": still.height}
