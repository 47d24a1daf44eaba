"""What advisors' pages ask of a visit."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AliasChoices, BaseModel, Field, field_validator

from cvq_core.ids import new_id
from cvq_core.staff import Permission, Scope
from cvq_core.wallets.routes import MoveBody, MoveOut, NoticeBody, TopUpBody
from cvq_core.web import Context, Routes
from cvq_desk.booking.alerts import raise_alert
from cvq_desk.booking.tables import Booth
from cvq_desk.visits import consents, service
from cvq_desk.visits.acts import Act, own_visit, require_session
from cvq_desk.visits.money import choose_in_visit, move_wallet_money
from cvq_desk.visits.rules import ConsentScope, Identity, NotYourVisit
from cvq_desk.visits.store import commands_of, queue, visit_by_id
from cvq_desk.visits.tables import BoothCommand, Consent, Visit
from cvq_desk.wire import CommandKind, ConsentManner, PeerName

routes = Routes("/api/v1", tag="visits")


class VisitOut(BaseModel):
    """A visit as its advisor's page knows it."""

    id: UUID
    appointment_id: UUID
    booth_id: UUID
    state: str
    reference: str
    identity: str
    card_state: str
    card_message: str
    ringing_until: datetime | None
    curtain: bool
    shown: str

    @classmethod
    def of(cls, visit: Visit) -> VisitOut:
        """Return the page's picture of a visit."""
        return cls.model_validate(visit, from_attributes=True)


class QueueItem(BaseModel):
    """Somebody in the queue."""

    appointment_id: UUID
    who: str
    where: str
    organisation: str
    reason: str
    status: str
    starts_at: datetime
    waiting_since: datetime | None
    visit_id: UUID | None
    taken_by: str


class QueueOut(BaseModel):
    """The queue of one's organisations, those who wait first."""

    items: list[QueueItem]


class IdentityBody(BaseModel):
    """How the resident is known."""

    identity: Identity


