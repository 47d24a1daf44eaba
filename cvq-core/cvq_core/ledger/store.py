"""Writing to the ledger in the caller's transaction: `post` and `reverse`, and nothing else moves money.

Locks are taken in this order, everywhere: wallets by id, receivables by id, then the transaction's own row. Nothing
else is locked; a revenue or a till that every payment touches is no row that anybody waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import PARIS, local_day
from cvq_core.ledger.rules import (
    LABEL_LENGTH_MAX,
    AccountKind,
    AlreadyReversed,
    IdempotencyMismatch,
    InsufficientFunds,
    MoreThanDue,
    NewPosting,
    NewTransaction,
    TransactionKind,
    UnknownLedgerAccount,
    UnknownTransaction,
    WalletLevel,
    check_transaction,
    fingerprint,
    moved,
    natural_balance,
    opposite,
    running_balances,
    settled,
)
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting, Receivable, Wallet
from cvq_core.once import insert_once


@dataclass(frozen=True, slots=True)
class Posted:
    """The ledger's answer, the same however often one asks. `balances` maps a wallet or a receivable to its cents."""

    transaction_id: UUID
    recorded_at: datetime
    balances: Mapping[UUID, int]
    replayed: bool


async def add_ledger_account(
    db: AsyncSession, *, account_id: UUID, code: str, kind: AccountKind, label: str, now: datetime
) -> None:
    """Open an account of the ledger; `code` is what people and exports call it.

    Raises:
        IdempotencyMismatch: this id or this code is another account's.
    """
    row = {"id": account_id, "code": code, "kind": kind, "label": label[:LABEL_LENGTH_MAX], "opened_at": now}
    if not await insert_once(db, LedgerAccount.__table__, row):
        raise IdempotencyMismatch


async def post(db: AsyncSession, transaction: NewTransaction, *, now: datetime) -> Posted:
    """Write a transaction once; the same id with the same content gives the first answer.

    Nothing is written before everything is checked, so a caller may catch a refusal and go on.

    Raises:
        AmountOutOfBounds, UnbalancedTransaction: double entry cannot write it.
        UnknownLedgerAccount: a posting names no account.
        IdempotencyMismatch: this id came before with another content.
        AlreadyReversed: what it reverses was reversed before.
        InsufficientFunds: a wallet would go below its floor.
        MoreThanDue: more would be paid on an invoice than is due.
    """
    check_transaction(transaction)
    asked = fingerprint(transaction)
    locked = await _locked(db, transaction.postings)
    changes: dict[UUID, int] = {}
    for posting in transaction.postings:
        if posting.account_id in locked.before:
            changes[posting.account_id] = changes.get(posting.account_id, 0) + posting.amount_cents
    try:
        levels = {each: moved(level, changes[each]) for each, level in locked.wallets.items()}
        dues = {each: settled(cents, changes[each]) for each, cents in locked.receivables.items()}
    except (InsufficientFunds, MoreThanDue):
        # It may be this very transaction that left so little, or so little due.
        first = await _first_answer(db, transaction.id, asked)
        if first is None:
            raise
        return first
    row, postings = ledger_rows(transaction, locked.before, now)
    if not await insert_once(db, LedgerTransaction.__table__, row):
        first = await _first_answer(db, transaction.id, asked)
        if first is None:
            raise AlreadyReversed
        return first
    for wallet_id, level in levels.items():
        await db.execute(
            update(Wallet)
            .where(Wallet.id == wallet_id)
            .values(balance_cents=level.balance_cents, floor_cents=level.floor_cents)
        )
    for receivable_id, cents in dues.items():
        await db.execute(update(Receivable).where(Receivable.id == receivable_id).values(balance_cents=cents))
    await db.execute(insert(Posting), postings)
    balances = {each: level.balance_cents for each, level in levels.items()} | dues
    return Posted(transaction.id, _recorded_at(transaction, now), balances, replayed=False)


async def reverse(
    db: AsyncSession,
    transaction_id: UUID,
    *,
    reversal_id: UUID,
    label: str,
    actor_kind: str,
    actor_id: UUID | None,
    now: datetime,
    reference: str | None = None,
) -> Posted:
    """Undo a transaction by its opposite, which names it; both stay.

    Raises:
        UnknownTransaction: there is no such transaction.
        AlreadyReversed: it was undone before, or is a reversal itself.
        InsufficientFunds: what it had credited to a wallet is already spent.
        IdempotencyMismatch: `reversal_id` came before with another content.
    """
    original = await db.get(LedgerTransaction, transaction_id)
    if original is None:
        raise UnknownTransaction
    if original.kind is TransactionKind.REVERSAL:
        raise AlreadyReversed
    reversed_by = await db.scalar(select(LedgerTransaction.id).where(LedgerTransaction.reverses_id == transaction_id))
    if reversed_by not in (None, reversal_id):
        raise AlreadyReversed
    return await post(
        db,
        NewTransaction(
            id=reversal_id,
            kind=TransactionKind.REVERSAL,
            label=label,
            occurred_at=now,
            postings=opposite(await postings_of(db, transaction_id)),
            actor_kind=actor_kind,
            actor_id=actor_id,
            reverses_id=transaction_id,
            reference=reference,
            visit_id=original.visit_id,
        ),
        now=now,
    )


