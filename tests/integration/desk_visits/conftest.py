"""The ground of visits, on SQLite; what two advisors do at once runs on both databases."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.desk_visits.ground import Caller, Ground, ground_on


@pytest.fixture
async def ground(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Ground]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with ground_on(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path, smtp_url="smtp://127.0.0.1:9") as ground:
        yield ground


@pytest.fixture
async def ground_on_both(database_url: str, tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground_on(database_url, tmp_path) as ground:
        yield ground


@pytest.fixture
async def nadia(ground: Ground) -> Caller:
    return await ground.as_staff("nadia")
