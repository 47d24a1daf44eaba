"""Tables of cash offices: what they may collect and how, who may do it, drawers and receipts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.offices.remittance_rules import RemittedTo
from cvq_core.offices.rules import MandateTitle, Means
from cvq_core.services.rules import ServiceCode


class CashOffice(Base):
    """A régie, with the limits of its founding act."""

    __tablename__ = "cash_office"
    __table_args__ = (
        CheckConstraint("ceiling_cents IS NULL OR ceiling_cents > 0", name="ceiling"),
        CheckConstraint("remit_every_days BETWEEN 1 AND 31", name="remit_every_days"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    label: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    founding_act: Mapped[str] = mapped_column(String(200), default="")
    # The most that one payment in cash may be, and that one top-up may be.
    cash_payment_max_cents: Mapped[int] = mapped_column(default=300_00)
    top_up_max_cents: Mapped[int] = mapped_column(default=1_000_00)
    # The most that it may hold without its floats; `ceiling_counts` has what its act counts besides cash.
    ceiling_cents: Mapped[int | None] = mapped_column(BigInteger)
    ceiling_refuses: Mapped[bool] = mapped_column(default=False, server_default=false())
    ceiling_counts: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'"))
    remit_every_days: Mapped[int] = mapped_column(SmallInteger, default=30, server_default=text("30"))


class ReceiptSeries(Base):
    """A series of receipt numbers without a gap; `agreed_on` is when the comptable agreed to it."""

    __tablename__ = "receipt_series"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"))
    code: Mapped[str] = mapped_column(String(20), unique=True)
    last_number: Mapped[int] = mapped_column(default=0)
    agreed_on: Mapped[date | None]


class SubOffice(Base):
    """A place where a cash office collects; the office's own counter (`is_main`) is one too.

    Its id is the scope of grants.
    """

    __tablename__ = "sub_office"
    __table_args__ = (
        Index(
            "uq_sub_office_main",
            "office_id",
            unique=True,
            sqlite_where=text("is_main"),
            postgresql_where=text("is_main"),
        ),
        CheckConstraint("ceiling_cents IS NULL OR ceiling_cents > 0", name="ceiling"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"), index=True)
    series_id: Mapped[UUID] = mapped_column(ForeignKey("receipt_series.id"))
    code: Mapped[str] = mapped_column(String(20), unique=True)
    label: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    is_main: Mapped[bool] = mapped_column(default=False, server_default=false())
    float_cents: Mapped[int]
    ceiling_cents: Mapped[int | None] = mapped_column(BigInteger)
    ceiling_refuses: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Where the money is outside a drawer.
    safe_account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"))
    cheques_account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"))
    card_account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"))
    difference_account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"))
    opened_on: Mapped[date]
    closed_on: Mapped[date | None]


class CollectableService(Base):
    """A service for which the act lets a sub-office collect, from a day to another (that day included)."""

    __tablename__ = "collectable_service"

    sub_office_id: Mapped[UUID] = mapped_column(ForeignKey("sub_office.id"), primary_key=True)
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_until: Mapped[date | None]


class AcceptedMeans(Base):
    """A means of payment that the act lets a sub-office accept, from a day to another (that day included)."""

    __tablename__ = "accepted_means"

    sub_office_id: Mapped[UUID] = mapped_column(ForeignKey("sub_office.id"), primary_key=True)
    means: Mapped[Means] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_until: Mapped[date | None]


class VoucherService(Base):
    """A service that one kind of vouchers pays for at a sub-office, from a day to another (that day included)."""

    __tablename__ = "voucher_service"

    sub_office_id: Mapped[UUID] = mapped_column(ForeignKey("sub_office.id"), primary_key=True)
    means: Mapped[Means] = mapped_column(primary_key=True)
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_until: Mapped[date | None]


class Mandatary(Base):
    """Somebody of the staff appointed to collect at a sub-office, from a day to another (that day included)."""

    __tablename__ = "mandatary"
    __table_args__ = (CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="period"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    sub_office_id: Mapped[UUID] = mapped_column(ForeignKey("sub_office.id"), index=True)
    title: Mapped[MandateTitle]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]


class Drawer(Base):
    """A mandatary's period of collecting. Its id is its ledger account's, which says what must be in it.

    `counted` maps a coin's or note's cents to how many there were.
    """

    __tablename__ = "drawer"
    __table_args__ = (
        # One open drawer a person at a place, also when two requests ask for it at once.
        Index(
            "uq_drawer_open",
            "sub_office_id",
            "staff_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        CheckConstraint("float_cents >= 0", name="float"),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"), primary_key=True)
    sub_office_id: Mapped[UUID] = mapped_column(ForeignKey("sub_office.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    float_cents: Mapped[int]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    counted: Mapped[dict[str, Any] | None]
    counted_cents: Mapped[int | None] = mapped_column(BigInteger)
    expected_cents: Mapped[int | None] = mapped_column(BigInteger)
    difference_cents: Mapped[int | None] = mapped_column(BigInteger)


class Receipt(Base):
    """A numbered quittance. A void is a receipt of its own, with the opposite amount, that names what it voids.

    `printed` holds every word and amount on the paper, so that a duplicate says the same years later.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("series_id", "number"),
        Index("ix_receipt_drawer", "drawer_id", "number"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("tendered_cents - change_cents = total_cents", name="change"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    series_id: Mapped[UUID] = mapped_column(ForeignKey("receipt_series.id"))
    number: Mapped[int]
    sub_office_id: Mapped[UUID] = mapped_column(ForeignKey("sub_office.id"))
    drawer_id: Mapped[UUID] = mapped_column(ForeignKey("drawer.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)
    voids_id: Mapped[UUID | None] = mapped_column(ForeignKey("receipt.id"), unique=True)
    issued_at: Mapped[datetime]
    means: Mapped[Means]
    total_cents: Mapped[int] = mapped_column(BigInteger)
    tendered_cents: Mapped[int] = mapped_column(BigInteger)
    change_cents: Mapped[int] = mapped_column(BigInteger)
    printed: Mapped[dict[str, Any]]


class ReceiptPrint(Base):
    """One printing of a receipt: copy 0 is the original, every later one is marked as a duplicate."""

    __tablename__ = "receipt_print"
    __table_args__ = (UniqueConstraint("receipt_id", "copy_number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("receipt.id"))
    copy_number: Mapped[int]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    printed_at: Mapped[datetime]


class RemittanceSeries(Base):
    """The numbers of an office's slips, without a gap; they bear the office's code."""

    __tablename__ = "remittance_series"

    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"), primary_key=True)
    last_number: Mapped[int] = mapped_column(default=0)


class Remittance(Base):
    """What a place paid over, with its numbered slip. A cancellation is one of its own, of the opposite amount.

    `counted` maps a coin's or note's cents to how many there were; `printed` holds every word and amount on the slip.
    """

    __tablename__ = "remittance"
    __table_args__ = (
        UniqueConstraint("office_id", "number"),
        Index("ix_remittance_sub_office", "sub_office_id", "number"),
        CheckConstraint("number > 0", name="number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("remittance_series.office_id"))
    number: Mapped[int]
    sub_office_id: Mapped[UUID] = mapped_column(ForeignKey("sub_office.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    to: Mapped[RemittedTo] = mapped_column("remitted_to")
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)
    cancels_id: Mapped[UUID | None] = mapped_column(ForeignKey("remittance.id"), unique=True)
    made_at: Mapped[datetime]
    cash_cents: Mapped[int] = mapped_column(BigInteger)
    total_cents: Mapped[int] = mapped_column(BigInteger)
    counted: Mapped[dict[str, Any]]
    printed: Mapped[dict[str, Any]]


class RemittanceDrawer(Base):
    """A closed drawer whose takings a remittance carries; after a cancellation another may carry them."""

    __tablename__ = "remittance_drawer"

    remittance_id: Mapped[UUID] = mapped_column(ForeignKey("remittance.id"), primary_key=True)
    drawer_id: Mapped[UUID] = mapped_column(ForeignKey("drawer.id"), primary_key=True, index=True)


class RemittanceSource(Base):
    """A sub-office's integrated remittance that the office's own one passes on to the comptable."""

    __tablename__ = "remittance_source"

    remittance_id: Mapped[UUID] = mapped_column(ForeignKey("remittance.id"), primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("remittance.id"), primary_key=True, index=True)


class RemittanceTransaction(Base):
    """A transaction that came by the bank and that the office's slip passes on: so many cents of one means.

    After a cancellation another slip may carry it.
    """

    __tablename__ = "remittance_transaction"

    remittance_id: Mapped[UUID] = mapped_column(ForeignKey("remittance.id"), primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), primary_key=True, index=True)
    means: Mapped[Means]
    amount_cents: Mapped[int] = mapped_column(BigInteger)


class Integration(Base):
    """What the office's officer decided of a sub-office's remittance, once; `transaction_id` where it was accepted."""

    __tablename__ = "integration"

    remittance_id: Mapped[UUID] = mapped_column(ForeignKey("remittance.id"), primary_key=True)
    accepted: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(200), default="")
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime]
    transaction_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)


append_only(Receipt.__table__)
append_only(ReceiptPrint.__table__)
append_only(Remittance.__table__)
append_only(RemittanceDrawer.__table__)
append_only(RemittanceSource.__table__)
append_only(RemittanceTransaction.__table__)
append_only(Integration.__table__)
