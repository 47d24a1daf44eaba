"""Money between the wallets of two accounts of one household, in one transaction, under the locks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.families.rules import HANDED_OVER, OLD_DEBT, WalletMove, WalletStanding, Why
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM, Actor
from cvq_core.ledger.rules import NewPosting, NewTransaction, TransactionKind, WalletLevel
from cvq_core.ledger.store import post
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.wallets import open_wallet
from cvq_core.people.store import UnknownFamilyAccount
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode, may_owe
from cvq_core.services.store import services_in_force
from cvq_core.treasury.debts import handed_of


async def two_accounts(db: AsyncSession, merged_id: UUID, kept_id: UUID) -> tuple[FamilyAccount, FamilyAccount]:
    """Return two accounts as they are now.

    Raises:
        UnknownFamilyAccount
    """
    rows = await db.scalars(
        select(FamilyAccount)
        .where(FamilyAccount.id.in_((merged_id, kept_id)))
        .execution_options(populate_existing=True)
    )
    found = {account.id: account for account in rows}
    if len(found) != 2:
        raise UnknownFamilyAccount
    return found[merged_id], found[kept_id]


async def lock_accounts(db: AsyncSession, accounts: Collection[UUID]) -> None:
    """Lock accounts by their ids, to the end of the transaction."""
    await db.execute(
        select(FamilyAccount.id).where(FamilyAccount.id.in_(accounts)).order_by(FamilyAccount.id).with_for_update()
    )


async def wallets_standing(db: AsyncSession, accounts: Sequence[UUID]) -> dict[UUID, list[WalletStanding]]:
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


async def services_owing(db: AsyncSession, on: date) -> set[ServiceCode]:
    """Return the services whose wallets may stand below zero on a day."""
    return {code for code, service in (await services_in_force(db, on)).items() if may_owe(service.policy)}


def stuck_moves(moves: Sequence[WalletMove]) -> list[Why]:
    """Return in words what the other account's wallets cannot take."""
    return [Why(OLD_DEBT, {"service": move.service, "amount": -move.amount_cents}) for move in moves]


async def handed_over(db: AsyncSession, debts: Mapping[UUID, ServiceCode]) -> list[Why]:
    """Return the wallets in debt whose debt the comptable has on a list: moved on, it could be handed over again."""
    found = await handed_of(db, list(debts))
    left = {wallet_id: sum(cents for _, cents in found.get(wallet_id, ())) for wallet_id in debts}
    return [
        Why(HANDED_OVER, {"service": debts[wallet_id], "amount": cents}) for wallet_id, cents in left.items() if cents
    ]


async def post_moves(
    db: AsyncSession,
    transaction_id: UUID,
    kept_id: UUID,
    moves: Sequence[WalletMove],
    *,
    label: str,
    by: UUID | None,
    now: datetime,
    reference: str | None = None,
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
                actor_kind=actor_of(by).kind,
                actor_id=by,
                reference=reference,
            ),
            now=now,
        )
    return moved


def actor_of(by: UUID | None) -> Actor:
    """Who acts, for the rows that name them: somebody of the staff, or the work that comes again and again."""
    return Actor("staff", by, "") if by else SYSTEM


def in_words(why: Sequence[Why], language: str) -> str:
    """Return several reasons as one text."""
    return " ".join(each.in_words(language) for each in why)
