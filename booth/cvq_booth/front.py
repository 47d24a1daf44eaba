"""What happens in front of the resident: the two screens, the call at the booth, and what is pressed there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import structlog

from cvq_booth import call
from cvq_booth.link import Report
from cvq_booth.screens.messages import (
    Answered,
    FromPage,
    MediaOpened,
    PeerBecame,
    PeerSaid,
    Pressed,
    RingHidden,
    RingShown,
)
from cvq_booth.screens.present import Renderer, Screen, scene_of
from cvq_booth.screens.server import ScreenServer, usable_key
from cvq_booth.screens.state import Activity, BoothState, CallAtBooth
from cvq_booth.settings import BoothSettings
from cvq_booth.spool import Spool
from cvq_desk.wire import (
    CallReport,
    CallState,
    ConsentAnswer,
    DeviceName,
    DeviceStatus,
    HelpAsked,
    MandateAnswer,
    PageHead,
    PeerName,
    Signal,
    VisitView,
)

log = structlog.get_logger(__name__)

HELP_AGAIN_S = 10.0
PAYING_MAX = timedelta(minutes=15)
"""How long a payment's page stands on screen 2: PayFiP's own lives no longer."""

HELP_SHOWN_S = 120.0
FRESH_S = 10.0
CALL_TOUCH_S = 5.0
ANSWER_AGAIN_S = 2.0
CLOCKS_AGREE_S = 2


class FrontListener(Protocol):
    """What the screens set in motion elsewhere in the agent."""

    def report(self, message: Report) -> None:
        """Tell the desk, until it knows."""

    def desk_ahead(self) -> timedelta:
        """Return what the desk's clock is ahead of this machine's."""

    def send_signal(self, message: Signal) -> None:
        """Give a peer's signal to the line, if there is one."""

    async def stop_machines(self) -> None:
        """Stop what scans and prints."""

    async def curtain_drawn(self, drawn: bool) -> None:
        """Somebody at the booth hid the screens, or showed them again."""

    def screens_changed(self) -> None:
        """A page came or went, or a camera is missing."""

    def pay_page(self, address: str) -> None:
        """Lay the payment's own page over screen 2, or take it away where there is no address."""

    def page_file(self, page_id: UUID) -> tuple[PageHead, Path] | None:
        """Return a page that the spool holds for the visit that goes on."""