class ConsentBody(BaseModel):
    """What the resident is to be asked. `organisation_id`, where it is sent, must be the visit's own."""

    account_id: UUID
    scopes: list[ConsentScope] = Field(
        min_length=1, max_length=len(ConsentScope), validation_alias=AliasChoices("scopes", "scope")
    )
    organisation_id: UUID | None = None

    @field_validator("scopes", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class ConsentOut(BaseModel):
    """A question put to the resident."""

    id: UUID
    state: str
    scopes: list[str]
    until: datetime
    manner: str

    @classmethod
    def of(cls, consent: Consent) -> ConsentOut:
        """Return the page's picture of a consent."""
        return cls.model_validate(consent, from_attributes=True)


class SpokenBody(BaseModel):
    """An answer given aloud."""

    agreed: bool


class WalletMoveBody(MoveBody):
    """Money to move between two wallets of the account that the resident agreed to."""

    account_id: UUID


class VisitTopUpBody(TopUpBody):
    """An automatic top-up of a wallet of the account that the resident agreed to."""

    account_id: UUID


class VisitNoticeBody(NoticeBody):
    """A low-balance notice of a wallet of the account that the resident agreed to."""

    account_id: UUID


class ShowBody(BaseModel):
    """Which page screen 2 shows."""

    page: Literal["welcome", "card", "form", "papers", "payment", "mandate"]


class CurtainBody(BaseModel):
    """Blank both screens, or not."""

    drawn: bool


class AlertBody(BaseModel):
    """Why the secretary is wanted."""

    kind: Literal["help", "faintness"]


class WindowBody(BaseModel):
    """Whether a window of the advisor's is shown on screen 2."""

    shared: bool


class ScanBody(BaseModel):
    """A scan. A page may make its `command_id`: sent twice, it is one scan."""

    command_id: UUID = Field(default_factory=new_id)
    source: Literal["flatbed", "feeder"] = "flatbed"
    mode: Literal["color", "gray"] = "color"
    resolution_dpi: Literal[150, 200, 300] = 200


class CommandIdBody(BaseModel):
    """A command; a page may make its id: sent twice, it is one command."""

    command_id: UUID = Field(default_factory=new_id)


class CommandOut(BaseModel):
    """How a command of the booth goes on."""

    id: UUID
    kind: str
    state: str
    detail: dict[str, Any]

    @classmethod
    def of(cls, command: BoothCommand) -> CommandOut:
        """Return the page's picture of a command."""
        return cls.model_validate(command, from_attributes=True)


def act_of(context: Context) -> Act:
    """Return who acts in this request."""
    return Act(db=context.db, principal=context.principal, now=context.now, settings=context.services.settings)


@routes.get("/queue", access=Permission.SERVE, answer=QueueOut)
async def read_queue(context: Context) -> QueueOut:
    """Give today's queue of the advisor's organisations."""
    entries = await queue(context.db, context.principal.scope_ids(Permission.SERVE), context.now)
    return QueueOut(
        items=[
            QueueItem(
                appointment_id=entry.appointment.id,
                who=entry.appointment.resident_name,
                where=entry.place,
                organisation=entry.organisation.short_name,
                reason=entry.reason,
                status=entry.appointment.status,
                starts_at=entry.appointment.starts_at,
                waiting_since=entry.waiting_since,
                visit_id=entry.visit.id if entry.visit else None,
                taken_by=entry.advisor,
            )
            for entry in entries
        ]
    )


@routes.post("/appointments/{id}/take", access=Permission.SERVE, answer=VisitOut)
async def take(context: Context) -> VisitOut:
    """Take somebody from the queue."""
    return VisitOut.of(await service.take(act_of(context), context.path_id()))


@routes.get("/visits/{id}", access=Permission.SERVE, answer=VisitOut)
async def read_visit(context: Context) -> VisitOut:
    """Give a visit of one's own."""
    return VisitOut.of(await own_visit(act_of(context), context.path_id()))


@routes.post("/visits/{id}/release", access=Permission.SERVE, answer=VisitOut)
async def release(context: Context) -> VisitOut:
    """Give somebody back to the queue."""
    return VisitOut.of(await service.release(act_of(context), context.path_id()))


@routes.post("/visits/{id}/call", access=Permission.SERVE, answer=VisitOut)
async def call(context: Context) -> VisitOut:
    """Call the booth."""
    return VisitOut.of(await service.call(act_of(context), context.path_id()))


@routes.post("/visits/{id}/hang-up", access=Permission.SERVE, answer=VisitOut)
async def hang_up(context: Context) -> VisitOut:
    """Hang up; one can call again."""
    return VisitOut.of(await service.hang_up(act_of(context), context.path_id()))


@routes.post("/visits/{id}/end", access=Permission.SERVE, answer=VisitOut)
async def end(context: Context) -> VisitOut:
    """Say goodbye: screen 2 names what to take home."""
    return VisitOut.of(await service.end(act_of(context), context.path_id()))


@routes.post("/visits/{id}/go-back", access=Permission.SERVE, answer=VisitOut)
async def go_back(context: Context) -> VisitOut:
    """Go on with the visit after all."""
    return VisitOut.of(await service.go_back(act_of(context), context.path_id()))


@routes.post("/visits/{id}/wipe", access=Permission.SERVE, answer=VisitOut)
async def wipe(context: Context) -> VisitOut:
    """End the visit and have the booth forget it."""
    return VisitOut.of(await service.wipe(act_of(context), context.path_id()))


@routes.post("/visits/{id}/identity", access=Permission.SERVE, body=IdentityBody, answer=VisitOut, form=True)
async def identity(context: Context, body: IdentityBody) -> VisitOut:
    """Record how the resident is known."""
    return VisitOut.of(await service.note_identity(act_of(context), context.path_id(), body.identity))


@routes.post(
    "/visits/{id}/consents", access=Permission.SERVE, body=ConsentBody, answer=ConsentOut, status=201, form=True
)
async def ask_consent(context: Context, body: ConsentBody) -> ConsentOut:
    """Ask the resident, on screen 2, to open an account for this visit."""
    consent = await consents.ask_consent(
        act_of(context),
        context.path_id(),
        account_id=body.account_id,
        scopes=frozenset(body.scopes),
        organisation_id=body.organisation_id,
    )
    return ConsentOut.of(consent)


@routes.post(
    "/visits/{id}/consents/{consent_id}/spoken",
    access=Permission.SERVE,
    body=SpokenBody,
    answer=ConsentOut,
    form=True,
)
async def spoken_consent(context: Context, body: SpokenBody) -> ConsentOut:
    """Note an answer that the resident gave aloud."""
    act = act_of(context)
    visit = await own_visit(act, context.path_id())
    consent = await consents.answer_consent(
        act, visit, context.path_id("consent_id"), agreed=body.agreed, manner=ConsentManner.SPOKEN
    )
    return ConsentOut.of(consent)


@routes.post("/visits/{id}/alerts", access=Permission.SERVE, body=AlertBody, form=True)
async def call_secretary(context: Context, body: AlertBody) -> None:
    """Call the secretary to the booth, with a sound on her page."""
    act = act_of(context)
    visit = await own_visit(act, context.path_id())
    booth = await context.db.get_one(Booth, visit.booth_id)
    await raise_alert(
        context.db,
        town_hall_id=booth.town_hall_id,
        booth_id=booth.id,
        visit_id=visit.id,
        kind=body.kind,
        now=context.now,
    )


@routes.post("/visits/{id}/without-card", access=Permission.SERVE, answer=VisitOut)
async def without_card(context: Context) -> VisitOut:
    """Go on though the card was taken away; the resident was asked."""
    return VisitOut.of(await consents.go_on_without_card(act_of(context), context.path_id()))


@routes.post("/visits/{id}/close-account", access=Permission.SERVE, answer=VisitOut)
async def close_account(context: Context) -> VisitOut:
    """Close the account before the visit ends."""
    return VisitOut.of(await consents.close_account(act_of(context), context.path_id()))


@routes.post("/visits/{id}/wallet-moves", access=Permission.SERVE, body=WalletMoveBody, answer=MoveOut, status=201)
async def move_between_wallets(context: Context, body: WalletMoveBody) -> MoveOut:
    """Move money between two wallets of the account that the resident agreed to."""
    return MoveOut.of(await move_wallet_money(act_of(context), context.path_id(), body.account_id, body), body)


@routes.post("/visits/{id}/top-ups", access=Permission.SERVE, body=VisitTopUpBody)
async def choose_top_up(context: Context, body: VisitTopUpBody) -> None:
    """Write down, or end, an automatic top-up of the account that the resident agreed to."""
    await choose_in_visit(act_of(context), context.path_id(), body.account_id, body)


@routes.post("/visits/{id}/notices", access=Permission.SERVE, body=VisitNoticeBody)
async def choose_notice(context: Context, body: VisitNoticeBody) -> None:
    """Write down, or end, below which balance the family that is open is told."""
    await choose_in_visit(act_of(context), context.path_id(), body.account_id, body)


@routes.post("/visits/{id}/show", access=Permission.SERVE, body=ShowBody, answer=VisitOut, form=True)
async def show(context: Context, body: ShowBody) -> VisitOut:
    """Choose what screen 2 shows."""
    return VisitOut.of(await service.show(act_of(context), context.path_id(), body.page))


@routes.post("/visits/{id}/curtain", access=Permission.SERVE, body=CurtainBody, answer=VisitOut, form=True)
async def curtain(context: Context, body: CurtainBody) -> VisitOut:
    """Blank both screens of the booth when somebody comes in, or show them again."""
    act = act_of(context)
    visit = await own_visit(act, context.path_id())
    await service.set_curtain(act, visit, body.drawn)
    return VisitOut.of(visit)


@routes.post("/visits/{id}/window", access=Permission.SERVE, body=WindowBody, answer=VisitOut, form=True)
async def share_window(context: Context, body: WindowBody) -> VisitOut:
    """Say that a window of the advisor's is shown on screen 2, or no longer."""
    act = act_of(context)
    return VisitOut.of(await service.share_window(act, context.path_id(), body.shared))


@routes.post("/visits/{id}/scan", access=Permission.SERVE, body=ScanBody, answer=CommandOut, status=202, form=True)
async def scan(context: Context, body: ScanBody) -> CommandOut:
    """Scan from the booth's scanner; pages come over the data channel."""
    params = body.model_dump(exclude={"command_id"})
    params["pages_max"] = context.services.settings.scan_pages_max
    return await _command(context, CommandKind.SCAN, params, body.command_id)


@routes.post(
    "/visits/{id}/still", access=Permission.SERVE, body=CommandIdBody, answer=CommandOut, status=202, form=True
)
async def still(context: Context, body: CommandIdBody) -> CommandOut:
    """Take a still with the booth's document camera."""
    return await _command(context, CommandKind.STILL, {}, body.command_id)


@routes.post("/visits/{id}/commands/{command_id}/cancel", access=Permission.SERVE, answer=CommandOut)
async def cancel(context: Context) -> CommandOut:
    """Stop a scan or a print."""
    act = act_of(context)
    visit = await own_visit(act, context.path_id())
    return CommandOut.of(await service.cancel_command(act, visit, context.path_id("command_id")))


async def _command(context: Context, kind: CommandKind, params: dict[str, Any], command_id: UUID) -> CommandOut:
    act = act_of(context)
    visit = await own_visit(act, context.path_id())
    require_session(visit)
    return CommandOut.of(await service.command(act, visit, kind, params, command_id=command_id))


class CommandsOut(BaseModel):
    """The commands of a visit, newest first."""

    items: list[CommandOut]


@routes.get("/visits/{id}/commands", access=Permission.SERVE, answer=CommandsOut)
async def commands(context: Context) -> CommandsOut:
    """Give what the booth was asked to do in a visit."""
    visit = await own_visit(act_of(context), context.path_id())
    return CommandsOut(items=[CommandOut.of(command) for command in await commands_of(context.db, visit.id)])


async def guard_queue(context: Context, organisation_id: str) -> None:
    """Let an advisor watch the queue of an organisation of theirs."""
    context.require(Permission.SERVE, Scope("organisation", UUID(organisation_id)))


async def guard_visit(context: Context, visit_id: str) -> None:
    """Let an advisor watch a visit of their own."""
    visit = await visit_by_id(context.db, UUID(visit_id))
    context.require(Permission.SERVE, Scope("organisation", visit.organisation_id))
    if visit.advisor_id != context.principal.id:
        raise NotYourVisit(advisor="…")


async def page_signal(context: Context, message: dict[str, Any]) -> None:
    """Take a session description or a candidate from the advisor's page, for the booth."""
    body = SignalBody.model_validate(message)
    visit = await own_visit(act_of(context), body.visit_id)
    service.signal_booth(context.db, visit, body.peer, body.data)


class SignalBody(BaseModel):
    """What the page's live socket sends for a peer connection."""

    visit_id: UUID
    peer: PeerName
    data: dict[str, Any]
