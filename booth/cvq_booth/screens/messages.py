"""What a screen's page says to the agent over its loopback WebSocket; the other way goes plain JSON, see `server`."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from cvq_desk.wire import ConsentManner

FRAME_BYTES_MAX = 256 * 1024

Device = Literal["camera", "microphone"]


class PageMessage(BaseModel):
    """Base of all of them; a page and its agent are of one version, so nothing unknown is let through."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RingShown(PageMessage):
    """The ring of this visit stands on the screen and sounds: its seconds may be counted."""

    type: Literal["ring_shown"]
    visit_id: UUID


class RingHidden(PageMessage):
    """The window with the ring is not to be seen any more: its seconds do not count."""

    type: Literal["ring_hidden"]
    visit_id: UUID


class MediaOpened(PageMessage):
    """Camera and microphone were opened, as far as they are there."""

    type: Literal["media_opened"]
    visit_id: UUID
    missing: list[Device] = Field(default_factory=list, max_length=2)


class PeerBecame(PageMessage):
    """A peer connection of the page changed its state; the states are those of `peer.js`."""

    type: Literal["peer_became"]
    visit_id: UUID
    peer: Literal["face", "window"]
    state: Literal["waiting", "connecting", "connected", "interrupted", "replaced", "closed"]


class PeerSaid(PageMessage):
    """A signal for the other end of a peer connection."""

    type: Literal["signal"]
    visit_id: UUID
    peer: Literal["face", "window"]
    data: dict[str, Any]


class Answered(PageMessage):
    """The resident said yes or no to the question that stands on the screen: an agreement, or a bank account."""

    type: Literal["answered"]
    question_id: UUID
    agreed: bool
    manner: Literal[ConsentManner.TOUCH, ConsentManner.KEY]


class Pressed(PageMessage):
    """A button that is always there, or its key."""

    type: Literal["pressed"]
    what: Literal["help", "stop", "curtain", "pay", "leave"]


FromPage = Annotated[
    RingShown | RingHidden | MediaOpened | PeerBecame | PeerSaid | Answered | Pressed,
    Field(discriminator="type"),
]
from_page: TypeAdapter[FromPage] = TypeAdapter(FromPage)
