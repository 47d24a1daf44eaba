"""Moving inactive values: received, handed over, returned, destroyed, counted.

Whoever moves numbers of a kind holds its row, so rivals never take the same ones; the holdings around the moved span
are written anew. A sale and a card that is made lock the counter's rows before (`counter`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.inactive_values.rules import (
    COMPTABLE,
    FACE_CENTS_MAX,
    IN_STOCK,
    BadValue,
    Counted,
    Holder,
    HolderNotAppointed,
    Holding,
    NotValueKeeper,
    Span,
    UnknownValue,
    ValueReasonMissing,
    Whereabouts,
    check_span,
    compare,
    moved,
    quantity,
)
from cvq_core.inactive_values.store import holdings_of, spans_with
from cvq_core.inactive_values.tables import ValueCount, ValueHolding, ValueKind, ValueMovement
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import NotMandatary, Officer
from cvq_core.offices.store import appointment_of
from cvq_core.offices.tables import CashOffice, SubOffice
from cvq_core.services.rules import ServiceCode

SOURCES = IN_STOCK | {Whereabouts.COMPTABLE, Whereabouts.MISSING, Whereabouts.SPOILED}
TARGETS = IN_STOCK | {Whereabouts.RETURNED, Whereabouts.DESTROYED}
"""Between which holders people move numbers; sales, cards and counts move the others by themselves."""


async def create_kind(
    db: AsyncSession,
    kind_id: UUID,
    *,
    office: CashOffice,
    code: str,
    label: str,
    face_cents: int,
    service: ServiceCode | None,
    officer: Officer,
    now: datetime,
) -> ValueKind:
    """Let an office keep a kind of value: sold for a service, or a blank card; the same id again gives the same kind.

    Raises:
        NotValueKeeper, BadValue, IdempotencyMismatch
    """
    await _check_officer(db, office.id, officer, now)
    content = (office.id, code.strip(), label.strip(), face_cents, service)
    known = await db.get(ValueKind, kind_id)
    if known is not None:
        if (known.office_id, known.code, known.label, known.face_cents, known.service_code) != content:
            raise IdempotencyMismatch
        return known
    sound = content[1] and len(content[1]) <= 20 and content[2] and len(content[2]) <= 80
    if not sound or type(face_cents) is not int or not 0 < face_cents <= FACE_CENTS_MAX:
        raise BadValue
    taken = await db.scalar(select(ValueKind.id).where(ValueKind.office_id == office.id, ValueKind.code == content[1]))
    if taken is not None:
        raise BadValue
    kind = ValueKind(
        id=kind_id,
        office_id=office.id,
        code=content[1],
        label=content[2],
        face_cents=face_cents,
        service_code=service,
        is_card=service is None,
        last_movement=0,
    )
    db.add(kind)
    await db.flush()
    return kind


async def receive(
    db: AsyncSession,
    *,
    key: UUID,
    kind_id: UUID,
    span: Span,
    place_id: UUID,
    reason: str,
    officer: Officer,
    now: datetime,
) -> ValueMovement:
    """Take numbers in from the comptable, at a place of the office; `reason` is the slip they came with.

    Raises:
        UnknownValue, NotValueKeeper, BadSpan, NumbersKnown, IdempotencyMismatch
    """
    target = Holder(Whereabouts.PLACE, place_id)
    return await transfer(
        db,
        key=key,
        kind_id=kind_id,
        span=span,
        source=COMPTABLE,
        target=target,
        reason=reason,
        officer=officer,
        now=now,
    )


async def transfer(
    db: AsyncSession,
    *,
    key: UUID,
    kind_id: UUID,
    span: Span,
    source: Holder,
    target: Holder,
    reason: str,
    officer: Officer,
    now: datetime,
) -> ValueMovement:
    """Let numbers go from one holder to another; `key` asked again gives the first answer.

    Between a place and its people whoever keeps the source may do it; what comes from the comptable, goes back, is
    destroyed or was missing and is found again, the officer alone.

    Raises:
        UnknownValue, NotValueKeeper, BadSpan, NumbersKnown, NumbersElsewhere, ValueReasonMissing, IdempotencyMismatch
    """
    check_span(span)
    kind = await locked_kind(db, kind_id)
    plain = reason.strip()[:200]
    first = await db.get(ValueMovement, key)
    if first is not None:
        written_down = (first.kind_id, span_of(first), source_of(first), target_of(first), first.reason, first.moved_by)
        if written_down != (kind_id, span, source, target, plain, officer.staff_id):
            raise IdempotencyMismatch
        return first
    await _check_transfer(db, kind, source, target, officer=officer, now=now)
    if target.where not in IN_STOCK and len(plain) < 3:
        raise ValueReasonMissing(number=span.quantity)
    return await move(db, kind, Step(key, span, source, target), officer=officer, now=now, reason=plain)


async def count_stock(
    db: AsyncSession,
    *,
    key: UUID,
    kind_id: UUID,
    holder: Holder,
    counted: Sequence[Span],
    explanation: str,
    officer: Officer,
    now: datetime,
) -> tuple[ValueCount, Counted]:
    """Write a count of what a place, or somebody there, has of a kind; what is missing goes to the missing ones.

    Numbers that should be elsewhere are written down and stay where the books have them. `key` asked again gives the
    first answer.

    Raises:
        UnknownValue, NotValueKeeper, ValueReasonMissing, IdempotencyMismatch
    """
    kind = await locked_kind(db, kind_id)
    if holder.where not in IN_STOCK or holder.place_id is None:
        raise NotValueKeeper
    plain = explanation.strip()[:200]
    as_sent = [[span.first, span.last] for span in counted]
    first = await db.get(ValueCount, key)
    if first is not None:
        same = (first.kind_id, first.place_id, first.staff_id, first.found["counted"], first.explanation)
        if (*same, first.counted_by) != (kind_id, holder.place_id, holder.staff_id, as_sent, plain, officer.staff_id):
            raise IdempotencyMismatch
        return first, Counted(_spans(first.found["missing"]), _spans(first.found["unexpected"]))
    await _check_holder(db, kind, holder)
    await _check_keeper(db, kind, holder, officer, now)
    found = compare(await spans_with(db, kind_id, holder), counted)
    if found.differs and len(plain) < 3:
        raise ValueReasonMissing(number=quantity(found.missing) + quantity(found.unexpected))
    row = ValueCount(
        id=key,
        kind_id=kind_id,
        place_id=holder.place_id,
        staff_id=holder.staff_id,
        found={
            "counted": as_sent,
            "missing": [[span.first, span.last] for span in found.missing],
            "unexpected": [[span.first, span.last] for span in found.unexpected],
        },
        explanation=plain,
        counted_by=officer.staff_id,
        counted_at=now,
    )
    db.add(row)
    await db.flush()
    missing = Holder(Whereabouts.MISSING, holder.place_id, holder.staff_id)
    for span in found.missing:
        step = Step(uuid5(key, f"{span.first}"), span, holder, missing)
        await move(db, kind, step, officer=officer, now=now, reason=plain)
    return row, found


async def locked_kind(db: AsyncSession, kind_id: UUID) -> ValueKind:
    """Return a kind whose numbers nobody else moves until the transaction ends.

    Raises:
        UnknownValue
    """
    kind: ValueKind | None = await db.scalar(
        select(ValueKind)
        .where(ValueKind.id == kind_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if kind is None:
        raise UnknownValue
    return kind


def span_of(movement: ValueMovement) -> Span:
    """Return the numbers that moved."""
    return Span(movement.first_number, movement.last_number)


def source_of(movement: ValueMovement) -> Holder:
    """Return whom they left."""
    return Holder(movement.from_whereabouts, movement.from_place_id, movement.from_staff_id)


def target_of(movement: ValueMovement) -> Holder:
    """Return to whom they went."""
    return Holder(movement.to_whereabouts, movement.to_place_id, movement.to_staff_id)


@dataclass(frozen=True, slots=True)
class Step:
    """Numbers that go from one holder to another, under an id of their own."""

    key: UUID
    span: Span
    source: Holder
    target: Holder


async def move(
    db: AsyncSession, kind: ValueKind, step: Step, *, officer: Officer, now: datetime, **more: Any
) -> ValueMovement:
    """Write a movement of a locked kind, and the holdings around it anew."""
    near = await holdings_of(db, kind.id, near=step.span)
    after = moved(near, step.span, step.source, step.target)
    gone = [each.span.first for each in near]
    await db.execute(delete(ValueHolding).where(ValueHolding.kind_id == kind.id, ValueHolding.first_number.in_(gone)))
    await db.execute(insert(ValueHolding), [_row(kind.id, holding) for holding in after])
    kind.last_movement += 1
    movement = ValueMovement(
        id=step.key,
        kind_id=kind.id,
        position=kind.last_movement,
        first_number=step.span.first,
        last_number=step.span.last,
        from_whereabouts=step.source.where,
        from_place_id=step.source.place_id,
        from_staff_id=step.source.staff_id,
        to_whereabouts=step.target.where,
        to_place_id=step.target.place_id,
        to_staff_id=step.target.staff_id,
        moved_by=officer.staff_id,
        moved_at=now,
        **more,
    )
    db.add(movement)
    await db.flush()
    return movement


def _row(kind_id: UUID, holding: Holding) -> dict[str, Any]:
    return {
        "kind_id": kind_id,
        "first_number": holding.span.first,
        "last_number": holding.span.last,
        "whereabouts": holding.holder.where,
        "place_id": holding.holder.place_id,
        "staff_id": holding.holder.staff_id,
    }


async def _check_transfer(
    db: AsyncSession, kind: ValueKind, source: Holder, target: Holder, *, officer: Officer, now: datetime
) -> None:
    if source.where not in SOURCES or target.where not in TARGETS or source == target:
        raise NotValueKeeper
    for holder in (source, target):
        await _check_holder(db, kind, holder)
    if target.staff_id is not None and target.place_id is not None:
        await _check_appointed(db, target.staff_id, target.place_id, now)
    if source.where in IN_STOCK and target.where in IN_STOCK and source.place_id == target.place_id:
        await _check_keeper(db, kind, source, officer, now)
    else:
        await _check_officer(db, kind.office_id, officer, now)


async def _check_holder(db: AsyncSession, kind: ValueKind, holder: Holder) -> None:
    """Refuse a place of another office, and a person where there is none or one too many."""
    if holder.where in IN_STOCK:
        place = await db.get(SubOffice, holder.place_id) if holder.place_id else None
        is_person = holder.where is Whereabouts.PERSON
        if place is None or place.office_id != kind.office_id or is_person != (holder.staff_id is not None):
            raise NotValueKeeper


async def _check_appointed(db: AsyncSession, staff_id: UUID, place_id: UUID, now: datetime) -> None:
    try:
        await appointment_of(db, staff_id, place_id, local_day(now))
    except NotMandatary:
        raise HolderNotAppointed from None


async def _check_keeper(db: AsyncSession, kind: ValueKind, holder: Holder, officer: Officer, now: datetime) -> None:
    """Refuse whoever does not keep that stock: the office's officer may always, others what is at their place."""
    if await is_officer(db, kind.office_id, officer.staff_id, local_day(now)):
        return
    if holder.place_id is None or holder.staff_id not in (None, officer.staff_id):
        raise NotValueKeeper
    await appointment_of(db, officer.staff_id, holder.place_id, local_day(now))


async def _check_officer(db: AsyncSession, office_id: UUID, officer: Officer, now: datetime) -> None:
    if not await is_officer(db, office_id, officer.staff_id, local_day(now)):
        raise NotValueKeeper


def _spans(pairs: Sequence[Sequence[int]]) -> tuple[Span, ...]:
    return tuple(Span(first, last) for first, last in pairs)
