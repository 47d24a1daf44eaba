"""Tables of inactive values: kinds, who holds which numbers now, every movement, and counts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.inactive_values.rules import Whereabouts
from cvq_core.services.rules import ServiceCode


class ValueKind(Base):
    """A kind of value that an office keeps, with its face value; sold for `service_code`, or a blank card.

    Its row is locked by whatever moves its numbers, and counts the movements.
    """

    __tablename__ = "value_kind"
    __table_args__ = (
        UniqueConstraint("office_id", "code"),
        CheckConstraint("face_cents > 0", name="face"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"))
    code: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(80))
    face_cents: Mapped[int]
    service_code: Mapped[ServiceCode | None]
    is_card: Mapped[bool]
    last_movement: Mapped[int] = mapped_column(default=0)


class ValueHolding(Base):
    """Numbers that are with one holder now: what the movements add up to. Holdings of a kind never overlap."""

    __tablename__ = "value_holding"
    __table_args__ = (CheckConstraint("first_number > 0 AND first_number <= last_number", name="span"),)

    kind_id: Mapped[UUID] = mapped_column(ForeignKey("value_kind.id"), primary_key=True)
    first_number: Mapped[int] = mapped_column(primary_key=True)
    last_number: Mapped[int]
    whereabouts: Mapped[Whereabouts]
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("sub_office.id"), index=True)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))


class ValueMovement(Base):
    """Numbers that went from one holder to another.

    `receipt_id` is what was given for them, `card_id` what they became, `undoes_id` the sale that is taken back.
    `position` counts the movements of a kind, from 1 and without a gap.
    """

    __tablename__ = "value_movement"
    __table_args__ = (
        UniqueConstraint("kind_id", "position"),
        CheckConstraint("first_number > 0 AND first_number <= last_number", name="span"),
        Index("ix_value_movement_moved_at", "kind_id", "moved_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind_id: Mapped[UUID] = mapped_column(ForeignKey("value_kind.id"))
    position: Mapped[int]
    first_number: Mapped[int]
    last_number: Mapped[int]
    from_whereabouts: Mapped[Whereabouts]
    from_place_id: Mapped[UUID | None] = mapped_column(ForeignKey("sub_office.id"))
    from_staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    to_whereabouts: Mapped[Whereabouts]
    to_place_id: Mapped[UUID | None] = mapped_column(ForeignKey("sub_office.id"))
    to_staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str] = mapped_column(String(200), default="")
    receipt_id: Mapped[UUID | None] = mapped_column(ForeignKey("receipt.id"), unique=True)
    card_id: Mapped[UUID | None] = mapped_column(ForeignKey("card.id"), unique=True)
    undoes_id: Mapped[UUID | None] = mapped_column(ForeignKey("value_movement.id"), unique=True)
    moved_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    moved_at: Mapped[datetime]


class ValueCount(Base):
    """A count of what one holder has of a kind; spans as [first, last]. What was missing went to the missing ones."""

    __tablename__ = "value_count"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind_id: Mapped[UUID] = mapped_column(ForeignKey("value_kind.id"), index=True)
    place_id: Mapped[UUID] = mapped_column(ForeignKey("sub_office.id"))
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    found: Mapped[dict[str, Any]]
    explanation: Mapped[str] = mapped_column(String(200))
    counted_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    counted_at: Mapped[datetime]


append_only(ValueMovement.__table__)
append_only(ValueCount.__table__)
