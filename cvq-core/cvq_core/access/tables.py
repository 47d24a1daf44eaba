"""Tables of access points, rights, taps, conflicts and attendances."""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, String, false, true
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.access.facts import (
    EVERY_DAY,
    Assurance,
    AttendanceStatus,
    Direction,
    Fallback,
    Manner,
    PointEventKind,
    PointKind,
    PointMode,
    Reason,
    RightKind,
)
from cvq_core.access.late_rules import ConflictKind, ConflictOutcome
from cvq_core.access.words import DISPLAY_CHARACTERS
from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.services.rules import ServiceCode


class AccessArea(Base):
    """A place that people enter and leave through some points, with how many are in it.

    `inside` is what the last passage left, at `counted_at`; from `closes_at` on (local hour, None midnight) nobody is
    inside any more (`gauge.inside_now`). `capacity` None is without limit.
    """

    __tablename__ = "access_area"
    __table_args__ = (
        CheckConstraint("capacity > 0", name="capacity"),
        CheckConstraint("inside >= 0", name="inside"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    label: Mapped[str] = mapped_column(String(120))
    capacity: Mapped[int | None]
    closes_at: Mapped[time | None]
    inside: Mapped[int] = mapped_column(default=0)
    counted_at: Mapped[datetime | None]


class AccessPoint(Base):
    """A door, turnstile, gate or tablet. Its reader is the `Device` whose subject is this point.

    `price_code` names what one passage costs among the items of the service's tariff; without it, nothing is charged
    here. What the settings mean is said in `facts.Point`.
    """

    __tablename__ = "access_point"
    __table_args__ = (
        CheckConstraint("passback_minutes BETWEEN 0 AND 1440", name="passback_minutes"),
        CheckConstraint("double_tap_s BETWEEN 0 AND 60", name="double_tap_s"),
        CheckConstraint("guardian_age BETWEEN 1 AND 18", name="guardian_age"),
        CheckConstraint("guardian_minutes BETWEEN 0 AND 60", name="guardian_minutes"),
        CheckConstraint("clock_tolerance_s BETWEEN 5 AND 3600", name="clock_tolerance_s"),
    )

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
    direction: Mapped[Direction] = mapped_column(default=Direction.BOTH, server_default=Direction.BOTH.value)
    area_id: Mapped[UUID | None] = mapped_column(ForeignKey("access_area.id"))
    passback_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    double_tap_s: Mapped[int] = mapped_column(default=0, server_default="0")
    guardian_age: Mapped[int | None]
    guardian_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    clock_tolerance_s: Mapped[int] = mapped_column(default=300, server_default="300")
    offline_fallback: Mapped[Fallback] = mapped_column(
        default=Fallback.FAIL_CLOSED, server_default=Fallback.FAIL_CLOSED.value
    )
    reserved_only: Mapped[bool] = mapped_column(default=False, server_default=false())
    mode_since: Mapped[datetime | None]


class Entitlement(Base):
    """Why a person, or everybody of a household, may use a service, from an instant to another (excluded).

    `point_id` narrows it to one access point, `site` to those of one building. `weekdays` has a bit a day, Monday
    lowest; the hours are local ones. `on_holidays` says whether it holds on public holidays.
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
    site: Mapped[str | None] = mapped_column(String(120))
    on_holidays: Mapped[bool] = mapped_column(default=True, server_default=true())


class Tap(Base):
    """One presentation of a card, or one tick in a list, with the answer that it got. Its id is the reader's.

    The row is written once and holds the answer word for word, so that the same id gets it again; `fingerprint` tells
    a repeated request from another one under the same id. `tapped_at` is the reader's hour, or the core's where the
    reader's clock is wrong. An unknown card leaves no number behind. Where and when somebody passed is kept here alone,
    and goes after its retention: nothing else refers to this table.

    A tap that was decided away from here (`offline`) is a fact: `allowed` and the display are what the door did and
    showed, `door_reason` why it said so, `reason` what the core's own rule says of it; where the two do not agree
    there are rows of `tap_conflict`. `repeats` is a card that was presented twice at once: its passage counts once.
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
    door_reason: Mapped[str | None] = mapped_column(String(60))
    repeats: Mapped[bool] = mapped_column(default=False, server_default=false())


class TapConflict(Base):
    """That what a door did and what the core's rule says of it do not agree, or that a limit was passed meanwhile.

    `id` is made from the tap's and the kind's, so that a tap that comes again lists it once; it holds no hour.
    `amount_cents` is what nobody paid for: `account_id` would owe it (None: not known). It outlives the tap, with its
    day alone: hour, place and, where it is of no consequence, the person are the tap's (`ConflictedTap`).
    """

    __tablename__ = "tap_conflict"
    __table_args__ = (
        CheckConstraint("amount_cents >= 0", name="amount"),
        Index("ix_tap_conflict_service", "service_code", "day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[ConflictKind]
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("family_account.id"))
    day: Mapped[date]
    door_allowed: Mapped[bool]
    door_reason: Mapped[str] = mapped_column(String(60))
    core_reason: Mapped[Reason]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    transaction_id: Mapped[UUID | None]
    why: Mapped[str | None] = mapped_column(String(300))


class ConflictedTap(Base):
    """Of which tap a conflict is, as long as that tap is kept; `tapped_at` is what the door's clock said."""

    __tablename__ = "conflicted_tap"
    __table_args__ = (Index("ix_conflicted_tap_tap", "tap_id"), Index("ix_conflicted_tap_point", "point_id"))

    conflict_id: Mapped[UUID] = mapped_column(ForeignKey("tap_conflict.id"), primary_key=True)
    tap_id: Mapped[UUID]
    point_id: Mapped[UUID] = mapped_column(ForeignKey("access_point.id"))
    tapped_at: Mapped[datetime]


class TapConflictSettling(Base):
    """What somebody decided of a conflict, once and with a reason."""

    __tablename__ = "tap_conflict_settling"

    conflict_id: Mapped[UUID] = mapped_column(ForeignKey("tap_conflict.id"), primary_key=True)
    outcome: Mapped[ConflictOutcome]
    reason: Mapped[str] = mapped_column(String(200))
    settled_at: Mapped[datetime]
    settled_by: Mapped[UUID | None]
    transaction_id: Mapped[UUID | None]


class PointEvent(Base):
    """What a door says of itself: forced, held open, opened, or the reader's line. Its id is the device's.

    Kept as long as taps are.
    """

    __tablename__ = "point_event"
    __table_args__ = (Index("ix_point_event_point", "point_id", "happened_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    point_id: Mapped[UUID] = mapped_column(ForeignKey("access_point.id"))
    kind: Mapped[PointEventKind]
    happened_at: Mapped[datetime]
    received_at: Mapped[datetime]
    device_id: Mapped[UUID | None]
    detail: Mapped[str] = mapped_column(String(120), default="")


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
append_only(TapConflict.__table__)
append_only(TapConflictSettling.__table__)
