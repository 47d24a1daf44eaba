"""The register of sealed files."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base


class SealedFile(Base):
    """A period that was sealed; each file names the digest of the one before it, so that none can be exchanged."""

    __tablename__ = "sealed_file"
    __table_args__ = (UniqueConstraint("office_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"))
    number: Mapped[int]
    first_day: Mapped[date]
    last_day: Mapped[date]
    sealed_at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(String(64))


append_only(SealedFile.__table__)
