"""Readers on an RS-485 line, through OSDP (IEC 60839-11-5) with its secure channel: libosdp is the control panel.

A reader that does not prove that it holds its key is not heard: no reader without a secure channel ever is. The panel
works in a thread of libosdp's; what it tells is handled on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import time
import tty
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from osdp import (
    Channel,
    Command,
    CommandLEDColor,
    ControlPanel,
    Event,
    LibFlag,
    LogLevel,
    PDInfo,
    StatusReportType,
)

from cvq_core.access.facts import PointEventKind
from cvq_core.access.words import DISPLAY_CHARACTERS
from cvq_core.cards.rules import BadCardUid, card_uid
from cvq_core.controllers.wire import ReaderState
from cvq_core.settings_file import SettingsError
from cvq_reader.contact import DoorContact
from cvq_reader.doors import Doors
from cvq_reader.events import PointEvents
from cvq_reader.relays import ProgramRelay, Relay
from cvq_reader.settings import CommandRelay, OsdpReader, OutputRelay

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
TRY_AGAIN_S = 15.0
"""How long a reader may be away before its handshake is begun anew: left alone, libosdp waits 300 s after a failure."""

SHOWN_S = 3
_TENTHS = 10
_PERMANENTLY_OFF, _PERMANENTLY_ON, _FOR_A_TIME = 1, 2, 5
_UID_BITS = frozenset({32, 56, 80})
_START, _REPLY = 0x53, 0x80
_ANSWERED_LATELY_S = 10.0
_ANSWERS_MIN = 2
"""Two bytes of another reader's ciphered words may look like an answer, and hardly ever twice in so short a time."""


def read_base_key(file: Path) -> bytes:
    """Return a reader's secure channel base key.

    Raises:
        SettingsError: the file does not hold 32 hexadecimal digits.
    """
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file}: {error}") from None
    if len(key) != 16:
        raise SettingsError(f"{file}: a secure channel base key has 32 hexadecimal digits")
    return key


def osdp_lines(readers: Iterable[OsdpReader], doors: Doors, events: PointEvents) -> list[OsdpLine]:
    """Return one panel for each line.

    Raises:
        SettingsError: a key cannot be read.
    """
    lines: dict[Path, list[OsdpReader]] = defaultdict(list)
    for reader in readers:
        lines[reader.device].append(reader)
    return [OsdpLine(device, each, doors, events) for device, each in lines.items()]


class SerialLine(Channel):  # type: ignore[misc] # libosdp is untyped
    """A serial device, or a pseudo-terminal, without waiting. It notes who answers, understood or not.

    `lost` is a line that went, as USB adapters do.
    """

    def __init__(self, device: Path, speed: int) -> None:
        super().__init__()
        self.lost = False
        self._heard: dict[int, list[float]] = defaultdict(list)
        self._before = 0
        self._file = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._file)
        settings = termios.tcgetattr(self._file)
        settings[4] = settings[5] = getattr(termios, f"B{speed}")
        termios.tcsetattr(self._file, termios.TCSANOW, settings)

    def read(self, max_bytes: int) -> bytes:
        """Return what is there."""
        try:
            data = os.read(self._file, max_bytes)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        # A line that is there and silent has one wait: nothing at all is its end.
        self.lost = self.lost or not data
        for byte in data:
            if self._before == _START and byte & _REPLY:
                self._heard[byte & ~_REPLY] = [*self._heard[byte & ~_REPLY], time.monotonic()][-_ANSWERS_MIN:]
            self._before = byte
        return data

    def answers(self, address: int) -> bool:
        """Whether a reader has said something lately, be it that it refuses."""
        lately = time.monotonic() - _ANSWERED_LATELY_S
        return sum(instant > lately for instant in self._heard[address]) >= _ANSWERS_MIN

    def write(self, buf: bytes) -> int:
        """Send what the line takes now."""
        try:
            return os.write(self._file, buf)
        except BlockingIOError:
            return 0
        except OSError:
            self.lost = True
            return 0

    def flush(self) -> None:
        """Forget what came for nobody."""
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(self._file, termios.TCIFLUSH)

    def close(self) -> None:
        """Close it."""
        os.close(self._file)


