"""What advisors' pages ask about a mandate in a visit."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cvq_core.clock import local_day
from cvq_core.debits.mandates import MandateDetails
from cvq_core.debits.routes import MandateOut, RevokeBody
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_desk.mandates import service
from cvq_desk.visits.acts import own_visit
from cvq_desk.visits.routes import CommandIdBody, CommandOut, SpokenBody, act_of

routes = Routes("/api/v1", tag="mandates")


class VisitMandateBody(BaseModel):
    """A mandate to prepare; `id` is made by who asks, and makes a repetition harmless."""

    model_config = ConfigDict(extra="ignore")

    id: UUID
    office_id: UUID
    holder: str = Field(min_length=1, max_length=70)
    address: str = Field(min_length=1, max_length=200)
    iban: str = Field(max_length=50)
    one_off: bool = False


class SignedBody(BaseModel):
    """Which scanned page of the visit is the signed mandate."""

    document_id: UUID


@routes.post(
    "/visits/{id}/mandates", access=Permission.SERVE, body=VisitMandateBody, answer=MandateOut, status=201, form=True
)
async def prepare(context: Context, body: VisitMandateBody) -> MandateOut:
    """Prepare a mandate; screen 2 asks whether the bank account is right."""
    mandate = await service.prepare_in_visit(
        act_of(context),
        context.path_id(),
        body.id,
        office_id=body.office_id,
        details=MandateDetails(body.holder, body.address, body.iban, body.one_off),
    )
    return MandateOut.of(mandate, local_day(context.now))


@routes.post(
    "/visits/{id}/mandates/{mandate_id}/spoken",
    access=Permission.SERVE,
    body=SpokenBody,
    answer=MandateOut,
    form=True,
)
async def spoken(context: Context, body: SpokenBody) -> MandateOut:
    """Note what the resident said aloud of the bank account."""
    act = act_of(context)
    visit = await own_visit(act, context.path_id())
    mandate = await service.answer_mandate(act, visit, context.path_id("mandate_id"), agreed=body.agreed)
    return MandateOut.of(mandate, local_day(context.now))


@routes.post(
    "/visits/{id}/mandates/{mandate_id}/print",
    access=Permission.SERVE,
    body=CommandIdBody,
    answer=CommandOut,
    status=202,
    form=True,
)
async def print_it(context: Context, body: CommandIdBody) -> CommandOut:
    """Print the mandate at the booth, to be signed by hand."""
    command = await service.print_mandate(
        act_of(context),
        context.services.vault,
        context.path_id(),
        context.path_id("mandate_id"),
        command_id=body.command_id,
    )
    return CommandOut.of(command)


@routes.post(
    "/visits/{id}/mandates/{mandate_id}/signed",
    access=Permission.SERVE,
    body=SignedBody,
    answer=MandateOut,
    form=True,
)
async def signed(context: Context, body: SignedBody) -> MandateOut:
    """File a page that was scanned in the visit as the signed mandate."""
    mandate = await service.file_signed(
        act_of(context),
        context.services.vault,
        context.path_id(),
        context.path_id("mandate_id"),
        body.document_id,
    )
    return MandateOut.of(mandate, local_day(context.now))


@routes.post(
    "/visits/{id}/mandates/{mandate_id}/revoke",
    access=Permission.SERVE,
    body=RevokeBody,
    answer=MandateOut,
    form=True,
)
async def revoke(context: Context, body: RevokeBody) -> MandateOut:
    """End a mandate, because the family asks for it."""
    mandate = await service.revoke_in_visit(
        act_of(context), context.path_id(), context.path_id("mandate_id"), why=body.why
    )
    return MandateOut.of(mandate, local_day(context.now))
