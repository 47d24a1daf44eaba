"""Tables of what stays unpaid: from which sum on it is claimed, and the lists that the comptable got."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.treasury.unpaid_rules import DebtKind


class ClaimSetting(Base):
    """From which sum on an office's debts are claimed, from a day on; of two from one day the later one holds."""

    __tablename__ = "claim_setting"
    __table_args__ = (
        Index("ix_claim_setting_office", "office_id", "valid_from"),
        CheckConstraint("threshold_cents > 0", name="threshold"),
        CheckConstraint("grace_days >= 0", name="grace"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"))
    valid_from: Mapped[date]
    threshold_cents: Mapped[int]
    grace_days: Mapped[int]
    source: Mapped[str] = mapped_column(String(160))
    recorded_at: Mapped[datetime]
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))


class UnpaidSeries(Base):
    """The numbers of an office's lists, without a gap; who hands debts over holds this row."""

    __tablename__ = "unpaid_series"

    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"), primary_key=True)
    last_number: Mapped[int] = mapped_column(default=0)


class UnpaidState(Base):
    """A numbered list of unpaid debts that the comptable got. A withdrawal is one of its own, of the opposite amount.

    `printed` holds every word and amount on it.
    """

    __tablename__ = "unpaid_state"
    __table_args__ = (
        UniqueConstraint("office_id", "number"),
        CheckConstraint("number > 0", name="number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("unpaid_series.office_id"))
    number: Mapped[int]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    withdraws_id: Mapped[UUID | None] = mapped_column(ForeignKey("unpaid_state.id"), unique=True)
    made_at: Mapped[datetime]
    families: Mapped[int]
    total_cents: Mapped[int] = mapped_column(BigInteger)
    printed: Mapped[dict[str, Any]]


class UnpaidItem(Base):
    """One debt on a list: of `owed_cents` in all, `amount_cents` were handed over.

    `posting_id` is the last posting of the debt's ledger account then: what became of it stands in those after it.
    """

    __tablename__ = "unpaid_item"
    __table_args__ = (
        Index("ix_unpaid_item_account", "account_id", "posting_id"),
        CheckConstraint("amount_cents > 0 AND amount_cents <= owed_cents", name="amount"),
    )

    state_id: Mapped[UUID] = mapped_column(ForeignKey("unpaid_state.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"), primary_key=True)
    position: Mapped[int]
    family_account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"), index=True)
    kind: Mapped[DebtKind]
    since: Mapped[date]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    owed_cents: Mapped[int] = mapped_column(BigInteger)
    posting_id: Mapped[int] = mapped_column(BigInteger)


for only_grows in (ClaimSetting, UnpaidState, UnpaidItem):
    append_only(only_grows.__table__)
