"""What an attendant's tablet needs to go on without a network, and what its manager sees of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cvq_core.access.facts import PointKind
from cvq_core.access.routes import OnlyReaders
from cvq_core.clock import local_day
from cvq_core.errors import BadInput, NotFound
from cvq_core.staff.rules import Permission
from cvq_core.waste.late import Said, listed_late, take_late
from cvq_core.waste.listing import list_of
from cvq_core.waste.plates import forget_plate, register_plate
from cvq_core.waste.routes import (
    Body,
    CategoryOut,
    DepositBody,
    DepositOut,
    asked_of,
    deposit_out,
    own_point,
    waste_scope,
)
from cvq_core.waste.rules import LIST_LASTS, LateKind, Standing
from cvq_core.waste.store import categories, quota_on
from cvq_core.web import Context, Routes

routes = Routes("/api/v1/waste", tag="waste centre")

OLDEST = timedelta(days=92)
"""A deposit that is older comes of a clock that is wrong: it counts on the day on which it came."""


class ComingOut(BaseModel):
    """As whom somebody comes; `cents` are a cubic metre's by category, `visits` the household's of this year."""

    model_config = ConfigDict(from_attributes=True)

    standing: Standing
    account_id: UUID
    visits: int
    company: str
    cents: dict[str, int] | None


class ListedOut(BaseModel):
    """Somebody who may come; `told_apart` is a birth date where two bear one name."""

    model_config = ConfigDict(from_attributes=True)

    person_id: UUID
    family_name: str
    given_name: str
    told_apart: str
    coming: list[ComingOut]
    plates: list[tuple[str, Standing]]
    cards: list[str]


class ListOut(BaseModel):
    """A part of the list; `following` is after whom the next begins. `cards` are HMAC-SHA256 of the card's number under
    the sixteen bytes of `device_id`, of which 32 hexadecimal digits are kept."""

    site: str
    device_id: UUID
    made_at: AwareDatetime
    expires_at: AwareDatetime
    visits_a_year: int | None
    categories: list[CategoryOut]
    people: list[ListedOut]
    following: UUID | None


class LateDepositBody(DepositBody):
    """A deposit taken without a network, with what the attendant's screen said of it."""

    who: str = Field(max_length=200)
    said_cents: int | None = Field(None, ge=0, le=100_000_000)


class LateDepositOut(BaseModel):
    """What became of it: `deposit`, or `refused` says why it stands in the manager's list."""

    id: UUID
    deposit: DepositOut | None
    refused: str | None


class PlateBody(Body):
    """Who comes in a vehicle, and as whom."""

    person_id: UUID
    standing: Standing = Standing.HOUSEHOLD


class LateOut(BaseModel):
    """A deposit to look at; `amount_cents` None is one that was not taken."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: LateKind
    reason: str
    point_id: UUID
    who: str
    loads: str
    said_cents: int
    amount_cents: int | None
    occurred_at: AwareDatetime
    received_at: AwareDatetime


class LateListOut(BaseModel):
    """What came this year and has to be looked at, the latest first."""

    items: list[LateOut]


@routes.get("/people", access=Permission.TICK, answer=ListOut)
async def people(context: Context) -> ListOut:
    """Give a part of the list of who may come, for a tablet to keep for some days."""
    point = await own_point(context)
    if point.kind is not PointKind.TABLET:
        # A gate asks about one card at a time, and has no use for names.
        raise OnlyReaders
    device_id = context.principal.id
    assert device_id is not None, "a reader is a device"
    listed, following = await list_of(context.db, device_id, now=context.now, after=_after(context))
    found = await categories(context.db)
    return ListOut(
        site=point.site,
        device_id=device_id,
        made_at=context.now,
        expires_at=context.now + LIST_LASTS,
        visits_a_year=await quota_on(context.db, local_day(context.now)),
        categories=[CategoryOut.model_validate(each) for each in found.values()],
        people=[ListedOut.model_validate(each) for each in listed],
        following=following,
    )


@routes.post("/deposits/late", access=Permission.TICK, body=LateDepositBody, answer=LateDepositOut)
async def late_deposit(context: Context, body: LateDepositBody) -> LateDepositOut:
    """Take a deposit that was made without a network: a fact, whatever the card, the quota or the wallet say."""
    at = min(body.occurred_at, context.now)
    asked = await asked_of(context, body, at if at > context.now - OLDEST else context.now)
    answer = await take_late(context.db, asked, Said(body.who, body.said_cents), now=context.now)
    deposit = deposit_out(answer.deposit) if answer.deposit is not None else None
    return LateDepositOut(id=body.id, deposit=deposit, refused=answer.refused)


@routes.get("/late", access=Permission.SEE_SERVICE, answer=LateListOut)
async def to_look_at(context: Context) -> LateListOut:
    """List what tablets brought home this year that could not be taken, or whose price was another."""
    context.require(Permission.SEE_SERVICE, await waste_scope(context))
    found = await listed_late(context.db, local_day(context.now).replace(month=1, day=1))
    return LateListOut(items=[LateOut.model_validate(each) for each in found])


@routes.put("/plates/{name}", access=Permission.MANAGE_TARIFFS, body=PlateBody)
async def set_plate(context: Context, body: PlateBody) -> None:
    """Say who comes in a vehicle."""
    context.require(Permission.MANAGE_TARIFFS, await waste_scope(context))
    row = await register_plate(
        context.db,
        context.request.match_info["name"],
        person_id=body.person_id,
        standing=body.standing,
        by=context.principal.id,
        now=context.now,
    )
    context.journal("waste-plate-set", subject=("person", row.person_id), personal={"plate": row.plate})


@routes.delete("/plates/{name}", access=Permission.MANAGE_TARIFFS)
async def drop_plate(context: Context) -> None:
    """Forget a vehicle."""
    context.require(Permission.MANAGE_TARIFFS, await waste_scope(context))
    plate = context.request.match_info["name"]
    if not await forget_plate(context.db, plate):
        raise NotFound
    context.journal("waste-plate-dropped", personal={"plate": plate})


def _after(context: Context) -> UUID | None:
    asked = context.request.query.get("after")
    if asked is None:
        return None
    try:
        return UUID(asked)
    except ValueError:
        raise BadInput from None
