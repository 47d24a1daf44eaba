"""What advisors' pages ask about cards in a visit."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from cvq_core.cards.routes import CardOut
from cvq_core.cards.rules import BlockedReason
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_desk.cards.service import block_in_visit
from cvq_desk.visits.routes import act_of

routes = Routes("/api/v1", tag="cards")


class VisitBlockBody(BaseModel):
    """What happened to the card."""

    model_config = ConfigDict(extra="ignore")

    why: Literal[BlockedReason.LOST, BlockedReason.STOLEN]


@routes.post(
    "/visits/{id}/cards/{card_id}/block", access=Permission.SERVE, body=VisitBlockBody, answer=CardOut, form=True
)
async def block_from_the_booth(context: Context, body: VisitBlockBody) -> CardOut:
    """Block a card of the account that the resident opened, at once and everywhere."""
    card = await block_in_visit(act_of(context), context.path_id(), context.path_id("card_id"), body.why)
    return CardOut.model_validate(card)
