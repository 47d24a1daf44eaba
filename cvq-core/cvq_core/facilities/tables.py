"""Tables of facilities, how they are reserved, when they are closed, and reservations."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.facilities.rules import ReservationState
from cvq_core.facilities.terms import BookerKind
from cvq_core.services.rules import ServiceCode


class Facility(Base):
    """What people reserve: a court, a hall, a lane. `feed_token` is the unguessable part of its calendar's link."""

    __tablename__ = "facility"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    label: Mapped[str] = mapped_column(String(120))
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"), index=True)
    site: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(200), default="")
    feed_token: Mapped[str] = mapped_column(String(43), unique=True)
    made_at: Mapped[datetime]


class FacilityPoint(Base):
    """A door that a reservation opens."""

    __tablename__ = "facility_point"

    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"), primary_key=True)
    point_id: Mapped[UUID] = mapped_column(ForeignKey("access_point.id"), primary_key=True, index=True)


class FacilityTerms(Base):
    """How a facility is reserved from a day on (`cvq_core.facilities.terms`); of one day, the last recorded stands."""

    __tablename__ = "facility_terms"
    __table_args__ = (Index("ix_facility_terms_facility", "facility_id", "valid_from"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    valid_from: Mapped[date]
    terms: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]


class FacilityClosure(Base):
    """That a facility is closed from an instant to another (excluded), and why; `lifted_at`: no longer."""

    __tablename__ = "facility_closure"
    __table_args__ = (
        Index("ix_facility_closure_facility", "facility_id", "ends_at"),
        CheckConstraint("ends_at > starts_at", name="period"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]
    made_by: Mapped[UUID | None]
    lifted_at: Mapped[datetime | None]


class Reservation(Base):
    """A time at a facility that somebody waits for, is offered, has, or had.

    `account_id` pays; `terms_id` and `booker_kind` are the rule under which it was made, by which it is cancelled too.
    `deposit_kept_cents` is NULL until the deposit is settled. `why` keeps the reasons of the price
    (`cvq_core.tariffs.kept`). `invoice_id` where the service is billed.
    """

    __tablename__ = "reservation"
    __table_args__ = (
        Index("ix_reservation_facility", "facility_id", "ends_at"),
        Index("ix_reservation_account", "account_id", "ends_at"),
        Index("ix_reservation_person", "person_id", "ends_at"),
        CheckConstraint("ends_at > starts_at", name="period"),
        CheckConstraint("price_cents >= 0 AND refunded_cents BETWEEN 0 AND price_cents", name="price"),
        CheckConstraint("deposit_cents >= 0", name="deposit"),
        CheckConstraint("deposit_kept_cents BETWEEN 0 AND deposit_cents", name="kept"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("family_account.id"))
    state: Mapped[ReservationState]
    terms_id: Mapped[UUID] = mapped_column(ForeignKey("facility_terms.id"))
    booker_kind: Mapped[BookerKind]
    asked_at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]
    visit_id: Mapped[UUID | None]
    offer_until: Mapped[datetime | None]
    price_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    deposit_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    refunded_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    deposit_kept_cents: Mapped[int | None] = mapped_column(BigInteger)
    deposit_reason: Mapped[str] = mapped_column(String(200), default="")
    # The type is named: through two foreign keys it is not found.
    invoice_id: Mapped[UUID | None] = mapped_column(Uuid(), ForeignKey("invoice.id"))
    why: Mapped[str | None] = mapped_column(String(300))
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str] = mapped_column(String(200), default="")


class ReservationGrain(Base):
    """Five minutes of a facility (`rules.grains`) and the reservation that holds them: the key lets one in."""

    __tablename__ = "reservation_grain"

    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"), primary_key=True)
    grain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reservation_id: Mapped[UUID] = mapped_column(ForeignKey("reservation.id"), index=True)


class ReservationRight(Base):
    """A right to pass that a reservation gave; where it is kept, one that never began may be gone."""

    __tablename__ = "reservation_right"

    right_id: Mapped[UUID] = mapped_column(primary_key=True)
    reservation_id: Mapped[UUID] = mapped_column(ForeignKey("reservation.id"), index=True)
    point_id: Mapped[UUID] = mapped_column(ForeignKey("access_point.id"))


append_only(FacilityTerms.__table__)
