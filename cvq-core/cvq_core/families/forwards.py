"""What reaches a merged account afterwards, sent on to the one that goes on."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.clock import local_day
from cvq_core.families.merged_money import (
    in_words,
    lock_accounts,
    post_moves,
    services_owing,
    stuck_moves,
    wallets_standing,
)
from cvq_core.families.rules import MergePrevented, NotMerged, WalletMove, wallet_moves
from cvq_core.families.tables import AccountMerge, AccountMergeUndo
from cvq_core.ledger.rules import TransactionKind
from cvq_core.ledger.tables import LedgerTransaction, Posting, Wallet
from cvq_core.people.arrangements import MERGES_FOLLOWED_MAX
from cvq_core.people.store import UnknownFamilyAccount
from cvq_core.people.tables import FamilyAccount

LABEL_FORWARDED = "Arrivé après la réunion de deux comptes famille"


async def forward_rest(
    db: AsyncSession, forward_id: UUID, *, account_id: UUID, by: UUID | None, now: datetime, language: str = "fr"
) -> list[WalletMove]:
    """Send on to the account that goes on what reached a merged one afterwards, such as an online payment under way.

    `forward_id` is the ledger's transaction; asked again under it, nothing more moves. Where several accounts were
    merged one into the other, it passes through each of them, so that each merger can be undone by itself.

    Raises:
        UnknownFamilyAccount
        NotMerged: the account was merged into no other.
        MergePrevented: a debt that the other account's wallet cannot take.
    """
    await lock_accounts(db, await _chain(db, account_id))
    chain = await _chain(db, account_id)
    if len(chain) == 1:
        raise NotMerged
    if await db.get(LedgerTransaction, forward_id) is not None:
        return []
    first: list[WalletMove] = []
    for hop, (from_id, to_id) in enumerate(pairwise(chain)):
        key = uuid5(forward_id, str(hop)) if hop else forward_id
        moves = await _send_on(db, key, from_id, to_id, by=by, now=now, language=language)
        first = first or moves
    return first


async def sent_on(db: AsyncSession, merge: AccountMerge) -> list[UUID]:
    """Return the transactions that sent something on since a merger, and were not undone."""
    reversal = aliased(LedgerTransaction)
    rows = await db.scalars(
        select(LedgerTransaction.id)
        .join(Posting, Posting.transaction_id == LedgerTransaction.id)
        .join(Wallet, Wallet.id == Posting.account_id)
        .where(
            Wallet.family_account_id == merge.merged_id,
            LedgerTransaction.kind == TransactionKind.MERGED,
            LedgerTransaction.reference == _reference(merge.id),
            ~select(reversal.id).where(reversal.reverses_id == LedgerTransaction.id).exists(),
        )
        .distinct()
    )
    return sorted(rows)


async def _send_on(
    db: AsyncSession, key: UUID, from_id: UUID, to_id: UUID, *, by: UUID | None, now: datetime, language: str
) -> list[WalletMove]:
    standings = await wallets_standing(db, (from_id, to_id))
    kept = {wallet.service: wallet.level for wallet in standings[to_id]}
    moves, stuck = wallet_moves(standings[from_id], kept, await services_owing(db, local_day(now)))
    if stuck:
        raise MergePrevented(why=in_words(stuck_moves(stuck), language))
    merge_id = await db.scalar(
        select(AccountMerge.id)
        .outerjoin(AccountMergeUndo, AccountMergeUndo.merge_id == AccountMerge.id)
        .where(AccountMerge.merged_id == from_id, AccountMerge.kept_id == to_id, AccountMergeUndo.id.is_(None))
    )
    assert merge_id is not None, "an account points to another one by a merger that stands"
    await post_moves(db, key, to_id, moves, label=LABEL_FORWARDED, by=by, now=now, reference=_reference(merge_id))
    return moves


async def _chain(db: AsyncSession, account_id: UUID) -> list[UUID]:
    """Return an account, the one that it was merged into, and so on to the one that goes on.

    Raises:
        UnknownFamilyAccount
    """
    chain = [account_id]
    for _ in range(MERGES_FOLLOWED_MAX):
        account = await db.get(FamilyAccount, chain[-1], populate_existing=True)
        if account is None:
            raise UnknownFamilyAccount
        if account.merged_into_id is None:
            return chain
        chain.append(account.merged_into_id)
    raise AssertionError("accounts that were merged into each other")


def _reference(merge_id: UUID) -> str:
    return f"merge:{merge_id}"
