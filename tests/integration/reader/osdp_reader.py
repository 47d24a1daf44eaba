"""An OSDP reader with a display, a light, a buzzer and an output, on a pseudo-terminal: libosdp's own other side."""

from __future__ import annotations

import os
import tty
from pathlib import Path
from typing import Any

from osdp import (
    Capability,
    CardFormat,
    Channel,
    Command,
    Event,
    LibFlag,
    LogLevel,
    PDCapabilities,
    PDInfo,
    PeripheralDevice,
    StatusReportType,
)

ADDRESS = 101
INPUTS = 2


class _Wire(Channel):  # type: ignore[misc] # libosdp is untyped
    def __init__(self, file: int) -> None:
        super().__init__()
        self._file = file
        self.seen = bytearray()

    def read(self, max_bytes: int) -> bytes:
        try:
            data = os.read(self._file, max_bytes)
        except OSError:
            return b""
        self.seen += data
        return data

    def write(self, buf: bytes) -> int:
        self.seen += buf
        try:
            return os.write(self._file, buf)
        except OSError:
            return 0

    def flush(self) -> None:
        pass


class OsdpReader:
    """The reader; `path` is the serial device that a controller opens, `commands` what it was told, oldest first."""

    def __init__(self, key: bytes) -> None:
        self._master, self._slave = os.openpty()
        for end in (self._master, self._slave):
            tty.setraw(end)
        os.set_blocking(self._master, False)
        self.path = Path(os.ttyname(self._slave))
        self._wire = _Wire(self._master)
        self.commands: list[dict[str, Any]] = []
        info = PDInfo(ADDRESS, self._wire, scbk=key, flags=[LibFlag.EnforceSecure])
        able = PDCapabilities(
            [
                (Capability.OutputControl, 1, 1),
                (Capability.LEDControl, 1, 1),
                (Capability.AudibleControl, 1, 1),
                (Capability.TextOutput, 1, 1),
                (Capability.CardDataFormat, 3, 1),
                (Capability.CommunicationSecurity, 1, 1),
                (Capability.ContactStatusMonitoring, 1, INPUTS),
            ]
        )
        self._device = PeripheralDevice(info, able, log_level=LogLevel.Critical, command_handler=self._take)
        self._device.start()

    def _take(self, command: dict[str, Any]) -> tuple[int, None]:
        self.commands.append(dict(command))
        return 0, None

    @property
    def is_secure(self) -> bool:
        """Whether the secure channel stands."""
        return bool(self._device.is_sc_active())

    @property
    def wire(self) -> bytes:
        """All that went over the line."""
        return bytes(self._wire.seen)

    def lay(self, uid: str) -> None:
        """Lay a card on it."""
        data = bytes.fromhex(uid)
        event = {
            "event": Event.CardRead,
            "reader_no": 0,
            "direction": 0,
            "format": CardFormat.Unspecified,
            "length": len(data) * 8,
            "data": data,
        }
        self._device.submit_event(event)

    def tells(self, *, tampered: bool) -> None:
        """Tell that it was opened or torn off, or that all is well."""
        report = bytes([tampered, 0])
        self._device.submit_event({"event": Event.Status, "type": StatusReportType.Local, "report": report})

    def inputs(self, *active: int) -> None:
        """Show these inputs as active, and the others not."""
        report = bytes(number in active for number in range(INPUTS))
        self._device.submit_event({"event": Event.Status, "type": StatusReportType.Input, "report": report})

    def outputs(self) -> list[dict[str, Any]]:
        """The commands to its output."""
        return [each for each in self.commands if each["command"] == Command.Output]

    def shown(self) -> list[str]:
        """What it displayed."""
        return [_text(each["data"]) for each in self.commands if each["command"] == Command.Text]

    def close(self) -> None:
        """Take it off the line."""
        self._device.teardown()
        os.close(self._master)
        os.close(self._slave)


def _text(data: str | bytes) -> str:
    return data.decode() if isinstance(data, bytes) else data
