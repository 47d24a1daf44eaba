"""Wallets: one for each family account and service."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.errors import N_, NotFound
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, floor_for
from cvq_core.ledger.tables import LedgerAccount, Wallet
from cvq_core.once import insert_once
from cvq_core.people.store import family_account_by_id
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode, may_owe
from cvq_core.services.store import policy_in_force, services_in_force

WALLETS_MAX = 50
_AT_ONCE = 500


class UnknownWallet(NotFound):
    """No wallet has this id."""

    slug = "unknown-wallet"
    message = N_("Ce compte de service n’existe pas.")
    what_to_do = N_("Rouvrez le compte de la famille, puis choisissez le service.")


async def open_wallet(
    db: AsyncSession, wallet_id: UUID, *, family_account_id: UUID, service: ServiceCode, now: datetime
) -> Wallet:
    """Return a family account's wallet for a service, opened empty when there was none, by whoever came first.

    Raises:
        UnknownFamilyAccount: no such account.
        UnknownService: the service has no funding policy today.
        IdempotencyMismatch: `wallet_id` is another account's.
    """
    account = await family_account_by_id(db, family_account_id)
    policy = await policy_in_force(db, service, local_day(now))
    wanted = select(Wallet).where(Wallet.family_account_id == family_account_id, Wallet.service_code == service)
    code = f"wallet:{account.number}:{service}"
    opened = await insert_once(
        db,
        LedgerAccount.__table__,
        {
            "id": wallet_id,
            "code": code,
            "kind": AccountKind.WALLET,
            "label": f"{SERVICE_LABELS[service]}, compte {account.number}",
            "opened_at": now,
        },
    )
    if opened:
        db.add(
            Wallet(
                id=wallet_id,
                family_account_id=family_account_id,
                service_code=service,
                balance_cents=0,
                floor_cents=floor_for(may_owe(policy), 0),
                opened_at=now,
            )
        )
        await db.flush()
    wallet = await db.scalar(wanted)
    if wallet is None:
        raise IdempotencyMismatch
    return wallet


async def wallets_by_id(db: AsyncSession, wallet_ids: Collection[UUID]) -> dict[UUID, Wallet]:
    """Return wallets as they stand in the database now.

    Raises:
        UnknownWallet: one of them does not exist.
    """
    assert len(wallet_ids) <= WALLETS_MAX, "asked for too many wallets at once"
    rows = await db.scalars(select(Wallet).where(Wallet.id.in_(wallet_ids)).execution_options(populate_existing=True))
    found = {wallet.id: wallet for wallet in rows}
    if found.keys() != set(wallet_ids):
        raise UnknownWallet
    return found


async def wallets_of(db: AsyncSession, family_account_id: UUID) -> list[Wallet]:
    """Return a family account's wallets in no particular order: at most one a service."""
    rows = await db.scalars(
        select(Wallet)
        .where(Wallet.family_account_id == family_account_id)
        .limit(WALLETS_MAX)
        .execution_options(populate_existing=True)
    )
    return list(rows)


async def apply_policies(db: AsyncSession, on: date) -> int:
    """Give every wallet the floor of its service's policy on a day, and return how many changed.

    A policy is dated, a floor is data: this runs daily, and when a policy is written. Run twice, it changes nothing
    more. Under a policy that begins to refuse, an old debt stays, and can only shrink (`rules.moved`).
    """
    services = (await services_in_force(db, on)).values()
    owing = [service.code for service in services if may_owe(service.policy)]
    refusing = [service.code for service in services if not may_owe(service.policy)]
    wrong = or_(
        Wallet.service_code.in_(owing) & Wallet.floor_cents.is_not(None),
        Wallet.service_code.in_(refusing) & Wallet.floor_cents.is_(None),
    )
    changed = 0
    while True:
        # In the order of their ids, as everywhere, so that no payment and this wait for each other.
        rows = await db.execute(
            select(Wallet.id, Wallet.service_code, Wallet.balance_cents)
            .where(wrong)
            .order_by(Wallet.id)
            .limit(_AT_ONCE)
            .with_for_update()
        )
        wallets = rows.all()
        for wallet_id, code, balance in wallets:
            floor = floor_for(code in owing, balance)
            await db.execute(update(Wallet).where(Wallet.id == wallet_id).values(floor_cents=floor))
        changed += len(wallets)
        if len(wallets) < _AT_ONCE:
            return changed
