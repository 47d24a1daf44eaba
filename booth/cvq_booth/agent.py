"""One booth's agent: the desk's views in, the machines and the two screens out.

Everything comes together here and nowhere else: the link brings the newest `BoothView`, commands and the call follow
it, and the front draws what the resident sees.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from aiohttp import ClientSession

from cvq_booth.clipboard import clear_clipboards
from cvq_booth.commands import Commands
from cvq_booth.desk import Desk
from cvq_booth.devices.cards import CardEvent, CardReader, CardUnreadable
from cvq_booth.front import Front
from cvq_booth.jobs import Detail, Failed, page_head
from cvq_booth.kiosk import Kiosk, PaymentWindow
from cvq_booth.link import Link, Report
from cvq_booth.machines import Machines
from cvq_booth.peer import DevicePeer, PaceLimits
from cvq_booth.screens.present import Screen
from cvq_booth.screens.state import Activity
from cvq_booth.settings import BoothSettings
from cvq_booth.spool import Spool, SpoolError
from cvq_booth.watch import DeviceWatch
from cvq_booth.wipe import WipeFailed, Wiper
from cvq_core.devices.identity import Identity
from cvq_desk.wire import (
    BandHead,
    BoothView,
    CardGone,
    CardSeen,
    CommandKind,
    CommandReport,
    DeviceNote,
    HelpAsked,
    PageHead,
    PeerName,
    Signal,
    StillHead,
    VisitView,
)

log = structlog.get_logger(__name__)

TICK_S = 0.1
LINE_LOST_AFTER_S = 5.0
CARD_FORGOTTEN_HELP_S = 10.0
LEFT_VISIT_S = 600.0
"""A visit that an earlier start left, and of which no desk says anything for so long, is wiped."""

CLOCKS_AGREE = timedelta(seconds=2)


class Agent:
    """A booth at work: `run` until cancelled.

    Raises:
        SpoolError: the spool's folder may not be used.
    """

    def __init__(
        self,
        settings: BoothSettings,
        identity: Identity,
        session: ClientSession,
        *,
        software: str,
        on_ready: Callable[[dict[Screen, str]], None] = lambda _: None,
    ) -> None:
        self._on_ready = on_ready
        self._spool = Spool(settings.spool_dir, allow_disk=settings.allow_disk_spool)
        self._machines = Machines.from_settings(settings)
        self._kiosk = Kiosk.from_settings(settings, self._spool.folder / "kiosk", self._address)
        self._front = Front(settings, self._spool, self, touch=settings.touch_screen and self._kiosk is not None)
        desk = Desk(session, settings.desk, identity)
        self._link = Link(
            desk,
            software=software,
            started_at=datetime.now(UTC),
            on_view=self._view_came,
            on_signal=self._signal_came,
            on_line=self._line_changed,
        )
        self._payment = self._payment_window(settings)
        self._peer = DevicePeer(self._send_device_signal, self, limits=PaceLimits(floor_kbit_s=settings.papers_kbit_s))
        self._commands = Commands(
            spool=self._spool, machines=self._machines, listener=self, fetch=desk.file, desk_now=self._link.desk_now
        )
        self._wiper = Wiper(
            spool=self._spool,
            kiosk=self._kiosk,
            stop_work=self._stop_work,
            forget_screens=lambda: self._front.forget(card_left=self._card is not None),
        )
        self._watch = DeviceWatch(
            self._machines,
            card_reader=None if settings.without_card_reader else CardReader(settings.card_reader),
            scans=lambda: CommandKind.SCAN in self._commands.busy,
            screens=self._front.status,
            on_devices=self._link.devices,
            on_card=self._card_event,
        )
        self._started_s = self._line_lost_s = time.monotonic()
        self._card: CardSeen | None = None
        self._card_left_s: float | None = None
        self._background: set[asyncio.Task[Any]] = set()

    @property
    def addresses(self) -> dict[Screen, str]:
        """The screens' addresses, with the key that opens them."""
        return {1: self._front.screens.address(1), 2: self._front.screens.address(2)}

    def _address(self, screen: Screen) -> str:
        return self._front.screens.address(screen)

    def _payment_window(self, settings: BoothSettings) -> PaymentWindow | None:
        """Return what lays a payment's page over screen 2, where that one can be touched."""
        if self._kiosk is None or not settings.touch_screen:
            return None
        hosts = [*settings.payment_hosts, settings.desk_url.host or ""]
        return self._kiosk.payment_window(hosts, self._front.stop_paying, settings.language)

    async def run(self) -> None:
        """Work until cancelled; then leave nothing running."""
        try:
            if not self._spool.visits():
                # A wipe that a power cut broke off may not have come to the clipboards.
                await clear_clipboards()
            await self._front.start()
            self._on_ready(self.addresses)
            if self._kiosk:
                await self._kiosk.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._link.run(), name="link")
                group.create_task(self._watch.run(), name="watch")
                group.create_task(self._tick(), name="tick")
        finally:
            await self._commands.close()
            await self._peer.close()
            if self._payment:
                await self._payment.close()
            if self._kiosk:
                await self._kiosk.stop()
            await self._front.screens.stop()
            self._spool.close()

    # The desk

    async def _view_came(self, view: BoothView) -> None:
        front = self._front
        view = _on_our_clock(view, self._link.desk_ahead)
        before = front.state.visit
        still_wiped = view.visit is not None and view.visit.id == front.state.wiped_visit
        front.change(view=view, wiped_visit=front.state.wiped_visit if still_wiped else None)
        visit = front.state.visit
        if visit is None:
            await self._no_visit()
        elif before is None or before.id != visit.id:
            self._begin_visit(visit)
        front.follow_call(visit)
        await self._peer.set_visit(visit.id if visit else None, visit.ice_servers if visit else ())
        self._commands.follow(view.visit.id if view.visit else None, view.commands)
        front.show()

    def _begin_visit(self, visit: VisitView) -> None:
        self._card_left_s = None
        self._front.new_visit()
        try:
            self._spool.open_visit(visit.id)
        except (OSError, SpoolError) as error:
            log.error("the spool cannot take this visit's papers", reason=str(error))

    async def _no_visit(self) -> None:
        """Wipe what a visit left that ended without a wipe: the desk had it ended, or this agent was away."""
        if self._spool.visits():
            log.warning("a visit ended without its wipe, it is wiped now")
            with suppress(WipeFailed):
                await self._wiper.wipe()

    async def _signal_came(self, signal: Signal) -> None:
        visit = self._front.state.visit
        if visit is None or signal.visit_id != visit.id:
            return
        match signal.peer:
            case PeerName.FACE:
                self._front.screens.signal(1, visit.id, "face", signal.data)
            case PeerName.WINDOW:
                self._front.screens.signal(2, visit.id, "window", signal.data)
            case PeerName.DEVICES:
                await self._peer.receive(signal.data)

    async def _line_changed(self, up: bool) -> None:
        self._front.screens.line(up)
        if not up:
            self._line_lost_s = time.monotonic()
            return
        self._front.change(line="up")
        self._peer.signalling_back()
        if self._card:
            self._link.report(self._card)

    async def _send_device_signal(self, data: dict[str, Any]) -> None:
        visit = self._front.state.visit
        if visit is None or not self._link.up:
            raise ConnectionError("no line to the desk")
        self._link.send(Signal(visit_id=visit.id, peer=PeerName.DEVICES, data=data))

    # What the screens ask for

    def report(self, message: Report) -> None:
        """Tell the desk, until it knows."""
        self._link.report(message)

    def desk_ahead(self) -> timedelta:
        """Return what the desk's clock is ahead of this machine's."""
        return self._link.desk_ahead

    def send_signal(self, message: Signal) -> None:
        """Give a peer's signal to the line, if there is one."""
        self._link.send(message)

    async def stop_machines(self) -> None:
        """Stop what scans and prints, because the resident said so."""
        await self._commands.stop_by_resident()

    async def curtain_drawn(self, drawn: bool) -> None:
        """Tell the advisor that the picture and the sound are gone on purpose."""
        await self._peer.send_note(DeviceNote(command_id=None, state="curtain", detail={"drawn": drawn}))

    def pay_page(self, address: str) -> None:
        """Lay the payment's own page over screen 2, or take it away where there is no address."""
        if self._payment is not None:
            self._soon(self._payment.show(address) if address else self._payment.close())

    def screens_changed(self) -> None:
        """Tell the desk soon whether the screens are there."""
        self._watch.look_now()

    def page_ids(self) -> Sequence[UUID]:
        """Return the pages that the spool holds for the visit that goes on."""
        visit = self._front.state.visit
        return [page.page_id for page in self._spool.pages(visit.id)] if visit else []

    def page_file(self, page_id: UUID) -> tuple[PageHead, Path] | None:
        """Return a page that the spool holds for the visit that goes on, for the console or for screen 2."""
        visit = self._front.state.visit
        page = self._spool.page(visit.id, page_id) if visit else None
        return (page_head(page), page.path) if page else None

    # What the machines do

    def command_went(self, report: CommandReport) -> None:
        """Tell the desk, and the console without the detour by the desk."""
        self._link.report(report)
        note = DeviceNote(command_id=report.command_id, state=report.state, detail=report.detail)
        self._soon(self._peer.send_note(note))

    def machine_does(self, activity: Activity) -> None:
        """Show it to the resident."""
        self._front.machine_does(activity)
        if not activity.goes_on:
            self._watch.look_now(scanner=activity.work == "scan")

    def machine_needs_hands(self) -> None:
        """Call the secretary."""
        self._link.report(HelpAsked(reason="machine"))

    async def band_came(self, head: BandHead, jpeg: bytes) -> None:
        """Let the page grow before the resident and before the advisor."""
        await self._peer.send_band(head, jpeg)
        self._front.screens.band(head.model_dump(include={"page", "top", "height", "page_width", "page_height"}), jpeg)

    async def page_came(self, head: PageHead, path: Path) -> None:
        """Send a finished page to the console."""
        await self._peer.send_page(head, path)

    async def still_came(self, head: StillHead, jpeg: bytes) -> None:
        """Send a still to the console."""
        await self._peer.send_still(head, jpeg)

    async def _card_event(self, event: CardEvent) -> None:
        match event:
            case CardSeen():
                self._card = event
                self._link.report(event)
                self._front.change(card_unreadable=False)
            case CardUnreadable():
                log.warning("a card cannot be read", reason=event.reason)
                self._front.change(card_unreadable=True)
            case CardGone():
                self._card = self._card_left_s = None
                self._link.report(event)
                self._front.change(card_forgotten=False, card_unreadable=False)
            case _:
                log.info("card reader", what=type(event).__name__)

    # Forgetting

    async def wipe(self, visit_id: UUID) -> Detail:
        """Forget the visit, and say what was wiped."""
        self._front.change(wiped_visit=visit_id)
        try:
            report = await self._wiper.wipe()
        except WipeFailed as error:
            log.error("the wipe is not complete", reason=str(error))
            raise Failed("wipe_failed", detail=str(error)[:200]) from None
        return {
            "files": report.files,
            "bytes": report.bytes,
            "profiles": report.profiles,
            "clipboards": " ".join(report.clipboards),
        }

    async def _stop_work(self) -> None:
        await self._commands.stop_for_wipe()
        if self._payment is not None:
            await self._payment.close()
        await self._peer.set_visit(None)
        if self._card:
            self._card_left_s = time.monotonic()

    # Time

    async def _tick(self) -> None:
        while True:
            self._front.tick()
            now_s = time.monotonic()
            if not self._link.up and self._front.state.line != "lost" and now_s - self._line_lost_s > LINE_LOST_AFTER_S:
                self._front.change(line="lost")
            if self._card_left_s is not None and now_s - self._card_left_s > CARD_FORGOTTEN_HELP_S:
                self._card_left_s = None
                self._link.report(HelpAsked(reason="card_forgotten"))
            if self._front.state.view is None and now_s - self._started_s > LEFT_VISIT_S:
                self._started_s = float("inf")
                await self._no_visit()
            await asyncio.sleep(TICK_S)

    def _soon(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _on_our_clock(view: BoothView, desk_ahead: timedelta) -> BoothView:
    """Return the view with the end of the card's pause told by this machine's clock, where the two disagree."""
    visit = view.visit
    if visit is None or visit.card.removed_until is None or abs(desk_ahead) < CLOCKS_AGREE:
        return view
    card = visit.card.model_copy(update={"removed_until": visit.card.removed_until - desk_ahead})
    return view.model_copy(update={"visit": visit.model_copy(update={"card": card})})
