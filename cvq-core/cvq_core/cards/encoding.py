"""Encoding: the maker's PC lays a card on its reader and carries the messages between it and the core.

A printed card becomes a made one when its chip proved what was written on it, in one transaction with the stock; until
then nothing is counted, so a card that is pulled away is simply laid down again, or scrapped. A card that is in
circulation gets the present keys in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.card_keys.custody import CardKeysUnavailable, ChipKeys, Custody, in_thread
from cvq_core.card_keys.dialogues import TRANSPORT, Personal, personalise
from cvq_core.card_keys.service import CardCannotProve
from cvq_core.card_keys.signed import SignedId, version_of
from cvq_core.card_keys.store import (
    Begin,
    Speak,
    Step,
    current_key,
    go_on,
    keys_in_force,
    locked_dialogue,
    open_dialogue,
)
from cvq_core.card_keys.tables import CardChip, CardDialogue, DialogueKind, KeyPurpose, Outcome
from cvq_core.cards.life import By, note_event
from cvq_core.cards.making import batch_by_id, locked_order, take_blank
from cvq_core.cards.making_rules import (
    ORDER_WORDS,
    CardEventKind,
    Channel,
    OrderStateRefused,
    OrderStatus,
    UidInUse,
    UnknownOrder,
)
from cvq_core.cards.rules import BadCardUid, CardStatus, card_number, card_uid
from cvq_core.cards.tables import Card, CardBatch, CardOrder
from cvq_core.errors import N_, Forbidden
from cvq_core.journal.store import Actor
from cvq_core.people.tables import Person

ENCODING_TIME = timedelta(minutes=3)
CHIP_UID_DIGITS = 14
"""Only chips with a fixed identifier of 7 bytes are encoded: others show a new number each time."""


class EncoderElsewhere(Forbidden):
    """The card is made at another place than the encoder's."""

    slug = "encoder-elsewhere"
    message = N_("Cet encodeur est celui d’un autre lieu.")
    what_to_do = N_("Encodez les cartes là où elles sont faites, ou installez l’encodeur pour ce lieu.")


@dataclass(frozen=True, slots=True)
class Encoder:
    """The device that carries the messages, and the place whose cards it may encode."""

    actor: Actor
    place_id: UUID


async def to_encode(db: AsyncSession, encoder: Encoder) -> list[tuple[CardBatch, CardOrder, Person]]:
    """Return the printed cards of the encoder's place, the oldest batch first; at most 500."""
    rows = await db.execute(
        select(CardBatch, CardOrder, Person)
        .join(CardOrder, CardOrder.batch_id == CardBatch.id)
        .join(Person, Person.id == CardOrder.person_id)
        .where(CardBatch.place_id == encoder.place_id, CardOrder.status == OrderStatus.PRINTED)
        .order_by(CardBatch.made_at, CardBatch.id, CardOrder.position)
        .limit(500)
    )
    return [(batch, order, person) for batch, order, person in rows]


async def start_encoding(
    db: AsyncSession,
    custody: Custody | None,
    dialogue_id: UUID,
    *,
    number: str,
    uid: str,
    encoder: Encoder,
    now: datetime,
) -> Step:
    """Begin to write on the chip that lies on the encoder, as the card with a printed number.

    Raises:
        BadCardNumber, UnknownOrder: nothing to make and no card has this number.
        BadCardUid: it is no chip that can be encoded.
        UidInUse, OrderStateRefused, EncoderElsewhere
        CardCannotProve: the card is in circulation, and has no keys, or retired ones.
        NoCardKey, CardKeysUnavailable: there is no key to give, or the HSM does not answer.
    """
    uid = card_uid(uid)
    if len(uid) != CHIP_UID_DIGITS:
        raise BadCardUid
    subject = await _subject(db, card_number(number), uid, encoder)
    key = await current_key(db, KeyPurpose.CARD)
    row = CardDialogue(
        id=dialogue_id,
        kind=DialogueKind.ENCODING,
        device_id=encoder.actor.id,
        card_uid=uid,
        subject_id=subject.id,
        key_version=key.version,
        # An ECDSA signature is another one each time: the one that is written is kept with the dialogue.
        said={
            "signed": (await _signed(db, custody, subject, uid)).hex(),
            "number": subject.number,
            "accepted": sorted(await _accepted(db, subject)),
        },
        expires_at=now + ENCODING_TIME,
    )
    return await open_dialogue(db, row, _speak(custody), now=now)


