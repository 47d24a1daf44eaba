"""The booth's printer, asked over IPP: no CUPS, no queue of ours, no root.

Nothing prints twice. A document's key is in the job's name and in the log before the printer is asked for a number; the
number is in the log before the document is sent. Whoever comes back after a crash with the same key finds the job
by its number, or by its name among the printer's jobs, and only an empty or an unknown job is made anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import structlog

from cvq_booth.devices import ipp
from cvq_booth.devices.ipp import Capabilities, IppPrinter, JobState, NotAPrinter, PrinterState, Refused, Unreachable
from cvq_booth.devices.print_log import LogEntry, PrintLog, Step
from cvq_booth.devices.raster import NotConverted, choose_form, to_raster
from cvq_desk.wire import DeviceName, DeviceStatus

POLL_S = 0.5
FOLLOW_DEADLINE_S = 600.0
BUSY_DEADLINE_S = 60.0
"""How long a printer that serves somebody else is asked again."""

DOCUMENT_BYTES_MAX = 64 << 20
COPIES_MAX = 20
PDF = "application/pdf"
PWG_RASTER = "image/pwg-raster"
A4 = "iso_a4_210x297mm"

logger = structlog.get_logger()

State = Literal["queued", "printing", "waiting", "done", "failed", "cancelled"]


class PrintRefused(Exception):
    """A document was not given to the printer.

    `slug` says why: `off`, `missing`, `busy`, `format_unsupported`, `bad_document`, `too_large`, `too_many_copies` or
    `refused`.
    """

    def __init__(self, slug: str, detail: str = "") -> None:
        super().__init__(f"{slug}: {detail}" if detail else slug)
        self.slug = slug
        self.detail = detail


@dataclass(frozen=True, slots=True)
class PrintJob:
    """A document on the printer; `number` is None for one that the printer has had and knows no more."""

    key: UUID
    number: int | None
    title: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class PrintProgress:
    """How a job goes on.

    `reason` is a slug where there is something to say: what `waiting` waits for (`paper_out`, `paper_jam`,
    `cover_open`, `off`, `other`, `held`), `toner_empty` while it prints or waits, why it `failed` (`aborted`,
    `interrupted`, `deadline`), or `already_printed` for a repetition. `pages_done` is None where the printer does not
    count.
    """

    state: State
    reason: str | None = None
    pages_done: int | None = None

    @property
    def over(self) -> bool:
        """Whether nothing follows."""
        return self.state in ("done", "failed", "cancelled")


OnSubmitted = Callable[[PrintJob], Awaitable[None]]


class Printer:
    """The printer at `uri` (ipp:// or ipps://), None for a booth without one.

    `user` is the name that the printer is told; it is asked every `poll_s` while something goes on.
    """

    def __init__(self, uri: str | None, *, user: str = "guichet", poll_s: float = POLL_S) -> None:
        self.uri = uri
        self._poll_s = poll_s
        self._printer = IppPrinter(uri or "", user)
        self._one_at_a_time = asyncio.Lock()

    async def status(self) -> DeviceStatus:
        """Return the printer's state: ready, busy, missing, or the trouble it is in."""

        def status(state: Literal["ready", "busy", "missing", "trouble"], **more: str) -> DeviceStatus:
            return DeviceStatus.model_validate({"device": DeviceName.PRINTER, "state": state, **more})

        if self.uri is None:
            return status("missing")
        try:
            found = await self._printer.state()
        except Unreachable as error:
            return status("trouble", trouble="off", detail=str(error))
        except NotAPrinter as error:
            return status("missing", detail=str(error))
        except Refused as error:
            return status("trouble", trouble="other", detail=str(error))
        if found.trouble:
            return status("trouble", trouble=found.trouble, detail=" ".join(found.reasons))
        return status("busy" if found.busy else "ready", detail=" ".join(found.reasons))

    async def submit(
        self,
        document: bytes,
        *,
        title: str,
        key: UUID,
        log: PrintLog,
        copies: int = 1,
        on_submitted: OnSubmitted | None = None,
    ) -> PrintJob:
        """Give the printer a PDF, once for a key however often this is called with it.

        Args:
            title: for our own screens; the printer is told the key only, because its display and its list of jobs are
                read by whoever passes by.
            log: of the visit's spool.
            on_submitted: awaited once the printer has the document, before this returns.

        Raises:
            PrintRefused: the document was not given to the printer. Where the line broke while it was being sent, the
                same key tells later what became of it; another key could print it again.
        """
        if not 1 <= copies <= COPIES_MAX:
            raise PrintRefused("too_many_copies", str(copies))
        if not 0 < len(document) <= DOCUMENT_BYTES_MAX:
            raise PrintRefused("too_large", f"{len(document)} bytes")
        if self.uri is None:
            raise PrintRefused("missing")
        async with self._one_at_a_time:
            try:
                job = await self._find(key, title, log) or await self._send(document, title, key, log, copies)
            except Unreachable as error:
                raise PrintRefused("off", str(error)) from error
            except NotAPrinter as error:
                raise PrintRefused("missing", str(error)) from error
            except Refused as error:
                raise PrintRefused("busy" if error.status in ipp.BUSY else "refused", str(error)) from error
        if on_submitted:
            await on_submitted(job)
        return job

    async def _find(self, key: UUID, title: str, log: PrintLog) -> PrintJob | None:
        """Return the job of an earlier attempt with this key, None when there is none that could print."""
        entry = log.last(key)
        if entry and entry.step is Step.SENT:
            return PrintJob(key, entry.job, title, repeated=True)
        known = await self._job_of(key, entry)
        if known is None:
            # What had a number or was sent in one step may have been printed and forgotten; what only began was not.
            may_be_printed = entry is not None and entry.step is not Step.BEGUN
            return PrintJob(key, None, title, repeated=True) if may_be_printed else None
        if known.without_document:
            await self._printer.cancel(known.number)
            return None
        log.write(LogEntry(key, Step.SENT, known.number))
        return PrintJob(key, known.number, title, repeated=True)

    async def _job_of(self, key: UUID, entry: LogEntry | None) -> JobState | None:
        if entry and entry.job and (job := await self._own_job(key, entry.job)):
            return job
        # The newest first: an empty job of an earlier attempt was cancelled, and counts no more.
        jobs = sorted(await self._printer.jobs(), key=lambda job: job.number, reverse=True)
        return next((job for job in jobs if str(key) in job.name), None)

    async def _own_job(self, key: UUID, number: int) -> JobState | None:
        """Return a job by its number, if it is ours: a printer that was switched off counts from one again."""
        job = await self._printer.job(number)
        return job if job and (str(key) in job.name or not job.name) else None

    async def _send(self, document: bytes, title: str, key: UUID, log: PrintLog, copies: int) -> PrintJob:
        able = await self._printer.capabilities()
        body, media_type = await _prepare(document, able, log)
        attributes: dict[str, Any] = {"copies": copies}
        if A4 in able.media:
            attributes["media"] = A4
        log.write(LogEntry(key, Step.BEGUN))
        try:
            number = await self._when_free(lambda: self._printer.create_job(_name(key), attributes))
        except Refused as refused:
            if refused.status != ipp.OPERATION_NOT_SUPPORTED:
                raise
            log.write(LogEntry(key, Step.ASKED))
            number = await self._when_free(lambda: self._printer.print_job(_name(key), attributes, body, media_type))
        else:
            log.write(LogEntry(key, Step.CREATED, number))
            await self._fill(number, body, media_type)
        log.write(LogEntry(key, Step.SENT, number))
        return PrintJob(key, number, title)

    async def _fill(self, number: int, body: bytes, media_type: str) -> None:
        """Send a job its document; a job left empty would block the printer, and is cancelled."""
        try:
            await self._printer.send_document(number, body, media_type)
        except (Refused, asyncio.CancelledError):
            with contextlib.suppress(Refused, Unreachable, NotAPrinter):
                await asyncio.shield(self._printer.cancel(number))
            raise

    async def _when_free(self, ask: Callable[[], Awaitable[int]]) -> int:
        """Ask again while the printer serves somebody else, up to `BUSY_DEADLINE_S`."""
        give_up_at = asyncio.get_running_loop().time() + BUSY_DEADLINE_S
        while True:
            try:
                return await ask()
            except Refused as refused:
                if refused.status not in ipp.BUSY or asyncio.get_running_loop().time() >= give_up_at:
                    raise
            await asyncio.sleep(self._poll_s)

    async def follow(
        self, job: PrintJob, *, deadline_s: float = FOLLOW_DEADLINE_S
    ) -> AsyncGenerator[PrintProgress, None]:
        """Yield how a job goes on, changes only, until it is over.

        At the deadline the job is cancelled, so that a sheet of one visit does not come out in the next.
        """
        if job.number is None:
            yield PrintProgress("done", "already_printed")
            return
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + deadline_s
        last: PrintProgress | None = None
        while True:
            now = await self._progress(job.key, job.number, last)
            if not now.over and loop.time() >= give_up_at:
                await self._give_up(job)
                now = PrintProgress("failed", "deadline", now.pages_done)
            if now != last:
                yield now
            if now.over:
                return
            last = now
            await asyncio.sleep(self._poll_s)

    async def _progress(self, key: UUID, number: int, last: PrintProgress | None) -> PrintProgress:
        try:
            job = await self._own_job(key, number)
            printer = await self._printer.state()
        except (Unreachable, NotAPrinter, Refused) as error:
            logger.info("printer does not answer", reason=str(error))
            return PrintProgress("waiting", "off", last.pages_done if last else None)
        if job is None:
            return _after_forgetting(last)
        return progress_of(job, printer)

    async def _give_up(self, job: PrintJob) -> None:
        try:
            await self.cancel(job)
        except PrintRefused as refused:
            logger.warning("job could not be cancelled at its deadline", job=job.number, reason=str(refused))

    async def cancel(self, job: PrintJob) -> None:
        """Cancel a job; one that is over, or that the printer forgot, stays as it is.

        Raises:
            PrintRefused: the printer does not answer, or refuses.
        """
        if job.number is None:
            return
        try:
            if await self._own_job(job.key, job.number):
                await self._printer.cancel(job.number)
        except Unreachable as error:
            raise PrintRefused("off", str(error)) from error
        except (NotAPrinter, Refused) as error:
            raise PrintRefused("refused", str(error)) from error


_STATES: dict[int, State] = {
    ipp.PENDING: "queued",
    ipp.HELD: "waiting",
    ipp.PROCESSING: "printing",
    ipp.STOPPED: "waiting",
    ipp.CANCELED: "cancelled",
    ipp.ABORTED: "failed",
    ipp.COMPLETED: "done",
}
_REASONS = {ipp.HELD: "held", ipp.STOPPED: "other", ipp.ABORTED: "aborted"}
_PRINTS_ON = "toner_empty"
"""A printer short of toner goes on, if palely, until it says that it stopped."""


def progress_of(job: JobState, printer: PrinterState) -> PrintProgress:
    """Return what a job's state means, with what is wrong with the printer meanwhile."""
    state, reason = _STATES.get(job.state, "queued"), _REASONS.get(job.state)
    if job.state < ipp.CANCELED and printer.trouble:
        reason = printer.trouble
        if printer.stopped or printer.trouble != _PRINTS_ON:
            state = "waiting"
    return PrintProgress(state, reason, job.pages_done)


def _after_forgetting(last: PrintProgress | None) -> PrintProgress:
    """Return what became of a job that the printer knows no more.

    Some printers forget a job as soon as its last sheet is out. One that was away meanwhile was switched off with the
    job in it.
    """
    if last is None:
        return PrintProgress("done", "already_printed")
    if last.reason == "off":
        return PrintProgress("failed", "interrupted", last.pages_done)
    return PrintProgress("done", None, last.pages_done)


def _name(key: UUID) -> str:
    """Return a job's name: ours, the key, and nothing of the document or the resident."""
    return f"Guichet {key}"


async def _prepare(document: bytes, able: Capabilities, log: PrintLog) -> tuple[bytes, str]:
    """Return a document as the printer takes it, with its media type."""
    if not document.startswith(b"%PDF-"):
        raise PrintRefused("bad_document", "not a PDF")
    if PDF in able.formats:
        return document, PDF
    if PWG_RASTER not in able.formats:
        raise PrintRefused("format_unsupported", " ".join(sorted(able.formats)))
    form = choose_form(able.raster_kinds, able.raster_resolutions_dpi)
    try:
        return await to_raster(document, form, log.directory), PWG_RASTER
    except NotConverted as error:
        raise PrintRefused("bad_document", str(error)) from error
