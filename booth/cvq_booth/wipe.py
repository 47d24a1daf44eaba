"""Making the booth forget a visit: jobs, screens, Chromium's profiles, clipboards and the spool, in this order.

Whoever kills it in the middle leaves a mark in the spool, and the next start does all of it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from cvq_booth.clipboard import clear_clipboards
from cvq_booth.kiosk import Kiosk
from cvq_booth.spool import Spool, SpoolError, Wiped

log = structlog.get_logger(__name__)


class WipeFailed(Exception):
    """Something of the visit is still there; the message says what."""


@dataclass(frozen=True, slots=True)
class WipeReport:
    """What was wiped: files and bytes of the spool, Chromium profiles, and the clipboards that are empty now."""

    files: int
    bytes: int
    profiles: int
    clipboards: tuple[str, ...]


class Wiper:
    """Wipes, one at a time. `stop_work` ends what goes on for the visit, `forget_screens` empties the open pages."""

    def __init__(
        self,
        *,
        spool: Spool,
        kiosk: Kiosk | None,
        stop_work: Callable[[], Awaitable[None]],
        forget_screens: Callable[[], None],
    ) -> None:
        self._spool = spool
        self._kiosk = kiosk
        self._stop_work = stop_work
        self._forget_screens = forget_screens
        self._one_at_a_time = asyncio.Lock()

    async def wipe(self) -> WipeReport:
        """Forget every visit of which something is here; doing it again does no harm.

        Raises:
            WipeFailed: the spool could not be emptied; the mark stays.
        """
        async with self._one_at_a_time:
            self._spool.begin_wipe()
            await self._stop_work()
            self._forget_screens()
            profiles = await self._renew_windows()
            clipboards = await clear_clipboards()
            try:
                wiped = await asyncio.to_thread(self._wipe_spool)
            except (OSError, SpoolError) as error:
                raise WipeFailed(str(error)) from error
            finally:
                if self._kiosk:
                    await self._kiosk.start()
            self._spool.end_wipe()
        report = WipeReport(wiped.files, wiped.bytes, profiles, tuple(clipboards))
        log.info("the booth has forgotten the visit", files=report.files, profiles=report.profiles)
        return report

    async def _renew_windows(self) -> int:
        """Close the windows and delete their profiles; pages without a kiosk were told to forget by themselves."""
        if self._kiosk is None:
            return 0
        await self._kiosk.stop()
        return await asyncio.to_thread(self._kiosk.remove_profiles)

    def _wipe_spool(self) -> Wiped:
        total = Wiped()
        for visit_id in self._spool.visits():
            total += self._spool.wipe(visit_id)
        if left := self._spool.visits():
            raise SpoolError(f"{len(left)} visits are still in {self._spool.folder}")
        return total
