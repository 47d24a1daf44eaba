"""Carts, in the caller's transaction: what somebody means to pay at once, under a short address, and how it stands."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.ledger.rules import IdempotencyMismatch, MoreThanDue
from cvq_core.ledger.tables import Receivable
from cvq_core.live import publish
from cvq_core.offices.rules import Means, UnknownSubOffice
from cvq_core.offices.store import act_of, sub_office_by_id
from cvq_core.offices.tables import CashOffice, SubOffice
from cvq_core.payables.rules import Payable, PayableKind, PayableLine, check_payables
from cvq_core.payables.store import payable_lines
from cvq_core.payments.rules import (
    CART_LIFE,
    TOKEN_ALPHABET,
    TOKEN_LENGTH,
    AttemptFacts,
    CartState,
    NotCollectedOnline,
    Share,
    UnknownCart,
    cart_state,
    check_amount,
    outstanding,
)
from cvq_core.payments.tables import Cart, CartLine, PaymentAttempt
from cvq_core.text import money

RECONCILIATION_TOPIC = "online_payments"


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
    await check_act(db, place, words, now)
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
    tell(db, cart)
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
    shares = outstanding(shares_of(lines), await dues_of(db, [line.account_id for line in lines]))
    facts = [AttemptFacts(each.state, each.asked_at) for each in attempts]
    state = cart_state(facts, cart.expires_at, now, settled=cart.settled_by is not None or not shares)
    return CartStanding(cart, tuple(lines), tuple(attempts), tuple(shares), state)


async def place_of(db: AsyncSession, code: str) -> SubOffice:
    """Return the place that collects online.

    Raises:
        UnknownSubOffice: no place has this code.
    """
    place: SubOffice | None = await db.scalar(select(SubOffice).where(SubOffice.code == code))
    if place is None:
        raise UnknownSubOffice
    return place


async def check_act(db: AsyncSession, place: SubOffice, words: Sequence[PayableLine], now: datetime) -> None:
    """Refuse what the act of a place does not let it collect online.

    Raises:
        UnknownSubOffice, NotCollectedOnline
    """
    today = local_day(now)
    place, office = await sub_office_by_id(db, place.id, today)
    act = await act_of(db, place, office, today)
    for line in words:
        if Means.PAYFIP not in act.means or not line.services <= act.services:
            raise NotCollectedOnline(what=line.label)


async def place_and_office_of(db: AsyncSession, sub_office_id: UUID) -> tuple[SubOffice, CashOffice]:
    """Return a place with its office, also when the place has closed since."""
    place = await db.get_one(SubOffice, sub_office_id)
    return place, await db.get_one(CashOffice, place.office_id)


async def office_of(db: AsyncSession, cart: Cart) -> CashOffice:
    """Return the office that collects a cart, also when its place has closed since."""
    return (await place_and_office_of(db, cart.sub_office_id))[1]


async def locked_cart(db: AsyncSession, cart_id: UUID) -> Cart:
    """Return a cart, held to the end of the transaction.

    Raises:
        UnknownCart: there is none.
    """
    cart: Cart | None = await db.scalar(
        select(Cart).where(Cart.id == cart_id).with_for_update().execution_options(populate_existing=True)
    )
    if cart is None:
        raise UnknownCart
    return cart


async def dues_of(db: AsyncSession, account_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return what is due on those of some accounts that are invoices, in cents."""
    rows = await db.execute(
        select(Receivable.id, func.abs(Receivable.balance_cents)).where(Receivable.id.in_(account_ids))
    )
    return {account_id: int(cents) for account_id, cents in rows}


def shares_of(lines: Sequence[CartLine]) -> list[Share]:
    """Return a cart's lines as shares of a payment."""
    return [Share(line.account_id, line.amount_cents, line.kind is PayableKind.INVOICE) for line in lines]


def tell(db: AsyncSession, cart: Cart) -> None:
    """Tell whoever looks at a cart, and at the reconciliation list, that something changed."""
    for topic, kind in (*cart.topics, (RECONCILIATION_TOPIC, "payment")):
        publish(db, topic, kind)
