"""Keys in force, and dialogues kept between the messages of the device that carries them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.card_keys.custody import in_thread
from cvq_core.card_keys.desfire import BLOCK, BadAnswer, Random
from cvq_core.card_keys.dialogues import Dialogue, Done, ToSend, replay
from cvq_core.card_keys.tables import CardDialogue, CardKey, DialogueKind, KeyPurpose, Outcome
from cvq_core.errors import N_, BadInput, NotFound, Refusal

KEPT = timedelta(days=1)
STEPS_MAX = 40
ANSWER_HEX_MAX = 600
COMMANDS_MAX = 8
log = structlog.get_logger()


class UnknownDialogue(NotFound):
    """No such dialogue, another device's, or one that is over."""

    slug = "unknown-card-dialogue"
    message = N_("L’échange avec cette carte est terminé.")
    what_to_do = N_("Présentez la carte de nouveau.")


class BadStep(BadInput):
    """The answers do not belong to what was asked last."""

    slug = "bad-card-step"
    message = N_("Ces réponses de la carte ne sont pas celles qui étaient attendues.")


class NoCardKey(Refusal):
    """No key of this purpose was made yet."""

    slug = "no-card-key"
    message = N_("Aucune clé n’a encore été faite pour les cartes.")
    what_to_do = N_("L’administrateur la fait une fois, avec « cvq keys make ».")


async def current_key(db: AsyncSession, purpose: KeyPurpose) -> CardKey:
    """Return the key that new cards get.

    Raises:
        NoCardKey: there is none.
    """
    found: CardKey | None = await db.scalar(
        select(CardKey)
        .where(CardKey.purpose == purpose, CardKey.retired_at.is_(None))
        .order_by(CardKey.version.desc())
        .limit(1)
    )
    if found is None:
        raise NoCardKey
    return found


async def keys_in_force(db: AsyncSession, purpose: KeyPurpose) -> list[CardKey]:
    """Return the keys of a purpose that are not retired, the newest first."""
    rows = await db.scalars(
        select(CardKey).where(CardKey.purpose == purpose, CardKey.retired_at.is_(None)).order_by(CardKey.version.desc())
    )
    return list(rows)


async def public_keys(db: AsyncSession) -> dict[int, bytes]:
    """Return the public keys that signed identifiers are checked with, by version: what a site's controller holds."""
    signing = await keys_in_force(db, KeyPurpose.SIGNATURE)
    return {row.version: row.public_key for row in signing if row.public_key is not None}


@dataclass(frozen=True, slots=True)
class Step:
    """Where a dialogue stands: `commands` for the card, or how it ended. `number` counts what was answered."""

    number: int
    commands: tuple[bytes, ...] = ()
    outcome: Outcome | None = None


Begin = Callable[[Random], Dialogue[None]]
"""Begins a dialogue, given what draws its random numbers."""
Speak = Callable[[CardDialogue], Begin]
"""Says how a dialogue is begun, given its row."""


async def open_dialogue(db: AsyncSession, row: CardDialogue, speak: Speak, *, now: datetime) -> Step:
    """Keep a new dialogue, or one that was asked for a second time, and return its first commands.

    Raises:
        UnknownDialogue: this id was used for something else.
    """
    await db.execute(delete(CardDialogue).where(CardDialogue.expires_at < now - KEPT))
    known = await _locked(db, row.id)
    if known is not None:
        same = (known.kind, known.device_id, known.card_uid, known.subject_id) == (
            row.kind,
            row.device_id,
            row.card_uid,
            row.subject_id,
        )
        if not same or known.said.get("answers") or known.ended_at is not None:
            raise UnknownDialogue
        row = known
    else:
        db.add(row)
    return await _run(row, speak, list(row.said.get("answers", [])))


async def locked_dialogue(
    db: AsyncSession, dialogue_id: UUID, kind: DialogueKind, *, device_id: UUID | None, now: datetime
) -> CardDialogue:
    """Return a dialogue of a device's that still goes on, locked; or one that has ended, for a repeated last message.

    Raises:
        UnknownDialogue: there is none, it is another device's, or it took too long.
    """
    row = await _locked(db, dialogue_id)
    if row is None or row.kind is not kind or row.device_id != device_id or row.expires_at <= now:
        raise UnknownDialogue
    return row


async def go_on(row: CardDialogue, speak: Speak, number: int, answers: Sequence[str], *, now: datetime) -> Step:
    """Take in the answers to the commands of step `number`, and return the next ones or how it ended.

    The same answers again give the same next commands. What the card answered wrongly ends the dialogue: nobody
    tries twice with the same random numbers.

    Raises:
        BadStep: the answers are to another step, or others than before.
    """
    if row.outcome is not None:
        if number != row.said.get("steps"):
            raise BadStep
        return Step(number, outcome=row.outcome)
    known: list[list[str]] = list(row.said.get("answers", []))
    if number == len(known) and known and known[-1] == list(answers):
        return await _run(row, speak, known)
    if number != len(known) + 1 or number > STEPS_MAX:
        raise BadStep
    known.append(list(answers))
    try:
        step = await _run(row, speak, known)
    except BadAnswer as error:
        log.info("card refused", dialogue=str(row.id), kind=row.kind.value, step=number, reason=str(error))
        step = Step(number, outcome=Outcome.REFUSED)
    if step.outcome is not None:
        row.outcome, row.ended_at, row.said = step.outcome, now, {"steps": number}
    return step


async def _run(row: CardDialogue, speak: Speak, answers: list[list[str]]) -> Step:
    """Run the dialogue over all answers in a thread: the HSM takes its time, and it is asked for keys on the way.

    Raises:
        CardKeysUnavailable: the HSM does not answer, or not in time.
    """
    drawn = [bytes.fromhex(each) for each in row.said.get("drawn", [])]
    given = iter(drawn)

    def random() -> bytes:
        number = next(given, None)
        if number is None:
            number = secrets.token_bytes(BLOCK)
            drawn.append(number)
        return number

    begin = speak(row)
    transcript = [[bytes.fromhex(each) for each in one] for one in answers]
    found = await in_thread(lambda: replay(begin(random), transcript))
    row.said = {**row.said, "drawn": [each.hex() for each in drawn], "answers": answers}
    match found:
        case ToSend(commands):
            return Step(len(answers), tuple(commands))
        case Done():
            return Step(len(answers), outcome=Outcome.DONE)


async def _locked(db: AsyncSession, dialogue_id: UUID) -> CardDialogue | None:
    row: CardDialogue | None = await db.scalar(
        select(CardDialogue).where(CardDialogue.id == dialogue_id).with_for_update()
    )
    return row
