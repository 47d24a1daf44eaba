"""Whether this machine can serve, as `cvq reader check` shows it."""

from __future__ import annotations

import shutil

from aiohttp import ClientSession

from cvq_core.devices.identity import Identity, IdentityError
from cvq_core.devices.line import DeviceLine, ServerRefused, ServerUnreachable
from cvq_core.settings_file import SettingsError
from cvq_reader.agent import ENROL, read_welcome
from cvq_reader.core import Core
from cvq_reader.local_api import read_key
from cvq_reader.settings import HttpReader, OsdpReader, PcscReader, ReaderSettings

FREE_BYTES_MIN = 200 * 1024**2
Finding = tuple[str, bool, str]


async def look_at(settings: ReaderSettings) -> list[Finding]:
    """Return what was looked at, whether it is good, and what was seen."""
    return [*await _line(settings), _disk(settings), *_readers(settings)]


async def _line(settings: ReaderSettings) -> list[Finding]:
    try:
        identity, welcome = Identity.load(settings.key_file, enrol=ENROL), read_welcome(settings)
    except IdentityError as error:
        return [("key", False, str(error))]
    found: list[Finding] = [("key", True, f"{welcome.name} ({welcome.site})")]
    async with ClientSession() as session:
        try:
            told = await Core(DeviceLine(session, settings.server, identity), online_ms=settings.online_ms).welcome()
        except (ServerRefused, ServerUnreachable) as error:
            return [*found, ("core", False, str(error))]
    same = told.public_key == welcome.public_key
    words = settings.server if same else "the core signs lists with another key than when this machine was enrolled"
    return [*found, ("core", same, words)]


def _disk(settings: ReaderSettings) -> Finding:
    try:
        free = shutil.disk_usage(settings.data_dir).free
    except OSError as error:
        return ("disk", False, str(error))
    return ("disk", free >= FREE_BYTES_MIN, f"{free // 1024**2} MB free in {settings.data_dir}")


def _readers(settings: ReaderSettings) -> list[Finding]:
    found: list[Finding] = []
    for reader in settings.readers:
        name = f"{reader.kind} {reader.point}"
        try:
            found.append((name, True, _look(reader)))
        except (SettingsError, OSError, ImportError) as error:
            found.append((name, False, str(error)))
    return found


def _look(reader: HttpReader | PcscReader | OsdpReader) -> str:
    if isinstance(reader, HttpReader):
        read_key(reader.key_file)
        return "its key can be read"
    if isinstance(reader, OsdpReader):
        from cvq_reader.osdp_line import read_base_key  # noqa: PLC0415 - a site without OSDP needs no libosdp

        read_base_key(reader.key_file)
        if not reader.device.exists():
            raise SettingsError(f"{reader.device} is not there")
        return f"{reader.device}, address {reader.address}"
    from cvq_reader.pcsc_reader import names  # noqa: PLC0415 - nor pyscard, without PC/SC

    known = [name for name in names() if reader.name in name]
    if not known:
        raise SettingsError("no such card reader is there")
    return known[0]
