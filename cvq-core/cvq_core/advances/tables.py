"""Tables of the advance: what the act grants, expenses with their vouchers, statements, and money moved."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.advances.rules import Moved, PaidBy, Purpose
from cvq_core.append_only import append_only
from cvq_core.database import Base


class Advance(Base):
    """An office's advance. Its row is locked by whatever changes the fund, and counts the numbers of its series."""

    __tablename__ = "advance"

    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"), primary_key=True)
    opened_at: Mapped[datetime]
    last_voucher: Mapped[int] = mapped_column(default=0)
    last_statement: Mapped[int] = mapped_column(default=0)


class AdvanceTerms(Base):
    """What the act grants from a day on; a change is another row. Amounts in cents."""

    __tablename__ = "advance_terms"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("advance.office_id"), index=True)
    valid_from: Mapped[date]
    granted_cents: Mapped[int] = mapped_column(BigInteger)
    payment_max_cents: Mapped[int] = mapped_column(BigInteger)
    purposes: Mapped[list[str]]
    paid_by: Mapped[list[str]]
    act: Mapped[str] = mapped_column(String(200))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))


class AdvanceExpense(Base):
    """What was paid, with its numbered voucher. A cancellation is one of its own, of the opposite amount.

    `printed` holds every word of the voucher but the account number of a transfer, which stays in `iban`.
    """

    __tablename__ = "advance_expense"
    __table_args__ = (
        UniqueConstraint("office_id", "number"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("(cancels_id IS NULL) = (amount_cents > 0)", name="amount"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("advance.office_id"))
    number: Mapped[int]
    purpose: Mapped[Purpose]
    paid_by: Mapped[PaidBy]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    payee: Mapped[str] = mapped_column(String(80))
    document: Mapped[str] = mapped_column(String(80))
    iban: Mapped[str] = mapped_column(String(34), default="")
    wallet_id: Mapped[UUID | None] = mapped_column(ForeignKey("wallet.id"), index=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)
    cancels_id: Mapped[UUID | None] = mapped_column(ForeignKey("advance_expense.id"), unique=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    paid_at: Mapped[datetime]
    printed: Mapped[dict[str, Any]]


class AdvanceStatement(Base):
    """A numbered statement of expenses (état de dépenses) that went to the comptable to be given back."""

    __tablename__ = "advance_statement"
    __table_args__ = (UniqueConstraint("office_id", "number"), CheckConstraint("total_cents > 0", name="total"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("advance.office_id"))
    number: Mapped[int]
    total_cents: Mapped[int] = mapped_column(BigInteger)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    made_at: Mapped[datetime]
    printed: Mapped[dict[str, Any]]


class AdvanceStatementLine(Base):
    """An expense of a statement; it stands on one at most."""

    __tablename__ = "advance_statement_line"

    expense_id: Mapped[UUID] = mapped_column(ForeignKey("advance_expense.id"), primary_key=True)
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("advance_statement.id"), index=True)


class AdvanceMovement(Base):
    """Money that came to the fund or left it other than by an expense; `statement_id` says what it gives back.

    `place` is where it came to, or left from: the cash box or the account; a withdrawal goes from the second to the
    first.
    """

    __tablename__ = "advance_movement"
    __table_args__ = (
        Index("ix_advance_movement_office", "office_id", "made_at"),
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("(statement_id IS NOT NULL) = (kind = 'replenished')", name="statement"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("advance.office_id"))
    kind: Mapped[Moved]
    place: Mapped[PaidBy]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str] = mapped_column(String(80))
    statement_id: Mapped[UUID | None] = mapped_column(ForeignKey("advance_statement.id"), index=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    made_at: Mapped[datetime]


for _only_grows in (AdvanceTerms, AdvanceExpense, AdvanceStatement, AdvanceStatementLine, AdvanceMovement):
    append_only(_only_grows.__table__)
