"""A village at work: one installation with real parts, and the browsers of those who use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from cvq_advisor_console.demo.mailbox import Mailbox
from cvq_advisor_console.demo.processes import free_port
from cvq_advisor_console.demo.site import Site
from cvq_booth.virtual.camera import write_camera
from cvq_booth.virtual.figure import End
from cvq_booth.virtual.voice import write_voice
from tests.e2e.story.village import Village
from tests.integration.calls.stage import open_browser

FAILED = pytest.StashKey[bool]()


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
    mailbox = Mailbox(tmp_path / "mail", free_port())
    mailbox.start()
    site = Site(tmp_path / "site", settings={"CVQ_SMTP_URL": mailbox.url})
    try:
        await site.prepare()
        await site.start()
        async with (
            async_playwright() as driver,
            open_browser(driver, *films[End.RESIDENT]) as booth,
            open_browser(driver, *films[End.ADVISOR]) as advisor,
            open_browser(driver, None, None) as office,
            Village(site, mailbox, booth=booth, advisor=advisor, office=office) as opened,
        ):
            yield opened
            if request.node.stash.get(FAILED, False):
                await opened.show_failure()
    finally:
        await site.stop()
        mailbox.stop()
