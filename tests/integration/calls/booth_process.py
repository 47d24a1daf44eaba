"""A booth's peer as a process of its own, which a test can kill: `python booth_process.py RELAY_URL FOLDER`.

FOLDER holds the pages, each as `<page id>.jpg` beside its head as `<page id>.json`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from uuid import UUID, uuid4

from aiohttp import ClientSession, WSMsgType

from cvq_booth.peer import DevicePeer, PaceLimits
from cvq_desk.wire import PageHead


class Pages:
    """The pages of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def page_ids(self) -> list[UUID]:
        """Return the pages."""
        return [UUID(path.stem) for path in sorted(self._folder.glob("*.json"))]

    def page_file(self, page_id: UUID) -> tuple[PageHead, Path] | None:
        """Return one page."""
        head = self._folder / f"{page_id}.json"
        return (PageHead.model_validate_json(head.read_text()), head.with_suffix(".jpg")) if head.exists() else None


async def main(relay_url: str, folder: Path) -> None:
    """Follow the relay until killed."""
    async with ClientSession() as session, session.ws_connect(relay_url) as line:
        peer = DevicePeer(line.send_json, Pages(folder), limits=PaceLimits(1000, 1000))
        await peer.set_visit(uuid4(), [])
        async for message in line:
            if message.type is WSMsgType.TEXT:
                await peer.receive(message.json())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
