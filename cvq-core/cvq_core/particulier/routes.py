"""Accords and inquiries over HTTP: for whoever welcomes a family at a town hall."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cvq_core.clock import local_day
from cvq_core.errors import NotFound
from cvq_core.particulier.rounds import latest_refresh, start_refresh, stop_refresh
from cvq_core.particulier.rules import FRANCE, OUTCOME_WORDS, AccordManner, NoParticulier, Outcome, Sex
from cvq_core.particulier.service import QUOTIENT_INQUIRIES, Asked, Inquired
from cvq_core.particulier.store import NewAccord, end_accord, note_accord
from cvq_core.people.rules import QuotientSource
from cvq_core.people.store import family_account_by_id
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="tariffs")


class AccordBody(BaseModel):
    """That a guardian or payer was informed and agreed, with what an inquiry needs of their civil status."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    person_id: UUID
    sex: Sex
    birth_country: str = Field(default=FRANCE, max_length=5, description="INSEE code; 99100 is France")
    birth_commune: str | None = Field(default=None, max_length=5, description="INSEE code, for a birth in France")
    manner: AccordManner


class AccordOut(BaseModel):
    """An accord as it was noted."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    account_id: UUID
    person_id: UUID
    agreed: bool
    manner: AccordManner
    recorded_at: datetime


class IdBody(BaseModel):
    """The id that whoever asks made: the same one again gives the first answer."""

    model_config = ConfigDict(extra="forbid")

    id: UUID


class InquiryOut(BaseModel):
    """What became of an inquiry, in words too, and the quotient that holds by it."""

    outcome: Outcome
    told: str
    value_euros: int | None
    source: QuotientSource | None
    valid_from: date | None

    @classmethod
    def of(cls, context: Context, found: Inquired) -> InquiryOut:
        """Return what became of an inquiry, in the words of whoever asked."""
        quotient = found.quotient
        return cls(
            outcome=found.outcome,
            told=context._(OUTCOME_WORDS[found.outcome]),
            value_euros=quotient.value_euros if quotient else None,
            source=quotient.source if quotient else None,
            valid_from=quotient.valid_from if quotient else None,
        )


class UnansweredOut(BaseModel):
    """A family for which there was no answer: its certificate is to be asked for."""

    account_id: UUID
    number: str
    outcome: Outcome


class RefreshOut(BaseModel):
    """How far a round is: families asked about with an answer that stands, of all that agreed when it began."""

    id: UUID
    month: date
    families: int
    done: int
    counts: dict[Outcome, int]
    finished_at: datetime | None
    stopped: Outcome | None
    stopped_by: UUID | None
    unanswered: list[UnansweredOut]


@routes.post(
    "/family-accounts/{id}/quotient-accords",
    access=Permission.RECORD_QUOTIENT,
    body=AccordBody,
    answer=AccordOut,
    status=201,
)
async def agree(context: Context, body: AccordBody) -> AccordOut:
    """Note that a family was informed and agreed that its quotient be asked for."""
    account = await family_account_by_id(context.db, context.path_id())
    accord = NewAccord(
        body.id,
        account.id,
        body.person_id,
        body.sex,
        body.birth_country,
        body.birth_commune,
        body.manner,
        context.principal.id,
    )
    row = await note_accord(context.db, accord, now=context.now)
    await context.journal_once("quotient-agreed", row.id, account_id=account.id, subject=("person", body.person_id))
    return AccordOut.model_validate(row)


@routes.post(
    "/family-accounts/{id}/quotient-accords/end",
    access=Permission.RECORD_QUOTIENT,
    body=IdBody,
    answer=AccordOut,
)
async def take_back(context: Context, body: IdBody) -> AccordOut:
    """Note that a family no longer agrees; what was kept of the civil status is deleted."""
    row = await end_accord(context.db, body.id, context.path_id(), recorded_by=context.principal.id, now=context.now)
    await context.journal_once(
        "quotient-agreement-ended", row.id, account_id=row.account_id, subject=("person", row.person_id)
    )
    return AccordOut.model_validate(row)


@routes.post(
    "/family-accounts/{id}/quotient-inquiries",
    access=Permission.RECORD_QUOTIENT,
    body=IdBody,
    answer=InquiryOut,
    own_transactions=True,
)
async def inquire(context: Context, body: IdBody) -> InquiryOut:
    """Ask the CAF and the MSA for a family's quotient of this month."""
    asked = Asked(body.id, context.path_id(), context.principal.actor, by=context.principal.id)
    return InquiryOut.of(context, await context.request.app[QUOTIENT_INQUIRIES].inquire(asked))


@routes.post("/quotient-refreshes", access=Permission.MANAGE_TARIFFS, body=IdBody, answer=RefreshOut, status=202)
async def refresh(context: Context, body: IdBody) -> RefreshOut:
    """Ask anew for all families that agreed, in the background."""
    if not context.request.app[QUOTIENT_INQUIRIES].offered:
        raise NoParticulier
    month = local_day(context.now).replace(day=1)
    await start_refresh(context.db, body.id, month=month, started_by=context.principal.id, now=context.now)
    await context.journal_once("quotients-refreshed", body.id, subject=("quotient_refresh", body.id))
    return await _report(context)


@routes.post("/quotient-refreshes/{id}/stop", access=Permission.MANAGE_TARIFFS, answer=RefreshOut)
async def stop(context: Context) -> RefreshOut:
    """Stop a round before everybody was asked about; what was answered stays."""
    if await stop_refresh(context.db, context.path_id(), by=context.principal.id, now=context.now):
        context.journal("quotients-refresh-stopped", subject=("quotient_refresh", context.path_id()))
    return await _report(context)


@routes.get("/quotient-refreshes/latest", access=Permission.MANAGE_TARIFFS, answer=RefreshOut)
async def latest(context: Context) -> RefreshOut:
    """Show how far the latest round is, and which families have to be asked for their certificate."""
    return await _report(context)


async def _report(context: Context) -> RefreshOut:
    report = await latest_refresh(context.db)
    if report is None:
        raise NotFound
    row = report.refresh
    return RefreshOut(
        id=row.id,
        month=row.month,
        families=row.families,
        done=report.done,
        counts=report.counts,
        finished_at=row.finished_at,
        stopped=row.stopped,
        stopped_by=row.stopped_by,
        unanswered=[
            UnansweredOut(account_id=account.id, number=account.number, outcome=outcome)
            for account, outcome in report.unanswered
        ],
    )
