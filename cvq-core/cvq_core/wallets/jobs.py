"""What comes of the families' choices, again and again: automatic top-ups, and notices of a low balance.

Both look at what is, decide by a pure rule under the wallets' locks, and note in the same transaction what they did:
run twice, or in several processes at once, they do nothing more.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import Clock, local_day
from cvq_core.database import Database
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM, record
from cvq_core.ledger.rules import NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.wallets import wallets_by_id
from cvq_core.mail import file_mail
from cvq_core.people.arrangements import accounts_within
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.tables import Service
from cvq_core.settings import Settings
from cvq_core.text import money, translator
from cvq_core.wallets.moves import lock_pair, move_label
from cvq_core.wallets.rules import Notice, TopUpSetting, first_of_month, notice_due, top_up_due
from cvq_core.wallets.settings import notices_in_force, top_ups_in_force
from cvq_core.wallets.tables import AutomaticTopUp, LowBalance

EVERY_S = 60.0
LOW_SUBJECT = N_("Le compte {service} de votre famille baisse")
LOW_TEXT = N_(
    "Bonjour,\n\nIl reste {left} sur le compte {service} de votre famille (compte {number}). "
    "Vous avez demandé à être averti au-dessous de {threshold}.\n\n"
    "Pour l’approvisionner, ou pour ne plus recevoir ce message, adressez-vous à votre mairie.\n"
)


async def run_top_ups(database: Database, clock: Clock) -> int:
    """Make every automatic top-up that is due, each in a transaction of its own; return how many were made."""
    async with database.read() as db:
        low = [each.wallet_id for each in await top_ups_in_force(db, local_day(clock()), low_only=True)]
    made = 0
    for wallet_id in low:
        async with database.write() as db:
            made += await _top_up(db, wallet_id, now=clock())
    return made


async def run_notices(database: Database, settings: Settings, clock: Clock) -> int:
    """Tell every family once about each wallet that has gone below its threshold; return how many were told.

    Without an SMTP server nobody is told, and nothing is noted.
    """
    if settings.smtp_url is None:
        return 0
    async with database.read() as db:
        changed = [each.wallet_id for each in await notices_in_force(db, local_day(clock()), changed_only=True)]
    told = 0
    for wallet_id in changed:
        async with database.write() as db:
            told += await _tell(db, settings, wallet_id, now=clock())
    return told


async def _top_up(db: AsyncSession, wallet_id: UUID, *, now: datetime) -> bool:
    """Look again under the locks, and make the top-up if it is still due."""
    on = local_day(now)
    family_id = (await wallets_by_id(db, [wallet_id]))[wallet_id].family_account_id
    chosen = await top_ups_in_force(db, on, family_account_id=family_id)
    choice = next((each for each in chosen if each.wallet_id == wallet_id), None)
    if choice is None or choice.source_wallet_id is None:
        return False
    wallets = await lock_pair(db, wallet_id, choice.source_wallet_id)
    wallet, source = wallets[wallet_id], wallets[choice.source_wallet_id]
    if source.family_account_id != family_id:
        return False
    # The ceiling is the household's: what was added to a wallet that was merged into this one counts too.
    its_wallets = select(Wallet.id).where(
        Wallet.service_code == wallet.service_code,
        Wallet.family_account_id.in_(await accounts_within(db, family_id)),
    )
    made = await db.scalar(
        select(func.sum(AutomaticTopUp.amount_cents)).where(
            AutomaticTopUp.wallet_id.in_(its_wallets), AutomaticTopUp.made_on >= first_of_month(on)
        )
    )
    cents = top_up_due(
        TopUpSetting(choice.threshold_cents, choice.amount_cents, choice.month_max_cents),
        balance_cents=wallet.balance_cents,
        source_cents=source.balance_cents,
        this_month_cents=int(made or 0),
    )
    if cents == 0:
        return False
    key = new_id()
    await post(
        db,
        NewTransaction(
            id=key,
            kind=TransactionKind.TRANSFER,
            label=await move_label(db, "Approvisionnement automatique", source, wallet),
            occurred_at=now,
            postings=(NewPosting(source.id, -cents), NewPosting(wallet_id, cents)),
            actor_kind=SYSTEM.kind,
            actor_id=None,
        ),
        now=now,
    )
    db.add(AutomaticTopUp(id=key, choice_id=choice.id, wallet_id=wallet_id, made_on=on, amount_cents=cents))
    record(
        db,
        now=now,
        actor=SYSTEM,
        action="topped-up-automatically",
        subject=("wallet", wallet_id),
        account_id=family_id,
    )
    return True


async def _tell(db: AsyncSession, settings: Settings, wallet_id: UUID, *, now: datetime) -> bool:
    """Look again under the wallet's lock; tell the family, or note that the wallet is no longer low."""
    wallet = await db.scalar(
        select(Wallet).where(Wallet.id == wallet_id).with_for_update().execution_options(populate_existing=True)
    )
    assert wallet is not None, "a wallet is never deleted"
    family = await db.get_one(FamilyAccount, wallet.family_account_id)
    chosen = await notices_in_force(db, local_day(now), family_account_id=family.id)
    threshold = next((each.threshold_cents for each in chosen if each.wallet_id == wallet_id), None)
    if threshold is None or not family.email:
        return False
    told = await db.get(LowBalance, wallet_id, populate_existing=True)
    match notice_due(threshold, balance_cents=wallet.balance_cents, told=told is not None):
        case Notice.NOTHING:
            return False
        case Notice.FORGET:
            await db.execute(delete(LowBalance).where(LowBalance.wallet_id == wallet_id))
            return False
    notice = LowBalance(wallet_id=wallet_id, id=new_id(), told_at=now)
    db.add(notice)
    label = await db.scalar(select(Service.label).where(Service.code == wallet.service_code))
    language = settings.language
    say = translator(language).gettext
    facts = {
        "service": label,
        "number": family.number,
        "left": money(wallet.balance_cents, language),
        "threshold": money(threshold, language),
    }
    await file_mail(
        db,
        settings,
        to=family.email,
        subject=say(LOW_SUBJECT).format_map(facts),
        text=say(LOW_TEXT).format_map(facts),
        now=now,
        key=f"low-balance-{notice.id}",
    )
    record(db, now=now, actor=SYSTEM, action="low-balance-told", subject=("wallet", wallet_id), account_id=family.id)
    return True
