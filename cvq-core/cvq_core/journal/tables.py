"""Tables of the journal."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.database import Base, Serial


class AuditRecord(Base):
    """One look or act.

    `personal` is what tells of a person beyond the identifiers; it can be erased without breaking the chain, which
    holds its salted digest only.
    """

    __tablename__ = "audit_record"
    __table_args__ = (
        Index("ix_audit_record_account", "account_id", "at"),
        Index("ix_audit_record_visit", "visit_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(80))
    outcome: Mapped[str] = mapped_column(String(20))
    subject_kind: Mapped[str] = mapped_column(String(40), default="")
    subject_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]
    visit_id: Mapped[UUID | None]
    consent_id: Mapped[UUID | None]
    personal: Mapped[dict[str, Any] | None]
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    personal_digest: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditSeal(Base):
    """A record's place in the chain, and the digest of everything up to it."""

    __tablename__ = "audit_seal"

    position: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=False)
    record_id: Mapped[UUID] = mapped_column(ForeignKey("audit_record.id"), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    sealed_at: Mapped[datetime]
