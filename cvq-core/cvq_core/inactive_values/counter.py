"""Values that leave by the counter: sold with a receipt, taken back with its void, made into a citizen's card.

Locks are taken in this order, everywhere: what the counter locks (`offices.service`), then the kind of value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.store import add_card
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.inactive_values.rules import (
    Holder,
    SaleNotUndoable,
    Span,
    UnknownValue,
    Whereabouts,
    next_span,
    quantity,
)
from cvq_core.inactive_values.service import Step, locked_kind, move, source_of, span_of, target_of
from cvq_core.inactive_values.store import kind_by_id, spans_with, undone_by
from cvq_core.inactive_values.tables import ValueKind, ValueMovement
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.store import reverse
from cvq_core.offices.rules import NO_DETAILS, Means, MeansDetails, Officer
from cvq_core.offices.service import collect, void
from cvq_core.offices.store import appointment_of, drawer_by_id
from cvq_core.offices.tables import Receipt, SubOffice
from cvq_core.payables.rules import Payable, PayableKind


@dataclass(frozen=True, slots=True)
class Payment:
    """How somebody pays for values at the counter."""

    means: Means
    tendered_cents: int
    details: MeansDetails = NO_DETAILS


@dataclass(frozen=True, slots=True)
class Sale:
    """Values that were sold, with their receipt."""

    movement: ValueMovement
    receipt: Receipt


async def sell(
    db: AsyncSession,
    *,
    key: UUID,
    kind_id: UUID,
    number: int,
    family_account_id: UUID,
    drawer_id: UUID,
    payment: Payment,
    officer: Officer,
    now: datetime,
) -> Sale:
    """Sell so many of a kind to a family at an open drawer; `key` becomes the receipt's, and asked again gives it.

    The lowest numbers in a row go: those that were handed to whoever sells, or else the place's. They are invoiced and
    collected by the counter in the same transaction, so its act, its means and its ceilings hold.

    Raises:
        UnknownValue, NotEnoughInStock, and everything of `offices.service.collect`.
        IdempotencyMismatch: this key came before with another content.
    """
    first = await db.scalar(select(ValueMovement).where(ValueMovement.receipt_id == key))
    kind = await kind_by_id(db, kind_id)
    if first is not None and (first.kind_id, span_of(first).quantity, first.moved_by) != (
        kind_id,
        number,
        officer.staff_id,
    ):
        raise IdempotencyMismatch
    place = await db.get_one(SubOffice, (await drawer_by_id(db, drawer_id)).sub_office_id)
    if kind.service_code is None or kind.office_id != place.office_id:
        raise UnknownValue
    invoice_id, cents = uuid5(key, "invoice"), number * kind.face_cents
    await issue_invoice(
        db,
        invoice_id,
        family_account_id=family_account_id,
        label=kind.label,
        lines=[Line(kind.service_code, kind.label, number, kind.face_cents)],
        due_on=local_day(now),
        now=now,
        actor_kind="staff",
        actor_id=officer.staff_id,
    )
    receipt = await collect(
        db,
        key=key,
        drawer_id=drawer_id,
        payables=[Payable(PayableKind.INVOICE, invoice_id, cents)],
        means=payment.means,
        tendered_cents=payment.tendered_cents,
        details=payment.details,
        officer=officer,
        now=now,
    )
    if first is not None:
        return Sale(first, receipt)
    kind = await locked_kind(db, kind_id)
    own = Holder(Whereabouts.PERSON, place.id, officer.staff_id)
    source = own if quantity(await spans_with(db, kind_id, own)) >= number else Holder(Whereabouts.PLACE, place.id)
    span = next_span(await spans_with(db, kind_id, source), number)
    step = Step(uuid5(key, "sold"), span, source, Holder(Whereabouts.SOLD))
    movement = await move(db, kind, step, officer=officer, now=now, receipt_id=receipt.id)
    return Sale(movement, receipt)


async def take_back_sale(
    db: AsyncSession, *, key: UUID, movement_id: UUID, reason: str, officer: Officer, now: datetime
) -> ValueMovement:
    """Take sold values back while the drawer is open: the receipt is voided, its invoice undone, the numbers return.

    Raises:
        SaleNotUndoable, and everything of `offices.service.void`.
        IdempotencyMismatch: this key came before with another content.
    """
    sale = await db.get(ValueMovement, movement_id)
    if sale is None or sale.receipt_id is None:
        raise SaleNotUndoable
    receipt_id = sale.receipt_id
    await void(db, key=key, receipt_id=receipt_id, reason=reason, officer=officer, now=now)
    back = await db.get(ValueMovement, uuid5(key, "back"))
    if back is not None:
        return back
    if await undone_by(db, movement_id) is not None:
        raise SaleNotUndoable
    await reverse(
        db,
        uuid5(receipt_id, "invoice"),
        reversal_id=uuid5(key, "invoice"),
        label="Vente reprise",
        actor_kind="staff",
        actor_id=officer.staff_id,
        now=now,
    )
    kind = await locked_kind(db, sale.kind_id)
    step = Step(uuid5(key, "back"), span_of(sale), target_of(sale), source_of(sale))
    return await move(db, kind, step, officer=officer, now=now, reason=reason.strip()[:200], undoes_id=sale.id)


async def make_card(
    db: AsyncSession,
    *,
    kind_id: UUID,
    place_id: UUID,
    officer: Officer,
    now: datetime,
    **card: Any,
) -> Card:
    """Make a card from the next blank one at a place: the stock loses it in the same transaction.

    `card` is what `cards.store.add_card` takes.

    Raises:
        UnknownValue, NotMandatary, NotEnoughInStock, and everything of `add_card`.
    """
    kind = await _cards_at(db, kind_id, place_id, officer, now)
    known = await db.get(Card, card["card_id"])
    if known is not None:
        return known
    span, source = await _next_blank(db, kind_id, place_id, officer)
    made = await add_card(db, now=now, **card)
    step = Step(uuid5(made.id, "blank"), span, source, Holder(Whereabouts.ISSUED))
    await move(db, kind, step, officer=officer, now=now, card_id=made.id)
    return made


async def spoil_blank(
    db: AsyncSession, *, key: UUID, kind_id: UUID, place_id: UUID, reason: str, officer: Officer, now: datetime
) -> ValueMovement:
    """Take the next blank card at a place out of its stock: it was spoiled, and waits to be destroyed.

    `key` asked again gives the first answer.

    Raises:
        UnknownValue, NotMandatary, NotEnoughInStock.
    """
    kind = await _cards_at(db, kind_id, place_id, officer, now)
    known = await db.get(ValueMovement, key)
    if known is not None:
        return known
    span, source = await _next_blank(db, kind_id, place_id, officer)
    step = Step(key, span, source, Holder(Whereabouts.SPOILED, place_id))
    return await move(db, kind, step, officer=officer, now=now, reason=reason.strip()[:200])


async def _cards_at(db: AsyncSession, kind_id: UUID, place_id: UUID, officer: Officer, now: datetime) -> ValueKind:
    """Return a kind of blank cards, locked, for somebody who is appointed at the place."""
    await appointment_of(db, officer.staff_id, place_id, local_day(now))
    kind = await locked_kind(db, kind_id)
    if not kind.is_card:
        raise UnknownValue
    return kind


async def _next_blank(db: AsyncSession, kind_id: UUID, place_id: UUID, officer: Officer) -> tuple[Span, Holder]:
    """Return the next blank card and who has it: whoever makes cards, or else their place."""
    own = Holder(Whereabouts.PERSON, place_id, officer.staff_id)
    source = own if await spans_with(db, kind_id, own) else Holder(Whereabouts.PLACE, place_id)
    return next_span(await spans_with(db, kind_id, source), 1), source
