"""Carts, attempts and their credit, in the caller's transaction.

Locks are taken in this order, everywhere: the cart, then what `cvq_core.ledger.store.post` locks. Whatever changes an
attempt holds its cart, so two notices of one payment, and two payments of one cart, come one after the other.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.ids import new_id
from cvq_core.ledger.rules import (
    AccountKind,
    IdempotencyMismatch,
    MoreThanDue,
    NewPosting,
    NewTransaction,
    TransactionKind,
)
from cvq_core.ledger.store import post
from cvq_core.ledger.tables import LedgerAccount, Receivable
from cvq_core.live import publish
from cvq_core.offices.rules import Means, UnknownSubOffice
from cvq_core.offices.store import act_of, sub_office_by_id
from cvq_core.offices.tables import CashOffice, SubOffice
from cvq_core.once import insert_once
from cvq_core.payables.rules import Payable, PayableKind, PayableLine, check_payables
from cvq_core.payables.store import payable_lines
from cvq_core.payments.rules import (
    CART_LIFE,
    TOKEN_ALPHABET,
    TOKEN_LENGTH,
    AttemptFacts,
    AttemptState,
    CartExpired,
    CartPaid,
    CartState,
    NotCollectedOnline,
    Notice,
    PaymentBeingChecked,
    Said,
    Share,
    Trouble,
    UnknownAttempt,
    UnknownCart,
    after,
    after_time,
    allocate,
    ask_again_in,
    cart_state,
    check_amount,
    outstanding,
    refdet_of,
    settles,
    still_doubtful,
)
from cvq_core.payments.tables import Cart, CartLine, PaymentAnswer, PaymentAttempt
from cvq_core.text import money

ATTEMPTS_MAX = 50
RECONCILIATION_TOPIC = "online_payments"
_TRIES_MAX = 5
_LEASE = timedelta(seconds=30)


async def make_cart(
    db: AsyncSession,
    cart_id: UUID,
    payables: Sequence[Payable],
    *,
    place_code: str,
    email: str,
    acknowledged: bool,
    actor_kind: str,
    actor_id: UUID | None,
    now: datetime,
    visit_id: UUID | None = None,
    topics: Sequence[tuple[str, str]] = (),
) -> Cart:
    """Put wallets and invoices together under a short address; the same id asked again gives the same cart.

    `email` goes to PayFiP, and gets the acknowledgement if `acknowledged`. `topics` (each with the
    kind of its event) are told whatever becomes of it.

    Raises:
        NothingToPay, AmountOutOfBounds, AmountNotOnline, UnknownWallet, UnknownInvoice
        MoreThanDue: more than is due on an invoice.
        NotCollectedOnline: the act of the place does not enumerate a service, or this means.
        IdempotencyMismatch: this id came before with another content.
    """
    check_amount(check_payables(payables))
    first = await db.get(Cart, cart_id)
    if first is not None:
        lines = await lines_of(db, cart_id)
        if [(each.kind, each.account_id, each.amount_cents) for each in lines] != [
            (each.kind, each.id, each.amount_cents) for each in payables
        ] or (first.actor_id, first.visit_id) != (actor_id, visit_id):
            raise IdempotencyMismatch
        return first
    words = await payable_lines(db, payables)
    for line in words:
        if line.due_cents is not None and line.payable.amount_cents > line.due_cents:
            raise MoreThanDue(due=money(line.due_cents), due_cents=line.due_cents)
    place = await place_of(db, place_code)
    await _check_act(db, place, words, now)
    cart = Cart(
        id=cart_id,
        token="".join(secrets.choice(TOKEN_ALPHABET) for _ in range(TOKEN_LENGTH)),
        sub_office_id=place.id,
        email=email,
        acknowledged=acknowledged,
        visit_id=visit_id,
        topics=[list(each) for each in topics],
        actor_kind=actor_kind,
        actor_id=actor_id,
        made_at=now,
        expires_at=now + CART_LIFE,
    )
    db.add(cart)
    await db.flush()
    db.add_all(
        CartLine(
            cart_id=cart_id,
            position=position,
            kind=line.payable.kind,
            account_id=line.payable.id,
            amount_cents=line.payable.amount_cents,
            label=line.label[:160],
        )
        for position, line in enumerate(words)
    )
    await db.flush()
    _tell(db, cart)
    return cart


async def cart_by_token(db: AsyncSession, token: str) -> Cart:
    """Return a cart by its short address.

    Raises:
        UnknownCart: there is none.
    """
    cart = await db.scalar(select(Cart).where(Cart.token == token)) if len(token) == TOKEN_LENGTH else None
    if cart is None:
        raise UnknownCart
    return cart


async def latest_cart_of(db: AsyncSession, visit_id: UUID) -> Cart | None:
    """Return the cart that was made last in a visit."""
    return (
        await db.scalars(select(Cart).where(Cart.visit_id == visit_id).order_by(Cart.made_at.desc(), Cart.id.desc()))
    ).first()


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A payment that arrived, as it is acknowledged: by whom it is collected, their address and phone with it."""

    reference: str
    received_cents: int
    credited_at: datetime
    office: str