class Front:
    """Holds the state that both screens are drawn from, and changes it."""

    def __init__(
        self,
        settings: BoothSettings,
        spool: Spool,
        listener: FrontListener,
        *,
        touch: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ring_s = settings.ring_s
        self._spool = spool
        self._listener = listener
        self._now = clock
        self.state = BoothState(now=clock(), touch=touch)
        self._pay_page = ""
        self._conduct = call.NO_CALL
        self._help_s = self._fresh_s = self._touched_s = self._answered_s = float("-inf")
        self.screens = ScreenServer(
            port=settings.screens_port,
            key=_key_left(spool),
            renderer=Renderer(settings.language, settings.zone),
            listener=self,
        )

    async def start(self) -> None:
        """Serve the pages."""
        await self.screens.start()
        self._write_addresses()
        self.show()

    # The state

    def change(self, **fields: Any) -> None:
        """Change some of the state and draw it."""
        self.state = replace(self.state, **fields)
        self.show()

    def show(self) -> None:
        """Draw the state on both screens, and tell the pages what camera and peers are to do."""
        conduct, visit = self._conduct, self.state.visit
        at_booth = replace(self.state.call, ring_ends_at=conduct.ends_at, open=conduct.open)
        # A booth's clock may be wrong; the hour that people come at is the desk's.
        ahead_s = round(self._listener.desk_ahead().total_seconds())
        ahead_s = ahead_s if abs(ahead_s) >= CLOCKS_AGREE_S else 0
        now = self._now() + timedelta(seconds=ahead_s)
        self.state = replace(self.state, now=now, clock_ahead_s=ahead_s, call=at_booth)
        order: dict[str, Any] | None = None
        if visit:
            order = {"visit_id": str(visit.id), "ice_servers": visit.ice_servers, "curtain": self.state.curtain}
        face = {**order, "open": conduct.open} if order and conduct.visit_id else None
        self.screens.show(self.state, {1: face, 2: {**order, "open": True} if order else None})
        self._follow_payment()

    def _follow_payment(self) -> None:
        """Have the payment's window stand exactly while its scene does."""
        wanted = self.state.pay_page if scene_of(2, self.state).name == "paying" else ""
        if wanted != self._pay_page:
            self._pay_page = wanted
            self._listener.pay_page(wanted)

    def stop_paying(self) -> None:
        """Show where to pay again: the window is gone, somebody went back, or the time is over."""
        if self.state.paying_until is not None:
            self.change(paying_until=None)

    def new_visit(self) -> None:
        """Begin with nothing of the visit before."""
        self._forget_visit(card_forgotten=False)

    def forget(self, *, card_left: bool) -> None:
        """Show nothing of the visit any more, and have the open pages drop what they hold."""
        self._conduct = call.NO_CALL
        self._forget_visit(card_forgotten=card_left)
        self.screens.forget()

    def _forget_visit(self, *, card_forgotten: bool) -> None:
        self.screens.forget_bands()
        self.change(
            activity=None,
            answered_consent=None,
            answered_mandate=None,
            paying_until=None,
            curtain_here=False,
            help_asked=False,
            call=CallAtBooth(),
            card_forgotten=card_forgotten,
        )

    def machine_does(self, activity: Activity) -> None:
        """Show what a machine does; its end stays on the screen for a while."""
        if activity.state == "starting":
            self.screens.forget_bands()
        if not activity.goes_on:
            self._fresh_s = time.monotonic()
        self.change(activity=replace(activity, fresh=not activity.goes_on))

    # The call

    def follow_call(self, visit: VisitView | None) -> None:
        """Ring, or close the camera, as the newest view asks for."""
        age_s = self._spool.call_age_s(visit.id) if visit else None
        before = self._conduct
        self._conduct = conduct = call.follow(before, visit, open_age_s=age_s)
        if before.open and not conduct.open:
            self.state = replace(self.state, call=CallAtBooth())
        if visit and not conduct.open:
            self._spool.forget_call(visit.id)

    def tick(self) -> None:
        """Let time pass: for the ring, and for what stays on the screens for a while only."""
        before, now_s = self.state, time.monotonic()
        self._tick_call(now_s)
        activity = before.activity
        if activity and activity.fresh and now_s - self._fresh_s >= FRESH_S:
            self.change(activity=replace(activity, fresh=False))
        if before.paying_until and (self._now() + timedelta(seconds=before.clock_ahead_s) >= before.paying_until):
            self.stop_paying()
        if before.help_asked and now_s - self._help_s >= HELP_SHOWN_S:
            self.change(help_asked=False)

    def _tick_call(self, now_s: float) -> None:
        visit, before = self.state.visit, self._conduct
        self._conduct = conduct = call.tick(before, now=self._now(), curtain=self.state.curtain)
        if visit is None or not conduct.open:
            return
        if not before.open:
            self.show()
        # Before its own ring is over, by its own clock, the desk does not believe it: then it is told again.
        if not before.open or (visit.call is CallState.RINGING and now_s - self._answered_s >= ANSWER_AGAIN_S):
            self._answered_s = now_s
            self._listener.report(CallReport(visit_id=visit.id, state="answered"))
        if not before.open or now_s - self._touched_s >= CALL_TOUCH_S:
            self._touched_s = now_s
            self._spool.touch_call(visit.id)

    # The pages

    async def page_said(self, screen: Screen, message: FromPage) -> None:
        """Follow what a page says; what does not belong to the visit that goes on is dropped."""
        visit = self.state.visit
        if isinstance(message, Pressed):
            await self._pressed(message)
        elif isinstance(message, Answered):
            self._answered(message)
        elif visit is None or message.visit_id != visit.id:
            return
        elif isinstance(message, PeerSaid):
            self._listener.send_signal(Signal(visit_id=visit.id, peer=PeerName(message.peer), data=message.data))
            return
        elif isinstance(message, RingShown):
            ahead = self._listener.desk_ahead()
            self._conduct = call.shown(self._conduct, visit.id, now=self._now(), ring_s=self._ring_s, desk_ahead=ahead)
        elif isinstance(message, RingHidden):
            self._conduct = call.hidden(self._conduct)
        elif isinstance(message, MediaOpened):
            self._media_opened(visit, message)
        elif message.peer == "face":
            self._face_became(visit, message)
        self.show()

    async def pages_changed(self) -> None:
        """A page came or went: a ring that nobody sees is not counted."""
        if 1 not in self.screens.present:
            self._conduct = call.hidden(self._conduct)
        self._listener.screens_changed()
        self.show()

    def page_file(self, page_id: UUID) -> tuple[PageHead, Path] | None:
        """Return a page for screen 2."""
        return self._listener.page_file(page_id)

    async def _pressed(self, message: Pressed) -> None:
        match message.what:
            case "help":
                if time.monotonic() - self._help_s >= HELP_AGAIN_S:
                    self._help_s = time.monotonic()
                    self._listener.report(HelpAsked(reason="resident"))
                    self.change(help_asked=True)
            case "stop":
                await self._listener.stop_machines()
            case "pay":
                if self.state.pay_page and not self.state.curtain:
                    self.change(paying_until=self.state.now + PAYING_MAX)
            case "leave":
                self.stop_paying()
            case "curtain":
                if self.state.visit:
                    self.change(curtain_here=not self.state.curtain_here)
                    await self._listener.curtain_drawn(self.state.curtain_here)

    def _answered(self, message: Answered) -> None:
        visit = self.state.visit
        consent, mandate = (visit.consent, visit.mandate) if visit else (None, None)
        if mandate is not None and mandate.id == message.question_id:
            self._answered_mandate(mandate.id, agreed=message.agreed)
            return
        if consent is None or not self.state.question or consent.id != message.question_id:
            return
        if self.state.answered_consent == consent.id or self.state.curtain:
            return
        self.change(answered_consent=consent.id, answered_yes=message.agreed)
        self._listener.report(ConsentAnswer(consent_id=consent.id, agreed=message.agreed, manner=message.manner))

    def _answered_mandate(self, mandate_id: UUID, *, agreed: bool) -> None:
        if not self.state.bank_account or self.state.curtain or self.state.answered_mandate == mandate_id:
            return
        self.change(answered_mandate=mandate_id)
        self._listener.report(MandateAnswer(mandate_id=mandate_id, agreed=agreed))

    def _media_opened(self, visit: VisitView, message: MediaOpened) -> None:
        no_camera, no_microphone = "camera" in message.missing, "microphone" in message.missing
        self.change(call=replace(self.state.call, no_camera=no_camera, no_microphone=no_microphone))
        if no_camera and no_microphone:
            self._listener.report(CallReport(visit_id=visit.id, state="no_devices"))
            self._listener.report(HelpAsked(reason="machine"))
        elif no_camera:
            self._listener.report(CallReport(visit_id=visit.id, state="no_camera"))
        elif no_microphone:
            self._listener.report(CallReport(visit_id=visit.id, state="no_microphone"))
        self._listener.screens_changed()

    def _face_became(self, visit: VisitView, message: PeerBecame) -> None:
        connected, interrupted = message.state == "connected", message.state == "interrupted"
        at_booth = self.state.call
        if connected and not at_booth.connected:
            self._listener.report(CallReport(visit_id=visit.id, state="connected"))
        elif interrupted and not at_booth.interrupted:
            self._listener.report(CallReport(visit_id=visit.id, state="lost"))
        self.change(call=replace(at_booth, connected=connected, interrupted=interrupted))

    def status(self) -> DeviceStatus:
        """Return the screens' own state for the desk: both there, and with camera and microphone as far as is known."""
        at_booth = self.state.call
        if len(self.screens.present) < 2:
            return DeviceStatus(device=DeviceName.SCREENS, state="missing")
        if at_booth.no_camera or at_booth.no_microphone:
            trouble = "no_camera" if at_booth.no_camera else "no_microphone"
            return DeviceStatus(device=DeviceName.SCREENS, state="trouble", trouble=trouble)
        return DeviceStatus(device=DeviceName.SCREENS, state="ready")

    def _write_addresses(self) -> None:
        """Write where the screens are, for whoever starts a browser of their own as this user."""
        text = {"key": self.screens.key, "screen_1": self.screens.address(1), "screen_2": self.screens.address(2)}
        self._spool.write("screens.json", json.dumps(text).encode())


def _key_left(spool: Spool) -> str | None:
    """Return the key of an earlier start on this spool: open pages go on when the agent is started again."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return usable_key(json.loads((spool.folder / "screens.json").read_text(encoding="utf-8"))["key"])
    return None
