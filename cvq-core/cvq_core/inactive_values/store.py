"""Reading inactive values: kinds, who holds which numbers, and the stock account."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.inactive_values.rules import (
    IN_STOCK,
    Holder,
    Holding,
    Span,
    UnknownValue,
    Whereabouts,
    quantity,
)
from cvq_core.inactive_values.tables import ValueHolding, ValueKind, ValueMovement
from cvq_core.offices.tables import SubOffice
from cvq_core.staff.tables import Staff

LISTED_MAX = 200


async def kinds_of(db: AsyncSession, office_id: UUID) -> Sequence[ValueKind]:
    """Return the kinds of values that an office keeps, by label."""
    rows = await db.scalars(select(ValueKind).where(ValueKind.office_id == office_id).order_by(ValueKind.label))
    return rows.all()


async def kind_by_id(db: AsyncSession, kind_id: UUID) -> ValueKind:
    """Return one kind.

    Raises:
        UnknownValue: there is none.
    """
    kind = await db.get(ValueKind, kind_id)
    if kind is None:
        raise UnknownValue
    return kind


async def holdings_of(db: AsyncSession, kind_id: UUID, *, near: Span | None = None) -> list[Holding]:
    """Return who holds which numbers of a kind, by number; with `near`, only what overlaps that span or touches it."""
    wanted = [ValueHolding.kind_id == kind_id]
    if near is not None:
        wanted += [ValueHolding.first_number <= near.last + 1, ValueHolding.last_number >= near.first - 1]
    # Columns, not objects: they are written past the session.
    rows = await db.execute(
        select(
            ValueHolding.first_number,
            ValueHolding.last_number,
            ValueHolding.whereabouts,
            ValueHolding.place_id,
            ValueHolding.staff_id,
        )
        .where(*wanted)
        .order_by(ValueHolding.first_number)
    )
    return [Holding(Span(first, last), Holder(where, place, staff)) for first, last, where, place, staff in rows]


async def spans_with(db: AsyncSession, kind_id: UUID, holder: Holder) -> list[Span]:
    """Return the numbers of a kind that one holder has."""
    return [each.span for each in await holdings_of(db, kind_id) if each.holder == holder]


@dataclass(frozen=True, slots=True)
class StockLine:
    """What one holder has of one kind."""

    kind: ValueKind
    holder: Holder
    holder_name: str
    spans: tuple[Span, ...]

    @property
    def quantity(self) -> int:
        """How many numbers."""
        return quantity(self.spans)

    @property
    def cents(self) -> int:
        """What they are worth."""
        return self.quantity * self.kind.face_cents

    @property
    def in_stock(self) -> bool:
        """Whether they are still to be answered for."""
        return self.holder.where in IN_STOCK


async def stock_of(db: AsyncSession, office_id: UUID, *, place_id: UUID | None = None) -> list[StockLine]:
    """Return the stock account of an office, by kind and holder; with `place_id`, of what is in stock at that place."""
    lines = []
    places = {row.id: row.label for row in await db.scalars(select(SubOffice).where(SubOffice.office_id == office_id))}
    names: dict[UUID, str] = {}
    for kind in await kinds_of(db, office_id):
        spans: dict[Holder, list[Span]] = {}
        for holding in await holdings_of(db, kind.id):
            spans.setdefault(holding.holder, []).append(holding.span)
        for holder in sorted(spans, key=_order):
            if place_id is not None and (holder.where not in IN_STOCK or holder.place_id != place_id):
                continue
            if holder.staff_id is not None and holder.staff_id not in names:
                names[holder.staff_id] = (await db.get_one(Staff, holder.staff_id)).display_name
            words = [places.get(holder.place_id, "") if holder.place_id else ""]
            words.append(names.get(holder.staff_id, "") if holder.staff_id else "")
            said = ", ".join(word for word in words if word)
            lines.append(StockLine(kind, holder, said, tuple(spans[holder])))
    return lines


async def movements_of(db: AsyncSession, kind_ids: Collection[UUID], *, limit: int = 20) -> Sequence[ValueMovement]:
    """Return the latest movements of some kinds, the newest first."""
    rows = await db.scalars(
        select(ValueMovement)
        .where(ValueMovement.kind_id.in_(kind_ids))
        .order_by(ValueMovement.moved_at.desc(), ValueMovement.position.desc())
        .limit(min(limit, LISTED_MAX))
    )
    return rows.all()


async def undone_by(db: AsyncSession, movement_id: UUID) -> UUID | None:
    """Return the movement that takes a sale back."""
    found: UUID | None = await db.scalar(select(ValueMovement.id).where(ValueMovement.undoes_id == movement_id))
    return found


def _order(holder: Holder) -> tuple[int, str, str]:
    return list(Whereabouts).index(holder.where), str(holder.place_id), str(holder.staff_id or "")
