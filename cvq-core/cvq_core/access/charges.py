"""What a tap costs, written into the ledger: wallet to revenue, many at once, under the locks that the scene holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Decision, Facts, WalletFacts
from cvq_core.ledger.revenue import revenue_accounts
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
from cvq_core.prepared import Writes
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


async def charge_rows(
    db: AsyncSession, charges: Sequence[Charge], known: Mapping[ServiceCode, UUID], now: datetime
) -> Writes:
    """Return what charges write whose wallets the caller has locked, in the order in which they were decided.

    `known` are the accounts of the services' income that are open; one that is not is opened.
    """
    revenues = {service: known[service] for service in {charge.service for charge in charges} if service in known}
    if missing := {charge.service for charge in charges} - revenues.keys():
        revenues |= await revenue_accounts(db, missing, now)
    transactions: list[dict[str, object]] = []
    postings: list[dict[str, object]] = []
    levels: dict[UUID, dict[str, object]] = {}
    for charge in charges:
        transaction = _transaction(charge, revenues[charge.service])
        check_transaction(transaction)
        wallet = charge.wallet
        row, legs = ledger_rows(transaction, {wallet.id: wallet.balance_cents}, now)
        transactions.append(row)
        postings += legs
        level = moved(WalletLevel(wallet.balance_cents, wallet.floor_cents), -charge.amount_cents)
        levels[wallet.id] = {"id": wallet.id, "balance_cents": level.balance_cents, "floor_cents": level.floor_cents}
    statements = ledger_statements(db)
    return [
        (statements.insert_transactions, transactions),
        (statements.insert_postings, postings),
        (statements.set_balances, list(levels.values())),
    ]


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
