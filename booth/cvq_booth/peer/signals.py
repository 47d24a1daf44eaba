"""What both ends of the booth's own connection say to each other through the desk, as `peer.js` says it too.

Each end has a generation, an id that changes when it starts anew. A `hello` from an unknown generation means that the
other end was reloaded; any other signal that does not go from the known generation to ours is stale.
"""

from __future__ import annotations

import secrets
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SDP_CHARACTERS_MAX = 64 * 1024


def new_generation() -> str:
    """Return an id that no other start of any end has."""
    return secrets.token_hex(8)


class Description(BaseModel):
    """A session description (RFC 8829)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["offer", "answer", "pranswer", "rollback"]
    sdp: str = Field(max_length=SDP_CHARACTERS_MAX)


class Candidate(BaseModel):
    """A trickled ICE candidate, in the names of the browsers' own dictionary."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    candidate: str = Field(max_length=1024)
    sdp_mid: str | None = Field(default=None, alias="sdpMid", max_length=64)
    sdp_mline_index: int | None = Field(default=None, alias="sdpMLineIndex", ge=0, le=64)


class PeerSignal(BaseModel):
    """One signal, with the generations from which to which it goes."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    kind: Literal["hello", "welcome", "bye", "description", "candidate"]
    sender: str = Field(alias="from", min_length=1, max_length=64)
    to: str | None = Field(default=None, max_length=64)
    heal: bool = False
    connected: bool = False
    ice_restart: bool = True
    replaced: bool = False
    description: Description | None = None
    offer: int = 0
    candidate: Candidate | None = None

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON values for the wire."""
        return self.model_dump(by_alias=True, exclude_defaults=True) | {"to": self.to}