async def continue_encoding(
    db: AsyncSession,
    custody: Custody | None,
    dialogue_id: UUID,
    *,
    number: int,
    answers: list[str],
    encoder: Encoder,
    now: datetime,
) -> Step:
    """Take in what the chip answered; when all is written and read back, the card is made.

    Raises:
        UnknownDialogue, BadStep, CardKeysUnavailable
        UidInUse, OrderStateRefused, NotMandatary, NotEnoughInStock: as for `take_blank`; nothing is made then.
    """
    row = await locked_dialogue(db, dialogue_id, DialogueKind.ENCODING, device_id=encoder.actor.id, now=now)
    had_ended, signed = row.outcome is not None, row.said.get("signed", "")
    step = await go_on(row, _speak(custody), number, answers, now=now)
    if step.outcome is Outcome.DONE and not had_ended:
        await _made(db, row, bytes.fromhex(signed), By(encoder.actor, now, Channel.ENCODER))
    return step


@dataclass(frozen=True, slots=True)
class _Subject:
    """A card to make, or one that is there."""

    id: UUID
    number: str
    is_made: bool


async def _subject(db: AsyncSession, number: str, uid: str, encoder: Encoder) -> _Subject:
    card: Card | None = await db.scalar(select(Card).where(Card.number == number))
    if card is not None:
        if card.uid != uid:
            raise UidInUse
        if card.status not in (CardStatus.MADE, CardStatus.ACTIVE):
            raise OrderStateRefused(status=ORDER_WORDS[OrderStatus.SCRAPPED])
        return _Subject(card.id, card.number, is_made=True)
    order: CardOrder | None = await db.scalar(select(CardOrder).where(CardOrder.number == number))
    if order is None:
        raise UnknownOrder
    if (await batch_by_id(db, order.batch_id)).place_id != encoder.place_id:
        raise EncoderElsewhere
    if order.status is not OrderStatus.PRINTED:
        raise OrderStateRefused(status=ORDER_WORDS[order.status])
    if await db.scalar(select(Card.id).where(Card.uid == uid)) is not None:
        raise UidInUse
    return _Subject(order.id, order.number, is_made=False)


async def _accepted(db: AsyncSession, subject: _Subject) -> set[int]:
    """Return the versions of the keys that a card may come with: a blank's, where the card is still to be made.

    Raises:
        CardCannotProve: its keys are retired, since they are known; or it never had any, and whatever shows its
            number could be it. It is replaced, and not given new ones.
    """
    in_force = {key.version for key in await keys_in_force(db, KeyPurpose.CARD)}
    chip = await db.get(CardChip, subject.id)
    if chip is None and not subject.is_made:
        return in_force | {TRANSPORT}
    if chip is None or chip.key_version not in in_force:
        raise CardCannotProve
    return {chip.key_version}


async def _made(db: AsyncSession, row: CardDialogue, signed_id: bytes, by: By) -> None:
    """Write what the chip has now; the first time, that is the card's making."""
    if await db.get(CardOrder, row.subject_id) is not None:
        order = await locked_order(db, row.subject_id)
        is_first = order.status is OrderStatus.PRINTED
        # Another chip may have become this card meanwhile: then this one is refused here.
        await take_blank(db, order, row.card_uid, by)
    else:
        is_first = False
    if not is_first:
        note_event(db, row.subject_id, CardEventKind.REKEYED, by)
    chip = await db.get(CardChip, row.subject_id)
    if chip is None:
        chip = CardChip(card_id=row.subject_id)
        db.add(chip)
    chip.key_version, chip.signed_id = row.key_version, signed_id
    chip.signature_version = version_of(signed_id)
    chip.encoded_at, chip.encoder_id = by.now, by.actor.id
    await db.flush()


async def _signed(db: AsyncSession, custody: Custody | None, subject: _Subject, uid: str) -> bytes:
    """Return the signed identifier of a card."""
    if custody is None:
        raise CardKeysUnavailable
    key = await current_key(db, KeyPurpose.SIGNATURE)
    said = SignedId(key.version, subject.number, uid, subject.id)
    return await in_thread(lambda: custody.sign(said))


def _speak(custody: Custody | None) -> Speak:
    if custody is None:
        raise CardKeysUnavailable

    def speak(row: CardDialogue) -> Begin:
        signed = bytes.fromhex(row.said["signed"])
        accepted = frozenset(row.said["accepted"])
        personal = Personal(bytes.fromhex(row.card_uid), row.said["number"], signed, row.key_version, accepted)
        keys = ChipKeys(custody, personal.uid)
        return lambda random: personalise(personal, keys, random)

    return speak
