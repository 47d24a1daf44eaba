"""How this machine becomes a site's controller, and changes its key."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import ClientSession

from cvq_core.controllers.wire import Welcome
from cvq_core.devices.identity import Identity, IdentityError
from cvq_core.devices.line import DeviceLine, ServerRefused, enrol_as
from cvq_reader.agent import ENROL
from cvq_reader.core import Core
from cvq_reader.settings import ReaderSettings

NEXT = ".next"
"""Added to the name of a key that the core may know already, or not yet: its answer got lost."""


async def enrol_here(settings: ReaderSettings, code: str, *, again: bool) -> Welcome:
    """Exchange a one-time code for a place at the core, and keep what it says of itself and of us.

    Raises:
        IdentityError: there is a key already.
        ServerRefused, ServerUnreachable
    """
    known = Identity.load(settings.key_file, enrol=ENROL) if settings.key_file.exists() else Identity.new()
    if known.device_id is None:
        # A key that was made and then refused, or whose answer got lost, is used again: nobody else has ever had it.
        known.save(settings.key_file)
    elif again:
        known = Identity.new()
    elif settings.welcome_file.exists():
        raise IdentityError(f"{settings.key_file}: this machine is enrolled already; --again makes a new key")
    async with ClientSession() as session:
        if known.device_id is None:
            known = await enrol_as(session, settings.server, "controller", code, known)
            known.save(settings.key_file)
        welcome = await Core(DeviceLine(session, settings.server, known), online_ms=settings.online_ms).welcome()
    _write_private(settings.welcome_file, welcome.model_dump_json(indent=2))
    return welcome


async def change_key(settings: ReaderSettings) -> None:
    """Make a new key, have the core know it, and put it in the place of the old one; interrupted, do it again.

    Raises:
        IdentityError, ServerRefused, ServerUnreachable
    """
    file = settings.key_file.with_name(settings.key_file.name + NEXT)
    now = Identity.load(settings.key_file, enrol=ENROL)
    successor = Identity.load(file, enrol=ENROL) if file.exists() else now.successor()
    successor.save(file)
    async with ClientSession() as session:
        try:
            await DeviceLine(session, settings.server, now).rotate(successor)
        except ServerRefused:
            # Perhaps the core knows the new key already, and only its answer was lost.
            await DeviceLine(session, settings.server, successor).headers()
    file.replace(settings.key_file)


def _write_private(file: Path, text: str) -> None:
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
