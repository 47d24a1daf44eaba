"""What readers ask over HTTP: taps, ticks, and the list of whom a tablet expects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from cvq_core.access.batcher import TapBatcher, proved
from cvq_core.access.facts import AttendanceStatus, Manner
from cvq_core.access.roll_call import note_absent, roll_call
from cvq_core.access.scene import TapRequest
from cvq_core.access.taps import TapAnswer, take_tap
from cvq_core.card_keys.service import Evidence
from cvq_core.cards.rules import card_uid
from cvq_core.errors import N_, BadInput, Forbidden, Refusal
from cvq_core.instants import ClockInstant, Day
from cvq_core.staff.rules import Permission, Principal
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="access")


class OnlyReaders(Forbidden):
    """These routes answer for the point at which a reader stands, and staff stand at none."""

    slug = "only-readers"
    message = N_("Cette adresse est celle des lecteurs et des tablettes.")
    what_to_do = N_("Utilisez la tablette du service, ou demandez à l’administrateur de l’installer.")


class TapBody(BaseModel):
    """A card at a reader. `id` is made by the reader, once for each presentation, and is the key of a retry."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    card_uid: str = Field(min_length=8, max_length=60, description="hexadecimal digits, as the reader sees them")
    tapped_at: ClockInstant
    proof: UUID | None = Field(default=None, description="an authentication that the core ran with the card")
    signed_id: str | None = Field(
        default=None, max_length=214, pattern="^([0-9a-fA-F]{2})+$", description="the signed number that the card holds"
    )

    @property
    def evidence(self) -> Evidence | None:
        """What came along to prove the card."""
        if self.proof is None and self.signed_id is None:
            return None
        return Evidence(bytes.fromhex(self.signed_id) if self.signed_id else None, self.proof)


class TickBody(BaseModel):
    """Somebody ticked in the list of a tablet."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    person_id: UUID
    ticked_at: ClockInstant


class AbsenceBody(BaseModel):
    """Somebody who was expected and did not come; `day` is today unless a tablet without a network says it later."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID
    day: Day | None = None


class TapOut(BaseModel):
    """The answer to a tap: whether to open, why, and what to show. The balance only where the point may show it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    allowed: bool
    reason: str
    display_short: str
    display_long: str
    amount_cents: int
    balance_cents: int | None
    entries_left: int | None


class ExpectedOut(BaseModel):
    """Somebody on the list of the day; `told_apart` is the birth date where two have the same name, else empty."""

    model_config = ConfigDict(from_attributes=True)

    person_id: UUID
    family_name: str
    given_name: str
    told_apart: str
    status: AttendanceStatus | None
    cards: list[str]


class RollCallOut(BaseModel):
    """The list of a day at one point. `cards` are HMAC-SHA256 of a card's number under the bytes of the tablet's id."""

    point_id: UUID
    place: str
    day: date
    expected: list[ExpectedOut]


TAP_BATCHER: web.AppKey[TapBatcher] = web.AppKey("tap_batcher", TapBatcher)


async def gather_tap(request: web.Request, token: str, body: TapBody) -> tuple[Principal, TapOut | Refusal]:
    """Take a tap together with those that arrive at the same time."""
    uid = card_uid(body.card_uid)
    return await _gather(
        request, token, Permission.TAP, lambda principal: _card_request(principal, body, uid), body.evidence
    )


async def gather_tick(request: web.Request, token: str, body: TickBody) -> tuple[Principal, TapOut | Refusal]:
    """Take a tick together with those that arrive at the same time."""
    return await _gather(request, token, Permission.TICK, lambda principal: _tick_request(principal, body))


@routes.post("/taps", access=Permission.TAP, body=TapBody, answer=TapOut, gather=gather_tap)
async def tap(context: Context, body: TapBody) -> TapOut:
    """Decide on a card that was presented at the reader's own access point."""
    asked = _card_request(context.principal, body, card_uid(body.card_uid))
    request = await proved(context.db, asked, body.evidence, context.now)
    return _out(await take_tap(context.db, request, now=context.now))


@routes.post("/attendances", access=Permission.TICK, body=TickBody, answer=TapOut, gather=gather_tick)
async def tick(context: Context, body: TickBody) -> TapOut:
    """Note somebody present whom an adult ticked in the list: served, and owed where the wallet is empty."""
    return _out(await take_tap(context.db, _tick_request(context.principal, body), now=context.now))


@routes.post("/absences", access=Permission.TICK, body=AbsenceBody)
async def absence(context: Context, body: AbsenceBody) -> None:
    """Note somebody absent who is on the list of the day."""
    await note_absent(context.db, _own_point(context.principal), body.person_id, now=context.now, day=body.day)


@routes.get("/attendances/expected", access=Permission.TICK, answer=RollCallOut)
async def expected(context: Context) -> RollCallOut:
    """List who is expected at the reader's own access point: today, or on a `day` of the week that comes."""
    asked = context.request.query.get("day")
    try:
        day = date.fromisoformat(asked) if asked is not None else None
    except ValueError:
        raise BadInput from None
    found = await roll_call(
        context.db, _own_point(context.principal), now=context.now, day=day, device_id=context.principal.id
    )
    return RollCallOut(
        point_id=found.point_id,
        place=found.place,
        day=found.day,
        expected=[ExpectedOut.model_validate(each) for each in found.expected],
    )


async def _gather(
    request: web.Request,
    token: str,
    permission: Permission,
    build: Callable[[Principal], TapRequest],
    evidence: Evidence | None = None,
) -> tuple[Principal, TapOut | Refusal]:
    principal, answer = await request.app[TAP_BATCHER].take(token, permission, build, evidence)
    return principal, answer if isinstance(answer, Refusal) else _out(answer)


def _card_request(principal: Principal, body: TapBody, uid: str) -> TapRequest:
    return TapRequest(body.id, _own_point(principal), body.tapped_at, card_uid=uid, reader_id=principal.id)


def _tick_request(principal: Principal, body: TickBody) -> TapRequest:
    point_id = _own_point(principal)
    return TapRequest(body.id, point_id, body.ticked_at, Manner.TICK, person_id=body.person_id, reader_id=principal.id)


def _own_point(principal: Principal) -> UUID:
    """Return the access point that the reader stands at: a reader speaks for no other."""
    if principal.kind != "reader" or principal.subject_id is None:
        raise OnlyReaders
    return principal.subject_id


def _out(answer: TapAnswer) -> TapOut:
    return TapOut.model_validate(answer)
