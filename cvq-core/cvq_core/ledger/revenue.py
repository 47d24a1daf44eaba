"""The ledger accounts of what each service earns."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ids import new_id
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount
from cvq_core.once import insert_once
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode

REVENUE = "revenue:"


def revenue_code(service: ServiceCode) -> str:
    """Return the code of the ledger account that a service's income goes to."""
    return f"{REVENUE}{service}"


async def open_revenue(db: AsyncSession, service: ServiceCode, now: datetime) -> None:
    """Open the ledger account of a service's income, unless somebody has."""
    row = {
        "id": new_id(),
        "code": revenue_code(service),
        "kind": AccountKind.REVENUE,
        "label": SERVICE_LABELS[service],
        "opened_at": now,
    }
    await insert_once(db, LedgerAccount.__table__, row)


async def revenue_accounts(
    db: AsyncSession, services: Collection[ServiceCode], now: datetime
) -> dict[ServiceCode, UUID]:
    """Return the ledger accounts of some services' income, opened where there were none."""
    codes = {revenue_code(service): service for service in services}
    wanted = select(LedgerAccount.code, LedgerAccount.id).where(LedgerAccount.code.in_(codes))
    found = {codes[row.code]: row.id for row in await db.execute(wanted)}
    if len(found) < len(codes):
        for service in set(services) - found.keys():
            await open_revenue(db, service, now)
        found = {codes[row.code]: row.id for row in await db.execute(wanted)}
    return found
