"""Two accounts that are one household's: what would move, the merger, and its undoing.

Locks are taken in this order: the two accounts by id, their wallets by id, then what `cvq_core.ledger.store` locks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.tables import Entitlement
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.debits.tables import DebitMandate
from cvq_core.families.rules import (
    KEPT_CLOSED,
    OLD_DEBT,
    PAID_SINCE,
    SPENT_SINCE,
    AccountClosed,
    AlreadyUndone,
    Held,
    MemberMove,
    MergePrevented,
    NotMerged,
    SameAccount,
    UndoPrevented,
    UnknownMerge,
    WalletMove,
    WalletStanding,
    member_moves,
    wallet_moves,
)
from cvq_core.families.tables import AccountMerge, AccountMergeUndo
from cvq_core.ids import new_id
from cvq_core.invoices.rules import invoice_number
from cvq_core.invoices.tables import Invoice
from cvq_core.ledger.rules import IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind, WalletLevel
from cvq_core.ledger.store import post, reverse
from cvq_core.ledger.tables import LedgerTransaction, Posting, Receivable, Wallet
from cvq_core.ledger.wallets import open_wallet
from cvq_core.once import insert_once
from cvq_core.people.arrangements import kept_accounts
from cvq_core.people.store import UnknownFamilyAccount, in_force
from cvq_core.people.tables import FamilyAccount, Membership
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode, may_owe
from cvq_core.services.store import services_in_force
from cvq_core.text import money

LABEL = "Réunion de deux comptes famille"
LABEL_UNDONE = "Réunion de comptes défaite"
LABEL_FORWARDED = "Arrivé après la réunion de deux comptes famille"


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merger would move from `merged` to `kept`; `prevented` says in French what stands against it.

    Cards belong to people and follow them; invoices are those on which the merged account is asked to pay. A mandate of
    direct debit follows where the kept account has none for that office.
    """

    merged: FamilyAccount
    kept: FamilyAccount
    wallets: tuple[WalletMove, ...]
    members: tuple[MemberMove, ...]
    cards: int
    invoices: tuple[UUID, ...]
    rights: tuple[UUID, ...]
    paid_rights: tuple[UUID, ...]
    mandates: tuple[UUID, ...]
    prevented: tuple[str, ...]


async def plan_merge(db: AsyncSession, *, merged_id: UUID, kept_id: UUID, on: date) -> MergePlan:
    """Return what a merger would move, and change nothing.

    Raises:
        SameAccount, UnknownFamilyAccount, AccountClosed
    """
    if merged_id == kept_id:
        raise SameAccount
    merged, kept = await _accounts(db, merged_id, kept_id)
    for account in (merged, kept):
        if account.closed_on is not None:
            raise AccountClosed(number=account.number)
    standings = await _wallets(db, (merged_id, kept_id))
    moves, stuck = wallet_moves(
        standings[merged_id],
        {wallet.service: wallet.level for wallet in standings[kept_id]},
        await _owing(db, on),
    )
    members = member_moves(await _held(db, merged_id, on), await _held(db, kept_id, on))
    people = {member.person_id for member in members}
    return MergePlan(
        merged=merged,
        kept=kept,
        wallets=tuple(moves),
        members=tuple(members),
        cards=int(await db.scalar(select(func.count()).select_from(Card).where(Card.person_id.in_(people))) or 0),
        invoices=await _ids(db, Receivable, Receivable.family_account_id, merged_id),
        rights=await _ids(db, Entitlement, Entitlement.account_id, merged_id),
        paid_rights=await _ids(db, Entitlement, Entitlement.payer_account_id, merged_id),
        mandates=await _mandates(db, merged_id, kept_id),
        prevented=tuple(_stuck(stuck)),
    )


