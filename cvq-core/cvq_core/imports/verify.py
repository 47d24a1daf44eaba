"""Proving on the whole base that imports are what they claim; `cvq check` says the rest."""

from __future__ import annotations

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.imports.tables import FamilyState, ImportFamily, ImportPerson, OpeningBalance, OpeningSignOff
from cvq_core.ledger.tables import LedgerTransaction, Posting, Wallet
from cvq_core.ledger.verify import sentences
from cvq_core.people.tables import FamilyAccount, Person


async def verify_imports(db: AsyncSession) -> list[str]:
    """Return what is wrong with imports, one English sentence each; empty when everything holds.

    Every opening balance that was signed off stands in a wallet, in its amount, and no other does; every family that
    was taken over has its account and its people; what was signed off is the sum of the balances.
    """
    signed = and_(
        OpeningSignOff.batch_id == OpeningBalance.batch_id, OpeningSignOff.service_code == OpeningBalance.service_code
    )
    in_wallets = (
        select(Posting.transaction_id, func.sum(Posting.amount_cents).label("cents"))
        .join(Wallet, Wallet.id == Posting.account_id)
        .group_by(Posting.transaction_id)
        .subquery("in_wallets")
    )
    total = func.sum(OpeningBalance.amount_cents)
    return [
        *await sentences(
            db,
            "opening balance {} was signed off, and its wallet has {} of {} cents",
            select(OpeningBalance.id, func.coalesce(in_wallets.c.cents, 0), OpeningBalance.amount_cents)
            .join(OpeningSignOff, signed)
            .outerjoin(in_wallets, in_wallets.c.transaction_id == OpeningBalance.id)
            .where(func.coalesce(in_wallets.c.cents, 0) != OpeningBalance.amount_cents),
        ),
        *await sentences(
            db,
            "opening balance {} is in the ledger, and nobody signed it off",
            select(OpeningBalance.id)
            .join(LedgerTransaction, LedgerTransaction.id == OpeningBalance.id)
            .outerjoin(OpeningSignOff, signed)
            .where(OpeningSignOff.id.is_(None)),
        ),
        *await sentences(
            db,
            "sign-off {} says {} cents, its balances add up to {}",
            select(OpeningSignOff.id, OpeningSignOff.credit_cents - OpeningSignOff.debt_cents, total)
            .join(OpeningBalance, signed)
            .group_by(OpeningSignOff.id, OpeningSignOff.credit_cents, OpeningSignOff.debt_cents)
            .having(total != OpeningSignOff.credit_cents - OpeningSignOff.debt_cents),
        ),
        *await sentences(
            db,
            "family {} of an import was taken over, and its account is gone",
            select(ImportFamily.number)
            .outerjoin(FamilyAccount, FamilyAccount.id == ImportFamily.account_id)
            .where(ImportFamily.state == FamilyState.APPLIED, FamilyAccount.id.is_(None)),
        ),
        *await sentences(
            db,
            "a person of family {} of an import was taken over, and is gone",
            select(ImportFamily.number)
            .join(ImportPerson, ImportPerson.family_id == ImportFamily.id)
            .outerjoin(Person, Person.id == ImportPerson.person_id)
            .where(ImportFamily.state == FamilyState.APPLIED, Person.id.is_(None)),
        ),
    ]
