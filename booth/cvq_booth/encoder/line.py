"""What an encoder asks the core over HTTP, with a key of its own."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID, uuid4

from aiohttp import ClientError
from pydantic import BaseModel, Field, ValidationError

from cvq_core.devices.line import ANSWER_BYTES_MAX, SHORT, DeviceLine, ServerUnreachable, read_bounded, refused

T = TypeVar("T", bound=BaseModel)


class Waiting(BaseModel):
    """A printed card that waits for its chip."""

    batch: str = Field(max_length=200)
    position: int
    number: str = Field(pattern="^[0-9]{10}$")
    name: str = Field(max_length=300)


class _AllWaiting(BaseModel):
    cards: list[Waiting] = Field(max_length=1000)


class Step(BaseModel):
    """What comes next: commands for the chip, or how it ended."""

    id: UUID
    step: int
    commands: list[str] = Field(max_length=20)
    proof: UUID | None = None
    refused: bool = False


class EncoderLine:
    """The core, as an enrolled encoder may ask it.

    Raises:
        ServerRefused, ServerUnreachable: from every call; the message of a refusal is the core's own.
    """

    def __init__(self, line: DeviceLine) -> None:
        self._line = line

    async def waiting(self) -> list[Waiting]:
        """Return the printed cards of this encoder's place."""
        return (await self._ask("GET", "/api/v1/cards-to-encode", None, _AllWaiting)).cards

    async def begin(self, number: str, uid: str) -> Step:
        """Begin to write on the chip that lies there."""
        body = {"id": str(uuid4()), "number": number, "card_uid": uid}
        return await self._ask("POST", "/api/v1/card-encodings", body, Step)

    async def go_on(self, step: Step, answers: list[str]) -> Step:
        """Tell what the chip answered."""
        body = {"step": step.step + 1, "answers": answers}
        return await self._ask("POST", f"/api/v1/card-encodings/{step.id}/answers", body, Step)

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None, shape: type[T]) -> T:
        line = self._line
        try:
            async with line.session.request(
                method,
                line.url + path,
                json=body,
                headers=await line.headers(),
                timeout=SHORT,
                allow_redirects=False,
            ) as response:
                raw = await read_bounded(response, ANSWER_BYTES_MAX * 4)
        except (ClientError, TimeoutError, OSError) as error:
            raise ServerUnreachable(f"{path}: {error or type(error).__name__}") from error
        if response.status == 401:
            line.forget_token()
        if response.status >= 300:
            raise refused(raw, response.status)
        try:
            return shape.model_validate_json(raw)
        except ValidationError:
            raise ServerUnreachable(f"{path}: the answer is not what a core says") from None
