"""Undoing a merger: what prevents it, and everything back where it was."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.clock import local_day
from cvq_core.families.carried import give_back, signed_since
from cvq_core.families.forwards import sent_on
from cvq_core.families.merged_money import (
    actor_of,
    handed_over,
    in_words,
    lock_accounts,
    two_accounts,
    wallets_standing,
)
from cvq_core.families.merges import merge_by_id
from cvq_core.families.rules import (
    KEPT_CLOSED,
    MANDATE_SINCE,
    PAID_SINCE,
    SPENT_SINCE,
    AlreadyUndone,
    UndoPrevented,
    Why,
    is_still_there,
)
from cvq_core.families.tables import AccountMerge, AccountMergeUndo
from cvq_core.invoices.rules import invoice_number
from cvq_core.invoices.tables import Invoice
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.store import reverse
from cvq_core.ledger.tables import Posting, Receivable
from cvq_core.once import insert_once
from cvq_core.people.tables import FamilyAccount, Membership

LABEL_UNDONE = "Réunion de comptes défaite"


async def undo_merge(
    db: AsyncSession,
    undo_id: UUID,
    *,
    merge_id: UUID,
    reason: str,
    by: UUID | None,
    now: datetime,
    language: str = "fr",
) -> AccountMergeUndo:
    """Let the merged account go on by itself again, as long as nothing of what moved was spent since.

    The same id asked again gives the first record. What came in for the kept account since stays there, and so does
    what it paid; what was sent on for the merged one goes back with the rest.

    Raises:
        UnknownMerge, AlreadyUndone
        UndoPrevented: says what was spent or paid since.
        IdempotencyMismatch: this id came before for another merger.
    """
    merge = await merge_by_id(db, merge_id)
    await lock_accounts(db, (merge.merged_id, merge.kept_id))
    first = await db.scalar(select(AccountMergeUndo).where(AccountMergeUndo.merge_id == merge_id))
    if first is not None:
        if first.id != undo_id:
            raise AlreadyUndone
        return first
    why = await what_prevents_undoing(db, merge)
    if why:
        raise UndoPrevented(why=in_words(why, language))
    if not await insert_once(
        db,
        AccountMergeUndo.__table__,
        {"id": undo_id, "merge_id": merge_id, "reason": reason, "undone_at": now, "undone_by": by},
    ):
        raise IdempotencyMismatch
    for transaction_id in [*([merge.id] if merge.moved["wallets"] else []), *await sent_on(db, merge)]:
        await reverse(
            db,
            transaction_id,
            reversal_id=undo_id if transaction_id == merge.id else uuid5(undo_id, str(transaction_id)),
            label=LABEL_UNDONE,
            actor_kind=actor_of(by).kind,
            actor_id=by,
            now=now,
        )
    await _give_back(db, merge, by=by, now=now)
    note_change(db, now=now, accounts=[merge.merged_id, merge.kept_id])
    return await db.get_one(AccountMergeUndo, undo_id)


async def what_prevents_undoing(db: AsyncSession, merge: AccountMerge) -> list[Why]:
    """Return what happened since a merger that its reversal would not undo. The wallets are locked for it."""
    why = []
    kept, merged = await db.get_one(FamilyAccount, merge.kept_id), await db.get_one(FamilyAccount, merge.merged_id)
    if kept.closed_on is not None or merged.merged_into_id != kept.id:
        why.append(Why(KEPT_CLOSED))
    if await signed_since(db, merge.moved, merge.merged_id):
        why.append(Why(MANDATE_SINCE))
    why += await _spent(db, merge)
    dues = {UUID(invoice["id"]): invoice["due_cents"] for invoice in merge.moved["invoices"]}
    rows = await db.execute(
        select(Invoice.id, Invoice.year, Invoice.number, Receivable.balance_cents)
        .join(Receivable, Receivable.id == Invoice.id)
        .where(Invoice.id.in_(dues))
    )
    why += [
        Why(PAID_SINCE, {"number": invoice_number(year, number)})
        for invoice_id, year, number, balance in rows
        if -balance != dues[invoice_id]
    ]
    return why


async def _spent(db: AsyncSession, merge: AccountMerge) -> list[Why]:
    """Return the services on which what came from the merged account cannot go back: spent, or claimed meanwhile."""
    standings = {each.id: each for each in (await wallets_standing(db, [merge.kept_id]))[merge.kept_id]}
    rows = await db.scalars(
        select(Posting)
        .where(
            Posting.account_id.in_(standings),
            Posting.transaction_id.in_([merge.id, *await sent_on(db, merge)]),
        )
        .order_by(Posting.id)
    )
    before: dict[UUID, int] = {}
    moved: dict[UUID, int] = {}
    for row in rows:
        assert row.balance_after_cents is not None, "a wallet's posting keeps the balance after it"
        before.setdefault(row.account_id, row.balance_after_cents - row.amount_cents)
        moved[row.account_id] = moved.get(row.account_id, 0) + row.amount_cents
    gone = [
        Why(SPENT_SINCE, {"service": standings[wallet_id].service})
        for wallet_id, cents in moved.items()
        if not is_still_there(
            before_cents=before[wallet_id], moved_cents=cents, now_cents=standings[wallet_id].level.balance_cents
        )
    ]
    debts = {wallet_id: standings[wallet_id].service for wallet_id, cents in moved.items() if cents < 0}
    return [*gone, *await handed_over(db, debts)]


async def _give_back(db: AsyncSession, merge: AccountMerge, *, by: UUID | None, now: datetime) -> None:
    """Put the merged account's people and what had followed back where they were."""
    today = local_day(now)
    merged, kept = await two_accounts(db, merge.merged_id, merge.kept_id)
    merged.closed_on = merged.merged_into_id = None
    for ended in merge.moved["ended"]:
        row = await db.get_one(Membership, UUID(ended["id"]))
        row.valid_until = date.fromisoformat(ended["until"]) if ended["until"] else None
    added = [UUID(each) for each in merge.moved["added"]]
    # What held for no whole day is taken out, or the child would be in two accounts today.
    await db.execute(delete(Membership).where(Membership.id.in_(added), Membership.valid_from >= today))
    await db.execute(update(Membership).where(Membership.id.in_(added)).values(valid_until=today - timedelta(days=1)))
    await give_back(db, merge.moved, merged, kept, actor=actor_of(by), now=now)
