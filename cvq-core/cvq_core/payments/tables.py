"""Tables of online payment: carts, attempts to pay them, what PayFiP said, and what the bank said."""

from datetime import date, datetime
from typing import Any
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
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.payables.rules import PayableKind
from cvq_core.payments.rules import AttemptState, Decision, Said, Trouble


class Cart(Base):
    """What somebody means to pay at once. `token` is its short address; `topics` are the live topics
    that are told, each with the kind of its event.

    `settled_by` is the attempt that paid it: there is one at most.
    """

    __tablename__ = "cart"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(16), unique=True)
    sub_office_id: Mapped[UUID] = mapped_column(ForeignKey("sub_office.id"))
    email: Mapped[str] = mapped_column(String(80))
    # The payer's own address; without one, PayFiP gets the office's, and nobody else is written to.
    acknowledged: Mapped[bool]
    visit_id: Mapped[UUID | None] = mapped_column(index=True)
    topics: Mapped[list[Any]]
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    settled_by: Mapped[UUID | None] = mapped_column(unique=True)


class CartLine(Base):
    """One wallet or invoice of a cart, with what people read of it, which names nobody."""

    __tablename__ = "cart_line"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="amount"),)

    cart_id: Mapped[UUID] = mapped_column(ForeignKey("cart.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    kind: Mapped[PayableKind]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    label: Mapped[str] = mapped_column(String(160))


class PaymentAttempt(Base):
    """One operation at PayFiP. Its id is its ledger transaction's, and `refdet` (`rules.refdet_of`) is made of it.

    `shares` are the accounts that were then to be paid and their cents. `known_unpaid`: PayFiP said so when no page of
    it could take money any more. `trouble` puts it on the reconciliation list
    until a `PaymentDecision` takes it off.
    """

    __tablename__ = "payment_attempt"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("waiting_cents >= 0", name="waiting"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    cart_id: Mapped[UUID] = mapped_column(ForeignKey("cart.id"), index=True)
    refdet: Mapped[str] = mapped_column(String(30), unique=True)
    idop: Mapped[str | None] = mapped_column(String(64), unique=True)
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    shares: Mapped[list[Any]]
    state: Mapped[AttemptState]
    asked_at: Mapped[datetime]
    next_ask_at: Mapped[datetime | None] = mapped_column(index=True)
    known_unpaid: Mapped[bool] = mapped_column(default=False, server_default=false())
    received_cents: Mapped[int | None] = mapped_column(BigInteger)
    bank_number: Mapped[str] = mapped_column(String(40), default="")
    credited_at: Mapped[datetime | None]
    transaction_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)
    waiting_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    trouble: Mapped[Trouble | None] = mapped_column(index=True)


class PaymentAnswer(Base):
    """An answer of PayFiP that told something new."""

    __tablename__ = "payment_answer"
    __table_args__ = (Index("ix_payment_answer_attempt", "attempt_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("payment_attempt.id"))
    said: Mapped[Said]
    amount_cents: Mapped[int | None] = mapped_column(BigInteger)
    bank_number: Mapped[str] = mapped_column(String(40))
    heard_at: Mapped[datetime]


class BankFile(Base):
    """A day's file of the bank, taken in once: `digest` is its SHA-256."""

    __tablename__ = "bank_file"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    imported_at: Mapped[datetime]


class BankLine(Base):
    """One payment that the bank says has arrived."""

    __tablename__ = "bank_line"
    __table_args__ = (UniqueConstraint("file_id", "position"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("bank_file.id"))
    position: Mapped[int]
    day: Mapped[date] = mapped_column(index=True)
    refdet: Mapped[str] = mapped_column(String(30), index=True)
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    bank_number: Mapped[str] = mapped_column(String(40))


class PaymentDecision(Base):
    """What a cash officer decided about a listed attempt: one a trouble, never changed."""

    __tablename__ = "payment_decision"
    __table_args__ = (UniqueConstraint("attempt_id", "trouble"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("payment_attempt.id"))
    trouble: Mapped[Trouble]
    decision: Mapped[Decision]
    reason: Mapped[str] = mapped_column(String(200))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime]


for only_grows in (CartLine, PaymentAnswer, BankFile, BankLine, PaymentDecision):
    append_only(only_grows.__table__)
