"""Tables of what families have chosen for their wallets: a new choice is a new row, and the past stays readable."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.wallets.rules import TopUpMeans


class TopUpChoice(Base):
    """An automatic top-up, or its end (`amount_cents` 0), from a day on; of one day, the last recorded stands.

    `source_wallet_id` is where the money comes from; it is NULL for means that are no wallet (a debit mandate, later).
    """

    __tablename__ = "top_up_choice"
    __table_args__ = (
        Index("ix_top_up_choice_wallet", "wallet_id", "valid_from"),
        CheckConstraint("means <> 'wallet' OR amount_cents = 0 OR source_wallet_id IS NOT NULL", name="source"),
        CheckConstraint("source_wallet_id <> wallet_id", name="two"),
        CheckConstraint("amount_cents BETWEEN 0 AND month_max_cents", name="amount"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    wallet_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.id"))
    valid_from: Mapped[date]
    means: Mapped[TopUpMeans]
    source_wallet_id: Mapped[UUID | None] = mapped_column(ForeignKey("wallet.id"))
    threshold_cents: Mapped[int] = mapped_column(BigInteger)
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    month_max_cents: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]


class AutomaticTopUp(Base):
    """One automatic top-up that was made; its id is the ledger transaction's."""

    __tablename__ = "automatic_top_up"
    __table_args__ = (Index("ix_automatic_top_up_wallet", "wallet_id", "made_on"),)

    id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), primary_key=True)
    choice_id: Mapped[UUID] = mapped_column(ForeignKey("top_up_choice.id"))
    wallet_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.id"))
    made_on: Mapped[date]
    amount_cents: Mapped[int] = mapped_column(BigInteger)


class NoticeChoice(Base):
    """Below which balance the family is told, or that it no longer is (NULL), from a day on."""

    __tablename__ = "notice_choice"
    __table_args__ = (Index("ix_notice_choice_wallet", "wallet_id", "valid_from"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    wallet_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.id"))
    valid_from: Mapped[date]
    threshold_cents: Mapped[int | None] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]


class LowBalance(Base):
    """A wallet whose family was told that it is low, and has not come back above the threshold since."""

    __tablename__ = "low_balance"

    wallet_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.id"), primary_key=True)
    id: Mapped[UUID]
    told_at: Mapped[datetime]


append_only(TopUpChoice.__table__)
append_only(AutomaticTopUp.__table__)
append_only(NoticeChoice.__table__)
