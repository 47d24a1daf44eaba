"""A booth at work in this process: its agent, a stand-in desk, and a spool of its own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from cvq_booth.agent import Agent
from cvq_booth.desk import enrol
from cvq_booth.settings import BoothSettings
from cvq_core.devices.identity import Identity
from tests.integration.booth.desk_stand_in import CODE, DeskStandIn, eventually


@pytest.fixture
def spool_dir():
    """A folder on tmpfs that is gone afterwards."""
    path = Path("/dev/shm") / f"cvq-{uuid4().hex[:12]}"
    yield path
    shutil.rmtree(path, ignore_errors=True)


@asynccontextmanager
async def working_agent(desk: DeskStandIn, spool_dir: Path, **settings: Any) -> AsyncIterator[Agent]:
    """Run an agent until the block ends; it has enrolled, and its line is up."""
    facts: dict[str, Any] = {
        "desk_url": desk.url,
        "spool_dir": spool_dir,
        "screens_port": 0,
        "ring_s": 3.0,
        "display": "none",
        "without_card_reader": True,
    }
    async with ClientSession() as session:
        identity = await enrol(session, desk.url, CODE, Identity.new())
        agent = Agent(BoothSettings(**facts | settings), identity, session, software="test")
        work = asyncio.create_task(agent.run())
        try:
            await eventually(lambda: work.done() or agent._front.state.view is not None)
            if work.done():
                work.result()
            yield agent
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
