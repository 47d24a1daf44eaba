"""The office's decision on what its places paid over: taken into its books, or sent back.

Locks are those of `remittances`, in its order.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.ledger.rules import IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post
from cvq_core.offices.remittance_rules import (
    AlreadyDecided,
    CountDiffers,
    NotCashOfficer,
    NotToIntegrate,
    RemittedTo,
    check_officer,
    check_reason,
)
from cvq_core.offices.remittance_store import number_of
from cvq_core.offices.remittances import check_standing, counter_entry, locked_remittance
from cvq_core.offices.rules import Means, NotMandatary, Officer
from cvq_core.offices.store import account_for, appointment_of, under_way_account
from cvq_core.offices.tables import CashOffice, Integration, Remittance, SubOffice
from cvq_core.text import money


async def integrate(
    db: AsyncSession,
    *,
    remittance_id: UUID,
    counted_cents: int,
    officer: Officer,
    now: datetime,
) -> Integration:
    """Take a sub-office's remittance into the office's books, once; the officer has counted its cash again.

    Raises:
        UnknownRemittance, NotCashOfficer, NotToIntegrate, RemittanceCancelled
        CountDiffers: the cash is not what the slip says.
        AlreadyDecided: it was sent back.
    """
    remittance = await locked_remittance(db, remittance_id)
    main = await _officer_of(db, remittance, officer, local_day(now))
    decided = await db.get(Integration, remittance_id)
    if decided is not None:
        if not decided.accepted or decided.staff_id != officer.staff_id:
            raise AlreadyDecided
        return decided
    await check_standing(db, remittance)
    if counted_cents != remittance.cash_cents:
        raise CountDiffers(slip=money(remittance.cash_cents), counted=money(counted_cents))
    office = await db.get_one(CashOffice, remittance.office_id)
    transaction_id = uuid5(remittance_id, "integrated")
    postings: list[NewPosting] = []
    for word, cents in remittance.printed["means"].items():
        means = Means(word)
        postings.append(NewPosting(await under_way_account(db, office, means, now), cents))
        postings.append(NewPosting(await account_for(db, means, main, now), -cents))
    await post(
        db,
        NewTransaction(
            id=transaction_id,
            kind=TransactionKind.INTEGRATED,
            label=f"Intégration du versement {number_of(remittance)}",
            occurred_at=now,
            postings=tuple(postings),
            actor_kind="staff",
            actor_id=officer.staff_id,
        ),
        now=now,
    )
    return await _decide(db, remittance, officer, now, accepted=True, transaction_id=transaction_id)


async def send_back(
    db: AsyncSession, *, key: UUID, remittance_id: UUID, reason: str, officer: Officer, now: datetime
) -> Remittance:
    """Send a sub-office's remittance back with a reason: its counter-entry is made, and the place remits anew.

    Raises:
        UnknownRemittance, NotCashOfficer, NotToIntegrate, RemittanceCancelled, AlreadyDecided, ReasonMissing
        IdempotencyMismatch: this key came before with another content.
    """
    plain = check_reason(reason)
    remittance = await locked_remittance(db, remittance_id)
    await _officer_of(db, remittance, officer, local_day(now))
    first = await db.get(Remittance, key)
    if first is not None:
        if (first.cancels_id, first.staff_id) != (remittance_id, officer.staff_id):
            raise IdempotencyMismatch
        return first
    if await db.get(Integration, remittance_id) is not None:
        raise AlreadyDecided
    await check_standing(db, remittance)
    await _decide(db, remittance, officer, now, accepted=False, reason=plain)
    return await counter_entry(db, remittance, key=key, reason=plain, officer=officer, now=now)


async def _officer_of(db: AsyncSession, remittance: Remittance, officer: Officer, today: date) -> SubOffice:
    """Return the office's own counter, where this person is its officer."""
    if remittance.to is RemittedTo.TREASURY:
        raise NotToIntegrate
    main = await db.scalar(select(SubOffice).where(SubOffice.office_id == remittance.office_id, SubOffice.is_main))
    if main is None:
        raise NotCashOfficer
    try:
        appointment = await appointment_of(db, officer.staff_id, main.id, today)
    except NotMandatary:
        raise NotCashOfficer from None
    check_officer(appointment.title)
    return main


async def _decide(
    db: AsyncSession,
    remittance: Remittance,
    officer: Officer,
    now: datetime,
    *,
    accepted: bool,
    reason: str = "",
    transaction_id: UUID | None = None,
) -> Integration:
    integration = Integration(
        remittance_id=remittance.id,
        accepted=accepted,
        reason=reason,
        staff_id=officer.staff_id,
        decided_at=now,
        transaction_id=transaction_id,
    )
    db.add(integration)
    await db.flush()
    return integration
