"""Tables of cards, of their making, and of what happens to them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.append_only import append_only
from cvq_core.cards.making_rules import CardEventKind, Channel, IdentityCheck, OrderStatus
from cvq_core.cards.rules import BlockedReason, CardStatus
from cvq_core.database import Base


class Card(Base):
    """A card of one person. Rights hang on the person, so a replacement carries everything over at once.

    `number` is printed on it (ten digits, the last one a check digit); `uid` is what a reader sees, in upper-case
    hexadecimal digits. `valid_until` is the last day on which the card is good.
    """

    __tablename__ = "card"
    __table_args__ = (
        CheckConstraint("(status = 'blocked') = (blocked_reason IS NOT NULL)", name="blocked_reason"),
        CheckConstraint("(status = 'replaced') = (replaced_by_id IS NOT NULL)", name="replaced_by"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(10), unique=True)
    uid: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    status: Mapped[CardStatus]
    status_since: Mapped[datetime]
    blocked_reason: Mapped[BlockedReason | None]
    valid_from: Mapped[date]
    valid_until: Mapped[date]
    replaced_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("card.id"))


class CardBatch(Base):
    """Cards that are made together at a place of a cash office; `kind_id` is the stock of blank cards they are taken
    from, where one is kept. `made_by` is whose stock it is, and answers for what is spoiled.
    """

    __tablename__ = "card_batch"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    place_id: Mapped[UUID] = mapped_column(ForeignKey("sub_office.id"), index=True)
    kind_id: Mapped[UUID | None] = mapped_column(ForeignKey("value_kind.id"))
    label: Mapped[str] = mapped_column(String(80))
    # How many it was made for; those that are made in the place of scrapped ones come after them.
    planned: Mapped[int]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    made_at: Mapped[datetime]


class CardOrder(Base):
    """A card to make. Its id and number become those of the card, which is there once the chip is known.

    Somebody waits for one card at a time.
    """

    __tablename__ = "card_order"
    __table_args__ = (
        UniqueConstraint("batch_id", "position"),
        Index(
            "uq_card_order_open",
            "person_id",
            unique=True,
            sqlite_where=text("status IN ('planned', 'printed', 'encoded')"),
            postgresql_where=text("status IN ('planned', 'printed', 'encoded')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("card_batch.id"))
    position: Mapped[int]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    number: Mapped[str] = mapped_column(String(10), unique=True)
    valid_until: Mapped[date]
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("card.id"))
    status: Mapped[OrderStatus] = mapped_column(index=True)
    status_since: Mapped[datetime]


class CardEvent(Base):
    """What happened to a card, from its order on: who did it, how they were reached, and how well the person was known.

    `card_id` is the card's, and before there is one its order's, which is the same.
    """

    __tablename__ = "card_event"
    __table_args__ = (Index("ix_card_event_card", "card_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    card_id: Mapped[UUID]
    at: Mapped[datetime]
    what: Mapped[CardEventKind]
    channel: Mapped[Channel]
    identity: Mapped[IdentityCheck | None]
    reason: Mapped[str] = mapped_column(String(200))
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(String(200))


append_only(CardEvent.__table__)