class OsdpLine:
    """The readers of one line."""

    def __init__(self, device: Path, readers: list[OsdpReader], doors: Doors, events: PointEvents) -> None:
        self._device = device
        self._readers = readers
        self._keys = [read_base_key(reader.key_file) for reader in readers]
        self._doors = doors
        self._events = events
        self._panel: Any = None
        self._line: SerialLine | None = None
        self._contacts = [
            DoorContact(held_s=reader.contact.held_seconds) if reader.contact is not None else None
            for reader in readers
        ]
        self._secure = [False] * len(readers)
        self._away_since: list[float | None] = [None] * len(readers)
        self._last_seen: list[datetime | None] = [None] * len(readers)
        self._held_open = [False] * len(readers)
        self._taps: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Open the line and serve its readers until cancelled; one that is not there, or is lost, is tried again."""
        while True:
            try:
                line = SerialLine(self._device, self._readers[0].speed)
            except (OSError, termios.error, AttributeError) as error:
                log.error("osdp_line_closed", device=str(self._device), reason=str(error))
                await asyncio.sleep(TRY_AGAIN_S)
                continue
            self._line = line
            try:
                await self._serve(line)
            finally:
                self._line = None
                line.close()
            log.error("osdp_line_lost", device=str(self._device))

    def states(self) -> list[ReaderState]:
        """Tell how each reader is."""
        found = []
        for number, reader in enumerate(self._readers):
            point_id = self._doors.point_named(reader.point)
            if point_id is not None:
                secure, seen = self._secure[number], self._last_seen[number]
                found.append(
                    ReaderState(
                        point_id=point_id,
                        name=f"OSDP {reader.address}",
                        kind="osdp",
                        online=secure,
                        secure=secure,
                        answers=self._line is not None and self._line.answers(reader.address),
                        last_seen_at=seen,
                    )
                )
        return found

    async def _serve(self, line: SerialLine) -> None:
        loop = asyncio.get_running_loop()
        infos = [
            PDInfo(reader.address, line, scbk=key, flags=[LibFlag.EnforceSecure])
            for reader, key in zip(self._readers, self._keys, strict=True)
        ]

        def tell(number: int, event: dict[str, Any]) -> int:
            loop.call_soon_threadsafe(self._on_event, number, dict(event))
            return 0

        panel = ControlPanel(infos, log_level=LogLevel.Critical, event_handler=tell)
        self._panel = panel
        panel.start()
        try:
            while not line.lost:
                await asyncio.sleep(LOOK_EVERY_S)
                self._look()
        finally:
            self._panel = None
            for number in range(len(self._readers)):
                self._secure[number], self._held_open[number] = False, False
            if not line.lost:
                for task in self._taps:
                    task.cancel()
            # Its thread holds the line: it ends before the line is closed.
            await asyncio.to_thread(panel.teardown)

    def _look(self) -> None:
        """Note who is there, begin anew with who is not, and hold open what is to be open to all."""
        now = asyncio.get_running_loop().time()
        for number, reader in enumerate(self._readers):
            secure = bool(self._panel.is_sc_active(reader.address))
            if secure != self._secure[number]:
                log.warning("osdp_reader", point=reader.point, secure=secure)
            self._secure[number] = secure
            if secure:
                self._away_since[number], self._last_seen[number] = None, datetime.now(UTC)
                self._hold(number, reader)
                self._look_at_the_door(number, reader)
                continue
            self._held_open[number] = False
            since = self._away_since[number]
            if since is None:
                self._away_since[number] = now
            elif now - since > TRY_AGAIN_S:
                self._away_since[number] = now
                self._panel.disable_pd(reader.address)
                self._panel.enable_pd(reader.address)

    def _hold(self, number: int, reader: OsdpReader) -> None:
        point_id = self._doors.point_named(reader.point)
        wanted = point_id is not None and self._doors.is_open(point_id)
        if wanted != self._held_open[number] and isinstance(reader.relay, OutputRelay):
            code = _PERMANENTLY_ON if wanted else _PERMANENTLY_OFF
            self._send(reader, output(reader.relay.output, code, 0))
        self._held_open[number] = wanted

    def _on_event(self, number: int, event: dict[str, Any]) -> None:
        panel = self._panel
        if panel is None:
            return
        # The library keeps each event for who asks; nobody does.
        panel.get_event(self._readers[number].address, timeout=-1)
        if event.get("event") == Event.CardRead:
            task = asyncio.create_task(self._tap(self._readers[number], event))
            self._taps.add(task)
            task.add_done_callback(self._taps.discard)
        elif event.get("event") == Event.Status:
            self._on_status(number, event)

    def _on_status(self, number: int, event: dict[str, Any]) -> None:
        """Take what a reader says of itself and of its door's contact."""
        reader, report = self._readers[number], bytes(event.get("report", b""))
        point_id = self._doors.point_named(reader.point)
        if point_id is None:
            return
        if event.get("type") == StatusReportType.Local and report[:1] not in (b"", b"\0"):
            self._events.note(point_id, PointEventKind.TAMPER, f"OSDP {reader.address}")
        contact, setting = self._contacts[number], reader.contact
        if event.get("type") != StatusReportType.Input or contact is None or setting is None:
            return
        now, free = asyncio.get_running_loop().time(), self._doors.is_open(point_id)
        if setting.exit_input is not None and report[setting.exit_input : setting.exit_input + 1] == b"\1":
            contact.let_in(now, reader.relay.seconds)
        if setting.input < len(report):
            is_open = report[setting.input] == setting.open_is
            self._tell(point_id, reader, contact.seen(is_open=is_open, now=now, free=free))

    def _look_at_the_door(self, number: int, reader: OsdpReader) -> None:
        point_id, contact = self._doors.point_named(reader.point), self._contacts[number]
        if point_id is not None and contact is not None:
            now = asyncio.get_running_loop().time()
            self._tell(point_id, reader, contact.look(now=now, free=self._doors.is_open(point_id)))

    def _tell(self, point_id: UUID, reader: OsdpReader, kind: PointEventKind | None) -> None:
        if kind is not None:
            self._events.note(point_id, kind, f"OSDP {reader.address}")

    async def _tap(self, reader: OsdpReader, event: dict[str, Any]) -> None:
        uid, point_id = uid_of(event), self._doors.point_named(reader.point)
        if uid is None or point_id is None:
            log.warning("osdp_card_passed_over", point=reader.point, known=point_id is not None)
            self._show(reader, allowed=False, text="Voir l'accueil")
            return
        answer = await self._doors.present(point_id, uid=uid, assurance=reader.assurance)
        if answer.allowed:
            contact = self._contacts[self._readers.index(reader)]
            if contact is not None:
                contact.let_in(asyncio.get_running_loop().time(), reader.relay.seconds)
            await self._relay(reader).open()
        self._show(reader, allowed=answer.allowed, text=plain(answer.display_short))

    def _relay(self, reader: OsdpReader) -> Relay:
        if isinstance(reader.relay, CommandRelay):
            return ProgramRelay(reader.relay.command, reader.relay.seconds)
        return OutputOfReader(self, reader, reader.relay)

    def _show(self, reader: OsdpReader, *, allowed: bool, text: str) -> None:
        color = CommandLEDColor.Green if allowed else CommandLEDColor.Red
        self._send(reader, light(color))
        self._send(reader, sound(1 if allowed else 3))
        self._send(reader, words(text))

    def _send(self, reader: OsdpReader, command: dict[str, Any]) -> None:
        if self._panel is not None and not self._panel.submit_command(reader.address, command):
            log.info("osdp_command_refused", point=reader.point, command=command["command"])


