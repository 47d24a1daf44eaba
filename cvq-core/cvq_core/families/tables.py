"""Tables of what happened to families: mergers of accounts with their undoing, closures, reopenings. They only grow."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base


class AccountMerge(Base):
    """That two accounts were one household's: what moved from one to the other, so that it can move back.

    `id` is also the ledger's transaction, where money moved. `moved` holds identifiers and cents alone, no name.
    """

    __tablename__ = "account_merge"
    __table_args__ = (CheckConstraint("merged_id <> kept_id", name="two_accounts"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merged_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"), index=True)
    kept_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"), index=True)
    reason: Mapped[str] = mapped_column(String(200))
    moved: Mapped[dict[str, Any]]
    merged_at: Mapped[datetime]
    merged_by: Mapped[UUID | None]


class AccountMergeUndo(Base):
    """That a merger was undone. `id` is also the ledger's reversal, where money had moved."""

    __tablename__ = "account_merge_undo"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merge_id: Mapped[UUID] = mapped_column(ForeignKey("account_merge.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(200))
    undone_at: Mapped[datetime]
    undone_by: Mapped[UUID | None]


class AccountClosure(Base):
    """That a family left, and what its account held then, in cents: `left` is what is stated of each amount.

    `left` also keeps the roles that ended with it, each with the last day that it had before.
    """

    __tablename__ = "account_closure"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"), index=True)
    closed_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(200))
    left: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]


class AccountReopening(Base):
    """That a family came back, or had been taken for gone by mistake: its account goes on."""

    __tablename__ = "account_reopening"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    closure_id: Mapped[UUID] = mapped_column(ForeignKey("account_closure.id"), unique=True)
    reopened_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(200))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]


append_only(AccountMerge.__table__)
append_only(AccountMergeUndo.__table__)
append_only(AccountClosure.__table__)
append_only(AccountReopening.__table__)
