"""What the bank takes for a payment that it sends back: the office's expense, to be regularised, never the family's."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ledger.rules import LABEL_LENGTH_MAX, AccountKind, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post
from cvq_core.ledger.tables import LedgerAccount
from cvq_core.offices.rules import Officer
from cvq_core.offices.store import treasury_account
from cvq_core.offices.tables import CashOffice
from cvq_core.once import insert_once


async def post_bank_fees(
    db: AsyncSession,
    key: UUID,
    office: CashOffice,
    *,
    what: str,
    reference: str,
    fees_cents: int,
    officer: Officer,
    now: datetime,
) -> UUID | None:
    """Write what the bank took for what came back under `key`, once, and return its transaction; None for no fees.

    `what` came back, in French words.
    """
    if not fees_cents:
        return None
    treasury_id, account_id = await treasury_account(db, office, now), await bank_fees_account(db, office, now)
    transaction_id = uuid5(key, "fees")
    await post(
        db,
        NewTransaction(
            id=transaction_id,
            kind=TransactionKind.BANK_FEES,
            label=f"Frais de la banque, {what}"[:LABEL_LENGTH_MAX],
            occurred_at=now,
            postings=(NewPosting(treasury_id, fees_cents), NewPosting(account_id, -fees_cents)),
            actor_kind="staff",
            actor_id=officer.staff_id,
            reference=reference,
        ),
        now=now,
    )
    return transaction_id


async def bank_fees_account(db: AsyncSession, office: CashOffice, now: datetime) -> UUID:
    """Return the account of an office's bank fees to regularise, opened when there was none."""
    account_id = uuid5(office.id, AccountKind.BANK_FEES)
    row = {
        "id": account_id,
        "code": f"{AccountKind.BANK_FEES}:{office.code}",
        "kind": AccountKind.BANK_FEES,
        "label": f"Frais bancaires à régulariser, {office.label}"[:LABEL_LENGTH_MAX],
        "opened_at": now,
    }
    await insert_once(db, LedgerAccount.__table__, row)
    return account_id
