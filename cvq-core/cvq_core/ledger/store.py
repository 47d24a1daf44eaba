"""Writing to the ledger in the caller's transaction: `post` and `reverse`, and nothing else moves money.

Locks are taken in this order, everywhere: wallets by id, receivables by id, then the transaction's own row. Nothing
else is locked; a revenue or a till that every payment touches is no row that anybody waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from cvq_core.access.changes import note_change
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
from cvq_core.ledger.sql import ledger_statements
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
    standing = await lock_accounts(db, [transaction])
    try:
        standing.move(transaction)
    except (InsufficientFunds, MoreThanDue):
        # It may be this very transaction that left so little, or so little due.
        first = await _first_answer(db, transaction.id, asked)
        if first is None:
            raise
        return first
    row, postings = ledger_rows(transaction, standing.before, now, asked)
    if await ledger_statements(db).insert_transaction.write(db, row) != 1:
        first = await _first_answer(db, transaction.id, asked)
        if first is None:
            raise AlreadyReversed
        return first
    await write_standing(db, standing, postings, now=now)
    return Posted(transaction.id, recorded_at(transaction, now), standing.balances(), replayed=False)


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
    if db.new or db.dirty:
        await db.flush()
    rows = await ledger_statements(db).balance.fetch(db, account_id=account_id)
    if not rows:
        raise UnknownLedgerAccount
    [(kind, before, since)] = rows
    return natural_balance(AccountKind(kind), int(before or 0) + int(since or 0))


def ledger_rows(
    transaction: NewTransaction, before: Mapping[UUID, int], now: datetime, asked: bytes | None = None
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Return the row of a transaction and those of its postings, for those who insert many at once.

    `before` maps the wallets and receivables among its accounts to their balance before, in cents; `asked` is its
    fingerprint, where it is known.
    """
    row: dict[str, object] = {
        "id": transaction.id,
        "kind": transaction.kind,
        "label": transaction.label,
        "occurred_at": _day_of(transaction.occurred_at) if transaction.day_only else transaction.occurred_at,
        "recorded_at": recorded_at(transaction, now),
        "day_only": transaction.day_only,
        "reverses_id": transaction.reverses_id,
        "reference": transaction.reference,
        "actor_kind": transaction.actor_kind,
        "actor_id": transaction.actor_id,
        "visit_id": transaction.visit_id,
        "fingerprint": asked or fingerprint(transaction),
        "why": transaction.why or None,
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


def recorded_at(transaction: NewTransaction, now: datetime) -> datetime:
    """Return the instant that is written as the one of recording."""
    return _day_of(now) if transaction.day_only else now


def _day_of(instant: datetime) -> datetime:
    return datetime.combine(local_day(instant), time(), PARIS).astimezone(UTC)


@dataclass(slots=True)
class Standing:
    """What the locked wallets and receivables hold: `before`, in cents, and after what was decided since."""

    wallets: dict[UUID, WalletLevel]
    receivables: dict[UUID, int]
    before: dict[UUID, int] = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.balances()

    def move(self, transaction: NewTransaction) -> None:
        """Apply a transaction, or leave everything as it is.

        Raises:
            InsufficientFunds: a wallet would go below its floor.
            MoreThanDue: more would be paid on an invoice than is due.
        """
        changes: dict[UUID, int] = {}
        for posting in transaction.postings:
            changes[posting.account_id] = changes.get(posting.account_id, 0) + posting.amount_cents
        bounced = transaction.kind is TransactionKind.BOUNCED
        wallets = {
            each: moved(self.wallets[each], cents, bounced=bounced)
            for each, cents in changes.items()
            if each in self.wallets
        }
        dues = {
            each: settled(self.receivables[each], cents) for each, cents in changes.items() if each in self.receivables
        }
        self.wallets |= wallets
        self.receivables |= dues

    def balances(self) -> dict[UUID, int]:
        """Return wallets and receivables with what they hold in cents."""
        return {each: level.balance_cents for each, level in self.wallets.items()} | self.receivables

    def balances_of(self, transaction: NewTransaction) -> dict[UUID, int]:
        """Return what the wallets and receivables of one transaction hold in cents."""
        found: dict[UUID, int] = {}
        for posting in transaction.postings:
            if posting.account_id in self.wallets:
                found[posting.account_id] = self.wallets[posting.account_id].balance_cents
            elif posting.account_id in self.receivables:
                found[posting.account_id] = self.receivables[posting.account_id]
        return found


async def lock_accounts(db: AsyncSession, transactions: Iterable[NewTransaction]) -> Standing:
    """Lock the wallets and receivables that transactions touch by their ids: no two wait for each other.

    Raises:
        UnknownLedgerAccount: a posting names no account.
    """
    if db.new or db.dirty:
        # The statements run past SQLAlchemy's session, which may not have written yet what they read.
        await db.flush()
    wanted = {posting.account_id for transaction in transactions for posting in transaction.postings}
    statements = ledger_statements(db)
    rows = await statements.accounts.fetch(db, accounts=list(wanted))
    wallets: dict[UUID, WalletLevel] = {}
    receivable_ids: set[UUID] = set()
    for account_id, kind, balance, floor in rows:
        if kind == AccountKind.RECEIVABLE:
            receivable_ids.add(account_id)
        elif kind == AccountKind.WALLET:
            if balance is None:
                raise UnknownLedgerAccount
            wallets[account_id] = WalletLevel(balance, floor)
    if len(rows) != len(wanted):
        raise UnknownLedgerAccount
    receivables: dict[UUID, int] = {}
    if receivable_ids:
        receivables = dict(await statements.receivables.fetch(db, accounts=list(receivable_ids)))
        if receivables.keys() != receivable_ids:
            raise UnknownLedgerAccount
    return Standing(wallets, receivables)


async def write_standing(
    db: AsyncSession, standing: Standing, postings: Sequence[Mapping[str, object]], *, now: datetime
) -> None:
    """Write postings whose transactions are written, and the balances that they lead to; doors are told of them."""
    statements = ledger_statements(db)
    if standing.wallets:
        levels = [
            {"id": each, "balance_cents": level.balance_cents, "floor_cents": level.floor_cents}
            for each, level in standing.wallets.items()
        ]
        await statements.set_balances.write(db, levels)
        note_change(db, now=now, wallets=standing.wallets)
    if standing.receivables:
        dues = [{"id": each, "balance_cents": cents} for each, cents in standing.receivables.items()]
        await statements.set_dues.write(db, dues)
    await statements.insert_postings.write(db, postings)
    _tell_loaded_rows(db, standing)


def _tell_loaded_rows(db: AsyncSession, standing: Standing) -> None:
    """Let wallets and receivables that the session has loaded show what was written past it."""
    loaded = db.sync_session.identity_map
    for wallet_id, level in standing.wallets.items():
        wallet = loaded.get(identity_key(Wallet, wallet_id))
        if wallet is not None:
            set_committed_value(wallet, "balance_cents", level.balance_cents)
            set_committed_value(wallet, "floor_cents", level.floor_cents)
    for receivable_id, cents in standing.receivables.items():
        receivable = loaded.get(identity_key(Receivable, receivable_id))
        if receivable is not None:
            set_committed_value(receivable, "balance_cents", cents)


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
