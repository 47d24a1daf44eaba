"""Tables of access points, rights, taps and attendances."""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.access.facts import (
    EVERY_DAY,
    Assurance,
    AttendanceStatus,
    Manner,
    PointKind,
    PointMode,
    Reason,
    RightKind,
)
from cvq_core.access.words import DISPLAY_CHARACTERS
from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.services.rules import ServiceCode


class AccessPoint(Base):
    """A door, turnstile, gate or tablet. Its reader is the `Device` whose subject is this point.

    `price_code` names what one passage costs among the items of the service's tariff; without it, nothing is charged
    here.
    """

    __tablename__ = "access_point"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    label: Mapped[str] = mapped_column(String(120))
    site: Mapped[str] = mapped_column(String(120), index=True)
    kind: Mapped[PointKind]
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"), index=True)
    price_code: Mapped[str | None] = mapped_column(String(40))
    # A bare card number is copied in seconds: whoever sets up a point says what it accepts, there is no default.
    assurance: Mapped[Assurance]
    mode: Mapped[PointMode] = mapped_column(default=PointMode.NORMAL)
    shows_balance: Mapped[bool] = mapped_column(default=False)


class Entitlement(Base):
    """Why a person, or everybody of a household, may use a service, from an instant to another (excluded).

    `point_id` narrows it to one access point. `weekdays` has a bit a day, Monday lowest; the hours are local ones.
    `payer_account_id` is whose wallet pays for an enrolment.
    """

    __tablename__ = "entitlement"
    __table_args__ = (
        CheckConstraint("(person_id IS NULL) <> (account_id IS NULL)", name="holder"),
        CheckConstraint("valid_until IS NULL OR valid_until > valid_from", name="period"),
        CheckConstraint("entries_left IS NULL OR entries_left >= 0", name="entries_left"),
        CheckConstraint("weekdays BETWEEN 1 AND 127", name="weekdays"),
        Index("ix_entitlement_person", "person_id", "service_code"),
        Index("ix_entitlement_account", "account_id", "service_code"),
        Index("ix_entitlement_point", "point_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[RightKind]
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    point_id: Mapped[UUID | None] = mapped_column(ForeignKey("access_point.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("family_account.id"))
    payer_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("family_account.id"))
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    entries_left: Mapped[int | None]
    weekdays: Mapped[int] = mapped_column(SmallInteger, default=EVERY_DAY)
    opens_at: Mapped[time | None]
    closes_at: Mapped[time | None]


class Tap(Base):
    """One presentation of a card, or one tick in a list, with the answer that it got. Its id is the reader's.

    The row is written once and holds the answer word for word, so that the same id gets it again; `fingerprint` tells
    a repeated request from another one under the same id. An unknown card leaves no number behind. Where and when
    somebody passed is kept here alone, and goes after its retention: nothing else refers to this table.
    """

    __tablename__ = "tap"
    __table_args__ = (
        CheckConstraint("amount_cents >= 0", name="amount"),
        Index("ix_tap_point", "point_id", "tapped_at"),
        Index("ix_tap_person", "person_id", "tapped_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reader_id: Mapped[UUID | None]
    point_id: Mapped[UUID] = mapped_column(ForeignKey("access_point.id"))
    card_id: Mapped[UUID | None]
    person_id: Mapped[UUID | None]
    manner: Mapped[Manner]
    assurance: Mapped[Assurance]
    tapped_at: Mapped[datetime]
    received_at: Mapped[datetime]
    offline: Mapped[bool]
    allowed: Mapped[bool]
    reason: Mapped[Reason]
    display_short: Mapped[str] = mapped_column(String(DISPLAY_CHARACTERS))
    display_long: Mapped[str] = mapped_column(String(300))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    balance_cents: Mapped[int | None] = mapped_column(BigInteger)
    entries_left: Mapped[int | None]
    entitlement_id: Mapped[UUID | None]
    transaction_id: Mapped[UUID | None]
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(16))
    why: Mapped[str | None] = mapped_column(String(300))


class Attendance(Base):
    """That a person was at a service on a day, or was expected and was not. One row a person, service and day.

    `owed_cents` is what was not covered when it was noted; `amount_cents` what was charged. `tap_id` names the tap or
    tick that made it, and stays when that tap's own retention is over. `why` keeps the reasons of the price
    (`cvq_core.tariffs.kept`), for the bill that is made from it.
    """

    __tablename__ = "attendance"
    __table_args__ = (
        CheckConstraint("amount_cents >= 0", name="amount"),
        CheckConstraint("owed_cents BETWEEN 0 AND amount_cents", name="owed"),
        Index("ix_attendance_point", "point_id", "day"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    point_id: Mapped[UUID] = mapped_column(ForeignKey("access_point.id"))
    status: Mapped[AttendanceStatus]
    manner: Mapped[Manner]
    noted_at: Mapped[datetime]
    tap_id: Mapped[UUID | None]
    amount_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    owed_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    transaction_id: Mapped[UUID | None]
    why: Mapped[str | None] = mapped_column(String(300))


class UnclaimedCharge(Base):
    """What a child was served on a day that is no account's, until the service's manager says who bears it.

    `id` is that of the transaction that will charge it: it is settled once the ledger has it. `amount_cents` is the
    price that was told; each account bears its own price of the item `price_code` on that day.
    """

    __tablename__ = "unclaimed_charge"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        Index("ix_unclaimed_charge_service", "service_code", "day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    day: Mapped[date]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    because: Mapped[str] = mapped_column(String(300))
    price_code: Mapped[str | None] = mapped_column(String(40))


append_only(UnclaimedCharge.__table__)
