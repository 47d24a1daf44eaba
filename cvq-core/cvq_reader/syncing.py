"""Keeping up with the core: the list and its changes in, taps and how we are out. Every loop goes on for ever."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.metadata import version
from itertools import count
from uuid import UUID, uuid4

import structlog
from pydantic import ValidationError

from cvq_core.access.facts import PointEventKind
from cvq_core.controllers.wire import PEOPLE_A_PAGE, HealthReport, ReaderState, SignedPage, Welcome
from cvq_core.devices.line import ServerRefused, ServerUnreachable
from cvq_reader.core import Core, late_body
from cvq_reader.delays import ChangeDelays
from cvq_reader.doors import Doors
from cvq_reader.events import PointEvent, PointEvents
from cvq_reader.held import BadList, HeldList, NotSigned, believed
from cvq_reader.pages import PageFile
from cvq_reader.queue import QueuedTap, State, TapQueue
from cvq_reader.steady import SteadyClock

log = structlog.get_logger(__name__)

BATCH = 200
TOO_LARGE = 413
_OF_THE_TAPS = (400, 409, TOO_LARGE, 422)
"""Answers, with a problem of the core's own, that say something of the taps and not of the line."""
GATHERED_S = 2.0
ADDED_MAX = 3000
"""Pages on top of a list after which it is fetched anew: each start reads them all."""
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 30.0
HEALTH_EVERY_S = 30.0
FLUSH_EVERY_S = 2.0
REMEMBER_EVERY = 30
"""Rounds of housekeeping after which the hour is written down: a memory card wears out."""
LAST_HOUR = "last_hour"
EVENTS_AT_ONCE = 100
_CLOCK = PointEventKind.CLOCK_WRONG
TOLD_AS_EVENTS = {"clock-jumped": _CLOCK, "clock-behind": _CLOCK, "disk-full": PointEventKind.DISK_FULL}
"""Troubles of this machine that those who manage its points are to see happen, and not only while they last."""


