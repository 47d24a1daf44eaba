"""Sending papers to the server as the console does, and waiting until they are settled."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pikepdf
from PIL import Image

from cvq_core.ids import new_id
from cvq_desk.dossiers.tables import Document
from cvq_scanning.virtual import sheets
from tests.integration.desk_visits.ground import API, Answer, Caller, Ground

DEADLINE_S = 60


def scanned_page(turn_degrees: int = 0) -> bytes:
    """The upper part of a bill, as the scanner would give it when it lay turned."""
    buffer = io.BytesIO()
    sheets.residence_proof(200).crop((0, 460, 1650, 1330)).rotate(-turn_degrees, expand=True).save(buffer, "JPEG")
    return buffer.getvalue()


def small_page() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (200, 200), 255).save(buffer, "PNG")
    return buffer.getvalue()


def pdf(pages: int = 1, **options: Any) -> bytes:
    buffer = io.BytesIO()
    with pikepdf.new() as document:
        for _ in range(pages):
            document.add_blank_page()
        document.save(buffer, **options)
    return buffer.getvalue()


async def file_pages(
    caller: Caller,
    visit: str,
    pages: Sequence[bytes],
    *,
    edits: Sequence[dict[str, Any]] | None = None,
    document_id: str = "",
    title: str = "Justificatif de domicile",
) -> Answer:
    """File pages, each with its edit; without `edits` they are filed as they are."""
    return await caller.upload(
        f"{API}/visits/{visit}/documents",
        list(pages),
        document_id=document_id or str(new_id()),
        title=title,
        edits=json.dumps([{} for _ in pages] if edits is None else list(edits)),
    )


async def settled(ground: Ground, document_id: str) -> Document:
    """The document, once its job has made of it what it could."""
    async with ground.database.read() as db:
        document = await db.get_one(Document, UUID(document_id))
    subscription = ground.services.hub.subscribe([f"visit:{document.visit_id}"])
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                async with ground.database.read() as db:
                    document = await db.get_one(Document, UUID(document_id))
                if document.state != "filing":
                    return document
                await subscription.changed()
    finally:
        subscription.close()


async def papers_region(caller: Caller, visit: str) -> str:
    """The papers as the advisor sees them."""
    return str((await caller.get(f"/console/{visit}/fragments/papers")).body.decode())


def kept_files(data_dir: Path) -> list[Path]:
    """What lies in the vault."""
    return [file for file in (data_dir / "documents").rglob("*") if file.is_file()]
