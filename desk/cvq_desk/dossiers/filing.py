"""The job that turns filed pages into a searchable PDF/A."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import structlog

from cvq_core.live import publish
from cvq_core.vault import Stored
from cvq_core.web import Services
from cvq_desk.dossiers.service import unpack_pages
from cvq_desk.dossiers.tables import Document
from cvq_scanning.pdf import BadPage, BadPageSlug, PageEdit, PageInput, RecognitionFailed, make_searchable_pdf

HOPELESS = frozenset({*get_args(BadPageSlug), "timeout"})
"""Troubles of the pages themselves."""

log = structlog.get_logger(__name__)


async def make_pdf(services: Services, payload: dict[str, Any]) -> None:
    """Make a document's PDF; done again from the start when it was cut short, it gives the same document."""
    document_id = UUID(payload["document_id"])
    async with services.database.read() as db:
        document = await db.get_one(Document, document_id)
    if document.state != "filing" or document.source_id is None or document.source_wrapped_key is None:
        return
    source = services.vault.get(document.source_id, Stored(document.source_key_id, document.source_wrapped_key))
    pages = [
        PageInput(image=page.image, edit=PageEdit(page.turn_degrees, page.crop), resolution_dpi=page.resolution_dpi)
        for page in unpack_pages(source)
    ]
    try:
        with tempfile.TemporaryDirectory(prefix="cvq-pdf-", dir=in_memory()) as folder:
            made = await make_searchable_pdf(pages, title=document.title, work_dir=Path(folder))
    except (BadPage, RecognitionFailed) as trouble:
        if trouble.slug not in HOPELESS:
            raise  # memory was short, or a library is missing: the job is tried again
        # Trying again would give the same: the advisor is told, and the pages are kept as they came.
        await _settle(services, document_id, state="failed", trouble=trouble.slug)
        return
    stored = await asyncio.to_thread(services.vault.put, document_id, made.pdf)
    await _settle(
        services,
        document_id,
        state="ready",
        page_count=made.page_count,
        size_bytes=len(made.pdf),
        sha256=hashlib.sha256(made.pdf).hexdigest(),
        key_id=stored.key_id,
        wrapped_key=stored.wrapped_key,
    )


async def give_up_pdf(services: Services, payload: dict[str, Any]) -> None:
    """Tell the advisor that a document's PDF will not come, unless it came before the job that made it was settled."""
    async with services.database.read() as db:
        document = await db.get_one(Document, UUID(payload["document_id"]))
    if document.state == "filing":
        await _settle(services, document.id, state="failed", trouble="given_up")


def in_memory() -> str | None:
    """Return a folder that lies in memory: while they are worked on, pages are there in clear."""
    folder = Path("/dev/shm")  # noqa: S108 - memory, not a disk, is the point
    return str(folder) if folder.is_dir() and os.access(folder, os.W_OK) else None


async def _settle(services: Services, document_id: UUID, **values: Any) -> None:
    async with services.database.write() as db:
        document = await db.get_one(Document, document_id)
        for name, value in values.items():
            setattr(document, name, value)
        publish(db, f"visit:{document.visit_id}", "papers")
