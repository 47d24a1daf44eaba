"""A village at work: one installation with real parts, and the browsers of those who use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
import pytest_asyncio

from cvq_booth.virtual.camera import write_camera
from cvq_booth.virtual.figure import End
from cvq_booth.virtual.voice import write_voice
from tests.e2e.story.opening import FAILED, open_village
from tests.e2e.story.village import Village


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[End, tuple[Path, Path]]:
    """Each end's camera and voice."""
    folder = tmp_path_factory.mktemp("films")
    return {
        end: (write_camera(folder / f"{end}.y4m", end, seconds=4), write_voice(folder / f"{end}.wav", end))
        for end in End
    }


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a village know whether its test has failed, so that it keeps pictures of what was on the screens."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest_asyncio.fixture
async def village(
    request: pytest.FixtureRequest, tmp_path: Path, films: dict[End, tuple[Path, Path]]
) -> AsyncIterator[Village]:
    """A village that has just opened: server, booth, machines and three browsers; nobody is in yet."""
    async with open_village(tmp_path, films) as opened:
        yield opened
        if request.node.stash.get(FAILED, False):
            await opened.show_failure()
