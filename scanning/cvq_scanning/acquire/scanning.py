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
from cvq_scanning.acquire.workers import ErrorTail, end_worker, start_worker
from cvq_scanning.device.order import WorkOrder
from cvq_scanning.frames import BadFrame, pack, receive_frame
from cvq_scanning.troubles import TROUBLE_SLUGS, ScanTrouble

WORKER: Final = "cvq_scanning.device.worker"

STALL_TIMEOUT_S: Final = 60.0
"""A scanner silent for so long is given up; lamps of old ones warm up for half a minute."""


CLOSE_TIMEOUT_S: Final = 10.0


async def scan(
    job: ScanJob, *, env: Mapping[str, str] | None = None, stall_timeout_s: float = STALL_TIMEOUT_S
) -> AsyncGenerator[Band | Page]:
    """Scan, and yield bands while a page grows and pages as they are finished.

    Closing the iterator (`aclose`, or `contextlib.aclosing`) cancels: the scanner is told to stop, the worker's
    process group is gone when `aclose` returns, yielded pages stay in the spool and nothing else of the job does.
    `env` replaces this process's environment, for scanners of a private SANE configuration.

    Raises:
        ScanTrouble: after all pages that could be kept were yielded.
    """
    order = _work_order(job)
    process = await start_worker(WORKER, env=env)
    errors = ErrorTail(process.stderr)
    yielded: set[Path] = set()
    try:
        await _send_order(process, order)
        while (frame := await _next_frame(process, errors, stall_timeout_s))[0]["type"] != "end":
            item = _item(order, *frame)
            if isinstance(item, Page):
                yielded.add(item.path)
            yield item
        # Scanners put the last sheet out, or move their lamp home, before they can be opened again.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), CLOSE_TIMEOUT_S)
        _raise_trouble(frame[0])
    finally:
        try:
            await end_worker(process)
        finally:
            errors.stop()
            _remove_all_but(yielded, job.spool, order.token)


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


async def _next_frame(
    process: asyncio.subprocess.Process, errors: ErrorTail, stall_timeout_s: float
) -> tuple[dict[str, Any], bytes]:
    assert process.stdout is not None
    try:
        frame = await asyncio.wait_for(receive_frame(process.stdout), stall_timeout_s)
    except TimeoutError:
        raise ScanTrouble("failed", f"the scanner was silent for {stall_timeout_s:g} s") from None
    except BadFrame as error:
        raise ScanTrouble("failed", f"the scan process spoke nonsense: {error}") from error
    if frame is None:
        code = await process.wait()
        raise ScanTrouble("failed", f"the scan process ended with {code}: {await errors.text()}")
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
