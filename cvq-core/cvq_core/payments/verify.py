"""Proving that every payment online stands in the ledger once, to the cent."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting
from cvq_core.payments.rules import AttemptState, Decision, Trouble
from cvq_core.payments.tables import Cart, PaymentAttempt, PaymentDecision

TROUBLES_MAX = 50


async def verify_payments(db: AsyncSession) -> list[str]:
    """Return what does not hold, nothing when all is well: a French sentence each, naming references alone."""
    return [*await _beside_the_ledger(db), *await _unlisted(db), *await _carts(db), *await _filed(db)]


async def _beside_the_ledger(db: AsyncSession) -> list[str]:
    """A payment debits payments under way by what came, and credits receipts to classify by what waits."""
    sums = (
        select(Posting.transaction_id, LedgerAccount.kind, func.sum(Posting.amount_cents).label("cents"))
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(LedgerAccount.kind.in_((AccountKind.ONLINE_PAYMENTS, AccountKind.TO_CLASSIFY)))
        .group_by(Posting.transaction_id, LedgerAccount.kind)
    )
    under_way = sums.where(LedgerAccount.kind == AccountKind.ONLINE_PAYMENTS).subquery()
    waiting = sums.where(LedgerAccount.kind == AccountKind.TO_CLASSIFY).subquery()
    rows = await db.scalars(
        select(PaymentAttempt.refdet)
        .outerjoin(under_way, under_way.c.transaction_id == PaymentAttempt.id)
        .outerjoin(waiting, waiting.c.transaction_id == PaymentAttempt.id)
        .where(
            or_(
                func.coalesce(PaymentAttempt.received_cents, 0) != -func.coalesce(under_way.c.cents, 0),
                PaymentAttempt.waiting_cents != func.coalesce(waiting.c.cents, 0),
                (PaymentAttempt.transaction_id.is_(None)) & (PaymentAttempt.state == AttemptState.PAID),
            )
        )
        .order_by(PaymentAttempt.refdet)
        .limit(TROUBLES_MAX)
    )
    return [f"paiement {refdet} : le grand livre dit un autre montant" for refdet in rows]


async def _unlisted(db: AsyncSession) -> list[str]:
    """What waits, is unknown, or was asked about too late, is on the list."""
    too_late = and_(
        PaymentAttempt.next_ask_at.is_(None),
        PaymentAttempt.idop.is_not(None),
        PaymentAttempt.transaction_id.is_(None),
        ~PaymentAttempt.known_unpaid,
    )
    rows = await db.scalars(
        select(PaymentAttempt.refdet)
        .where(
            or_(PaymentAttempt.waiting_cents > 0, PaymentAttempt.state == AttemptState.UNKNOWN, too_late),
            PaymentAttempt.trouble.is_(None),
        )
        .limit(TROUBLES_MAX)
    )
    return [f"paiement {refdet} : il attend et n’est pas à rapprocher" for refdet in rows]


async def _filed(db: AsyncSession) -> list[str]:
    """What waited of a payment that was filed no longer waits in the ledger."""
    classified = select(LedgerTransaction.id).where(LedgerTransaction.id == PaymentDecision.id).exists()
    rows = await db.scalars(
        select(PaymentAttempt.refdet)
        .join(
            PaymentDecision,
            (PaymentDecision.attempt_id == PaymentAttempt.id) & (PaymentDecision.trouble == PaymentAttempt.trouble),
        )
        .where(PaymentDecision.decision == Decision.FILED, PaymentAttempt.waiting_cents > 0, ~classified)
        .limit(TROUBLES_MAX)
    )
    return [f"paiement {refdet} : il est classé et attend encore au grand livre" for refdet in rows]


async def _carts(db: AsyncSession) -> list[str]:
    """What settled a cart is a payment of that cart that had a place."""
    rows = await db.scalars(
        select(Cart.token)
        .outerjoin(PaymentAttempt, PaymentAttempt.id == Cart.settled_by)
        .where(
            Cart.settled_by.is_not(None),
            or_(
                PaymentAttempt.transaction_id.is_(None),
                PaymentAttempt.cart_id != Cart.id,
                PaymentAttempt.trouble.in_((Trouble.OTHER_AMOUNT, Trouble.PAID_TWICE)),
            ),
        )
        .limit(TROUBLES_MAX)
    )
    return [f"panier {token} : son paiement n’en est pas un" for token in rows]
