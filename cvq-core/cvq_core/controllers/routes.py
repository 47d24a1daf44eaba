"""What a site's controller asks over HTTP: its list, what changed in it, a tap while the line is up, and how it is."""

from __future__ import annotations

import asyncio
from uuid import UUID

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict, Field

from cvq_core.access.changes import TOPIC
from cvq_core.access.facts import Assurance, Manner
from cvq_core.access.routes import TapOut
from cvq_core.access.scene import TapRequest
from cvq_core.access.taps import take_tap
from cvq_core.cards.rules import card_uid
from cvq_core.controllers.changes import changes_since, list_page, people_page
from cvq_core.controllers.store import (
    PointNotItsOwn,
    controller_of,
    points_of_controller,
    take_report,
)
from cvq_core.controllers.wire import PEOPLE_A_PAGE, Changes, HealthAnswer, HealthReport, SignedPage, TooLong, Welcome
from cvq_core.devices.identity import to_base64url
from cvq_core.errors import BadInput
from cvq_core.instants import ClockInstant
from cvq_core.live.store import last_sequences
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1/controller", tag="controllers")
LIST_KEY: web.AppKey[Ed25519PrivateKey] = web.AppKey("list_key", Ed25519PrivateKey)
WAIT_MAX_S = 30


class BadPlace(BadInput):
    """What a controller says of where it is in its list or in the changes is no place."""

    slug = "bad-list-place"


class ControllerTap(BaseModel):
    """A card, or somebody ticked, at one of the controller's points; `id` is the key of a retry, late ones included.

    `assurance` is the controller's word for what it verified of the card, as with late taps.
    """

    model_config = ConfigDict(extra="forbid")

    id: UUID
    point_id: UUID
    card_uid: str | None = Field(default=None, min_length=8, max_length=60)
    person_id: UUID | None = None
    tapped_at: ClockInstant
    assurance: Assurance = Assurance.UID


class PeopleAsked(BaseModel):
    """People whose records are to be sent anew, because they have just tapped here."""

    model_config = ConfigDict(extra="forbid")

    people: list[UUID] = Field(min_length=1, max_length=PEOPLE_A_PAGE)


@routes.get("", access=Permission.CONTROL, answer=Welcome)
async def welcome(context: Context) -> Welcome:
    """Tell a controller who it is, whose pages it believes, and how it digests cards."""
    controller = await controller_of(context.db, context.principal)
    return Welcome(
        controller_id=controller.id,
        name=controller.name,
        site=controller.site,
        public_key=to_base64url(_key(context).public_key().public_bytes_raw()),
        salt=to_base64url(controller.salt),
        list_hours=controller.list_hours,
    )


@routes.get("/list", access=Permission.CONTROL, answer=SignedPage)
async def whole_list(context: Context) -> web.Response:
    """Give one page of the list of whom the controller's points may let in."""
    controller = await controller_of(context.db, context.principal)
    run, after = _optional_id(context, "run"), _optional_id(context, "after")
    page = await list_page(context.db, controller, _key(context), run=run, after=after, now=context.now)
    return _compressed(page)


@routes.get("/changes", access=Permission.CONTROL, answer=Changes, own_transactions=True)
async def changes(context: Context) -> web.Response:
    """Give what changed after an event's number; with `wait` seconds, as soon as something does."""
    sequence, wait_s = _number(context, "after", 2**53), _number(context, "wait", WAIT_MAX_S)
    until = asyncio.get_running_loop().time() + wait_s
    subscription = context.services.hub.subscribe([TOPIC])
    try:
        while (found := await _changes_after(context, sequence)) is None:
            async with asyncio.timeout_at(until):
                await subscription.changed()
        return _compressed(found)
    except TimeoutError:
        return _compressed(Changes())
    finally:
        subscription.close()


@routes.post("/people", access=Permission.CONTROL, body=PeopleAsked, answer=Changes, own_transactions=True)
async def people(context: Context, body: PeopleAsked) -> web.Response:
    """Give some people's records as they are now: what they have tapped for is in them."""
    async with context.services.database.read() as db:
        controller = await controller_of(db, context.principal)
        sequence = (await last_sequences(db, [TOPIC]))[TOPIC]
        now = context.services.clock()
        try:
            page = await people_page(db, controller, _key(context), set(body.people), sequence=sequence, now=now)
        except TooLong:
            return _compressed(Changes(afresh=True))
    return _compressed(Changes(signed=page))


@routes.post("/taps", access=Permission.TAP, body=ControllerTap, answer=TapOut)
async def tap(context: Context, body: ControllerTap) -> TapOut:
    """Decide on a card at one of the controller's points, while the line is up."""
    controller = await controller_of(context.db, context.principal)
    if body.point_id not in await points_of_controller(context.db, controller.id):
        raise PointNotItsOwn
    if (body.card_uid is None) == (body.person_id is None):
        raise BadInput
    request = TapRequest(
        body.id,
        body.point_id,
        body.tapped_at,
        Manner.CARD if body.card_uid else Manner.TICK,
        card_uid=card_uid(body.card_uid) if body.card_uid else None,
        person_id=body.person_id,
        assurance=body.assurance,
        # The controller, not its key: one that enrolled anew goes on with the taps that it had.
        reader_id=controller.id,
    )
    return TapOut.model_validate(await take_tap(context.db, request, now=context.now))


@routes.post("/health", access=Permission.CONTROL, body=HealthReport, answer=HealthAnswer)
async def health(context: Context, body: HealthReport) -> HealthAnswer:
    """Take a controller's word of how it is, and tell it whether another machine uses its key."""
    controller = await controller_of(context.db, context.principal)
    return HealthAnswer(now=context.now, twins=await take_report(context.db, controller, body, now=context.now))


async def _changes_after(context: Context, sequence: int) -> Changes | None:
    async with context.services.database.read() as db:
        controller = await controller_of(db, context.principal)
        return await changes_since(db, controller, _key(context), sequence, now=context.services.clock())


def _key(context: Context) -> Ed25519PrivateKey:
    return context.request.app[LIST_KEY]


def _compressed(answer: BaseModel) -> web.Response:
    response = web.Response(body=answer.model_dump_json().encode(), content_type="application/json")
    response.enable_compression()
    return response


def _optional_id(context: Context, name: str) -> UUID | None:
    text = context.request.query.get(name)
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadPlace from None


def _number(context: Context, name: str, most: int) -> int:
    text = context.request.query.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= most):
        raise BadPlace
    return int(text)
