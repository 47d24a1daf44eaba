"""How long what an old base says of people is kept beside ours: until it is taken over, or too old."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import N_
from cvq_core.imports.deciding import forget_pairs
from cvq_core.imports.staging import locked_batch
from cvq_core.imports.tables import (
    BatchState,
    FamilyState,
    ImportBatch,
    ImportFamily,
    ImportFault,
    ImportPerson,
    OpeningBalance,
    OpeningSignOff,
)
from cvq_core.journal.store import SYSTEM, record

EVERY_S = 3600.0
TOO_OLD = N_("Gardée trop longtemps sans être reprise : effacée.")


async def wipe_staged(db: AsyncSession, now: datetime, *, days_kept: int) -> int:
    """Empty what was staged of imports that are over, or that nobody finished in `days_kept`; return how many."""
    unsigned = (
        select(OpeningBalance.id)
        .outerjoin(
            OpeningSignOff,
            (OpeningSignOff.batch_id == OpeningBalance.batch_id)
            & (OpeningSignOff.service_code == OpeningBalance.service_code),
        )
        .where(OpeningBalance.batch_id == ImportBatch.id, OpeningSignOff.id.is_(None))
    )
    over = (ImportBatch.state == BatchState.APPLIED) & ~exists(unsigned)
    late = ImportBatch.staged_at < now - timedelta(days=days_kept)
    found = await db.scalars(
        select(ImportBatch.id).where(ImportBatch.wiped_at.is_(None), over | late).order_by(ImportBatch.id)
    )
    count = 0
    for batch_id in found.all():
        await _wipe(db, await locked_batch(db, batch_id), now)
        count += 1
    return count


async def _wipe(db: AsyncSession, batch: ImportBatch, now: datetime) -> None:
    mine = select(ImportFamily.id).where(ImportFamily.batch_id == batch.id)
    # A record that is gone is not asked about: it would hold back the other one's family for good.
    await forget_pairs(db, batch.id)
    await db.execute(update(ImportPerson).where(ImportPerson.family_id.in_(mine)).values(content=null()))
    await db.execute(
        update(ImportFamily)
        .where(ImportFamily.batch_id == batch.id, ImportFamily.state == FamilyState.WAITING)
        .values(state=FamilyState.REFUSED, why=TOO_OLD)
    )
    await db.execute(update(ImportFamily).where(ImportFamily.batch_id == batch.id).values(content=null()))
    await db.execute(delete(ImportFault).where(ImportFault.batch_id == batch.id))
    batch.wiped_at = now
    if batch.state is BatchState.STAGED:
        batch.state, batch.undone_at = BatchState.UNDONE, now
    elif batch.state is BatchState.APPLYING:
        batch.state, batch.applied_at = BatchState.APPLIED, now
    record(
        db, now=now, actor=SYSTEM, action="import-wiped", subject=("import", batch.id), personal={"base": batch.base}
    )
    await db.flush()
