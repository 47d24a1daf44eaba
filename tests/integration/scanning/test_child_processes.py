"""A child process ends when it must, also one that nobody listens to."""

import asyncio
import sys

import psutil
import pytest

from cvq_scanning.children import kill_group, wait_for_exit

DEADLINE_S = 30

TALKATIVE = "import sys; sys.stdout.buffer.write(bytes(10_000_000))"
SILENT = "import time; time.sleep(1000)"
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(1000)'])"


async def _start(script: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )


def _wait_for_child(pid: int) -> psutil.Process:
    process = psutil.Process(pid)
    while not process.children():
        assert process.is_running()
    return process.children()[0]


@pytest.mark.parametrize("script", [TALKATIVE, SILENT])
async def test_a_killed_child_is_reaped_whether_it_was_heard_or_not(script):
    child = await _start(script)
    if script is TALKATIVE:
        assert await child.stdout.read(1)
    async with asyncio.timeout(DEADLINE_S):
        await kill_group(child)
    assert child.returncode is not None
    assert not psutil.pid_exists(child.pid)


async def test_a_child_that_waits_to_be_heard_ends_by_itself():
    child = await _start(TALKATIVE)
    assert await wait_for_exit(child, DEADLINE_S)
    assert child.returncode == 0


async def test_a_child_that_does_not_end_is_told_of():
    child = await _start(SILENT)
    assert not await wait_for_exit(child, 0.01)
    await kill_group(child)


async def test_what_a_child_has_started_is_killed_with_it():
    child = await _start(PARENT)
    grandchild = await asyncio.wait_for(asyncio.to_thread(_wait_for_child, child.pid), DEADLINE_S)
    await kill_group(child)
    _, alive = psutil.wait_procs([grandchild], timeout=DEADLINE_S)
    assert alive == []


async def test_killing_a_child_that_is_gone_is_harmless():
    child = await _start("pass")
    assert await wait_for_exit(child, DEADLINE_S)
    await kill_group(child)
    assert child.returncode == 0
