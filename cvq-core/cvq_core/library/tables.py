"""Tables of the library's side: which software may ask, and whom the library does not lend to for now."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.services.rules import ServiceCode


class LibraryAccess(Base):
    """A library software that may ask, with its own secret: 192 random bits, of which only the digest is kept.

    `service_code` is what it may ask about: the library or the toy library. `fee_limit_cents` is from which debt on
    nothing more is lent; NULL never. `institution` is the name that SIP2 gives to this side (its field AO).
    """

    __tablename__ = "library_access"
    __table_args__ = (
        CheckConstraint("service_code IN ('library', 'toy_library')", name="service"),
        CheckConstraint("fee_limit_cents IS NULL OR fee_limit_cents >= 0", name="fee_limit"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(40), unique=True)
    secret_digest: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(120))
    institution: Mapped[str] = mapped_column(String(40))
    encoding: Mapped[str] = mapped_column(String(20))
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    fee_limit_cents: Mapped[int | None] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class LibraryBlock(Base):
    """That the library does not lend to somebody, or does again. Their card goes on working everywhere else."""

    __tablename__ = "library_block"
    __table_args__ = (Index("ix_library_block_person", "person_id", "service_code", "recorded_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    service_code: Mapped[ServiceCode] = mapped_column(ForeignKey("service.code"))
    blocked: Mapped[bool]
    note: Mapped[str] = mapped_column(String(200))
    recorded_at: Mapped[datetime]
    access_id: Mapped[UUID] = mapped_column(ForeignKey("library_access.id"))


append_only(LibraryBlock.__table__)
