"""`cvq migrate`: bring the database to the newest revision."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich import print as say

from cvq_core.database import Database
from cvq_core.settings import Settings
from cvq_core.settings_file import SettingsError
from cvq_migrations import runner


def migrate(
    to: Annotated[str, typer.Option(help="Revision to go to, newer or older.")] = "head",
    new: Annotated[str, typer.Option(help="For developers: write a revision from the tables of the code.")] = "",
    show: Annotated[bool, typer.Option(help="Only say where the database is.")] = False,
) -> None:
    """Bring the database to the newest revision."""
    try:
        settings = Settings.load()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    asyncio.run(_migrate(settings.database_url, to=to, new=new, show=show))


async def _migrate(url: str, *, to: str, new: str, show: bool) -> None:
    database = Database(url)
    try:
        before = await runner.current(database)
        if show:
            say(f"database at [b]{before or 'nothing'}[/b], newest is [b]{runner.head()}[/b]")
        elif new:
            await runner.new_revision(database, new)
        else:
            await runner.upgrade(database, to)
            say(f"database went from [b]{before or 'nothing'}[/b] to [b]{await runner.current(database)}[/b]")
    finally:
        await database.close()
