"""What plain arithmetic says of each account over the months: from what was asked and answered, not the books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount, Posting, Wallet

Leg = tuple[UUID, int]


@dataclass(slots=True)
class Arithmetic:
    """`held` is every account's money in cents, plus being credit; a wallet's also has what its taps took."""

    held: Counter[UUID] = field(default_factory=Counter)
    taps_cents: int = 0
    """What wallets paid at readers. A reader's answer names no wallet: wallets are compared together."""

    @classmethod
    async def of(cls, db: AsyncSession) -> Arithmetic:
        """Begin with what the seeded territory holds."""
        return cls(Counter(await folds(db)))

    def move(self, *legs: Leg) -> None:
        """Note what one act moved."""
        assert sum(cents for _, cents in legs) == 0, "the arithmetic itself does not add up"
        for account, cents in legs:
            self.held[account] += cents

    async def differences(self, db: AsyncSession) -> int:
        """Return by how many cents the books differ from this, over all accounts."""
        found = await folds(db)
        rows = await db.execute(
            select(LedgerAccount.id, LedgerAccount.kind).where(
                LedgerAccount.kind.in_((AccountKind.WALLET, AccountKind.REVENUE))
            )
        )
        kinds: dict[UUID, AccountKind] = dict(iter(rows))
        off = 0
        for kind, taps in ((AccountKind.WALLET, -self.taps_cents), (AccountKind.REVENUE, self.taps_cents)):
            ours = sum(cents for account, cents in self.held.items() if kinds.get(account) == kind)
            theirs = sum(cents for account, cents in found.items() if kinds.get(account) == kind)
            off += abs(ours + taps - theirs)
        others = (set(self.held) | set(found)) - set(kinds)
        off += sum(abs(self.held[account] - found.get(account, 0)) for account in others)
        balances: dict[UUID, int] = dict(iter(await db.execute(select(Wallet.id, Wallet.balance_cents))))
        return off + sum(abs(cents - found.get(wallet, 0)) for wallet, cents in balances.items())


async def folds(db: AsyncSession) -> dict[UUID, int]:
    """Return what every account's postings add up to, in cents."""
    rows = await db.execute(select(Posting.account_id, func.sum(Posting.amount_cents)).group_by(Posting.account_id))
    return {account: int(cents) for account, cents in rows}


def opposite(legs: Iterable[Leg]) -> list[Leg]:
    """Return what undoes these."""
    return [(account, -cents) for account, cents in legs]
