"""Reading dossiers, their answers and their papers."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import NotFound
from cvq_desk.dossiers.tables import Document, Dossier, DraftField

DOCUMENTS_MAX = 100


async def dossier_by_id(db: AsyncSession, dossier_id: UUID) -> Dossier:
    """Return a dossier, its row locked where the database locks rows.

    Raises:
        NotFound: there is none.
    """
    dossier = (await db.scalars(select(Dossier).where(Dossier.id == dossier_id).with_for_update())).first()
    if dossier is None:
        raise NotFound
    return dossier


async def dossiers_of(db: AsyncSession, visit_id: UUID) -> list[Dossier]:
    """Return a visit's dossiers, oldest first."""
    rows = await db.scalars(select(Dossier).where(Dossier.visit_id == visit_id).order_by(Dossier.opened_at, Dossier.id))
    return list(rows)


async def answers_of(db: AsyncSession, dossier_id: UUID) -> dict[str, list[str]]:
    """Return what was answered so far, by the field's name."""
    rows = await db.scalars(select(DraftField).where(DraftField.dossier_id == dossier_id))
    return {row.name: list(row.values) for row in rows}


async def documents_of(db: AsyncSession, visit_id: UUID) -> list[Document]:
    """Return a visit's papers, newest first."""
    rows = await db.scalars(
        select(Document).where(Document.visit_id == visit_id).order_by(Document.filed_at.desc()).limit(DOCUMENTS_MAX)
    )
    return list(rows)
