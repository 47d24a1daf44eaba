"""Tables of companies and associations, and of the cards that their accounts have given."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.database import Base
from cvq_core.legal_entities.rules import EntityKind


class LegalEntity(Base):
    """Whose account it is when it is no family's. Its name is the account's label."""

    __tablename__ = "legal_entity"
    __table_args__ = (CheckConstraint("siret IS NOT NULL OR rna IS NOT NULL", name="number"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("family_account.id"), primary_key=True)
    kind: Mapped[EntityKind]
    siret: Mapped[str | None] = mapped_column(String(14), unique=True)
    rna: Mapped[str | None] = mapped_column(String(10), unique=True)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]


class EntityCard(Base):
    """A card that a person carries for an account; it ends with their belonging to it, whoever ends that."""

    __tablename__ = "entity_card"
    __table_args__ = (Index("ix_entity_card_account", "account_id", "person_id"),)

    card_id: Mapped[UUID] = mapped_column(ForeignKey("card.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("legal_entity.account_id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    given_at: Mapped[datetime]
    given_by: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None]
