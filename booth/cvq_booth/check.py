"""Whether a booth could work now: each of its parts asked once."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from aiohttp import ClientSession

from cvq_booth.desk import ENROL, Desk, DeskRefused, DeskUnreachable
from cvq_booth.devices.cards import CardReader, ReaderBack
from cvq_booth.devices.printer import Printer
from cvq_booth.settings import BoothSettings
from cvq_booth.spool import MEMORY_FILE_SYSTEMS, file_system
from cvq_booth.still import is_there
from cvq_core.devices.identity import Identity, IdentityError
from cvq_scanning.acquire import probe

Finding = tuple[str, bool, str]
"""What was looked at, whether it is well, and a few words."""

READER_TIMEOUT_S = 5.0
NOT_CONFIGURED = "non configuré"


async def look_at(settings: BoothSettings) -> list[Finding]:
    """Look at every part of the booth; what is not configured is no fault."""
    return [
        *await _desk(settings),
        _spool(settings),
        await _scanner(settings),
        await _printer(settings),
        await _cards(settings),
        _camera(settings),
        _display(settings),
    ]


async def _desk(settings: BoothSettings) -> list[Finding]:
    try:
        identity = Identity.load(settings.key_file, enrol=ENROL)
    except IdentityError as error:
        return [("clé", False, str(error))]
    found: list[Finding] = [("clé", identity.device_id is not None, identity.name or str(settings.key_file))]
    async with ClientSession() as session:
        try:
            await Desk(session, settings.desk, identity).headers()
            found.append(("bureau", True, settings.desk))
        except (DeskRefused, DeskUnreachable) as error:
            found.append(("bureau", False, str(error)))
    return found


def _spool(settings: BoothSettings) -> Finding:
    folder = settings.spool_dir
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    kind = file_system(nearest)
    good = (kind in MEMORY_FILE_SYSTEMS or settings.allow_disk_spool) and os.access(nearest, os.W_OK)
    return ("mémoire de passage", good, f"{folder} ({kind})")


async def _scanner(settings: BoothSettings) -> Finding:
    if settings.scanner is None:
        return ("scanner", True, NOT_CONFIGURED)
    state = await probe(settings.scanner)
    return ("scanner", state.state in {"ready", "busy"}, f"{settings.scanner}: {state.trouble or state.state}")


async def _printer(settings: BoothSettings) -> Finding:
    if settings.printer_uri is None:
        return ("imprimante", True, NOT_CONFIGURED)
    status = await Printer(settings.printer_uri).status()
    words = f"{settings.printer_uri}: {status.trouble or status.state}"
    return ("imprimante", status.state in {"ready", "busy"}, words)


async def _cards(settings: BoothSettings) -> Finding:
    if settings.without_card_reader:
        return ("lecteur de cartes", True, NOT_CONFIGURED)
    events = CardReader(settings.card_reader).events()
    try:
        async with asyncio.timeout(READER_TIMEOUT_S):
            first = await anext(aiter(events))
    except TimeoutError:
        return ("lecteur de cartes", False, "pcscd ne répond pas")
    finally:
        await events.aclose()
    return ("lecteur de cartes", isinstance(first, ReaderBack), "prêt" if isinstance(first, ReaderBack) else "absent")


def _camera(settings: BoothSettings) -> Finding:
    if settings.document_camera is None:
        return ("caméra à papiers", True, NOT_CONFIGURED)
    return ("caméra à papiers", is_there(settings.document_camera), settings.document_camera)


def _display(settings: BoothSettings) -> Finding:
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if settings.display == "none" or (settings.display == "auto" and not display):
        return ("écrans", True, "pas d’affichage : les pages s’ouvrent à la main")
    there = Path(settings.chromium).is_file()
    return ("écrans", there and bool(display), f"{settings.chromium} sur {display or 'aucun affichage'}")
