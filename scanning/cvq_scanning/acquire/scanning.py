"""A scan job as an asynchronous iterator over what its worker process sends."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from cvq_scanning.acquire.model import Band, Page, ScanJob
from cvq_scanning.acquire.workers import Worker, end_worker, start_worker
from cvq_scanning.children import wait_for_exit
from cvq_scanning.device.order import WorkOrder
from cvq_scanning.frames import BadFrame, pack, receive_frame
from cvq_scanning.troubles import TROUBLE_SLUGS, ScanTrouble

WORKER: Final = "cvq_scanning.device.worker"

STALL_TIMEOUT_S: Final = 60.0
"""A scanner silent for so long is given up; lamps of old ones warm up for half a minute."""

CLOSE_TIMEOUT_S: Final = 10.0


class ReadyWorker:
    """Keeps one worker started and waiting, so that a scan begins at once and not after a tenth of a second and more.

    A waiting worker has not opened the scanner; it takes some 60 MB of memory. It belongs to one event loop.
    """

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._env = env
        self._waiting: Worker | None = None
        self._turn = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Start a worker, unless one waits already."""
        async with self._turn:
            if self._waiting is None or self._waiting.process.returncode is not None:
                self._waiting = await start_worker(WORKER, env=self._env)

    async def take(self) -> Worker:
        """The waiting worker, or a new one where none waits."""
        while True:
            await self.prepare()
            worker, self._waiting = self._waiting, None
            if worker is not None:
                return worker

    def renew(self) -> None:
        """Have the next worker started in the background."""
        self._renewal = asyncio.get_running_loop().create_task(self.prepare())

    async def close(self) -> None:
        """End the waiting worker."""
        if self._renewal is not None:
            await self._renewal
        worker, self._waiting = self._waiting, None
        if worker is not None:
            await end_worker(worker)


async def scan(
    job: ScanJob,
    *,
    env: Mapping[str, str] | None = None,
    ready: ReadyWorker | None = None,
    stall_timeout_s: float = STALL_TIMEOUT_S,
) -> AsyncGenerator[Band | Page]:
    """Scan, and yield bands while a page grows and pages as they are finished.

    Closing the iterator (`aclose`, or `contextlib.aclosing`) cancels: the scanner is told to stop, the worker's
    process group is gone when `aclose` returns, yielded pages stay in the spool and nothing else of the job does.
    `env` replaces this process's environment, for scanners of a private SANE configuration; with `ready`, a worker
    that already waits is used, in the environment that it was made with.

    Raises:
        ScanTrouble: after all pages that could be kept were yielded.
    """
    order = _work_order(job)
    worker = await (ready.take() if ready is not None else start_worker(WORKER, env=env))
    yielded: set[Path] = set()
    try:
        await _send_order(worker.process, order)
        while (frame := await _next_frame(worker, stall_timeout_s))[0]["type"] != "end":
            item = _item(order, *frame)
            if isinstance(item, Page):
                yielded.add(item.path)
            yield item
        # Scanners put the last sheet out, or move their lamp home, before they can be opened again.
        await wait_for_exit(worker.process, CLOSE_TIMEOUT_S)
        _raise_trouble(frame[0])
    finally:
        try:
            await end_worker(worker)
        finally:
            _remove_all_but(yielded, job.spool, order.token)
            if ready is not None:
                ready.renew()


def _work_order(job: ScanJob) -> WorkOrder:
    return WorkOrder(
        device=job.device,
        source=job.source,
        mode=job.mode,
        resolution_dpi=job.resolution_dpi,
        pages_max=job.pages_max,
        spool=str(job.spool.resolve()),
        token=secrets.token_hex(8),
        extra_options=dict(job.extra_options),
    )


async def _send_order(process: asyncio.subprocess.Process, order: WorkOrder) -> None:
    assert process.stdin is not None
    # A worker that died at once is noticed by its missing answer.
    with contextlib.suppress(ConnectionError):
        process.stdin.write(pack(asdict(order)))
        await process.stdin.drain()


async def _next_frame(worker: Worker, stall_timeout_s: float) -> tuple[dict[str, Any], bytes]:
    assert worker.process.stdout is not None
    try:
        # Not `wait_for`: Python 3.11's loses a cancellation that comes together with a frame.
        async with asyncio.timeout(stall_timeout_s):
            frame = await receive_frame(worker.process.stdout)
    except TimeoutError:
        raise ScanTrouble("failed", f"the scanner was silent for {stall_timeout_s:g} s") from None
    except BadFrame as error:
        raise ScanTrouble("failed", f"the scan process spoke nonsense: {error}") from error
    if frame is None:
        await wait_for_exit(worker.process, CLOSE_TIMEOUT_S)
        raise ScanTrouble(
            "failed", f"the scan process ended with {worker.process.returncode}: {await worker.errors.text()}"
        )
    return frame


def _item(order: WorkOrder, head: dict[str, Any], payload: bytes) -> Band | Page:
    fields = {name: value for name, value in head.items() if name != "type"}
    if head["type"] == "band":
        return Band(**fields, jpeg=payload)
    crop = fields.pop("crop")
    return Page(**fields, path=order.page_path(fields["page"]), crop=tuple(crop) if crop else None)


def _raise_trouble(end: dict[str, Any]) -> None:
    if end["trouble"] is not None:
        assert end["trouble"] in TROUBLE_SLUGS
        raise ScanTrouble(end["trouble"], end["detail"])


def _remove_all_but(kept: set[Path], spool: Path, token: str) -> None:
    """Half files, and pages that were finished but that nobody was told of."""
    for pattern in (f"scan-{token}-*.jpg", f".scan-{token}-*.part"):
        for path in spool.resolve().glob(pattern):
            if path not in kept:
                path.unlink(missing_ok=True)
