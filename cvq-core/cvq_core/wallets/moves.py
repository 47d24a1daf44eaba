"""Moving money between two wallets of one family: one entry of the ledger, and never between families."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.journal.store import Actor
from cvq_core.ledger.rules import LABEL_LENGTH_MAX, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import Posted, post
from cvq_core.ledger.tables import LedgerTransaction, Wallet
from cvq_core.ledger.wallets import UnknownWallet
from cvq_core.services.tables import Service
from cvq_core.wallets.rules import SameWallet, WalletsOfTwoFamilies, check_move


async def move_money(
    db: AsyncSession,
    *,
    key: UUID,
    family_account_id: UUID,
    from_wallet_id: UUID,
    to_wallet_id: UUID,
    amount_cents: int,
    actor: Actor,
    now: datetime,
    visit_id: UUID | None = None,
) -> Posted:
    """Move money from a wallet of a family to another of the same; `key` asked again gives the first answer.

    Raises:
        SameWallet, UnknownWallet
        WalletsOfTwoFamilies: one of them is not this family's.
        AmountOutOfBounds: not a positive whole number of cents.
        NotEnoughToMove: the first one holds less: a move makes no debt, wherever the service would allow one.
        IdempotencyMismatch: this key came before with another content.
    """
    wallets = await lock_pair(db, from_wallet_id, to_wallet_id)
    if {wallet.family_account_id for wallet in wallets.values()} != {family_account_id}:
        raise WalletsOfTwoFamilies
    if await db.scalar(select(LedgerTransaction.id).where(LedgerTransaction.id == key)) is None:
        check_move(amount_cents, wallets[from_wallet_id].balance_cents)
    return await post(
        db,
        NewTransaction(
            id=key,
            kind=TransactionKind.TRANSFER,
            label=await move_label(db, "Transfert", wallets[from_wallet_id], wallets[to_wallet_id]),
            occurred_at=now,
            postings=(NewPosting(from_wallet_id, -amount_cents), NewPosting(to_wallet_id, amount_cents)),
            actor_kind=actor.kind,
            actor_id=actor.id,
            visit_id=visit_id,
        ),
        now=now,
    )


async def lock_pair(db: AsyncSession, first_id: UUID, second_id: UUID) -> dict[UUID, Wallet]:
    """Lock two wallets by their ids, as the ledger does, and return them as they stand.

    Raises:
        SameWallet: they are one.
        UnknownWallet: one of them does not exist.
    """
    if first_id == second_id:
        raise SameWallet
    rows = await db.scalars(
        select(Wallet)
        .where(Wallet.id.in_((first_id, second_id)))
        .order_by(Wallet.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {wallet.id: wallet for wallet in rows}
    if len(found) != 2:
        raise UnknownWallet
    return found


async def move_label(db: AsyncSession, what: str, source: Wallet, target: Wallet) -> str:
    """Return what a statement says of a move, in French and naming nobody."""
    codes = (source.service_code, target.service_code)
    labels = {
        row.code: row.label
        for row in await db.execute(select(Service.code, Service.label).where(Service.code.in_(codes)))
    }
    return f"{what}\u00a0: de {labels[codes[0]]} vers {labels[codes[1]]}"[:LABEL_LENGTH_MAX]
