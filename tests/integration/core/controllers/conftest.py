"""A controller in the made-up village, and the list that it is given."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.controllers.changes import list_page
from cvq_core.controllers.store import give_points, make_controller
from cvq_core.controllers.tables import Controller
from cvq_core.controllers.wire import Page, SignedPage, verified
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_reader.held import HeldList

KEY = Ed25519PrivateKey.generate()
PUBLIC_KEY = KEY.public_key().public_bytes_raw()


async def controller_for(
    db: AsyncSession, points: Collection[UUID], *, now: datetime, name: str = "Piscine", list_hours: int = 72
) -> Controller:
    """A controller that decides for some points."""
    made = await make_controller(db, new_id(), name=name, site=name, list_hours=list_hours, now=now)
    await give_points(db, made.id, points, actor=SYSTEM, now=now)
    return made


async def whole_list(db: AsyncSession, controller: Controller, *, now: datetime) -> list[SignedPage]:
    """All pages of a controller's list."""
    pages: list[SignedPage] = []
    run: UUID | None = None
    after: UUID | None = None
    while not pages or after is not None:
        signed = await list_page(db, controller, KEY, run=run, after=after, now=now)
        page = verified(signed, PUBLIC_KEY)
        run, after = page.run, page.before
        pages.append(signed)
    return pages


def held_of(pages: Collection[SignedPage]) -> HeldList:
    """The list as a controller holds it."""
    opened: list[Page] = [verified(signed, PUBLIC_KEY) for signed in pages]
    held = HeldList.begin(opened[0])
    for page in opened:
        held.add(page)
    return held
