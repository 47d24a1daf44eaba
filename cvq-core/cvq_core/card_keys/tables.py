"""Tables of the keys of cards: which there are, what each chip got, and what is being said with one."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from cvq_core.card_keys.signed import LENGTH
from cvq_core.database import Base


class KeyPurpose(StrEnum):
    """What a key of the HSM is for."""

    CARD = "card"
    SIGNATURE = "signature"


class CardKey(Base):
    """A version of a key in the HSM: never the key itself, and of a signing key the public one (an uncompressed point).

    The newest that is not retired is given to new cards; a retired one is good for nothing any more.
    """

    __tablename__ = "card_key"
    __table_args__ = (CheckConstraint("version BETWEEN 1 AND 255", name="version"),)

    purpose: Mapped[KeyPurpose] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary(65))
    made_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class CardChip(Base):
    """What was written on a card's chip, and by which encoder."""

    __tablename__ = "card_chip"

    card_id: Mapped[UUID] = mapped_column(ForeignKey("card.id"), primary_key=True)
    key_version: Mapped[int]
    signature_version: Mapped[int]
    signed_id: Mapped[bytes] = mapped_column(LargeBinary(LENGTH))
    encoded_at: Mapped[datetime]
    encoder_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"))


class DialogueKind(StrEnum):
    """What a device wants of a card."""

    PROOF = "proof"
    ENCODING = "encoding"


class Outcome(StrEnum):
    """How a dialogue ended."""

    DONE = "done"
    REFUSED = "refused"


class CardDialogue(Base):
    """A dialogue with a card that a device carries the messages of; the device's id for it is the key of a retry.

    `said` holds the random numbers and the answers so far, in hexadecimal digits; it is emptied at the end. `used_by`
    is the tap that rests on the proof. Rows are deleted a day later.
    """

    __tablename__ = "card_dialogue"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[DialogueKind]
    device_id: Mapped[UUID]
    card_uid: Mapped[str] = mapped_column(String(20))
    # A card to prove, or a card to make.
    subject_id: Mapped[UUID]
    key_version: Mapped[int]
    said: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[Outcome | None]
    used_by: Mapped[UUID | None]
