"""Which scanners there are, and whether the booth's own one answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from cvq_scanning.acquire.model import ScannerInfo, ScannerState
from cvq_scanning.acquire.workers import end_worker, start_worker
from cvq_scanning.troubles import ScanTrouble

INVENTORY: Final = "cvq_scanning.device.inventory"
LIST_TIMEOUT_S: Final = 30.0
"""Network discovery of several drivers one after another takes up to twenty seconds."""
PROBE_TIMEOUT_S: Final = 15.0


async def list_scanners(
    env: Mapping[str, str] | None = None, *, timeout_s: float = LIST_TIMEOUT_S
) -> list[ScannerInfo]:
    """The scanners that SANE finds and what they can do; `env` as in `scan`.

    Raises:
        ScanTrouble: `failed`, where the drivers crash or take longer than `timeout_s`.
    """
    return [
        ScannerInfo(
            name=found["name"],
            vendor=found["vendor"],
            model=found["model"],
            sources=tuple(found["sources"]),
            modes=tuple(found["modes"]),
            resolutions=tuple(found["resolutions"]),
        )
        for found in await _ask("list", env=env, timeout_s=timeout_s)
    ]


async def probe(
    device: str, *, env: Mapping[str, str] | None = None, timeout_s: float = PROBE_TIMEOUT_S
) -> ScannerState:
    """Open the scanner without scanning, and say how it is.

    SANE knows of a jam or of an empty feeder only when a scan starts; an open cover is told before by those scanners
    that have the sensor. Never disturbs a scan that is under way: that is `busy`.
    """
    try:
        return ScannerState(**await _ask("probe", device, env=env, timeout_s=timeout_s))
    except ScanTrouble as trouble:
        return ScannerState("trouble", trouble.slug, trouble.detail)


async def _ask(*question: str, env: Mapping[str, str] | None, timeout_s: float) -> Any:
    worker = await start_worker(INVENTORY, *question, env=env)
    process = worker.process
    assert process.stdout is not None
    try:
        async with asyncio.timeout(timeout_s):
            answer = await process.stdout.read()
        return json.loads(answer)
    except TimeoutError:
        raise ScanTrouble("failed", f"no answer within {timeout_s:g} s") from None
    except ValueError:
        detail = f"the driver's answer is no answer: {await worker.errors.text()}"
        raise ScanTrouble("failed", detail) from None
    finally:
        # It holds nothing that would be worth waiting for.
        await end_worker(worker, grace_s=0.1)