async def merge_accounts(
    db: AsyncSession, merge_id: UUID, *, merged_id: UUID, kept_id: UUID, reason: str, by: UUID | None, now: datetime
) -> AccountMerge:
    """Let one account go on for both; the same id asked again gives the first record.

    Raises:
        SameAccount, UnknownFamilyAccount, AccountClosed
        MergePrevented: see `plan_merge`.
        IdempotencyMismatch: this id came before for other accounts.
    """
    await _lock_accounts(db, (merged_id, kept_id))
    first = await db.get(AccountMerge, merge_id)
    if first is not None:
        if (first.merged_id, first.kept_id) != (merged_id, kept_id):
            raise IdempotencyMismatch
        return first
    today = local_day(now)
    plan = await plan_merge(db, merged_id=merged_id, kept_id=kept_id, on=today)
    if plan.prevented:
        raise MergePrevented(why=" ".join(plan.prevented))
    wallets = await _post_moves(db, merge_id, kept_id, plan.wallets, label=LABEL, by=by, now=now)
    added = await _move_members(db, plan, today)
    for table, column, ids in _followers(plan.invoices, plan.rights, plan.paid_rights, plan.mandates):
        await db.execute(update(table).where(table.id.in_(ids)).values({column: kept_id}))
    plan.merged.closed_on, plan.merged.merged_into_id = today, kept_id
    record = AccountMerge(
        id=merge_id,
        merged_id=merged_id,
        kept_id=kept_id,
        reason=reason,
        moved={
            "wallets": wallets,
            "ended": await _end_members(db, [member.membership_id for member in plan.members], today),
            "added": [str(each) for each in added],
            "invoices": await _dues(db, plan.invoices),
            "rights": [str(each) for each in plan.rights],
            "paid_rights": [str(each) for each in plan.paid_rights],
            "mandates": [str(each) for each in plan.mandates],
        },
        merged_at=now,
        merged_by=by,
    )
    db.add(record)
    await db.flush()
    return record


async def undo_merge(
    db: AsyncSession, undo_id: UUID, *, merge_id: UUID, reason: str, by: UUID | None, now: datetime
) -> AccountMergeUndo:
    """Let the merged account go on by itself again, as long as nothing of what moved was spent since.

    The same id asked again gives the first record. What came in since stays with the kept account.

    Raises:
        UnknownMerge, AlreadyUndone
        UndoPrevented: says what was spent or paid since.
        IdempotencyMismatch: this id came before for another merger.
    """
    merge = await merge_by_id(db, merge_id)
    await _lock_accounts(db, (merge.merged_id, merge.kept_id))
    first = await db.scalar(select(AccountMergeUndo).where(AccountMergeUndo.merge_id == merge_id))
    if first is not None:
        if first.id != undo_id:
            raise AlreadyUndone
        return first
    why = await what_prevents_undoing(db, merge)
    if why:
        raise UndoPrevented(why=" ".join(why))
    if not await insert_once(
        db,
        AccountMergeUndo.__table__,
        {"id": undo_id, "merge_id": merge_id, "reason": reason, "undone_at": now, "undone_by": by},
    ):
        raise IdempotencyMismatch
    if merge.moved["wallets"]:
        await reverse(db, merge.id, reversal_id=undo_id, label=LABEL_UNDONE, actor_kind="staff", actor_id=by, now=now)
    await _give_back(db, merge, local_day(now))
    return await db.get_one(AccountMergeUndo, undo_id)


async def forward_rest(
    db: AsyncSession, forward_id: UUID, *, account_id: UUID, by: UUID | None, now: datetime
) -> list[WalletMove]:
    """Send on to the account that goes on what reached a merged one afterwards, such as an online payment under way.

    `forward_id` is the ledger's transaction; asked again under it, nothing more moves.

    Raises:
        UnknownFamilyAccount
        NotMerged: the account was merged into no other.
        MergePrevented: a debt that the other account's wallet cannot take.
    """
    account = await db.get(FamilyAccount, account_id)
    if account is None:
        raise UnknownFamilyAccount
    kept_id = (await kept_accounts(db, [account_id]))[account_id]
    if kept_id == account_id:
        raise NotMerged
    await _lock_accounts(db, (account_id, kept_id))
    standings = await _wallets(db, (account_id, kept_id))
    if await db.get(LedgerTransaction, forward_id) is not None:
        return []
    kept = {wallet.service: wallet.level for wallet in standings[kept_id]}
    moves, stuck = wallet_moves(standings[account_id], kept, await _owing(db, local_day(now)))
    if stuck:
        raise MergePrevented(why=" ".join(_stuck(stuck)))
    await _post_moves(db, forward_id, kept_id, moves, label=LABEL_FORWARDED, by=by, now=now)
    return moves


async def merge_by_id(db: AsyncSession, merge_id: UUID) -> AccountMerge:
    """Return one merger.

    Raises:
        UnknownMerge
    """
    merge = await db.get(AccountMerge, merge_id)
    if merge is None:
        raise UnknownMerge
    return merge


async def merges_of(db: AsyncSession, account_id: UUID) -> list[tuple[AccountMerge, AccountMergeUndo | None]]:
    """Return the mergers in which an account took part, the latest first, with their undoing."""
    rows = await db.execute(
        select(AccountMerge, AccountMergeUndo)
        .outerjoin(AccountMergeUndo, AccountMergeUndo.merge_id == AccountMerge.id)
        .where(or_(AccountMerge.merged_id == account_id, AccountMerge.kept_id == account_id))
        .order_by(AccountMerge.merged_at.desc())
        .limit(100)
    )
    return [(merge, undo) for merge, undo in rows]


