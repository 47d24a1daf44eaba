"""Tables of the waste centre: what it takes, how often households may come, and what was brought."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.database import Base
from cvq_core.waste.rules import LateKind, Standing


class WasteCategory(Base):
    """A kind of waste that is taken; `price_code` is an item of the service's tariff, by the cubic metre."""

    __tablename__ = "waste_category"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    label: Mapped[str] = mapped_column(String(60))
    price_code: Mapped[str | None] = mapped_column(String(40))
    position: Mapped[int] = mapped_column(SmallInteger)
    taken: Mapped[bool]


class WasteQuota(Base):
    """How many visits a year a household has from a day on; NULL is without limit. A new number is a new row."""

    __tablename__ = "waste_quota"
    __table_args__ = (CheckConstraint("visits_a_year IS NULL OR visits_a_year > 0", name="visits"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_from: Mapped[date]
    visits_a_year: Mapped[int | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]


class WasteDeposit(Base):
    """One visit with a load; `account_id` is the household that comes, or who pays for the professional.

    `visit` is its number in the household's year. `overrun` is a visit beyond the quota, made where nobody could know.
    What is charged is in `transaction_id` where a wallet paid it, and is billed later otherwise (`WasteBilled`).
    """

    __tablename__ = "waste_deposit"
    __table_args__ = (
        Index("ix_waste_deposit_account", "account_id", "year", "standing"),
        Index("ix_waste_deposit_point", "point_id", "occurred_at"),
        CheckConstraint("amount_cents >= 0", name="amount"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    point_id: Mapped[UUID] = mapped_column(ForeignKey("access_point.id"))
    reader_id: Mapped[UUID | None]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"))
    standing: Mapped[Standing]
    year: Mapped[int] = mapped_column(SmallInteger)
    visit: Mapped[int]
    quota: Mapped[int | None]
    overrun: Mapped[bool]
    offline: Mapped[bool]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    transaction_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transaction.id"))
    printed_name: Mapped[str] = mapped_column(String(200))


class WasteLoad(Base):
    """One load of a deposit, with what it cost and why."""

    __tablename__ = "waste_load"
    __table_args__ = (CheckConstraint("litres > 0 AND amount_cents >= 0", name="amounts"),)

    deposit_id: Mapped[UUID] = mapped_column(ForeignKey("waste_deposit.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    category: Mapped[str] = mapped_column(ForeignKey("waste_category.code"))
    label: Mapped[str] = mapped_column(String(60))
    litres: Mapped[int]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    why: Mapped[str] = mapped_column(String(300))


class WasteBilled(Base):
    """That a deposit stands on an invoice."""

    __tablename__ = "waste_billed"

    deposit_id: Mapped[UUID] = mapped_column(ForeignKey("waste_deposit.id"), primary_key=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoice.id"), index=True)


class WastePlate(Base):
    """A vehicle in which somebody comes, as `rules.plate_key` writes its plate, and as whom."""

    __tablename__ = "waste_plate"

    plate: Mapped[str] = mapped_column(String(12), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    standing: Mapped[Standing]
    registered_at: Mapped[datetime]
    registered_by: Mapped[UUID | None]


class WasteLate(Base):
    """A deposit that a tablet brought home and a manager has to look at; its id is the deposit's.

    `not_taken` is one that the core could not take, with the refusal's slug as its reason and `loads` as they were
    said: there is no `WasteDeposit` of it. `price_differs` is one whose price was not the one said at the gate.
    """

    __tablename__ = "waste_late"
    __table_args__ = (Index("ix_waste_late_received", "received_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[LateKind]
    reason: Mapped[str] = mapped_column(String(60))
    point_id: Mapped[UUID] = mapped_column(ForeignKey("access_point.id"))
    reader_id: Mapped[UUID | None]
    who: Mapped[str] = mapped_column(String(200))
    loads: Mapped[str] = mapped_column(String(1000))
    said_cents: Mapped[int] = mapped_column(BigInteger)
    amount_cents: Mapped[int | None] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]


append_only(WasteQuota.__table__)
append_only(WasteDeposit.__table__)
append_only(WasteLoad.__table__)
append_only(WasteBilled.__table__)
append_only(WasteLate.__table__)
