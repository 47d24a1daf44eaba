"""Opening a village and bringing it to the middle of a visit, for the tests that begin there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from cvq_advisor_console.demo.mailbox import Mailbox
from cvq_advisor_console.demo.processes import free_port
from cvq_advisor_console.demo.site import Site
from cvq_booth.virtual.figure import End
from tests.e2e.story.village import Village
from tests.integration.calls.stage import open_browser

FAILED = pytest.StashKey[bool]()
"""Whether a test has failed, in its item's stash."""


@asynccontextmanager
async def open_village(
    folder: Path, films: dict[End, tuple[Path, Path]], settings: dict[str, str] | None = None
) -> AsyncIterator[Village]:
    """Open a village in `folder`, with `settings` of its server."""
    mailbox = Mailbox(folder / "mail", free_port())
    mailbox.start()
    site = Site(folder / "site", settings={"CVQ_SMTP_URL": mailbox.url, **(settings or {})})
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
    finally:
        await site.stop()
        mailbox.stop()


async def book_and_seat(village: Village) -> None:
    """The secretary books Jeanne for now, and has her sit down at the booth."""
    await village.sign_in(village.mairie, "martine")
    await village.book_now(
        who="moreau jeanne 12 05 1941",
        organisation="Communauté de communes de Parthenay-Gâtine",
        reason="Inscrire un enfant à la cantine",
    )
    for key in ("a", "s"):
        async with village.mairie.expect_response(lambda answer: answer.request.method == "POST"):
            await village.press_on_row("Moreau", key)


async def take(village: Village) -> None:
    """Hugo takes her from the queue."""
    await village.sign_in(village.console, "hugo")
    await village.console.get_by_role("button", name="Prendre Jeanne Moreau").click()
    await village.console.wait_for_url("**/console/*")


async def call(village: Village) -> None:
    """Hugo calls the booth, and the call stands."""
    await village.console.get_by_role("button", name="Appeler le guichet").click()
    await expect(village.console.locator("#face")).to_have_attribute("data-face", "live")


async def open_form(village: Village) -> None:
    """Hugo opens the canteen's form."""
    await village.console.get_by_role("tab", name="Formulaire").click()
    await village.console.get_by_role("button", name="Inscription à la cantine").click()
    await expect(village.console.locator("form[data-draft-url]")).to_be_visible()