async def what_prevents_undoing(db: AsyncSession, merge: AccountMerge) -> list[str]:
    """Return what happened since a merger that its reversal would not undo, a French sentence each."""
    why = []
    kept, merged = await db.get_one(FamilyAccount, merge.kept_id), await db.get_one(FamilyAccount, merge.merged_id)
    if kept.closed_on is not None or merged.merged_into_id != kept.id:
        why.append(KEPT_CLOSED)
    for wallet in merge.moved["wallets"]:
        # The wallets are locked, so that nobody spends while we look.
        await db.execute(select(Wallet.id).where(Wallet.id == UUID(wallet["to"])).with_for_update())
        moved_at = select(Posting.id).where(
            Posting.transaction_id == merge.id, Posting.account_id == UUID(wallet["to"])
        )
        spent = await db.scalar(
            select(func.count())
            .select_from(Posting)
            .where(
                Posting.account_id == UUID(wallet["to"]),
                Posting.id > moved_at.scalar_subquery(),
                Posting.amount_cents < 0,
            )
        )
        if spent:
            why.append(SPENT_SINCE.format(service=SERVICE_LABELS[ServiceCode(wallet["service"])].lower()))
    dues = {UUID(invoice["id"]): invoice["due_cents"] for invoice in merge.moved["invoices"]}
    rows = await db.execute(
        select(Invoice.id, Invoice.year, Invoice.number, Receivable.balance_cents)
        .join(Receivable, Receivable.id == Invoice.id)
        .where(Invoice.id.in_(dues))
    )
    why += [
        PAID_SINCE.format(number=invoice_number(year, number))
        for invoice_id, year, number, balance in rows
        if -balance != dues[invoice_id]
    ]
    return why


async def _accounts(db: AsyncSession, merged_id: UUID, kept_id: UUID) -> tuple[FamilyAccount, FamilyAccount]:
    rows = await db.scalars(
        select(FamilyAccount)
        .where(FamilyAccount.id.in_((merged_id, kept_id)))
        .execution_options(populate_existing=True)
    )
    found = {account.id: account for account in rows}
    if len(found) != 2:
        raise UnknownFamilyAccount
    return found[merged_id], found[kept_id]


async def _lock_accounts(db: AsyncSession, accounts: Collection[UUID]) -> None:
    await db.execute(
        select(FamilyAccount.id).where(FamilyAccount.id.in_(accounts)).order_by(FamilyAccount.id).with_for_update()
    )


async def _wallets(db: AsyncSession, accounts: Sequence[UUID]) -> dict[UUID, list[WalletStanding]]:
    """Lock the wallets of some accounts by their ids, and return them."""
    rows = await db.execute(
        select(Wallet.id, Wallet.family_account_id, Wallet.service_code, Wallet.balance_cents, Wallet.floor_cents)
        .where(Wallet.family_account_id.in_(accounts))
        .order_by(Wallet.id)
        .with_for_update()
    )
    found: dict[UUID, list[WalletStanding]] = {account_id: [] for account_id in accounts}
    for wallet_id, account_id, service, balance, floor in rows:
        found[account_id].append(WalletStanding(wallet_id, service, WalletLevel(balance, floor)))
    return found


async def _held(db: AsyncSession, account_id: UUID, on: date) -> list[Held]:
    rows = await db.scalars(
        select(Membership).where(Membership.account_id == account_id, in_force(on)).order_by(Membership.id)
    )
    return [Held(row.id, row.person_id, row.role, row.share_percent) for row in rows]


async def _ids(db: AsyncSession, table: Any, column: Any, account_id: UUID) -> tuple[UUID, ...]:
    return tuple(await db.scalars(select(table.id).where(column == account_id).order_by(table.id)))


async def _owing(db: AsyncSession, on: date) -> set[ServiceCode]:
    return {code for code, service in (await services_in_force(db, on)).items() if may_owe(service.policy)}


def _stuck(moves: Sequence[WalletMove]) -> list[str]:
    return [
        OLD_DEBT.format(service=SERVICE_LABELS[move.service].lower(), amount=money(-move.amount_cents))
        for move in moves
    ]