class Syncing:
    """The loops. `troubles` are slugs of what is wrong now, told to the core and by `cvq reader status`."""

    def __init__(
        self,
        core: Core,
        doors: Doors,
        queue: TapQueue,
        pages: PageFile,
        events: PointEvents,
        *,
        clock: SteadyClock,
        welcome: Welcome,
        refresh_every: timedelta,
    ) -> None:
        self._core = core
        self._doors = doors
        self._queue = queue
        self._pages = pages
        self._events = events
        self._clock = clock
        self._welcome = welcome
        self._refresh_every = refresh_every
        self._instance = uuid4()
        self._added = 0
        self._refreshed: set[UUID] = set()
        self._asked_meanwhile: set[UUID] = set()
        self._work = asyncio.Event()
        self._noted, self._kept = asyncio.Event(), asyncio.Event()
        self._delays = ChangeDelays()
        self._listed = asyncio.Lock()
        self.troubles: dict[str, str] = {}
        self.readers: Callable[[], list[ReaderState]] = list
        doors.on_decided = self._work.set
        events.on_noted = self._noted.set
        # What the last run of this machine left.
        self._kept.set()
        self._line_changed = asyncio.Event()
        core.on_line = self._line_changed.set

    def told(self) -> dict[str, str]:
        """Return what is wrong now."""
        self._look_at_the_disk()
        return dict(self.troubles)

    async def queued(self) -> tuple[int, int, datetime | None]:
        """Return how many taps the core does not have, how many of them it refused, and the hour of the oldest."""
        try:
            number, oldest = await self._queue.count()
            refused, _ = await self._queue.count(State.REFUSED)
        except sqlite3.Error as error:
            # Whoever asks hears of the trouble.
            self._disk_failed(error)
            return 0, 0, None
        return number, refused, oldest

    def load(self) -> None:
        """Take over the list that lies on this machine's disk, its signatures verified anew."""
        held: HeldList | None = None
        try:
            for signed in self._pages.current():
                page = believed(signed, self._welcome)
                held = held or HeldList.begin(page)
                held.take(page)
        except (NotSigned, BadList, ValidationError, ValueError, sqlite3.Error) as error:
            self.trouble("list-refused", f"the list on this machine's disk is not believed: {type(error).__name__}")
            return
        if held is not None and held.whole:
            self._clock.not_before(held.made_at)
            self._doors.held = held

    async def run(self) -> None:
        """Run all loops until cancelled."""
        async with asyncio.TaskGroup() as group:
            for loop in (
                self._keep_the_list,
                self._send_taps,
                self._keep_events,
                self._send_events,
                self._tell_health,
                self._housekeeping,
            ):
                group.create_task(loop(), name=loop.__name__.strip("_"))

    async def _keep_the_list(self) -> None:
        await self._for_ever("list", self._catch_up)

    async def _catch_up(self) -> None:
        held = self._doors.held
        if held is None or self._is_due(held):
            await self._fetch_whole()
            return
        while self._asked_meanwhile:
            await self._fetch_people(sorted(self._asked_meanwhile)[:PEOPLE_A_PAGE])
        found = await self._core.changes(held.sequence)
        if found.afresh or (found.signed is not None and not await self._change(found.signed)):
            await self._fetch_whole()
        if found.changed_at is not None and self._clock.sure:
            self._delays.note(found.changed_at, self._clock.now())
        self._fine("list-refused")

    def _is_due(self, held: HeldList) -> bool:
        return self._clock.now() - held.made_at >= self._refresh_every or self._added > ADDED_MAX

    async def _fetch_whole(self) -> None:
        """Fetch the list page by page; the one before is used until the last page is there."""
        self._refreshed.clear()
        self._make_room()
        held: HeldList | None = None
        after: UUID | None = None
        while held is None or not held.whole:
            signed = await self._core.page(held.run if held is not None else None, after)
            page = believed(signed, self._welcome)
            former = self._doors.held
            if former is not None and page.made_at < former.made_at:
                raise BadList("a list that is older than the one before")
            held = held or HeldList.begin(page)
            held.add(page)
            self._keep(held.run, signed)
            after = page.before
        async with self._listed:
            self._keep_current(held.run)
            self._doors.held = held
            # Their new records lie on the list before, and their pages here may be older than their taps.
            self._asked_meanwhile, self._refreshed = self._refreshed, set()
        log.info("list_fetched", people=held.size, until=held.expires_at.isoformat())
        self._fine("list-refused")
        self._fine("list-not-on-disk")
        if await self._queue.try_again():
            # What the core did not take may be its points' again, or the core may understand it by now.
            self._fine("tap-refused")
            self._work.set()

    async def _change(self, signed: SignedPage) -> bool:
        """Put changes on top of the list; return whether they fit on it."""
        page = believed(signed, self._welcome)
        async with self._listed:
            held = self._doors.held
            if held is not None and not held.fits(page):
                return False
            if held is not None and page.sequence >= held.sequence:
                held.change(page)
                self._keep(held.run, signed)
        return True

    def _make_room(self) -> None:
        try:
            self._pages.begin()
        except sqlite3.Error as error:
            self.trouble("list-not-on-disk", f"the list is not on disk: {error}")

    def _keep(self, run: UUID, signed: SignedPage) -> None:
        self._added += 1
        try:
            self._pages.add(run, signed)
        except sqlite3.Error as error:
            self.trouble("list-not-on-disk", f"the list is not on disk: {error}")

    def _keep_current(self, run: UUID) -> None:
        self._added = 0
        try:
            self._pages.make_current(run)
        except sqlite3.Error as error:
            self.trouble("list-not-on-disk", f"the list is not on disk: {error}")

    async def _send_taps(self) -> None:
        while True:
            await self._for_ever("taps", self._send_some, once=True)
            self._fine("disk-failed")
            await self._work.wait()

    async def _send_some(self) -> None:
        """Send what was decided here, and, less often, fetch the records of whoever has tapped."""
        self._work.clear()
        taps = await self._queue.waiting(State.DECIDED, BATCH)
        if not taps and not await self._unrefreshed(1):
            return
        self._work.set()
        if taps:
            await self._settle(taps, await self._send(taps))
            return
        # What they took counts here already: one question for many of them is soon enough.
        await asyncio.sleep(GATHERED_S)
        done = await self._unrefreshed(PEOPLE_A_PAGE)
        people = sorted({tap.taken.person_id for tap in done if tap.taken.person_id is not None})[:PEOPLE_A_PAGE]
        if people:
            await self._fetch_people(people)
        gone = [tap.id for tap in done if tap.taken.person_id is None or tap.taken.person_id in people]
        for tap_id in gone:
            self._doors.since.drop(tap_id)
        await self._queue.forget(gone)

    async def _send(self, taps: list[QueuedTap]) -> dict[UUID, str | None]:
        """Send some taps; return which the core has, and why it does not take one.

        Raises:
            ServerRefused: it said no word of these taps; a proxy may have, whose page of maintenance is not the core's.
            ServerUnreachable: nothing answered.
        """
        try:
            answers = await self._core.late([late_body(tap) for tap in taps])
        except ServerRefused as refusal:
            is_final = refusal.status in _OF_THE_TAPS and refusal.slug
            if not is_final and (refusal.status != TOO_LARGE or len(taps) == 1):
                raise
            if len(taps) == 1:
                return {taps[0].id: refusal.slug}
            # One that is not understood must not keep the others back.
            half = len(taps) // 2
            return await self._send(taps[:half]) | await self._send(taps[half:])
        return {answer.id: answer.refused for answer in answers.taps}

    async def _fetch_people(self, people: list[UUID]) -> None:
        """Put some people's new records on top; the events before this page are still to be asked for."""
        found = await self._core.people(people)
        if found.signed is None:
            if found.afresh and len(people) > 1:
                # More than one page holds: by halves.
                half = len(people) // 2
                await self._fetch_people(people[:half])
                await self._fetch_people(people[half:])
            return
        page = believed(found.signed, self._welcome)
        async with self._listed:
            held = self._doors.held
            if held is not None:
                if not held.fits(page):
                    raise BadList("records in other groups of points than the list's")
                held.refresh(page)
                self._keep(held.run, found.signed)
            self._refreshed.update(people)
            self._asked_meanwhile.difference_update(people)

    async def _settle(self, taps: list[QueuedTap], refused: dict[UUID, str | None]) -> None:
        done = [replace(tap, state=State.SENT) for tap in taps if refused.get(tap.id, "") is None]
        kept = [tap for tap in taps if refused.get(tap.id)]
        for tap in kept:
            self.trouble("tap-refused", f"the core refused a tap: {refused[tap.id]}")
        if not done and not kept:
            raise ServerUnreachable("the core answered for none of the taps")
        if not (await self._queue.settle(done) and await self._queue.refuse(kept)):
            raise sqlite3.OperationalError("what became of the taps is not on disk")

    async def _unrefreshed(self, limit: int) -> list[QueuedTap]:
        sent = await self._queue.waiting(State.SENT, limit)
        return sent + await self._queue.waiting(State.ANSWERED, limit)

    async def _keep_events(self) -> None:
        """Write events down at once, whether or not the core can be reached."""
        while True:
            await self._noted.wait()
            self._noted.clear()
            await self._events.write_down()
            self._kept.set()

    async def _send_events(self) -> None:
        while True:
            await self._kept.wait()
            self._kept.clear()
            await self._for_ever("events", self._send_all_events, once=True)

    async def _send_all_events(self) -> None:
        while events := await self._events.waiting(EVENTS_AT_ONCE):
            await self._events.sent(await self._core_has(events))

    async def _core_has(self, events: list[PointEvent]) -> list[UUID]:
        """Send some events; return those that are settled: kept there, or never to be understood or taken."""
        try:
            taken = await self._core.events(events)
        except ServerRefused as refusal:
            if refusal.status not in _OF_THE_TAPS or not refusal.slug:
                raise
            if len(events) == 1:
                log.error("event_not_understood", slug=refusal.slug, kind=events[0].kind.value)
                return [events[0].id]
            half = len(events) // 2
            return await self._core_has(events[:half]) + await self._core_has(events[half:])
        settled = [*taken.recorded, *taken.refused]
        if not settled:
            raise ServerUnreachable("the core answered for none of the events")
        return settled

    async def _tell_health(self) -> None:
        while True:
            await self._for_ever("health", self._health, once=True)
            self._line_changed.clear()
            # With the line back, the core's hour is heard and our own news told at once.
            with suppress(TimeoutError):
                async with asyncio.timeout(HEALTH_EVERY_S):
                    await self._line_changed.wait()

    async def _health(self) -> None:
        held = self._doors.held
        queued, _, oldest = await self.queued()
        if self._clock.sure and self._clock.jumped:
            self.trouble("clock-jumped", "somebody set this machine's clock")
        report = HealthReport(
            instance=self._instance,
            software=f"cvq {version('cvq')}",
            queued=queued,
            oldest_tap_at=oldest,
            list_made_at=held.made_at if held else None,
            list_until=held.expires_at if held else None,
            sequence=held.sequence if held else None,
            clock_ahead_ms=self._clock.ahead_ms,
            change_delay_ms=self._delays.last_ms,
            change_delay_worst_ms=self._delays.longest_ms(self._clock.now()),
            troubles=tuple(sorted(self.told())),
            readers=tuple(self.readers()),
        )
        answer, took_s = await self._core.health(report)
        self._clock.heard(answer.now, took_s)
        self._fine("clock-jumped")
        if answer.twins:
            self.trouble("twins", "another machine uses this controller's key: enrol this one anew")
        else:
            self._fine("twins")

    async def _housekeeping(self) -> None:
        for number in count():
            await asyncio.sleep(FLUSH_EVERY_S)
            self._look_at_the_disk()
            await self._events.write_down()
            await self._queue.flush()
            if number % REMEMBER_EVERY == 0:
                self._doors.forget_old()
                # The hour below which a machine that starts with an empty battery does not believe its clock.
                await self._queue.remember(**{LAST_HOUR: self._clock.now().isoformat()})

    async def _for_ever(self, name: str, work: Callable[[], Awaitable[None]], *, once: bool = False) -> None:
        """Do it again and again, after a pause that grows while the core does not answer; `once`: until it worked."""
        pause_s = BACKOFF_FIRST_S
        while True:
            try:
                await work()
            except (ServerUnreachable, ServerRefused) as error:
                if isinstance(error, ServerRefused) and error.status in (401, 403):
                    self.trouble("refused", f"the core refuses this controller: {error}")
                log.info("core_not_reached", what=name, reason=str(error))
            except (NotSigned, BadList, ValidationError) as error:
                self.trouble("list-refused", f"a page is not believed: {type(error).__name__} {error}"[:200])
            except sqlite3.Error as error:
                self._disk_failed(error)
            else:
                self._fine("refused")
                if once:
                    return
                pause_s = BACKOFF_FIRST_S
                continue
            # All controllers of a territory lose the same core: they must not come back in the same instant.
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads, not hides
            pause_s = min(pause_s * 2, BACKOFF_MAX_S)

    def _disk_failed(self, error: sqlite3.Error) -> None:
        self.trouble("disk-failed", f"the queue cannot be read or written: {error}"[:200])

    def _look_at_the_disk(self) -> None:
        if self._queue.full:
            self.trouble("disk-full", "the disk takes no taps, they stay in memory")
        else:
            self._fine("disk-full")

    def trouble(self, slug: str, words: str) -> None:
        """Note that something is wrong; what begins to be is told as an event too, if it is one."""
        if self.troubles.get(slug) != words:
            log.error("trouble", slug=slug, words=words)
        if slug not in self.troubles and slug in TOLD_AS_EVENTS:
            for point_id in self._doors.first_of_each_service():
                self._events.note(point_id, TOLD_AS_EVENTS[slug], words)
        self.troubles[slug] = words

    def _fine(self, slug: str) -> None:
        if self.troubles.pop(slug, None) is not None:
            log.info("trouble_over", slug=slug)
