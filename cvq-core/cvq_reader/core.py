"""What this controller asks of the core, and how it tells whether the line is up and quick enough to wait for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from aiohttp import ClientError, ClientTimeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cvq_core.controllers.wire import PAGE_BYTES_MAX, Changes, HealthAnswer, HealthReport, SignedPage, Welcome
from cvq_core.devices.line import DeviceLine, ServerUnreachable, read_bounded, refused
from cvq_reader.events import PointEvent
from cvq_reader.queue import QueuedTap
from cvq_reader.steady import seconds_since_boot

CHANGES_WAIT_S = 25
SLOW_FOR_S = 10.0
"""How long nobody at a door is made to wait for a core that did not answer in time."""

_PAGE = ClientTimeout(total=90, sock_read=45)
_TAPS = ClientTimeout(total=60, sock_read=45)
_SHORT = ClientTimeout(total=10)
T = TypeVar("T", bound=BaseModel)


class TapAnswer(BaseModel):
    """The core's decision on a tap."""

    model_config = ConfigDict(frozen=True)

    allowed: bool
    reason: str = Field(max_length=60)
    display_short: str = Field(max_length=60)
    display_long: str = Field(max_length=400)
    amount_cents: int = 0
    balance_cents: int | None = None
    entries_left: int | None = None


class Dialogue(BaseModel):
    """What a card is to be told next, as hexadecimal digits; none at the end."""

    step: int
    commands: list[str] = Field(max_length=20)
    proof: UUID | None = None
    refused: bool = False


class LateAnswer(BaseModel):
    """What became of a tap that was sent late; `refused` is the slug of a refusal, and then it is kept nowhere."""

    id: UUID
    recorded: bool
    refused: str | None = None
    conflicts: list[str] = Field(default_factory=list)


class LateAnswers(BaseModel):
    """The answers to a batch."""

    taps: list[LateAnswer]


class EventsTaken(BaseModel):
    """Which events the core keeps now, and which it does not take: their point is not this controller's."""

    recorded: list[UUID]
    refused: list[UUID]


class Core:
    """The core, as this controller may ask it."""

    def __init__(self, line: DeviceLine, *, online_ms: int, steady: Callable[[], float] = seconds_since_boot) -> None:
        self._line = line
        self._online = ClientTimeout(total=online_ms / 1000)
        self._steady = steady
        self._slow_until = 0.0
        self._up = False
        self.on_line: Callable[[], None] = lambda: None
        """Called when the line comes up or goes."""

    @property
    def up(self) -> bool:
        """Whether the core answered when it was last asked."""
        return self._up

    def _line_is(self, up: bool) -> None:
        if up != self._up:
            self._up = up
            self.on_line()

    @property
    def is_quick(self) -> bool:
        """Whether it is worth asking while somebody waits."""
        return self.up and self._steady() >= self._slow_until

    async def welcome(self) -> Welcome:
        """Ask who this controller is; all calls raise ServerRefused and ServerUnreachable."""
        return await self._ask("GET", "", Welcome, patience=_SHORT)

    async def page(self, run: UUID | None, after: UUID | None) -> SignedPage:
        """Fetch a page of the list."""
        query = {name: str(value) for name, value in (("run", run), ("after", after)) if value is not None}
        return await self._ask("GET", "/list", SignedPage, patience=_PAGE, params=query)

    async def changes(self, sequence: int, *, wait_s: int = CHANGES_WAIT_S) -> Changes:
        """Fetch what changed, as soon as something does."""
        query = {"after": str(sequence), "wait": str(wait_s)}
        return await self._ask("GET", "/changes", Changes, patience=_PAGE, params=query)

    async def people(self, people: list[UUID]) -> Changes:
        """Fetch some people's records anew."""
        body = {"people": [str(each) for each in people]}
        return await self._ask("POST", "/people", Changes, patience=_PAGE, json=body)

    async def health(self, report: HealthReport) -> tuple[HealthAnswer, float]:
        """Tell how this controller is; return the answer and how many seconds it took."""
        begun = self._steady()
        answer = await self._ask("POST", "/health", HealthAnswer, patience=_SHORT, json=report.model_dump(mode="json"))
        return answer, self._steady() - begun

    async def tap(self, tap: QueuedTap) -> TapAnswer:
        """Ask for a decision while somebody waits; whoever gets none in time decides here, and soon asks no more."""
        body: dict[str, Any] = {"id": str(tap.id), "point_id": str(tap.point_id), "tapped_at": tap.at.isoformat()}
        body["assurance"] = tap.assurance.value
        body |= {"card_uid": tap.uid} if tap.uid else {"person_id": str(tap.person_id)}
        try:
            return await self._ask("POST", "/taps", TapAnswer, patience=self._online, json=body)
        except ServerUnreachable:
            self._slow_until = self._steady() + SLOW_FOR_S
            raise

    async def prove(self, path: str, body: dict[str, Any]) -> Dialogue:
        """Begin to have a card prove itself (`path` empty), or take what it answered and hear what comes next."""
        return await self._ask("POST", f"/api/v1/card-authentications{path}", Dialogue, patience=_SHORT, json=body)

    async def late(self, taps: list[dict[str, Any]]) -> LateAnswers:
        """Send taps that were decided here."""
        return await self._ask("POST", "/api/v1/taps/batch", LateAnswers, patience=_TAPS, json={"taps": taps})

    async def events(self, events: list[PointEvent]) -> EventsTaken:
        """Send what doors tell of themselves."""
        body = [
            {
                "id": str(each.id),
                "point_id": str(each.point_id),
                "kind": each.kind.value,
                "happened_at": each.at.isoformat(),
                "detail": each.detail,
            }
            for each in events
        ]
        return await self._ask("POST", "/api/v1/point-events", EventsTaken, patience=_SHORT, json={"events": body})

    async def _ask(self, method: str, path: str, shape: type[T], *, patience: ClientTimeout, **options: Any) -> T:
        url = self._line.url + (path if path.startswith("/api/") else f"/api/v1/controller{path}")
        try:
            headers = await self._line.headers()
            async with self._line.session.request(
                method, url, headers=headers, timeout=patience, allow_redirects=False, **options
            ) as response:
                raw = await read_bounded(response, 2 * PAGE_BYTES_MAX)
        except ServerUnreachable:
            self._line_is(False)
            raise
        except (ClientError, TimeoutError, OSError) as error:
            # A tap's short patience says nothing of the line; that it was slow is noted where the tap is asked.
            self._line_is(self.up and patience is self._online)
            raise ServerUnreachable(f"{path}: {error or type(error).__name__}") from error
        self._line_is(response.status < 500)
        if response.status == 401:
            self._line.forget_token()
        if response.status >= 300:
            raise refused(raw, response.status)
        try:
            return shape.model_validate_json(raw)
        except ValidationError:
            raise ServerUnreachable(f"{path}: the answer is not what a core says") from None


def late_body(tap: QueuedTap) -> dict[str, Any]:
    """Return a tap as `POST /api/v1/taps/batch` takes it."""
    decided = {
        "allowed": bool(tap.allowed),
        "reason": tap.reason or "",
        "display_short": tap.display or "",
        "clock": "sure" if tap.sure else "unsure",
        **({"snapshot": tap.list_made_at.isoformat()} if tap.list_made_at else {}),
    }
    body: dict[str, Any] = {
        "id": str(tap.id),
        "point_id": str(tap.point_id),
        "tapped_at": tap.at.isoformat(),
        "assurance": tap.assurance.value,
        "decided": decided,
    }
    return body | ({"card_uid": tap.uid} if tap.uid else {"person_id": str(tap.person_id)})
