"""Tables of the ledger: accounts, transactions with their postings, and wallets."""

from datetime import datetime
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
)
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base, Serial
from cvq_core.ledger.rules import AccountKind, TransactionKind
from cvq_core.services.rules import ServiceCode


class LedgerAccount(Base):
    """One account of the ledger. It holds no balance: only wallets and receivables keep one, since only they refuse."""

    __tablename__ = "ledger_account"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[AccountKind]
    label: Mapped[str] = mapped_column(String(160))
    opened_at: Mapped[datetime]


class LedgerTransaction(Base):
    """What happened to money, once: never edited, never deleted. Its id comes from whoever asked for it.

    `fingerprint` (SHA-256 of what was asked) tells a repeated request from another one under the same id.
    """

    __tablename__ = "ledger_transaction"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[TransactionKind]
    label: Mapped[str] = mapped_column(String(160))
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(index=True)
    # Both instants are then the beginning of a civil day: the hour of a passage is kept with the tap alone.
    day_only: Mapped[bool]
    # At most one reversal of each.
    reverses_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)
    reference: Mapped[str | None] = mapped_column(String(80))
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]
    visit_id: Mapped[UUID | None] = mapped_column(index=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    # Why the price is what it is (`cvq_core.tariffs.kept`): it may hold the family's quotient, and is told to few.
    why: Mapped[str | None] = mapped_column(String(300))


class Posting(Base):
    """One leg of a transaction: plus is credit, minus is debit (`cvq_core.ledger.rules`).

    `id` is the order in which an account's postings were recorded. `balance_after_cents` is kept for wallets and
    receivables, whose postings are made one after the other.
    """

    __tablename__ = "posting"
    __table_args__ = (
        UniqueConstraint("transaction_id", "position"),
        # The amount is in the index: a balance is added up without touching the table.
        Index("ix_posting_account", "account_id", "id", "amount_cents"),
        CheckConstraint("amount_cents <> 0", name="amount"),
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    balance_after_cents: Mapped[int | None] = mapped_column(BigInteger)


class Wallet(Base):
    """A family account's money for one service, with its running balance. Its id is its ledger account's.

    `floor_cents` is how low a debit may take it (NULL: as low as it gets); it comes from the service's funding policy.
    """

    __tablename__ = "wallet"
    __table_args__ = (
        UniqueConstraint("family_account_id", "service_code"),
        CheckConstraint("floor_cents IS NULL OR balance_cents >= floor_cents", name="floor"),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"), primary_key=True)
    family_account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"))
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"), index=True)
    balance_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    floor_cents: Mapped[int | None] = mapped_column(BigInteger)
    opened_at: Mapped[datetime]


class Receivable(Base):
    """What somebody owes on one invoice, with its running balance: below zero by what is still due, never above.

    Its id is its ledger account's, and the invoice's.
    """

    __tablename__ = "receivable"
    __table_args__ = (CheckConstraint("balance_cents <= 0", name="due"),)

    id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"), primary_key=True)
    family_account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"), index=True)
    balance_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    opened_at: Mapped[datetime]


class LedgerCheckpoint(Base):
    """What an account's postings up to `posting_id` add up to, so that its balance is read without all of them.

    Derived, and made anew at will (`cvq_core.ledger.checkpoints`); only accounts without a running balance have one.
    """

    __tablename__ = "ledger_checkpoint"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"), primary_key=True)
    posting_id: Mapped[int] = mapped_column(BigInteger)
    sum_cents: Mapped[int] = mapped_column(BigInteger)


append_only(LedgerTransaction.__table__)
append_only(Posting.__table__)
