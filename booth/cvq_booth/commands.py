"""Carrying out the desk's commands: each once, within its deadline, for the visit that goes on and for no other."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from cvq_booth.jobs import (
    NEEDS_HANDS,
    Detail,
    Failed,
    Job,
    JobListener,
    PrintParams,
    ScanParams,
    pages_of,
    print_document,
    scan_pages,
    take_picture,
)
from cvq_booth.machines import Machines
from cvq_booth.spool import Spool
from cvq_desk.wire import Command, CommandKind, CommandReport

log = structlog.get_logger(__name__)

End = Literal["done", "failed", "cancelled"]
ENDS = frozenset({"done", "failed", "cancelled"})
REMEMBERED_MAX = 500
COMMANDS_AT_ONCE_MAX = 16
TELL_AGAIN_S = 2.0


class CancelParams(BaseModel):
    """Which command is to stop; all of that kind without one."""

    model_config = ConfigDict(extra="ignore")
    command_id: UUID | None = None


class CommandListener(JobListener, Protocol):
    """Who is told how commands go on, and does what only the whole booth can."""

    async def wipe(self, visit_id: UUID) -> Detail:
        """Make the booth forget the visit."""


@dataclass(slots=True)
class _Running:
    job: Job
    task: asyncio.Task[None]
    stopped_by: str = ""

    @property
    def kind(self) -> CommandKind:
        return self.job.command.kind


class Commands:
    """The commands of the newest view, and what became of earlier ones.

    `fetch` gets a file of the desk, `desk_now` its hour.
    """

    def __init__(
        self,
        *,
        spool: Spool,
        machines: Machines,
        listener: CommandListener,
        fetch: Callable[[str], Awaitable[bytes]],
        desk_now: Callable[[], datetime],
    ) -> None:
        self._spool = spool
        self._machines = machines
        self._listener = listener
        self._fetch = fetch
        self._desk_now = desk_now
        self._running: dict[UUID, _Running] = {}
        self._ended: OrderedDict[UUID, CommandReport] = OrderedDict()
        self._told_at: OrderedDict[UUID, float] = OrderedDict()
        self._scanner = asyncio.Lock()
        self._printer = asyncio.Lock()

    @property
    def busy(self) -> frozenset[CommandKind]:
        """The kinds of commands that go on."""
        return frozenset(running.kind for running in self._running.values())

    def follow(self, visit_id: UUID | None, commands: list[Command]) -> None:
        """Begin what a new view lists and is neither running nor ended."""
        for command in commands:
            if command.id in self._running:
                continue
            if ended := self._known_end(command):
                self._tell_again(ended)
            elif command.visit_id != visit_id:
                self._end(Job(command, self._spool, self._listener), "failed", {"trouble": "other_visit"})
            elif len(self._running) >= COMMANDS_AT_ONCE_MAX:
                log.error("too many commands at once, one waits for the next view", command=str(command.id))
            else:
                job = Job(command, self._spool, self._listener)
                task = asyncio.create_task(self._carry_out(job), name=f"{command.kind}-{command.id}")
                self._running[command.id] = _Running(job, task)

    async def stop_by_resident(self) -> None:
        """Stop what scans, prints or takes pictures, because the resident pressed the button."""
        stoppable = {CommandKind.SCAN, CommandKind.PRINT, CommandKind.STILL}
        await self._stop(lambda command: command.kind in stoppable, "resident")

    async def stop_for_wipe(self) -> None:
        """Stop everything but the wipe itself."""
        await self._stop(lambda command: command.kind is not CommandKind.WIPE, "wipe")

    async def close(self) -> None:
        """Stop working; what was under way has no end, and the next start knows it."""
        tasks = []
        for running in self._running.values():
            running.job.left = True
            running.task.cancel()
            tasks.append(running.task)
        await asyncio.gather(*tasks, return_exceptions=True)

    # One command

    async def _carry_out(self, job: Job) -> None:
        try:
            state, detail = await self._outcome(job)
        except asyncio.CancelledError:
            stopped_by = self._running.pop(job.command.id).stopped_by
            if not stopped_by:
                raise
            self._end(job, "cancelled", {"by": stopped_by})
        else:
            self._running.pop(job.command.id)
            self._end(job, state, detail)

    async def _outcome(self, job: Job) -> tuple[End, Detail]:
        command = job.command
        seconds = (command.deadline - self._desk_now()).total_seconds()
        if seconds <= 0:
            return "failed", {"trouble": "deadline"}
        if command.kind is CommandKind.SCAN and self._spool.command(command.visit_id, command.id) is not None:
            # An agent was killed in mid-scan: the sheets lie somewhere else by now. The pages that came are kept.
            return "failed", {"trouble": "interrupted", "pages": pages_of(self._spool, command)}
        self._note(command, "accepted", {})
        job.report("accepted", {})
        try:
            async with asyncio.timeout(seconds):
                return "done", await self._do(job)
        except TimeoutError:
            return "failed", {"trouble": "deadline"}
        except ValidationError as error:
            return "failed", {"trouble": "bad_command", "detail": str(error.errors()[0]["loc"])}
        except Failed as failure:
            return "failed", {"trouble": failure.slug, **failure.detail}
        except Exception as error:
            # Whatever a driver or a library throws: the advisor must learn that this command has ended.
            log.exception("a command failed", kind=command.kind, command=str(command.id))
            return "failed", {"trouble": "failed", "detail": str(error)[:200]}

    async def _do(self, job: Job) -> Detail:
        params, machines = job.command.params, self._machines
        match job.command.kind:
            case CommandKind.SCAN:
                if self._scanner.locked():
                    raise Failed("device_busy")
                async with self._scanner, machines.scanner_turn:
                    return await scan_pages(
                        job, ScanParams.model_validate(params), machines.scanner, machines.scanner_overrides
                    )
            case CommandKind.PRINT:
                async with self._printer:
                    return await print_document(job, PrintParams.model_validate(params), machines.printer, self._fetch)
            case CommandKind.STILL:
                return await take_picture(job, machines.camera)
            case CommandKind.CANCEL_SCAN:
                return await self._cancel(CommandKind.SCAN, CancelParams.model_validate(params))
            case CommandKind.CANCEL_PRINT:
                return await self._cancel(CommandKind.PRINT, CancelParams.model_validate(params))
            case CommandKind.WIPE:
                return await self._listener.wipe(job.command.visit_id)

    async def _cancel(self, kind: CommandKind, params: CancelParams) -> Detail:
        def meant(command: Command) -> bool:
            return command.kind is kind and params.command_id in {None, command.id}

        return {"stopped": await self._stop(meant, "advisor")}

    async def _stop(self, meant: Callable[[Command], bool], by: str) -> int:
        stopped = [running for running in self._running.values() if meant(running.job.command)]
        for running in stopped:
            running.stopped_by = by
            running.task.cancel()
        await asyncio.gather(*(running.task for running in stopped), return_exceptions=True)
        for running in stopped:
            # A task that was stopped before its first step never came to its own end.
            if self._running.pop(running.job.command.id, None):
                self._end(running.job, "cancelled", {"by": by})
        return len(stopped)

    # How it ended

    def _end(self, job: Job, state: End, detail: Detail) -> None:
        report = CommandReport(command_id=job.command.id, state=state, detail=dict(detail))
        self._remember(report)
        if job.command.kind is not CommandKind.WIPE:
            self._note(job.command, state, detail)
        trouble = str(detail["trouble"]) if "trouble" in detail else None
        if job.activity:
            self._listener.machine_does(replace(job.activity, state=state, trouble=trouble))
            if trouble in NEEDS_HANDS:
                self._listener.machine_needs_hands()
        self._tell(report)

    def _remember(self, report: CommandReport) -> None:
        self._ended[report.command_id] = report
        while len(self._ended) > REMEMBERED_MAX:
            self._ended.popitem(last=False)

    def _note(self, command: Command, state: str, detail: Detail) -> None:
        try:
            self._spool.note_command(command.visit_id, command.id, {"state": state, "detail": detail})
        except OSError as error:
            # A wipe may have taken the folder away, or the spool be full; the memory of this process still knows.
            log.error("how far a command went could not be noted", command=str(command.id), reason=str(error))

    def _known_end(self, command: Command) -> CommandReport | None:
        """Return how a command ended, in this start of the agent or in an earlier one."""
        if ended := self._ended.get(command.id):
            return ended
        noted = self._spool.command(command.visit_id, command.id)
        if noted is None or noted.get("state") not in ENDS:
            return None
        with suppress(ValidationError):
            self._remember(CommandReport(command_id=command.id, state=noted["state"], detail=noted.get("detail") or {}))
        return self._ended.get(command.id)

    def _tell(self, report: CommandReport) -> None:
        self._told_at[report.command_id] = asyncio.get_running_loop().time()
        while len(self._told_at) > REMEMBERED_MAX:
            self._told_at.popitem(last=False)
        self._listener.command_went(report)

    def _tell_again(self, report: CommandReport) -> None:
        """Tell an end again that the desk has not taken in; a view that crossed the first telling is no reason yet."""
        told = self._told_at.get(report.command_id)
        if told is None or asyncio.get_running_loop().time() - told >= TELL_AGAIN_S:
            self._tell(report)
