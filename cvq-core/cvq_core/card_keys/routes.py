"""What readers ask so that a card proves itself: they carry messages, and learn no key."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from aiohttp import web
from limits import RateLimitItemPerMinute
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cvq_core.card_keys.custody import Custody
from cvq_core.card_keys.service import continue_proof, start_proof
from cvq_core.card_keys.store import ANSWER_HEX_MAX, COMMANDS_MAX, Step, public_keys
from cvq_core.card_keys.tables import Outcome
from cvq_core.errors import TooMany
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="card-keys")
PROOFS_A_MINUTE = 240
Hex = Annotated[str, StringConstraints(pattern=r"^([0-9A-Fa-f]{2})*$", max_length=ANSWER_HEX_MAX)]


class ProofWanted(BaseModel):
    """A card that lies on the reader. `id` is made by the reader, once for each presentation."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    card_uid: str = Field(min_length=8, max_length=60, description="hexadecimal digits, as the reader sees them")


class CardAnswers(BaseModel):
    """What the card answered, with both bytes of status: one answer a command, up to the first refused one.

    `step` is that of the commands, plus one.
    """

    model_config = ConfigDict(extra="forbid")

    step: int = Field(ge=1, le=100)
    answers: list[Hex] = Field(min_length=1, max_length=COMMANDS_MAX)


class DialogueOut(BaseModel):
    """What comes next: commands for the card, in this order, stopping after the first answer that is no 91 00 or 91 AF.

    At the end there are none: `proof` is what a tap names as its evidence, within ten seconds and once; `refused` is
    a card that is not what it says.
    """

    id: UUID
    step: int
    commands: list[str]
    proof: UUID | None = None
    refused: bool = False


class SigningKeyOut(BaseModel):
    """A public key that signed identifiers are checked with: an uncompressed point of P-256, in hexadecimal digits."""

    version: int
    public_key: str


class SigningKeysOut(BaseModel):
    """Those that are in force."""

    keys: list[SigningKeyOut]


CUSTODY: web.AppKey[list[Custody | None]] = web.AppKey("custody", list)
"""The HSM, or None; in a list of one, since an application's keys hold no None."""


def custody_here(context: Context) -> Custody | None:
    """Return the HSM of this server."""
    return context.request.app[CUSTODY][0]


@routes.post("/card-authentications", access=Permission.TAP, body=ProofWanted, answer=DialogueOut)
async def begin(context: Context, body: ProofWanted) -> DialogueOut:
    """Begin to have a card prove itself through this reader."""
    assert context.principal.id is not None
    if not await context.services.limiter.hit(
        RateLimitItemPerMinute(PROOFS_A_MINUTE), f"proofs:{context.principal.id}"
    ):
        raise TooMany(retry_after_s=60)
    step = await start_proof(
        context.db,
        custody_here(context),
        body.id,
        uid=body.card_uid,
        device_id=context.principal.id,
        now=context.now,
    )
    return dialogue_out(body.id, step)


@routes.post("/card-authentications/{id}/answers", access=Permission.TAP, body=CardAnswers, answer=DialogueOut)
async def go_on(context: Context, body: CardAnswers) -> DialogueOut:
    """Take what the card answered, and say what comes next."""
    proof_id = context.path_id()
    step = await continue_proof(
        context.db,
        custody_here(context),
        proof_id,
        number=body.step,
        answers=[each.upper() for each in body.answers],
        actor=context.principal.actor,
        now=context.now,
    )
    return dialogue_out(proof_id, step)


@routes.get("/card-keys/signing", access=Permission.TAP, answer=SigningKeysOut)
async def signing_keys(context: Context) -> SigningKeysOut:
    """Give the public keys that signed identifiers are checked with."""
    found = await public_keys(context.db)
    return SigningKeysOut(
        keys=[SigningKeyOut(version=version, public_key=point.hex()) for version, point in found.items()]
    )


def dialogue_out(dialogue_id: UUID, step: Step) -> DialogueOut:
    """Return a step as it is answered."""
    return DialogueOut(
        id=dialogue_id,
        step=step.number,
        commands=[each.hex().upper() for each in step.commands],
        proof=dialogue_id if step.outcome is Outcome.DONE else None,
        refused=step.outcome is Outcome.REFUSED,
    )
