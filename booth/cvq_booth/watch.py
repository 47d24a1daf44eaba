"""Watching the booth's machines: their states for the desk, and cards as they come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Literal

import structlog

from cvq_booth.devices.cards import CardEvent, CardReader
from cvq_booth.machines import Machines
from cvq_booth.still import is_there
from cvq_desk.wire import DeviceName, Devices, DeviceStatus
from cvq_scanning.acquire import probe

log = structlog.get_logger(__name__)

POLL_S = 10.0
SCANNER_POLL_S = 60.0
"""A scanner is asked less often: the question starts a process and opens the device."""

PRINTER_TIMEOUT_S = 12.0
CARDS_AGAIN_S = 2.0

MediaTrouble = Literal["no_camera", "no_microphone", "no_devices"]


class DeviceWatch:
    """Asks every machine for its state again and again; `on_devices` is told what changed, `on_card` of every card.

    `scans` tells whether a scan goes on, `screens` the screens' own state.
    """

    def __init__(
        self,
        machines: Machines,
        *,
        card_reader: CardReader | None,
        scans: Callable[[], bool],
        screens: Callable[[], DeviceStatus],
        on_devices: Callable[[Devices], None],
        on_card: Callable[[CardEvent], Awaitable[None]],
    ) -> None:
        self._machines = machines
        self._card_reader = card_reader
        self._scans = scans
        self._screens = screens
        self._on_devices = on_devices
        self._on_card = on_card
        self._wake = asyncio.Event()
        self._scanner = _status(DeviceName.SCANNER, "missing")
        self._printer = _status(DeviceName.PRINTER, "missing")
        self._scanner_due = 0.0
        self._told: Devices | None = None

    def look_now(self, *, scanner: bool = False) -> None:
        """Ask again at once; the scanner too, where its state may have changed."""
        if scanner:
            self._scanner_due = 0.0
        self._wake.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll(), name="device-poll")
            if self._card_reader:
                group.create_task(self._follow_cards(self._card_reader), name="device-cards")

    async def _poll(self) -> None:
        while True:
            self._wake.clear()
            try:
                await asyncio.gather(self._ask_printer(), self._ask_scanner())
            except Exception:
                # A driver that fails in a new way must not take the call and the screens with it.
                log.exception("the machines could not be asked")
            self._tell()
            try:
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _ask_printer(self) -> None:
        if self._machines.printer is None:
            return
        try:
            async with asyncio.timeout(PRINTER_TIMEOUT_S):
                self._printer = await self._machines.printer.status()
        except TimeoutError:
            self._printer = _status(DeviceName.PRINTER, "trouble", trouble="off")

    async def _ask_scanner(self) -> None:
        device, turn = self._machines.scanner, self._machines.scanner_turn
        now = asyncio.get_running_loop().time()
        if device is None or now < self._scanner_due:
            return
        if self._scans() or turn.locked():
            self._scanner = _status(DeviceName.SCANNER, "busy")
            return
        async with turn:
            found = await probe(device)
        self._scanner_due = asyncio.get_running_loop().time() + SCANNER_POLL_S
        self._scanner = _status(DeviceName.SCANNER, found.state, trouble=found.trouble, detail=found.detail)

    async def _follow_cards(self, reader: CardReader) -> None:
        while True:
            try:
                async with aclosing(reader.events()) as events:
                    async for event in events:
                        await self._on_card(event)
                        self._tell()
            except Exception:
                # A reader's driver must not take the call and the screens with it.
                log.exception("the card reader could not be followed")
            await asyncio.sleep(CARDS_AGAIN_S)

    def _tell(self) -> None:
        camera = "ready" if is_there(self._machines.camera) else "missing"
        cards = self._card_reader.status() if self._card_reader else _status(DeviceName.CARD_READER, "missing")
        message = Devices(
            devices=[
                self._scanner,
                self._printer,
                cards,
                DeviceStatus.model_validate({"device": DeviceName.CAMERA, "state": camera}),
                self._screens(),
            ]
        )
        if message != self._told:
            self._told = message
            self._on_devices(message)


def _status(
    device: DeviceName,
    state: Literal["ready", "busy", "missing", "trouble"],
    *,
    trouble: str | None = None,
    detail: str = "",
) -> DeviceStatus:
    return DeviceStatus(device=device, state=state, trouble=trouble, detail=detail[:200])
