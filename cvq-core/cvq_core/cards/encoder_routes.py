"""What an encoder asks: which cards wait, and what to say to the chip that lies on it."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cvq_core.card_keys.routes import CardAnswers, DialogueOut, custody_here, dialogue_out
from cvq_core.cards.encoding import Encoder, continue_encoding, start_encoding, to_encode
from cvq_core.people.names import spoken_name
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="encoders")


class EncodingWanted(BaseModel):
    """A chip that lies on the encoder, and the number that is printed on its card."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    number: str = Field(max_length=30)
    card_uid: str = Field(min_length=8, max_length=60)


class WaitingOut(BaseModel):
    """A printed card that waits for its chip."""

    batch_id: UUID
    batch: str
    position: int
    number: str
    name: str


class AllWaitingOut(BaseModel):
    """Those of the encoder's place, in the order in which they were printed."""

    cards: list[WaitingOut]


@routes.get("/cards-to-encode", access=Permission.ENCODE, answer=AllWaitingOut)
async def waiting(context: Context) -> AllWaitingOut:
    """List the printed cards of this encoder's place."""
    found = await to_encode(context.db, _encoder(context))
    return AllWaitingOut(
        cards=[
            WaitingOut(
                batch_id=batch.id,
                batch=batch.label,
                position=order.position,
                number=order.number,
                name=spoken_name(person.family_name, person.usual_name, person.given_names),
            )
            for batch, order, person in found
        ]
    )


@routes.post("/card-encodings", access=Permission.ENCODE, body=EncodingWanted, answer=DialogueOut)
async def begin(context: Context, body: EncodingWanted) -> DialogueOut:
    """Begin to write on a chip."""
    step = await start_encoding(
        context.db,
        custody_here(context),
        body.id,
        number=body.number,
        uid=body.card_uid,
        encoder=_encoder(context),
        now=context.now,
    )
    return dialogue_out(body.id, step)


@routes.post("/card-encodings/{id}/answers", access=Permission.ENCODE, body=CardAnswers, answer=DialogueOut)
async def go_on(context: Context, body: CardAnswers) -> DialogueOut:
    """Take what the chip answered, and say what comes next; at the end the card is made."""
    dialogue_id = context.path_id()
    step = await continue_encoding(
        context.db,
        custody_here(context),
        dialogue_id,
        number=body.step,
        answers=[each.upper() for each in body.answers],
        encoder=_encoder(context),
        now=context.now,
    )
    return dialogue_out(dialogue_id, step)


def _encoder(context: Context) -> Encoder:
    assert context.principal.subject_id is not None
    return Encoder(context.principal.actor, context.principal.subject_id)