class OutputOfReader:
    """The relay that hangs on an output of the reader itself."""

    def __init__(self, line: OsdpLine, reader: OsdpReader, relay: OutputRelay) -> None:
        self._line = line
        self._reader = reader
        self._relay = relay

    async def open(self) -> None:
        """Switch the output on for a time."""
        tenths = self._relay.seconds * _TENTHS
        self._line._send(self._reader, output(self._relay.output, _FOR_A_TIME, tenths))


def output(number: int, code: int, tenths: int) -> dict[str, Any]:
    """Return the command that switches an output."""
    return {"command": Command.Output, "output_no": number, "control_code": code, "timer_count": tenths}


def light(color: int) -> dict[str, Any]:
    """Return the command that lights the reader for the time of a message."""
    return {
        "command": Command.LED,
        "reader": 0,
        "led_number": 0,
        "control_code": 2,
        "on_count": SHOWN_S * _TENTHS,
        "off_count": 0,
        "on_color": color,
        "off_color": CommandLEDColor.Black,
        "timer_count": SHOWN_S * _TENTHS,
        "temporary": True,
    }


def sound(times: int) -> dict[str, Any]:
    """Return the command that makes the reader sound so many times."""
    return {
        "command": Command.Buzzer,
        "reader": 0,
        "control_code": 2,
        "on_count": 1,
        "off_count": 1,
        "rep_count": times,
    }


def words(text: str) -> dict[str, Any]:
    """Return the command that shows a message for a time."""
    return {
        "command": Command.Text,
        "reader": 0,
        "control_code": 3,
        "temp_time": SHOWN_S,
        "offset_row": 1,
        "offset_col": 1,
        "data": text,
    }


def plain(text: str) -> str:
    """Return a message in the characters of OSDP, which are ASCII's: "Carte bloquée" without its accent."""
    text = text.replace("€", "E").replace("’", "'").replace("−", "-")
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return letters[:DISPLAY_CHARACTERS]


def uid_of(event: dict[str, Any]) -> str | None:
    """Return the number of the card that was read, None where it is none of ISO 14443's lengths."""
    if event.get("length") not in _UID_BITS:
        return None
    try:
        return card_uid(bytes(event["data"])[: event["length"] // 8].hex())
    except (BadCardUid, KeyError, TypeError, ValueError):
        return None
