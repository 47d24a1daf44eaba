"""Tables of invoices. What is still due stands in the ledger's `receivable`."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.services.rules import ServiceCode


class InvoiceSeries(Base):
    """The numbers of a year's invoices, without a gap."""

    __tablename__ = "invoice_series"

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    last_number: Mapped[int] = mapped_column(default=0)


class Invoice(Base):
    """What a family owes for some services, as it was sent. Its id is its receivable's and its transaction's."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("year", "number"),
        CheckConstraint("total_cents > 0", name="total"),
        CheckConstraint("due_on >= issued_on", name="due"),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("receivable.id"), primary_key=True)
    year: Mapped[int] = mapped_column(ForeignKey("invoice_series.year"))
    number: Mapped[int]
    family_account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"), index=True)
    label: Mapped[str] = mapped_column(String(120))
    issued_on: Mapped[date]
    due_on: Mapped[date] = mapped_column(index=True)
    recorded_at: Mapped[datetime]
    total_cents: Mapped[int] = mapped_column(BigInteger)


class InvoiceLine(Base):
    """One line of an invoice, with the price's explanation as it was then."""

    __tablename__ = "invoice_line"
    __table_args__ = (CheckConstraint("amount_cents = quantity * unit_cents", name="amount"),)

    # The type is named: through two foreign keys it is not found.
    invoice_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("invoice.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    label: Mapped[str] = mapped_column(String(160))
    explanation: Mapped[str] = mapped_column(String(300), default="")
    quantity: Mapped[int]
    unit_cents: Mapped[int]
    amount_cents: Mapped[int] = mapped_column(BigInteger)


class SharedMonth(Base):
    """A shared child's month of a billed service, invoiced to each of its accounts: once, whoever asks.

    `fingerprint` (SHA-256) tells the charges from others under the same id.
    """

    __tablename__ = "shared_month"
    __table_args__ = (
        UniqueConstraint("child_id", "service_code", "month"),
        CheckConstraint("total_cents > 0", name="total"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    child_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    month: Mapped[date]
    total_cents: Mapped[int] = mapped_column(BigInteger)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    recorded_at: Mapped[datetime]


class SharedPart(Base):
    """What an account bears of a stretch of a shared month: `amount_cents` of `total_cents`.

    `invoice_id` is NULL where the part comes to nothing.
    """

    __tablename__ = "shared_part"
    __table_args__ = (CheckConstraint("amount_cents BETWEEN 0 AND total_cents", name="amount"),)

    month_id: Mapped[UUID] = mapped_column(ForeignKey("shared_month.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"))
    share_percent: Mapped[int] = mapped_column(SmallInteger)
    total_cents: Mapped[int] = mapped_column(BigInteger)
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    # The type is named: through two foreign keys it is not found.
    invoice_id: Mapped[UUID | None] = mapped_column(Uuid(), ForeignKey("invoice.id"), index=True)


append_only(Invoice.__table__)
append_only(InvoiceLine.__table__)
append_only(SharedMonth.__table__)
append_only(SharedPart.__table__)
