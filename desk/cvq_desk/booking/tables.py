"""Tables of town halls, organisations, reasons and appointments."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.database import Base

HOLDS_ITS_SLOT = text("walk_in = false AND status IN ('expected', 'arrived', 'seated', 'served')")
STILL_OPEN = text("settled_at IS NULL")


class TownHall(Base):
    """A town hall where a booth stands. `name` is what people call it: "mairie du Tallud"."""

    __tablename__ = "town_hall"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(Text, default="")
    phone: Mapped[str] = mapped_column(String(30), default="")
    commune_insee: Mapped[str] = mapped_column(String(5))


class OpeningHours(Base):
    """One span of opening on a weekday (0 is Monday), on the clocks of the place."""

    __tablename__ = "opening_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens_at < closes_at", name="span"),
        UniqueConstraint("town_hall_id", "weekday", "opens_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    town_hall_id: Mapped[UUID] = mapped_column(ForeignKey("town_hall.id"))
    weekday: Mapped[int]
    opens_at: Mapped[time]
    closes_at: Mapped[time]


class Closure(Base):
    """A day on which the town hall stays closed, besides public holidays."""

    __tablename__ = "closure"
    __table_args__ = (UniqueConstraint("town_hall_id", "day"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    town_hall_id: Mapped[UUID] = mapped_column(ForeignKey("town_hall.id"))
    day: Mapped[date]
    why: Mapped[str] = mapped_column(String(120), default="")


class Booth(Base):
    """A booth in a town hall: one place, one resident at a time."""

    __tablename__ = "booth"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    town_hall_id: Mapped[UUID] = mapped_column(ForeignKey("town_hall.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))


class Organisation(Base):
    """An organisation whose advisors serve booths.

    `name` holds its words in full ("Mutualité sociale agricole"), `short_name` what people say ("MSA").
    `is_community` marks the community of communes, whose own advisors act on CVQ accounts.
    """

    __tablename__ = "organisation"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    short_name: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(Text, default="")
    phone: Mapped[str] = mapped_column(String(30), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    is_community: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)


class Reason(Base):
    """What one can come for: how long it takes, what to bring, which forms belong to it, what helps the advisor."""

    __tablename__ = "reason"
    __table_args__ = (UniqueConstraint("organisation_id", "code"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    code: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(120))
    minutes: Mapped[int] = mapped_column(default=30)
    bring: Mapped[list[str]]
    forms: Mapped[list[str]]
    help_text: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(default=0)


class Appointment(Base):
    """Somebody expected at a booth, to see an organisation.

    `person_id` is empty for somebody without a CVQ account, who is written down by name. `reason_id` is empty when
    the reason is for the advisor alone to hear. `walk_in` means now, without a slot. `vouched_by` is the secretary who
    knows the person or saw their paper.
    """

    __tablename__ = "appointment"
    __table_args__ = (
        Index("ix_appointment_booth_day", "booth_id", "starts_at"),
        Index("ix_appointment_organisation_day", "organisation_id", "starts_at"),
        # Two bookings of one slot are kept apart by the lock on the booth; this is the wall behind it.
        Index(
            "uq_appointment_slot",
            "booth_id",
            "starts_at",
            unique=True,
            sqlite_where=HOLDS_ITS_SLOT,
            postgresql_where=HOLDS_ITS_SLOT,
        ),
        CheckConstraint("minutes BETWEEN 5 AND 240", name="minutes"),
        CheckConstraint("resident_name <> ''", name="name"),
        CheckConstraint("(vouched_by IS NULL) = (vouched_at IS NULL)", name="vouched"),
        CheckConstraint("status IN ('expected', 'arrived', 'seated', 'served', 'absent', 'cancelled')", name="status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    booth_id: Mapped[UUID] = mapped_column(ForeignKey("booth.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    reason_id: Mapped[UUID | None] = mapped_column(ForeignKey("reason.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    resident_name: Mapped[str] = mapped_column(String(160))
    resident_birth_date: Mapped[date | None]
    starts_at: Mapped[datetime]
    minutes: Mapped[int]
    walk_in: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(20))
    booked_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    booked_at: Mapped[datetime]
    arrived_at: Mapped[datetime | None]
    seated_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    vouched_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    vouched_at: Mapped[datetime | None]


class Alert(Base):
    """Something that the secretary must hear of: help wanted, paper out, a card forgotten, faintness, closing time."""

    __tablename__ = "alert"
    __table_args__ = (
        Index("ix_alert_open", "town_hall_id", "settled_at"),
        # The same trouble, told again while it stands, is one alert.
        Index(
            "uq_alert_standing",
            "booth_id",
            "kind",
            unique=True,
            sqlite_where=STILL_OPEN,
            postgresql_where=STILL_OPEN,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    town_hall_id: Mapped[UUID] = mapped_column(ForeignKey("town_hall.id"))
    booth_id: Mapped[UUID] = mapped_column(ForeignKey("booth.id"))
    visit_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(String(30))
    raised_at: Mapped[datetime] = mapped_column(index=True)
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    detail: Mapped[dict[str, Any]]
