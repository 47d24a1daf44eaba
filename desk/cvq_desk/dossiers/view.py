"""The form as it grows on screen 2."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_desk.visits.tables import Visit
from cvq_desk.wire import FormView


async def form_view(db: AsyncSession, visit: Visit, *, language: str) -> FormView | None:
    """Return the form that is open in a visit, answer by answer; nothing when none is."""
    return None