async def payments_of_visit(db: AsyncSession, visit_id: UUID) -> list[Acknowledged]:
    """Return what was paid online of a visit's carts, the first first."""
    rows = await db.execute(
        select(PaymentAttempt, CashOffice)
        .join(Cart, Cart.id == PaymentAttempt.cart_id)
        .join(SubOffice, SubOffice.id == Cart.sub_office_id)
        .join(CashOffice, CashOffice.id == SubOffice.office_id)
        .where(Cart.visit_id == visit_id, PaymentAttempt.transaction_id.is_not(None))
        .order_by(PaymentAttempt.credited_at, PaymentAttempt.id)
    )
    found = []
    for attempt, office in rows:
        assert attempt.received_cents is not None, "what is credited was received"
        assert attempt.credited_at is not None, "what is credited has an hour"
        whom = ", ".join(part for part in (office.label, office.address, office.phone) if part)
        found.append(Acknowledged(attempt.refdet, attempt.received_cents, attempt.credited_at, whom))
    return found


async def lines_of(db: AsyncSession, cart_id: UUID) -> list[CartLine]:
    """Return the lines of a cart in their order."""
    return list(await db.scalars(select(CartLine).where(CartLine.cart_id == cart_id).order_by(CartLine.position)))


async def attempts_of(db: AsyncSession, cart_id: UUID) -> list[PaymentAttempt]:
    """Return the attempts to pay a cart in their order, as they stand in the database now."""
    rows = await db.scalars(
        select(PaymentAttempt)
        .where(PaymentAttempt.cart_id == cart_id)
        .order_by(PaymentAttempt.asked_at, PaymentAttempt.id)
        .execution_options(populate_existing=True)
    )
    return list(rows)


@dataclass(frozen=True, slots=True)
class CartStanding:
    """A cart with what remains to be paid of it, in cents, and where it stands."""

    cart: Cart
    lines: tuple[CartLine, ...]
    attempts: tuple[PaymentAttempt, ...]
    shares: tuple[Share, ...]
    state: CartState

    @property
    def due_cents(self) -> int:
        """What is to be paid now."""
        return 0 if self.state is CartState.PAID else sum(share.amount_cents for share in self.shares)


async def standing_of(db: AsyncSession, cart: Cart, now: datetime) -> CartStanding:
    """Return where a cart stands; one whose invoices were all paid elsewhere is paid."""
    lines = await lines_of(db, cart.id)
    attempts = await attempts_of(db, cart.id)
    shares = outstanding(_shares(lines), await _dues(db, [line.account_id for line in lines]))
    facts = [AttemptFacts(each.state, each.asked_at) for each in attempts]
    state = cart_state(facts, cart.expires_at, now, settled=cart.settled_by is not None or not shares)
    return CartStanding(cart, tuple(lines), tuple(attempts), tuple(shares), state)


async def begin(db: AsyncSession, cart_id: UUID, attempt_id: UUID, *, now: datetime) -> PaymentAttempt:
    """Begin an attempt to pay what is due of a cart, or return the one whose page at PayFiP still takes money.

    Raises:
        UnknownCart, CartPaid, CartExpired, AmountNotOnline, NotCollectedOnline
        PaymentBeingChecked: nobody knows yet whether an earlier attempt was paid, or it has been tried too often.
    """
    cart = await _locked(db, cart_id)
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
    await _check_act(db, place, words, now)
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
    _tell(db, cart)
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
    cart = await _locked(db, cart_id)
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
        _tell(db, cart)
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
    _tell(db, cart)


async def place_of(db: AsyncSession, code: str) -> SubOffice:
    """Return the place that collects online.

    Raises:
        UnknownSubOffice: no place has this code.
    """
    place: SubOffice | None = await db.scalar(select(SubOffice).where(SubOffice.code == code))
    if place is None:
        raise UnknownSubOffice
    return place


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
    place, _ = await _office_of(db, cart.sub_office_id)
    accounts = await online_accounts(db, place, now)
    shares = [Share(UUID(str(account)), int(cents), bool(is_due)) for account, cents, is_due in attempt.shares]
    settled = cart.settled_by is not None
    for tries in range(1, _TRIES_MAX + 1):
        found = allocate(shares, await _dues(db, [each.account_id for each in shares]), received, settled=settled)
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


async def _check_act(db: AsyncSession, place: SubOffice, words: Sequence[PayableLine], now: datetime) -> None:
    today = local_day(now)
    place, office = await sub_office_by_id(db, place.id, today)
    act = await act_of(db, place, office, today)
    for line in words:
        if Means.PAYFIP not in act.means or not line.services <= act.services:
            raise NotCollectedOnline(what=line.label)


async def _office_of(db: AsyncSession, sub_office_id: UUID) -> tuple[SubOffice, CashOffice]:
    place = await db.get_one(SubOffice, sub_office_id)
    return place, await db.get_one(CashOffice, place.office_id)


async def office_of(db: AsyncSession, cart: Cart) -> CashOffice:
    """Return the office that collects a cart, also when its place has closed since."""
    return (await _office_of(db, cart.sub_office_id))[1]


async def _locked(db: AsyncSession, cart_id: UUID) -> Cart:
    cart: Cart | None = await db.scalar(
        select(Cart).where(Cart.id == cart_id).with_for_update().execution_options(populate_existing=True)
    )
    if cart is None:
        raise UnknownCart
    return cart


async def _dues(db: AsyncSession, account_ids: Collection[UUID]) -> dict[UUID, int]:
    rows = await db.execute(
        select(Receivable.id, func.abs(Receivable.balance_cents)).where(Receivable.id.in_(account_ids))
    )
    return {account_id: int(cents) for account_id, cents in rows}


def _shares(lines: Sequence[CartLine]) -> list[Share]:
    return [Share(line.account_id, line.amount_cents, line.kind is PayableKind.INVOICE) for line in lines]


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


def _tell(db: AsyncSession, cart: Cart) -> None:
    for topic, kind in (*cart.topics, (RECONCILIATION_TOPIC, "payment")):
        publish(db, topic, kind)
