"""Whose imports somebody decides: a secretary those of the communes of their town halls, an administrator all."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from cvq_core.imports.rules import UnknownImport
from cvq_core.imports.tables import ImportBatch
from cvq_core.staff import Permission, Scope
from cvq_core.staff.rules import OutOfScope
from cvq_core.web import Context
from cvq_desk.booking.tables import TownHall

EVERYWHERE = Scope("everywhere")


async def communes_of(context: Context) -> Collection[str] | None:
    """Return the communes, by INSEE code, whose imports one decides; None for all of them."""
    if context.principal.may(Permission.DECIDE_IMPORTS, EVERYWHERE):
        return None
    own = context.principal.scope_ids(Permission.DECIDE_IMPORTS)
    return frozenset(await context.db.scalars(select(TownHall.commune_insee).where(TownHall.id.in_(own))))


async def batch_here(context: Context) -> tuple[ImportBatch, Collection[str] | None]:
    """Return the import that the address names, with the communes that one decides for.

    Raises:
        UnknownImport
        OutOfScope: it is another commune's.
    """
    batch_id: UUID = context.path_id()
    batch = await context.db.get(ImportBatch, batch_id)
    if batch is None:
        raise UnknownImport
    communes = await communes_of(context)
    if communes is not None and batch.commune_insee not in communes:
        raise OutOfScope
    return batch, communes
