"""Tables of what an office has at the Treasury: cheques banked and bounced, its statement, and what was matched."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.treasury.cheque_rules import BounceReason
from cvq_core.treasury.matching import ItemKind


class TreasuryAccount(Base):
    """An office's account at the Treasury, with the last numbers of its slips.

    Who decides about it holds this row, so that of two officers at once one comes after the other.
    """

    __tablename__ = "treasury_account"

    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"), primary_key=True)
    last_deposit: Mapped[int] = mapped_column(default=0)


class ChequeDeposit(Base):
    """Cheques that were banked, with their numbered slip. A cancellation is one of its own, of the opposite amount.

    `printed` holds every word and amount on the slip. Its id is its ledger transaction's.
    """

    __tablename__ = "cheque_deposit"
    __table_args__ = (
        UniqueConstraint("office_id", "number"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("cheques > 0", name="cheques"),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("treasury_account.office_id"))
    number: Mapped[int]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    cancels_id: Mapped[UUID | None] = mapped_column(ForeignKey("cheque_deposit.id"), unique=True)
    made_at: Mapped[datetime]
    cheques: Mapped[int]
    total_cents: Mapped[int] = mapped_column(BigInteger)
    printed: Mapped[dict[str, Any]]


class DepositedCheque(Base):
    """A cheque that a deposit carries; after a cancellation another may carry it."""

    __tablename__ = "deposited_cheque"

    deposit_id: Mapped[UUID] = mapped_column(ForeignKey("cheque_deposit.id"), primary_key=True)
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("receipt.id"), primary_key=True, index=True)


class BouncedCheque(Base):
    """A cheque that the bank sent back, once; its receipt stays. Its id is the counter-entry's."""

    __tablename__ = "bounced_cheque"
    __table_args__ = (CheckConstraint("fees_cents >= 0", name="fees"),)

    id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), primary_key=True)
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("receipt.id"), unique=True)
    deposit_id: Mapped[UUID] = mapped_column(ForeignKey("cheque_deposit.id"), index=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("treasury_account.office_id"), index=True)
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    fees_cents: Mapped[int] = mapped_column(BigInteger)
    fees_transaction_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)
    reason: Mapped[BounceReason]
    bounced_on: Mapped[date]
    recorded_at: Mapped[datetime]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))


class TreasuryStatement(Base):
    """A file of the bank that was taken in, once: `digest` is its SHA-256. `known` of its lines were there already."""

    __tablename__ = "treasury_statement"
    __table_args__ = (UniqueConstraint("office_id", "digest"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("treasury_account.office_id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    name: Mapped[str] = mapped_column(String(120))
    first_day: Mapped[date]
    last_day: Mapped[date]
    lines: Mapped[int]
    known: Mapped[int]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    imported_at: Mapped[datetime]


class TreasuryLine(Base):
    """A movement on the account, in cents: plus is what came onto it. `digest` is its own in whatever file it stands.

    `position` is its place in the file that brought it first.
    """

    __tablename__ = "treasury_line"
    __table_args__ = (
        UniqueConstraint("office_id", "digest"),
        Index("ix_treasury_line_day", "office_id", "day"),
        CheckConstraint("amount_cents <> 0", name="amount"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("treasury_account.office_id"))
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("treasury_statement.id"), index=True)
    position: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    day: Mapped[date]
    label: Mapped[str] = mapped_column(String(200))
    reference: Mapped[str] = mapped_column(String(80))
    amount_cents: Mapped[int] = mapped_column(BigInteger)


class TreasuryMatch(Base):
    """That some lines are some expected movements, or, with one side alone, why they are filed without the other.

    Whoever decided it is None where it was certain. It is undone by a row of its own that names it.
    """

    __tablename__ = "treasury_match"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("treasury_account.office_id"), index=True)
    undoes_id: Mapped[UUID | None] = mapped_column(ForeignKey("treasury_match.id"), unique=True)
    reasons: Mapped[list[str]]
    note: Mapped[str] = mapped_column(String(200), default="")
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime]


class TreasuryMatchLine(Base):
    """A line of a match."""

    __tablename__ = "treasury_match_line"

    match_id: Mapped[UUID] = mapped_column(ForeignKey("treasury_match.id"), primary_key=True)
    line_id: Mapped[UUID] = mapped_column(ForeignKey("treasury_line.id"), primary_key=True, index=True)


class TreasuryMatchItem(Base):
    """An expected movement of a match, with what it was then: a drawer's card payments and so on have no table here."""

    __tablename__ = "treasury_match_item"
    __table_args__ = (Index("ix_treasury_match_item_item", "item_id", "kind"),)

    match_id: Mapped[UUID] = mapped_column(ForeignKey("treasury_match.id"), primary_key=True)
    kind: Mapped[ItemKind] = mapped_column(primary_key=True)
    item_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    label: Mapped[str] = mapped_column(String(160))


for only_grows in (
    ChequeDeposit,
    DepositedCheque,
    BouncedCheque,
    TreasuryStatement,
    TreasuryLine,
    TreasuryMatch,
    TreasuryMatchLine,
    TreasuryMatchItem,
):
    append_only(only_grows.__table__)
