"""Tables of communes, people, family accounts, who belongs to which, and whose a shared child's days are."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.people.rules import FamilyRole, QuotientSource

# Words are compared byte by byte, so that an index finds everything that begins with "mor" on both databases.
BYTEWISE = String(60).with_variant(String(60, collation="C"), "postgresql")


class Commune(Base):
    """A municipality, under its INSEE code."""

    __tablename__ = "commune"

    insee: Mapped[str] = mapped_column(String(5), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    postcode: Mapped[str] = mapped_column(String(5))
    in_territory: Mapped[bool]


class Person(Base):
    """Somebody the territory knows, with or without a card.

    `search_key` is "family given" without accents and capitals: the order of lists. `PersonWord` is what a search
    finds; `cvq_core.people.store` writes both whenever a name is written.
    """

    __tablename__ = "person"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    family_name: Mapped[str] = mapped_column(String(80))
    given_names: Mapped[str] = mapped_column(String(120))
    usual_name: Mapped[str | None] = mapped_column(String(80))
    birth_date: Mapped[date | None] = mapped_column(index=True)
    address: Mapped[str | None] = mapped_column(String(200))
    postcode: Mapped[str | None] = mapped_column(String(10))
    commune_insee: Mapped[str | None] = mapped_column(ForeignKey("commune.insee"), index=True)
    phone: Mapped[str | None] = mapped_column(String(20))
    email: Mapped[str | None] = mapped_column(String(254))
    deceased_on: Mapped[date | None]
    search_key: Mapped[str] = mapped_column(
        String(250).with_variant(String(250, collation="C"), "postgresql"), index=True
    )


class PersonWord(Base):
    """One word under which a person is found: "jean", "pierre" and "jeanpierre" for Jean-Pierre."""

    __tablename__ = "person_word"

    word: Mapped[str] = mapped_column(BYTEWISE, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True)


class FamilyAccount(Base):
    """A household: it owns the wallets, and has members."""

    __tablename__ = "family_account"
    __table_args__ = (
        Index(
            "ix_family_account_merged",
            "merged_into_id",
            sqlite_where=text("merged_into_id IS NOT NULL"),
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(12), unique=True)
    label: Mapped[str] = mapped_column(String(120))
    email: Mapped[str | None] = mapped_column(String(254))
    opened_on: Mapped[date]
    closed_on: Mapped[date | None]
    # Where a household was written twice by mistake, the account that goes on.
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("family_account.id"))


class Membership(Base):
    """A person's role in a family account, from a day to another (that day included); the past is kept."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("account_id", "person_id", "role", "valid_from"),
        CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="period"),
        CheckConstraint("share_percent IS NULL OR share_percent BETWEEN 0 AND 100", name="share"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[FamilyRole]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    # What this account bears of a child that belongs to two of them.
    share_percent: Mapped[int | None] = mapped_column(SmallInteger)


class FamilyQuotient(Base):
    """A family quotient in whole euros, with its source: a new value is a new row.

    `reference` is what proves it: what stands on the certificate, or how it came.
    """

    __tablename__ = "family_quotient"
    __table_args__ = (
        Index("ix_family_quotient_account", "account_id", "valid_from"),
        CheckConstraint("value_euros >= 0", name="value"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"))
    value_euros: Mapped[int]
    source: Mapped[QuotientSource]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    recorded_at: Mapped[datetime]
    reference: Mapped[str] = mapped_column(String(80), default="", server_default=text("''"))
    recorded_by: Mapped[UUID | None]


class CourtOrder(Base):
    """What a court decided about a child, as it stands on the paper that was shown."""

    __tablename__ = "court_order"
    __table_args__ = (Index("ix_court_order_child", "child_id", "decided_on"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    child_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    court: Mapped[str] = mapped_column(String(120))
    reference: Mapped[str] = mapped_column(String(60))
    decided_on: Mapped[date]
    # The order may reach back further than the calendar made from it.
    effective_on: Mapped[date]
    note: Mapped[str] = mapped_column(String(300), default="")
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]


class CustodyArrangement(Base):
    """How a child's days are shared among family accounts, from a day until the next one begins (`people.custody`)."""

    __tablename__ = "custody_arrangement"
    __table_args__ = (
        Index("ix_custody_arrangement_child", "child_id", "valid_from"),
        CheckConstraint("length(first_week) = 7 AND length(second_week) = 7", name="weeks"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    child_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    valid_from: Mapped[date]
    first_week: Mapped[str] = mapped_column(String(7))
    second_week: Mapped[str] = mapped_column(String(7))
    reference_monday: Mapped[date | None]
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("court_order.id"))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]


class CustodyPart(Base):
    """An account's part in an arrangement, and its share in percent; the first part's letter is "a"."""

    __tablename__ = "custody_part"
    __table_args__ = (CheckConstraint("share_percent BETWEEN 0 AND 100", name="share"),)

    arrangement_id: Mapped[UUID] = mapped_column(ForeignKey("custody_arrangement.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"))
    share_percent: Mapped[int] = mapped_column(SmallInteger)


class CustodyException(Base):
    """Days that leave an arrangement's rhythm, such as half a holiday; NULL is nobody's, the last recorded holds."""

    __tablename__ = "custody_exception"
    __table_args__ = (CheckConstraint("last_day >= first_day", name="period"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    arrangement_id: Mapped[UUID] = mapped_column(ForeignKey("custody_arrangement.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("family_account.id"))
    by_rhythm: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(120))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]


class ParentalAuthority(Base):
    """That a court took a guardian's authority over a child away from a day on, or gave it back.

    Without a row a guardian holds it.
    """

    __tablename__ = "parental_authority"
    __table_args__ = (Index("ix_parental_authority_child", "child_id", "valid_from"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    child_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    held: Mapped[bool]
    valid_from: Mapped[date]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("court_order.id"))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]


append_only(CourtOrder.__table__)
append_only(CustodyArrangement.__table__)
append_only(CustodyPart.__table__)
append_only(CustodyException.__table__)
append_only(ParentalAuthority.__table__)
