"""A visit in call at a served village, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.desk_visits.ground import Caller, Ground, ground_on


@pytest.fixture
async def ground(database_url: str, tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground_on(database_url, tmp_path) as ground:
        yield ground


@pytest.fixture
async def nadia(ground: Ground) -> Caller:
    return await ground.as_staff("nadia")


@pytest.fixture
async def visit(ground: Ground, nadia: Caller) -> str:
    return await ground.visit_in_call(nadia)
