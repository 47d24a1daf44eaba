"""The table of cards."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

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
