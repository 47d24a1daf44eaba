"""Tables of the books: closed months, and editions with their files."""

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
)
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.books.rules import BookFormat, EditionState
from cvq_core.database import Base


class BookSeries(Base):
    """The numbers of an office's editions, without a gap."""

    __tablename__ = "book_series"

    office_id: Mapped[UUID] = mapped_column(ForeignKey("cash_office.id"), primary_key=True)
    last_number: Mapped[int] = mapped_column(default=0)


class BookClosing(Base):
    """A month of an office that was closed. `sums` is what the general balance then added up to since the beginning:
    for the office ("") and each place (its id) the debit and credit of every account, in cents.

    The next month's balance begins with it, and `cvq check` adds it up again.
    """

    __tablename__ = "book_closing"
    __table_args__ = (UniqueConstraint("office_id", "first_day"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("book_series.office_id"))
    first_day: Mapped[date]
    last_day: Mapped[date]
    closed_at: Mapped[datetime]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    payments: Mapped[int]
    sums: Mapped[dict[str, Any]]


class BookEdition(Base):
    """The books of an office, or of one place, for a month or a year, written once.

    Of what is closed an edition has a number; `copy` is 0 for the first of a period and counts its duplicates. An
    edition of what is not closed is provisional, and has none. `as_of` is the instant whose slips it tells.
    """

    __tablename__ = "book_edition"
    __table_args__ = (
        UniqueConstraint("office_id", "number"),
        Index("ix_book_edition_period", "office_id", "first_day", "last_day"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("copy >= 0", name="copy"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("book_series.office_id"))
    sub_office_id: Mapped[UUID | None] = mapped_column(ForeignKey("sub_office.id"))
    first_day: Mapped[date]
    last_day: Mapped[date]
    number: Mapped[int | None]
    copy: Mapped[int] = mapped_column(SmallInteger)
    as_of: Mapped[datetime]
    asked_at: Mapped[datetime]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    state: Mapped[EditionState]
    payments: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)


class BookFile(Base):
    """One file of an edition; its id is its name in the vault."""

    __tablename__ = "book_file"
    __table_args__ = (UniqueConstraint("edition_id", "format"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    edition_id: Mapped[UUID] = mapped_column(ForeignKey("book_edition.id"))
    format: Mapped[BookFormat]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[str] = mapped_column(String(40))
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)


append_only(BookClosing.__table__)
