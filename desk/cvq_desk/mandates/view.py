"""What screen 2 shows of a mandate, and which mandate a visit is about."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.debits.rules import spelled_iban
from cvq_core.debits.tables import DebitMandate
from cvq_core.offices.tables import CashOffice
from cvq_desk.visits.store import standing_consent
from cvq_desk.visits.tables import Visit
from cvq_desk.wire import MandateView

MANDATE_PAGE = "mandate"
"""What `Visit.shown` is while screen 2 asks whether the bank account is right."""


async def mandate_of_visit(db: AsyncSession, visit_id: UUID) -> DebitMandate | None:
    """Return the latest mandate that was prepared in a visit and still stands."""
    found: DebitMandate | None = await db.scalar(
        select(DebitMandate)
        .where(DebitMandate.visit_id == visit_id, DebitMandate.revoked_on.is_(None))
        .order_by(DebitMandate.recorded_at.desc(), DebitMandate.id.desc())
        .limit(1)
    )
    return found


async def mandate_view(db: AsyncSession, visit: Visit) -> MandateView | None:
    """Return what screen 2 shows of the visit's mandate while it is the page to show; nothing when there is none."""
    mandate = await mandate_of_visit(db, visit.id) if visit.shown == MANDATE_PAGE else None
    # With the account closed, its bank account goes from the screen too.
    if mandate is None or await standing_consent(db, visit.id, mandate.family_account_id) is None:
        return None
    if mandate.confirmed_at is not None:
        return MandateView(id=mandate.id, state="confirmed")
    office = await db.get_one(CashOffice, mandate.office_id)
    return MandateView(
        id=mandate.id,
        state="asked",
        holder=mandate.holder,
        account=spelled_iban(mandate.iban),
        creditor=office.label,
    )
