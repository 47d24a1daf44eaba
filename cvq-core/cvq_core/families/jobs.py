"""What reaches a merged account afterwards, such as a cart paid late, is sent on by itself to the one that goes on."""

from __future__ import annotations

from sqlalchemy import select

from cvq_core.clock import Clock
from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.families.forwards import forward_rest
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM, record
from cvq_core.ledger.tables import Wallet
from cvq_core.people.tables import FamilyAccount

EVERY_S = 60.0
ACCOUNTS_MAX = 200


async def run_forwards(database: Database, clock: Clock) -> int:
    """Send on what stands on wallets of merged accounts, each account in a transaction of its own; return how many.

    What the other wallet cannot take stays, listed with the closed accounts. Two at once send it on once: the second
    one finds nothing left under the locks.
    """
    async with database.read() as db:
        rows = await db.scalars(
            select(FamilyAccount.id)
            .join(Wallet, Wallet.family_account_id == FamilyAccount.id)
            .where(FamilyAccount.merged_into_id.is_not(None), Wallet.balance_cents != 0)
            .distinct()
            .limit(ACCOUNTS_MAX)
        )
        waiting = list(rows)
    sent = 0
    for account_id in waiting:
        try:
            async with database.write() as db:
                if await forward_rest(db, new_id(), account_id=account_id, by=None, now=clock()):
                    record(
                        db,
                        now=clock(),
                        actor=SYSTEM,
                        action="rest-forwarded",
                        subject=("account", account_id),
                        account_id=account_id,
                    )
                    sent += 1
        except Refusal:
            continue
    return sent
