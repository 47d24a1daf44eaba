"""Attempts to pay a cart and their credit, in the caller's transaction.

Locks are taken in this order, everywhere: the cart, then what `cvq_core.ledger.store.post` locks. Whatever changes an
attempt holds its cart, so two notices of one payment, and two payments of one cart, come one after the other.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.ids import new_id
from cvq_core.ledger.rules import AccountKind, MoreThanDue, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post
from cvq_core.ledger.tables import LedgerAccount
from cvq_core.offices.store import sub_office_by_id
from cvq_core.offices.tables import SubOffice
from cvq_core.once import insert_once
from cvq_core.payables.rules import Payable
from cvq_core.payables.store import payable_lines
from cvq_core.payments.carts import check_act, dues_of, locked_cart, place_and_office_of, standing_of, tell
from cvq_core.payments.rules import (
    CART_LIFE,
    AttemptState,
    CartExpired,
    CartPaid,
    CartState,
    Notice,
    PaymentBeingChecked,
    Said,
    Share,
    Trouble,
    UnknownAttempt,
    after,
    after_time,
    allocate,
    ask_again_in,
    check_amount,
    refdet_of,
    settles,
    still_doubtful,
)
from cvq_core.payments.tables import Cart, PaymentAnswer, PaymentAttempt

ATTEMPTS_MAX = 50
_TRIES_MAX = 5
_LEASE = timedelta(seconds=30)


async def begin(db: AsyncSession, cart_id: UUID, attempt_id: UUID, *, now: datetime) -> PaymentAttempt:
    """Begin an attempt to pay what is due of a cart, or return the one whose page at PayFiP still takes money.

    Raises:
        UnknownCart, CartPaid, CartExpired, AmountNotOnline, NotCollectedOnline
        PaymentBeingChecked: nobody knows yet whether an earlier attempt was paid, or it has been tried too often.
    """
    cart = await locked_cart(db, cart_id)
    standing = await standing_of(db, cart, now)
    if standing.state is CartState.PAID:
        raise CartPaid
    if standing.state is CartState.SENT:
        return next(each for each in reversed(standing.attempts) if each.state is AttemptState.SENT)
    if standing.state is CartState.UNKNOWN or len(standing.attempts) >= ATTEMPTS_MAX:
        raise PaymentBeingChecked
    if now >= cart.expires_at:
        raise CartExpired
    check_amount(standing.due_cents)
    place, _ = await sub_office_by_id(db, cart.sub_office_id, local_day(now))
    lines = {line.account_id: line for line in standing.lines}
    words = await payable_lines(
        db, [Payable(lines[each.account_id].kind, each.account_id, each.amount_cents) for each in standing.shares]
    )
    await check_act(db, place, words, now)
    attempt = PaymentAttempt(
        id=attempt_id,
        cart_id=cart_id,
        refdet=refdet_of(attempt_id),
        idop=None,
        amount_cents=standing.due_cents,
        shares=[[str(each.account_id), each.amount_cents, each.is_due] for each in standing.shares],
        state=AttemptState.OPEN,
        asked_at=now,
        next_ask_at=now + (ask_again_in(AttemptState.OPEN, now - now) or CART_LIFE),
        known_unpaid=False,
        waiting_cents=0,
        bank_number="",
    )
    db.add(attempt)
    await db.flush()
    return attempt


async def identified(db: AsyncSession, attempt_id: UUID, idop: str) -> PaymentAttempt:
    """Note the identifier that PayFiP gave."""
    cart, attempt = await locked_attempt(db, attempt_id)
    attempt.idop = idop
    attempt.state = after(attempt.state, Said.NOT_YET)
    await db.flush()
    tell(db, cart)
    return attempt


async def any_due(db: AsyncSession, now: datetime) -> bool:
    """Whether PayFiP is to be asked about some attempt now."""
    due = select(PaymentAttempt.id).where(PaymentAttempt.next_ask_at <= now).limit(1)
    return await db.scalar(due) is not None


async def take_due(db: AsyncSession, now: datetime, limit: int) -> list[tuple[UUID, str | None]]:
    """Return attempts about which PayFiP is to be asked now, with their identifiers; others do not see them soon."""
    rows = (
        await db.scalars(
            select(PaymentAttempt)
            .where(PaymentAttempt.next_ask_at <= now)
            .order_by(PaymentAttempt.next_ask_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    ).all()
    for attempt in rows:
        # Rounded up: an answer that is late must not make two processes ask in turns.
        attempt.next_ask_at = now + max(_wait(attempt, now), _LEASE)
    return [(attempt.id, attempt.idop) for attempt in rows]


async def ask_soon(db: AsyncSession, idop: str, now: datetime) -> bool:
    """Have PayFiP asked about an operation now; return False when no attempt has this identifier."""
    found = await db.scalar(
        update(PaymentAttempt)
        .where(PaymentAttempt.idop == idop)
        .values(next_ask_at=now)
        .returning(PaymentAttempt.id)
        .execution_options(synchronize_session=False)
    )
    return found is not None


async def attempt_by_refdet(db: AsyncSession, refdet: str) -> PaymentAttempt | None:
    """Return the attempt that a reference belongs to."""
    attempt: PaymentAttempt | None = await db.scalar(select(PaymentAttempt).where(PaymentAttempt.refdet == refdet))
    return attempt


async def locked_attempt(db: AsyncSession, attempt_id: UUID) -> tuple[Cart, PaymentAttempt]:
    """Return an attempt and its cart, held to the end of the transaction.

    Raises:
        UnknownAttempt: there is none.
    """
    cart_id = await db.scalar(select(PaymentAttempt.cart_id).where(PaymentAttempt.id == attempt_id))
    if cart_id is None:
        raise UnknownAttempt
    cart = await locked_cart(db, cart_id)
    attempt = await db.get(PaymentAttempt, attempt_id, populate_existing=True)
    assert attempt is not None, "it was there"
    return cart, attempt


async def hear(db: AsyncSession, attempt_id: UUID, notice: Notice | None, *, now: datetime) -> bool:
    """Take an answer of PayFiP's (None: there was none), credit what is paid, once, and return whether it just was.

    Raises:
        UnknownAttempt: there is none.
    """
    cart, attempt = await locked_attempt(db, attempt_id)
    before = (attempt.state, attempt.trouble)
    was_credited = attempt.transaction_id is not None
    if notice is not None:
        told = after(attempt.state, notice.said)
        paid_again = was_credited and notice.said is Said.PAID and notice.amount_cents != attempt.received_cents
        if told is not attempt.state or paid_again:
            _note(db, attempt, notice, now)
        attempt.state = told
        attempt.known_unpaid = attempt.known_unpaid or settles(notice.said, now - attempt.asked_at)
        if notice.said is Said.PAID and not was_credited:
            assert notice.amount_cents is not None, "what is paid has an amount"
            await _credit(db, cart, attempt, notice, now)
        elif paid_again and attempt.trouble is None:
            attempt.trouble = Trouble.CONTRADICTED
    attempt.state = after_time(attempt.state, attempt.asked_at, now)
    wait = ask_again_in(attempt.state, now - attempt.asked_at)
    # Without an identifier nobody could pay.
    may_be_paid = wait is None and attempt.idop is not None and not attempt.known_unpaid
    if attempt.state is not AttemptState.PAID:
        attempt.trouble = still_doubtful(attempt.trouble, attempt.state, may_be_paid=may_be_paid)
    attempt.next_ask_at = now + wait if wait is not None else None
    await db.flush()
    if (attempt.state, attempt.trouble) != before:
        tell(db, cart)
    return attempt.transaction_id is not None and not was_credited


async def credit_by_bank(
    db: AsyncSession, cart: Cart, attempt: PaymentAttempt, notice: Notice, *, now: datetime
) -> None:
    """Credit an attempt that the bank says was paid, though PayFiP never said so to us. Both are locked."""
    attempt.state = AttemptState.PAID
    attempt.trouble = None
    attempt.next_ask_at = None
    await _credit(db, cart, attempt, notice, now)
    await db.flush()
    tell(db, cart)


async def online_accounts(db: AsyncSession, place: SubOffice, now: datetime) -> dict[AccountKind, UUID]:
    """Return a place's accounts of online payments under way, of money to classify, and of what was then decided to go
    to the comptable as it is, opened where there were none.
    """
    labels = {
        AccountKind.ONLINE_PAYMENTS: "Paiements en ligne en cours",
        AccountKind.TO_CLASSIFY: "Recettes à classer",
        AccountKind.CLASSIFIED: "Recettes classées",
    }
    codes = {f"{kind}:{place.code}": kind for kind in labels}
    wanted = select(LedgerAccount.code, LedgerAccount.id).where(LedgerAccount.code.in_(codes))
    found = {codes[row.code]: row.id for row in await db.execute(wanted)}
    if len(found) < len(codes):
        for code, kind in codes.items():
            label = f"{labels[kind]}, {place.label}"[:160]
            row = {"id": new_id(), "code": code, "kind": kind, "label": label, "opened_at": now}
            await insert_once(db, LedgerAccount.__table__, row)
        found = {codes[row.code]: row.id for row in await db.execute(wanted)}
    return found


async def _credit(db: AsyncSession, cart: Cart, attempt: PaymentAttempt, notice: Notice, now: datetime) -> None:
    """Write a payment into the ledger: one transaction for the whole cart, under the attempt's own id."""
    received = notice.amount_cents
    assert received is not None, "what is paid has an amount"
    place, _ = await place_and_office_of(db, cart.sub_office_id)
    accounts = await online_accounts(db, place, now)
    shares = [Share(UUID(str(account)), int(cents), bool(is_due)) for account, cents, is_due in attempt.shares]
    settled = cart.settled_by is not None
    for tries in range(1, _TRIES_MAX + 1):
        found = allocate(shares, await dues_of(db, [each.account_id for each in shares]), received, settled=settled)
        credited = [NewPosting(account_id, cents) for account_id, cents in found.credits]
        if found.waiting_cents:
            credited.append(NewPosting(accounts[AccountKind.TO_CLASSIFY], found.waiting_cents))
        transaction = NewTransaction(
            id=attempt.id,
            kind=TransactionKind.PAYMENT if any(share.is_due for share in shares) else TransactionKind.TOP_UP,
            label=f"Paiement en ligne {attempt.refdet}",
            occurred_at=now,
            postings=(*credited, NewPosting(accounts[AccountKind.ONLINE_PAYMENTS], -received)),
            actor_kind=cart.actor_kind,
            actor_id=cart.actor_id,
            reference=attempt.refdet,
            visit_id=cart.visit_id,
        )
        try:
            await post(db, transaction, now=now)
            break
        except MoreThanDue:
            # Somebody paid an invoice between our look and the ledger's lock: what is due is looked at again.
            if tries == _TRIES_MAX:
                raise
    attempt.transaction_id, attempt.credited_at = attempt.id, now
    attempt.received_cents, attempt.bank_number = received, notice.bank_number
    attempt.waiting_cents, attempt.trouble = found.waiting_cents, found.trouble
    if not settled and found.trouble is not Trouble.OTHER_AMOUNT:
        cart.settled_by = attempt.id


def _note(db: AsyncSession, attempt: PaymentAttempt, notice: Notice, now: datetime) -> None:
    db.add(
        PaymentAnswer(
            id=new_id(),
            attempt_id=attempt.id,
            said=notice.said,
            amount_cents=notice.amount_cents,
            bank_number=notice.bank_number,
            heard_at=now,
        )
    )


def _wait(attempt: PaymentAttempt, now: datetime) -> timedelta:
    return ask_again_in(attempt.state, now - attempt.asked_at) or CART_LIFE