async def postings_of(db: AsyncSession, transaction_id: UUID) -> tuple[NewPosting, ...]:
    """Return the postings of a transaction in their order."""
    rows = await db.execute(
        select(Posting.account_id, Posting.amount_cents)
        .where(Posting.transaction_id == transaction_id)
        .order_by(Posting.position)
    )
    return tuple(NewPosting(account_id, cents) for account_id, cents in rows)


async def balance_of(db: AsyncSession, account_id: UUID) -> int:
    """Return what an account holds in cents, as people say it: the fold of its postings.

    Raises:
        UnknownLedgerAccount: there is no such account.
    """
    kind = await db.scalar(select(LedgerAccount.kind).where(LedgerAccount.id == account_id))
    if kind is None:
        raise UnknownLedgerAccount
    total = await db.scalar(select(func.sum(Posting.amount_cents)).where(Posting.account_id == account_id))
    return natural_balance(kind, int(total or 0))


def ledger_rows(
    transaction: NewTransaction, before: Mapping[UUID, int], now: datetime
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Return the row of a transaction and those of its postings, for those who insert many at once.

    `before` maps the wallets and receivables among its accounts to their balance before, in cents.
    """
    row: dict[str, object] = {
        "id": transaction.id,
        "kind": transaction.kind,
        "label": transaction.label,
        "occurred_at": _day_of(transaction.occurred_at) if transaction.day_only else transaction.occurred_at,
        "recorded_at": _recorded_at(transaction, now),
        "day_only": transaction.day_only,
        "reverses_id": transaction.reverses_id,
        "reference": transaction.reference,
        "actor_kind": transaction.actor_kind,
        "actor_id": transaction.actor_id,
        "visit_id": transaction.visit_id,
        "fingerprint": fingerprint(transaction),
    }
    balances = running_balances(transaction.postings, before)
    postings: list[dict[str, object]] = [
        {
            "transaction_id": transaction.id,
            "position": position,
            "account_id": posting.account_id,
            "amount_cents": posting.amount_cents,
            "balance_after_cents": balance,
        }
        for position, (posting, balance) in enumerate(zip(transaction.postings, balances, strict=True))
    ]
    return row, postings


def _recorded_at(transaction: NewTransaction, now: datetime) -> datetime:
    return _day_of(now) if transaction.day_only else now


def _day_of(instant: datetime) -> datetime:
    return datetime.combine(local_day(instant), time(), PARIS).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class _Locked:
    wallets: dict[UUID, WalletLevel]
    receivables: dict[UUID, int]

    @property
    def before(self) -> dict[UUID, int]:
        return {each: level.balance_cents for each, level in self.wallets.items()} | self.receivables


async def _locked(db: AsyncSession, postings: Iterable[NewPosting]) -> _Locked:
    """Lock the wallets and receivables among the postings' accounts by their ids: no two wait for each other."""
    wanted = {posting.account_id for posting in postings}
    rows = await db.execute(select(LedgerAccount.id, LedgerAccount.kind).where(LedgerAccount.id.in_(wanted)))
    kinds = dict(rows.all())
    wallet_ids = {account_id for account_id, kind in kinds.items() if kind is AccountKind.WALLET}
    receivable_ids = {account_id for account_id, kind in kinds.items() if kind is AccountKind.RECEIVABLE}
    wallets: dict[UUID, WalletLevel] = {}
    receivables: dict[UUID, int] = {}
    if wallet_ids:
        locked = await db.execute(
            select(Wallet.id, Wallet.balance_cents, Wallet.floor_cents)
            .where(Wallet.id.in_(wallet_ids))
            .order_by(Wallet.id)
            .with_for_update()
        )
        wallets = {wallet_id: WalletLevel(balance, floor) for wallet_id, balance, floor in locked}
    if receivable_ids:
        due = await db.execute(
            select(Receivable.id, Receivable.balance_cents)
            .where(Receivable.id.in_(receivable_ids))
            .order_by(Receivable.id)
            .with_for_update()
        )
        receivables = dict(due.all())
    if kinds.keys() != wanted or wallets.keys() != wallet_ids or receivables.keys() != receivable_ids:
        raise UnknownLedgerAccount
    return _Locked(wallets, receivables)


async def _first_answer(db: AsyncSession, transaction_id: UUID, asked: bytes) -> Posted | None:
    known = (
        await db.execute(
            select(LedgerTransaction.recorded_at, LedgerTransaction.fingerprint).where(
                LedgerTransaction.id == transaction_id
            )
        )
    ).first()
    if known is None:
        return None
    if known.fingerprint != asked:
        raise IdempotencyMismatch
    rows = await db.execute(
        select(Posting.account_id, Posting.balance_after_cents)
        .where(Posting.transaction_id == transaction_id, Posting.balance_after_cents.is_not(None))
        .order_by(Posting.position)
    )
    balances = {account_id: cents for account_id, cents in rows if cents is not None}
    return Posted(transaction_id, known.recorded_at, balances, replayed=True)
