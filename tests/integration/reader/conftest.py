"""A village with a server in front of it, whose clock shows a Tuesday noon."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.reader.ground import Line, line_to
from tests.made_up_village import NOON
from tests.served import Site, served


@pytest.fixture
async def site(sqlite_village: Path, tmp_path: Path) -> AsyncIterator[Site]:
    """The server, on SQLite: what differs between databases is tested without processes."""
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_village, file)
    async with served(f"sqlite:///{file}", tmp_path / "server", now=NOON) as site:
        yield site


@pytest.fixture
async def line(site: Site) -> AsyncIterator[Line]:
    """The line between the site and the server."""
    async with line_to(site.url) as line:
        yield line
