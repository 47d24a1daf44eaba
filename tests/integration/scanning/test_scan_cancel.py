"""A scan ends when it is told to, whatever its driver does, and leaves only whole pages."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from cvq_scanning.acquire import Page, ScanTrouble

DEADLINE_S = 30


def _scan_processes(parent: int | None = None) -> list[psutil.Process]:
    children = psutil.Process(parent).children(recursive=True)
    return [child for child in children if any("cvq_scanning.device" in part for part in child.cmdline())]


def _wait_until_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=DEADLINE_S)
    assert alive == []


@pytest.mark.parametrize("trouble", ["pause", "hang"])
async def test_closing_the_iterator_ends_all_processes_and_leaves_no_half_page(
    start_scan, scan_all, full_feeder, spool, trouble
):
    full_feeder.set_control(trouble, page=2)
    items = start_scan(source="feeder")
    async for item in items:
        if isinstance(item, Page):
            break
    processes = _scan_processes()
    assert len(processes) == 2  # the job's own, and the driver's
    await items.aclose()
    assert not any(process.is_running() for process in processes)
    assert list(spool.iterdir()) == [item.path]
    full_feeder.set_control()
    again = await scan_all(source="feeder")
    assert again.trouble is None
    assert len(again.pages) == 4


async def test_stopping_in_the_middle_of_a_stack_keeps_the_pages_that_were_given(start_scan, full_feeder, spool):
    full_feeder.set_control("pause", page=4, row=300)
    items = start_scan(source="feeder")
    pages = []
    async for item in items:
        if isinstance(item, Page):
            pages.append(item)
        if len(pages) == 2:
            break
    await items.aclose()
    assert set(spool.iterdir()) == {page.path for page in pages}


async def test_a_task_that_is_cancelled_cancels_its_scan(start_scan, scanner, spool):
    growing = asyncio.Event()

    async def consume() -> None:
        async for _ in start_scan():
            growing.set()

    scanner.set_control("pause", row=600)
    task = asyncio.create_task(consume())
    await asyncio.wait_for(growing.wait(), DEADLINE_S)
    processes = _scan_processes()
    assert len(processes) == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not any(process.is_running() for process in processes)
    assert list(spool.iterdir()) == []


_SCRIPT = """
import asyncio, sys
from pathlib import Path
from cvq_scanning.acquire import ScanJob, scan

async def main():
    job = ScanJob("paper:desk", "flatbed", "color", 300, 1, Path(sys.argv[1]))
    async for _ in scan(job):
        print("growing", flush=True)

asyncio.run(main())
"""


def test_a_booth_that_is_killed_leaves_no_scan_behind(scanner, spool):
    scanner.set_control("pause", row=600)
    agent = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(spool)], env=os.environ | scanner.env, stdout=subprocess.PIPE
    )
    try:
        assert agent.stdout.readline() == b"growing\n"
        processes = _scan_processes(agent.pid)
        assert len(processes) == 2
    finally:
        agent.send_signal(signal.SIGKILL)
        agent.wait()
        agent.stdout.close()
    _wait_until_gone(processes)
    assert list(spool.glob("scan-*.jpg")) == []


async def test_a_killed_worker_is_a_failed_scan(start_scan, scanner):
    scanner.set_control("pause", row=600)
    items = start_scan()
    await anext(items)
    for process in _scan_processes():
        process.kill()
    with pytest.raises(ScanTrouble) as failed:
        async for _ in items:
            pass
    assert failed.value.slug == "failed"
    assert "ended with -9" in failed.value.detail


def _wait_for_pages(spool, count):
    deadline = time.monotonic() + DEADLINE_S
    while len(list(spool.glob("scan-*.jpg"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.usefixtures("full_feeder")
async def test_a_slow_reader_does_not_hold_up_the_scanner(start_scan, spool):
    items = start_scan(source="feeder")
    await anext(items)
    # Nobody reads, and yet all four sheets of the feeder are scanned and kept.
    await asyncio.to_thread(_wait_for_pages, spool, 4)
    rest = [item async for item in items]
    assert len([item for item in rest if isinstance(item, Page)]) == 4