async def _mandates(db: AsyncSession, merged_id: UUID, kept_id: UUID) -> tuple[UUID, ...]:
    """Return the standing mandates of an account for offices at which the other one has none."""
    kept = select(DebitMandate.office_id).where(
        DebitMandate.family_account_id == kept_id, DebitMandate.revoked_on.is_(None)
    )
    rows = await db.scalars(
        select(DebitMandate.id)
        .where(
            DebitMandate.family_account_id == merged_id,
            DebitMandate.revoked_on.is_(None),
            DebitMandate.office_id.not_in(kept),
        )
        .order_by(DebitMandate.id)
    )
    return tuple(rows)


async def _post_moves(
    db: AsyncSession,
    transaction_id: UUID,
    kept_id: UUID,
    moves: Sequence[WalletMove],
    *,
    label: str,
    by: UUID | None,
    now: datetime,
) -> list[dict[str, object]]:
    """Move money into an account's wallets, in one transaction, and return what the merger's record keeps of it."""
    moved: list[dict[str, object]] = []
    postings = []
    for move in moves:
        wallet = await open_wallet(db, new_id(), family_account_id=kept_id, service=move.service, now=now)
        postings += [NewPosting(move.from_id, -move.amount_cents), NewPosting(wallet.id, move.amount_cents)]
        moved.append(
            {
                "service": move.service.value,
                "from": str(move.from_id),
                "to": str(wallet.id),
                "amount_cents": move.amount_cents,
            }
        )
    if postings:
        await post(
            db,
            NewTransaction(
                id=transaction_id,
                kind=TransactionKind.MERGED,
                label=label,
                occurred_at=now,
                postings=tuple(postings),
                actor_kind="staff",
                actor_id=by,
            ),
            now=now,
        )
    return moved


async def _move_members(db: AsyncSession, plan: MergePlan, today: date) -> list[UUID]:
    added = []
    for member in plan.members:
        if member.already:
            continue
        row = Membership(
            id=new_id(),
            account_id=plan.kept.id,
            person_id=member.person_id,
            role=member.role,
            valid_from=today,
            share_percent=member.share_percent,
        )
        db.add(row)
        added.append(row.id)
    await db.flush()
    return added


async def _end_members(db: AsyncSession, memberships: Collection[UUID], today: date) -> list[dict[str, object]]:
    """End memberships today, and return what they said before."""
    rows = await db.scalars(select(Membership).where(Membership.id.in_(memberships)))
    ended: list[dict[str, object]] = []
    for row in rows:
        ended.append({"id": str(row.id), "until": row.valid_until.isoformat() if row.valid_until else None})
        row.valid_until = today
    await db.flush()
    return ended


async def _dues(db: AsyncSession, invoices: Collection[UUID]) -> list[dict[str, object]]:
    rows = await db.execute(
        select(Receivable.id, Receivable.balance_cents).where(Receivable.id.in_(invoices)).order_by(Receivable.id)
    )
    return [{"id": str(receivable_id), "due_cents": -balance} for receivable_id, balance in rows]


def _followers(
    invoices: Collection[UUID], rights: Collection[UUID], paid_rights: Collection[UUID], mandates: Collection[UUID]
) -> list[tuple[Any, str, Collection[UUID]]]:
    return [
        (Receivable, "family_account_id", invoices),
        (Entitlement, "account_id", rights),
        (Entitlement, "payer_account_id", paid_rights),
        (DebitMandate, "family_account_id", mandates),
    ]


async def _give_back(db: AsyncSession, merge: AccountMerge, today: date) -> None:
    """Put the merged account's people, invoices and rights back where they were."""
    merged = await db.get_one(FamilyAccount, merge.merged_id)
    merged.closed_on = merged.merged_into_id = None
    for ended in merge.moved["ended"]:
        row = await db.get_one(Membership, UUID(ended["id"]))
        row.valid_until = date.fromisoformat(ended["until"]) if ended["until"] else None
    added = [UUID(each) for each in merge.moved["added"]]
    # What held for no whole day is taken out, or the child would be in two accounts today.
    await db.execute(delete(Membership).where(Membership.id.in_(added), Membership.valid_from >= today))
    await db.execute(update(Membership).where(Membership.id.in_(added)).values(valid_until=today - timedelta(days=1)))
    moved = merge.moved
    for table, column, ids in _followers(
        [UUID(each["id"]) for each in moved["invoices"]],
        [UUID(each) for each in moved["rights"]],
        [UUID(each) for each in moved["paid_rights"]],
        [UUID(each) for each in moved["mandates"]],
    ):
        await db.execute(update(table).where(table.id.in_(ids)).values({column: merge.merged_id}))
    await db.flush()
