"""Tables of invoices on paper: short addresses, copies, and the printing of a whole month."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.invoice_papers.rules import RunState


class InvoiceLink(Base):
    """The short address under which whoever holds the paper of an invoice pays it; it lasts as long as the paper."""

    __tablename__ = "invoice_link"

    # The type is named: through two foreign keys it is not found.
    invoice_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("invoice.id"), primary_key=True)
    token: Mapped[str] = mapped_column(String(16), unique=True)
    made_at: Mapped[datetime]


class InvoiceRun(Base):
    """The invoices of a month that are still to be paid to an office, printed at once into a file (`file_id`).

    `only_new` leaves out what was printed before. `invoices` are how many there were when it was asked for.
    """

    __tablename__ = "invoice_run"
    __table_args__ = (
        Index("ix_invoice_run_month", "office_id", "month"),
        CheckConstraint("(file_id IS NULL) = (wrapped_key IS NULL)", name="file"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"))
    month: Mapped[date]
    only_new: Mapped[bool]
    asked_at: Mapped[datetime]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    state: Mapped[RunState]
    invoices: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    file_id: Mapped[UUID | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    key_id: Mapped[str | None] = mapped_column(String(40))
    wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)


class InvoicePrint(Base):
    """One printing of an invoice: copy 0 is the original, every later one is marked as a duplicate."""

    __tablename__ = "invoice_print"
    __table_args__ = (UniqueConstraint("invoice_id", "copy_number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # The type is named: through two foreign keys it is not found.
    invoice_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("invoice.id"))
    copy_number: Mapped[int]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoice_run.id"), index=True)
    printed_at: Mapped[datetime]


append_only(InvoiceLink.__table__)
append_only(InvoicePrint.__table__)
