"""Whose account at the Treasury it is, who may decide about it, and the lock under which they do.

Locks are taken in this order, everywhere: the account's row, then what the ledger locks.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.errors import N_, Forbidden
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import MANDATE_TITLE_WORDS, Officer
from cvq_core.offices.store import appointment_of
from cvq_core.offices.tables import CashOffice, SubOffice
from cvq_core.treasury.matched import hold_account
from cvq_core.treasury.tables import TreasuryAccount


class NotTreasuryOfficer(Forbidden):
    """Only the officer, or the substitute, banks cheques and decides about the account at the Treasury."""

    slug = "not-treasury-officer"
    message = N_("Seul le régisseur, ou son suppléant, tient le compte de la régie au Trésor.")
    what_to_do = N_("Demandez-lui de le faire.")


async def own_counter(db: AsyncSession, office_id: UUID) -> SubOffice:
    """Return the office's own counter.

    Raises:
        NotTreasuryOfficer: it has none, so nobody is its officer.
    """
    main = await db.scalar(select(SubOffice).where(SubOffice.office_id == office_id, SubOffice.is_main))
    if main is None:
        raise NotTreasuryOfficer
    return main


async def offices_of(db: AsyncSession, staff_id: UUID, on: date) -> list[CashOffice]:
    """Return the offices whose officer, or substitute, somebody is on a day, by label."""
    offices = await db.scalars(
        select(CashOffice)
        .join(SubOffice, SubOffice.office_id == CashOffice.id)
        .where(SubOffice.is_main)
        .order_by(CashOffice.label)
    )
    return [office for office in offices if await is_officer(db, office.id, staff_id, on)]


async def locked_account(
    db: AsyncSession, office_id: UUID, officer: Officer, now: datetime
) -> tuple[TreasuryAccount, CashOffice]:
    """Return an office's account at the Treasury, held to the end of the transaction, to its officer.

    Raises:
        NotTreasuryOfficer
    """
    await check_officer(db, office_id, officer.staff_id, local_day(now))
    return await hold_account(db, office_id), await db.get_one(CashOffice, office_id)


async def check_officer(db: AsyncSession, office_id: UUID, staff_id: UUID, on: date) -> None:
    """Refuse whoever is neither the office's officer nor the substitute on a day.

    Raises:
        NotTreasuryOfficer
    """
    if not await is_officer(db, office_id, staff_id, on):
        raise NotTreasuryOfficer


async def title_of(db: AsyncSession, office_id: UUID, officer: Officer, on: date) -> str:
    """Return as what somebody is appointed to the office's own counter, in a French word."""
    main = await own_counter(db, office_id)
    return MANDATE_TITLE_WORDS[(await appointment_of(db, officer.staff_id, main.id, on)).title]
