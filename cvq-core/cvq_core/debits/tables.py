"""Tables of mandates, of what was sent to the bank, and of what came back."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.debits.rules import ReturnReason


class DebitCreditor(Base):
    """What a cash office needs to debit: its creditor identifier, its account, and its last numbers."""

    __tablename__ = "debit_creditor"

    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"), primary_key=True)
    creditor_number: Mapped[str] = mapped_column(String(35))
    iban: Mapped[str] = mapped_column(String(34))
    bic: Mapped[str] = mapped_column(String(11))
    last_mandate: Mapped[int] = mapped_column(default=0)
    last_run: Mapped[int] = mapped_column(default=0)


class DebitMandate(Base):
    """A family's signed permission to debit an account. Whoever is not the bank sees its last four signs."""

    __tablename__ = "debit_mandate"
    __table_args__ = (
        Index(
            "uq_debit_mandate_standing",
            "family_account_id",
            "office_id",
            unique=True,
            sqlite_where=text("revoked_on IS NULL"),
            postgresql_where=text("revoked_on IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("debit_creditor.office_id"))
    reference: Mapped[str] = mapped_column(String(35), unique=True)
    family_account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"))
    holder: Mapped[str] = mapped_column(String(70))
    iban: Mapped[str] = mapped_column(String(34))
    signed_on: Mapped[date]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    last_used_on: Mapped[date | None]
    revoked_on: Mapped[date | None]
    revoked_why: Mapped[str] = mapped_column(String(120), default="")


class DebitRun(Base):
    """One file that was made for the bank."""

    __tablename__ = "debit_run"
    __table_args__ = (UniqueConstraint("office_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"))
    number: Mapped[int]
    collection_day: Mapped[date]
    made_at: Mapped[datetime]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    total_cents: Mapped[int] = mapped_column(BigInteger)
    items: Mapped[int]


class DebitItem(Base):
    """One invoice in a run. Its id is its ledger transaction's."""

    __tablename__ = "debit_item"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="amount"),)

    id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("debit_run.id"), index=True)
    invoice_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("invoice.id"), index=True)
    mandate_id: Mapped[UUID] = mapped_column(ForeignKey("debit_mandate.id"), index=True)
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    is_first: Mapped[bool]


class DebitReturn(Base):
    """What the bank sent back, by the reversal that makes it due again."""

    __tablename__ = "debit_return"

    item_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("debit_item.id"), primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)
    reason: Mapped[ReturnReason]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))


append_only(DebitRun.__table__)
append_only(DebitItem.__table__)
append_only(DebitReturn.__table__)
