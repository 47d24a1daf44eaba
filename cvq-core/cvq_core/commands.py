"""What a command does in one transaction on the configured database, its refusals said as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import shifted
from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.live.store import flush_events
from cvq_core.settings import Settings
from cvq_core.settings_file import SettingsError


def act_at_once(act: Callable[[AsyncSession, datetime], Awaitable[str]]) -> str:
    """Return what `act` says once it is committed; it is given the transaction and the instant.

    Raises:
        SystemExit: a setting is wrong, or the act was refused.
    """

    async def go() -> str:
        settings = Settings.load()
        database = Database(settings.database_url)
        # There is no hub in a command's process, and pages and doors are told all the same.
        database.before_commit.append(flush_events)
        try:
            async with database.write() as db:
                return await act(db, shifted(settings.clock_offset_s)())
        finally:
            await database.close()

    try:
        return asyncio.run(go())
    except (SettingsError, Refusal) as error:
        raise SystemExit(str(error)) from None
