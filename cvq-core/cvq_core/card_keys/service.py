"""A card proves itself through a reader, and what a decision may rest on then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Assurance
from cvq_core.card_keys.custody import CardKeysUnavailable, ChipKeys, Custody
from cvq_core.card_keys.dialogues import prove
from cvq_core.card_keys.signed import read_signed_id
from cvq_core.card_keys.store import Begin, Speak, Step, go_on, locked_dialogue, open_dialogue, public_keys
from cvq_core.card_keys.tables import CardChip, CardDialogue, CardKey, DialogueKind, KeyPurpose, Outcome
from cvq_core.cards.rules import card_uid as checked_uid
from cvq_core.cards.store import find_card
from cvq_core.cards.tables import Card
from cvq_core.errors import N_, Refusal
from cvq_core.journal.store import Actor, record

PROOF_TIME = timedelta(seconds=10)
"""A card in a hand answers within a second; what takes longer is told anew."""
PROOF_LIFE = timedelta(seconds=10)
"""How long after it a proof is good for a tap."""


class CardCannotProve(Refusal):
    """The card has no key of ours, or one that is retired."""

    slug = "card-cannot-prove"
    message = N_("Cette carte n’a pas de clé en vigueur : elle ne peut pas prouver qui elle est.")
    what_to_do = N_("Elle ouvre encore là où son numéro suffit. Ailleurs, il faut la remplacer.")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a reader sends along with a card's number: what it read on it, or the id of a proof that the core ran."""

    signed_id: bytes | None = None
    proof: UUID | None = None


async def start_proof(
    db: AsyncSession, custody: Custody | None, proof_id: UUID, *, uid: str, device_id: UUID, now: datetime
) -> Step:
    """Begin to have a card prove itself; return the commands for it. The same id again gives the same commands.

    Raises:
        BadCardUid, UnknownCard: no card has this identifier.
        CardCannotProve: it has no key, or a retired one.
        CardKeysUnavailable: the HSM does not answer.
    """
    card = await find_card(db, uid=uid)
    chip = await db.get(CardChip, card.id)
    key = await db.get(CardKey, (KeyPurpose.CARD, chip.key_version)) if chip else None
    if key is None or key.retired_at is not None:
        raise CardCannotProve
    row = CardDialogue(
        id=proof_id,
        kind=DialogueKind.PROOF,
        device_id=device_id,
        card_uid=card.uid,
        subject_id=card.id,
        key_version=key.version,
        said={},
        expires_at=now + PROOF_TIME,
    )
    return await open_dialogue(db, row, _proof(custody), now=now)


async def continue_proof(
    db: AsyncSession,
    custody: Custody | None,
    proof_id: UUID,
    *,
    number: int,
    answers: list[str],
    actor: Actor,
    now: datetime,
) -> Step:
    """Take in what the card answered; what is no genuine card is written into the journal.

    Raises:
        UnknownDialogue: no such proof is under way with this reader.
        BadStep: the answers belong to another step.
        CardKeysUnavailable: the HSM does not answer.
    """
    row = await locked_dialogue(db, proof_id, DialogueKind.PROOF, device_id=actor.id, now=now)
    before = row.outcome
    step = await go_on(row, _proof(custody), number, answers, now=now)
    if step.outcome is Outcome.REFUSED and before is None:
        record(db, now=now, actor=actor, action="card-not-genuine", outcome="refused", subject=("card", row.subject_id))
    return step


def _proof(custody: Custody | None) -> Speak:
    if custody is None:
        raise CardKeysUnavailable

    def speak(row: CardDialogue) -> Begin:
        keys, version = ChipKeys(custody, bytes.fromhex(row.card_uid)), row.key_version
        return lambda random: prove(keys, random, version=version)

    return speak


@dataclass(frozen=True, slots=True)
class Presented:
    """A card at a reader: `card_uid` as the reader sees it, and the id of the tap that is decided on."""

    card_uid: str
    tap_id: UUID
    reader_id: UUID | None


async def assurance_of(db: AsyncSession, evidence: Evidence, presented: Presented, *, now: datetime) -> Assurance:
    """Return what a tap's card may be taken for, by what came with it; what does not hold is a bare number.

    A proof is good for one tap, of the reader that carried it and of the card that gave it, for some seconds; the same
    tap again finds it used by itself. Call it in the tap's transaction.
    """
    uid = checked_uid(presented.card_uid)
    if evidence.proof is not None and await _use_proof(db, evidence.proof, uid, presented, now):
        return Assurance.AUTHENTICATED
    if evidence.signed_id is not None and await _signed_by_us(db, evidence.signed_id, uid):
        return Assurance.SIGNED_ID
    return Assurance.UID


async def _use_proof(db: AsyncSession, proof_id: UUID, uid: str, presented: Presented, now: datetime) -> bool:
    fresh = and_(CardDialogue.used_by.is_(None), CardDialogue.ended_at > now - PROOF_LIFE)
    used = await db.execute(
        update(CardDialogue)
        .where(
            CardDialogue.id == proof_id,
            CardDialogue.kind == DialogueKind.PROOF,
            CardDialogue.outcome == Outcome.DONE,
            CardDialogue.card_uid == uid,
            CardDialogue.device_id == presented.reader_id,
            or_(fresh, CardDialogue.used_by == presented.tap_id),
        )
        .values(used_by=presented.tap_id)
        .returning(CardDialogue.id)
        .execution_options(synchronize_session=False)
    )
    return used.first() is not None


async def _signed_by_us(db: AsyncSession, signed_id: bytes, uid: str) -> bool:
    said = read_signed_id(signed_id, await public_keys(db))
    if said is None or said.uid != uid:
        return False
    known = await db.scalar(select(Card.id).where(Card.id == said.card_id, Card.number == said.number, Card.uid == uid))
    return known is not None
