"""What a tap costs, written into the ledger: wallet to revenue, many at once, under the locks that the scene holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Decision, Facts, WalletFacts
from cvq_core.access.statements import statements_for
from cvq_core.ledger.revenue import open_revenue, revenue_code
from cvq_core.ledger.rules import (
    NewPosting,
    NewTransaction,
    TransactionKind,
    WalletLevel,
    check_transaction,
    moved,
)
from cvq_core.ledger.sql import ledger_statements
from cvq_core.ledger.store import ledger_rows
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.tariffs.kept import kept

_LABELS = {
    ServiceCode.CANTEEN: "Cantine, un repas",
    ServiceCode.AFTER_SCHOOL: "Accueil périscolaire",
    ServiceCode.LEISURE_CENTRE: "Centre de loisirs, une journée",
    ServiceCode.POOL: "Piscine, une entrée",
}


@dataclass(frozen=True, slots=True)
class Charge:
    """One debit that was decided at `at`: `wallet` is the wallet as it stood just before."""

    transaction_id: UUID
    wallet: WalletFacts
    service: ServiceCode
    amount_cents: int
    why: str
    at: datetime

    @classmethod
    def of(cls, facts: Facts, decision: Decision, transaction_id: UUID, at: datetime) -> Charge:
        """Return the charge that a decision makes."""
        [wallet] = [each for each in facts.wallets if each.id == decision.wallet_id]
        return cls(transaction_id, wallet, facts.point.service, decision.amount_cents, why_of(decision), at)


def why_of(decision: Decision) -> str:
    """Return the reasons of a decision's price as they are kept beside what was charged."""
    return kept(decision.priced) if decision.priced else ""


def label_of(service: ServiceCode) -> str:
    """Return what a wallet's statement says of one charge of a service."""
    return _LABELS.get(service, SERVICE_LABELS[service])


async def write_charges(db: AsyncSession, charges: Sequence[Charge], now: datetime) -> None:
    """Write charges whose wallets the caller has locked, in the order in which they were decided."""
    revenue = await _revenue_accounts(db, {charge.service for charge in charges}, now)
    transactions: list[dict[str, object]] = []
    postings: list[dict[str, object]] = []
    levels: dict[UUID, WalletLevel] = {}
    for charge in charges:
        transaction = _transaction(charge, revenue[charge.service])
        check_transaction(transaction)
        before = WalletLevel(charge.wallet.balance_cents, charge.wallet.floor_cents)
        row, legs = ledger_rows(transaction, {charge.wallet.id: before.balance_cents}, now)
        transactions.append(row)
        postings += legs
        levels[charge.wallet.id] = moved(before, -charge.amount_cents)
    statements = ledger_statements(db)
    await statements.insert_transactions.write(db, transactions)
    await statements.insert_postings.write(db, postings)
    await statements.set_balances.write(
        db,
        [
            {"id": wallet_id, "balance_cents": level.balance_cents, "floor_cents": level.floor_cents}
            for wallet_id, level in levels.items()
        ],
    )


def _transaction(charge: Charge, revenue: UUID) -> NewTransaction:
    return NewTransaction(
        id=charge.transaction_id,
        kind=TransactionKind.USE,
        label=label_of(charge.service),
        occurred_at=charge.at,
        postings=(
            NewPosting(charge.wallet.id, -charge.amount_cents),
            NewPosting(revenue, charge.amount_cents),
        ),
        actor_kind="reader",
        # Which reader it was would tell the place: that stays with the tap, and goes with it.
        actor_id=None,
        day_only=True,
        why=charge.why,
    )


async def _revenue_accounts(db: AsyncSession, services: set[ServiceCode], now: datetime) -> dict[ServiceCode, UUID]:
    """Return the ledger accounts of some services' income, opened by whoever needs one first."""
    codes = {revenue_code(service): service for service in services}
    found = await _accounts_of(db, codes)
    for service in services - found.keys():
        await open_revenue(db, service, now)
    return found if len(found) == len(services) else await _accounts_of(db, codes)


async def _accounts_of(db: AsyncSession, codes: dict[str, ServiceCode]) -> dict[ServiceCode, UUID]:
    return {
        codes[code]: account_id for code, account_id in await statements_for(db).revenues.fetch(db, codes=list(codes))
    }
