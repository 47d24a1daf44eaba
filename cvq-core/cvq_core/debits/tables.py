"""Tables of mandates and their papers, of what families were told, of what went to the bank, and of what came back."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.debits.reasons import ReturnReason
from cvq_core.debits.rules import NOTICE_DAYS


class NoticeMeans(StrEnum):
    """How a family was told of a debit."""

    EMAIL = "email"
    LETTER = "letter"


class RunEnd(StrEnum):
    """What became of a file: it went to the bank, or was given up."""

    SENT = "sent"
    GIVEN_UP = "given_up"


class DebitCreditor(Base):
    """What a cash office needs to debit: its creditor identifier, its account, and its last numbers.

    `notice_days` is how long before a debit the mandates that are prepared from now on promise to tell the family.
    """

    __tablename__ = "debit_creditor"

    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"), primary_key=True)
    creditor_number: Mapped[str] = mapped_column(String(35))
    iban: Mapped[str] = mapped_column(String(34))
    bic: Mapped[str] = mapped_column(String(11))
    notice_days: Mapped[int] = mapped_column(SmallInteger, default=NOTICE_DAYS, server_default=text("14"))
    last_mandate: Mapped[int] = mapped_column(default=0)
    last_run: Mapped[int] = mapped_column(default=0)


class DebitMandate(Base):
    """A family's permission to debit an account, prepared first and then signed on paper (`signed_on`).

    Whoever is not the bank sees the last four signs of its account. `confirmed_at` is when the resident said at the
    booth that the account is the right one; `visit_id` is the visit in which it was prepared, if it was in one.
    """

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
        Index("ix_debit_mandate_visit", "visit_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("debit_creditor.office_id"))
    reference: Mapped[str] = mapped_column(String(35), unique=True)
    family_account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"))
    holder: Mapped[str] = mapped_column(String(70))
    address: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    iban: Mapped[str] = mapped_column(String(34))
    one_off: Mapped[bool] = mapped_column(default=False, server_default=false())
    notice_days: Mapped[int] = mapped_column(SmallInteger, default=NOTICE_DAYS, server_default=text("14"))
    visit_id: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    confirmed_at: Mapped[datetime | None]
    signed_on: Mapped[date | None]
    last_used_on: Mapped[date | None]
    revoked_on: Mapped[date | None]
    revoked_why: Mapped[str] = mapped_column(String(120), default="")


class DebitMandatePaper(Base):
    """The signed page of a mandate, in the vault under the mandate's own id with a key of its own."""

    __tablename__ = "debit_mandate_paper"

    mandate_id: Mapped[UUID] = mapped_column(ForeignKey("debit_mandate.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int]
    key_id: Mapped[str] = mapped_column(String(20))
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    filed_at: Mapped[datetime]
    filed_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))


class DebitNotice(Base):
    """That a family was told of a debit: which invoice, how much at most, and from which day on."""

    __tablename__ = "debit_notice"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        Index("ix_debit_notice_invoice", "invoice_id", "recorded_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    announcement_id: Mapped[UUID] = mapped_column(index=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"))
    invoice_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("invoice.id"))
    mandate_id: Mapped[UUID] = mapped_column(ForeignKey("debit_mandate.id"))
    day: Mapped[date]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    means: Mapped[NoticeMeans]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))


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


class DebitFile(Base):
    """A run's file as it was made, in the vault under the run's id: whoever fetches it again gets the same bytes."""

    __tablename__ = "debit_file"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("debit_run.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int]
    key_id: Mapped[str] = mapped_column(String(20))
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)


class DebitRunEnd(Base):
    """That a run's file went to the bank, or was given up; one of the two, once."""

    __tablename__ = "debit_run_end"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("debit_run.id"), primary_key=True)
    end: Mapped[RunEnd]
    decided_at: Mapped[datetime]
    decided_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))


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
    """What the bank sent back, by the reversal that makes it due again.

    `fee_cents` is what the bank took for it, by the entry beside it; what was noted before fees stood in the ledger is
    the figure alone.
    """

    __tablename__ = "debit_return"

    item_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("debit_item.id"), primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)
    reason: Mapped[ReturnReason]
    fee_cents: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    fees_transaction_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transaction.id"))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))


append_only(DebitMandatePaper.__table__)
append_only(DebitNotice.__table__)
append_only(DebitRun.__table__)
append_only(DebitFile.__table__)
append_only(DebitRunEnd.__table__)
append_only(DebitItem.__table__)
append_only(DebitReturn.__table__)
