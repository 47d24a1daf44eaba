"""What an advisor records of a shared child, with the paper before the camera and the family's consent."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from cvq_advisor_console.console.desk import desk_of
from cvq_core.clock import local_day
from cvq_core.families.routes.bodies import RecordedOut
from cvq_core.families.routes.custody import ArrangementBody, OrderBody
from cvq_core.people.arrangements import arrange, record_order
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import UnknownPerson, members_of
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.routes import act_of
from cvq_desk.visits.rules import ConsentScope, NoConsent
from cvq_desk.visits.tables import Consent

routes = Routes("/api/v1", tag="families")


class OrderOfVisitBody(OrderBody):
    """A court order about a child of the account that is open."""

    child_id: UUID = Field(description="a child of the family whose consent stands")


class ArrangementOfVisitBody(ArrangementBody):
    """An arrangement for a child of the account that is open."""

    child_id: UUID = Field(description="a child of the family whose consent stands")


@routes.post(
    "/visits/{id}/court-orders", access=Permission.SERVE, body=OrderOfVisitBody, answer=RecordedOut, status=201
)
async def court_order_of_visit(context: Context, body: OrderOfVisitBody) -> RecordedOut:
    """Record a court order about a child of the family whose consent stands."""
    consent = await _consent(context, body.child_id)
    order = await record_order(
        context.db, body.id, recorded_by=context.principal.id, now=context.now, **body.model_dump(exclude={"id"})
    )
    _note(context, "court-order-recorded", consent, body.child_id)
    return RecordedOut(id=order.id)


@routes.post(
    "/visits/{id}/arrangements", access=Permission.SERVE, body=ArrangementOfVisitBody, answer=RecordedOut, status=201
)
async def arrangement_of_visit(context: Context, body: ArrangementOfVisitBody) -> RecordedOut:
    """Let an arrangement begin for a child of the family whose consent stands."""
    consent = await _consent(context, body.child_id)
    row = await arrange(context.db, body.asked(body.child_id), recorded_by=context.principal.id, now=context.now)
    _note(context, "custody-arranged", consent, body.child_id)
    return RecordedOut(id=row.id)


async def _consent(context: Context, child_id: UUID) -> Consent:
    """Return the consent that covers the family of a child.

    Raises:
        NoConsent, ConsentPaused: the family is not open.
        UnknownPerson: this is no child of theirs.
    """
    desk = await desk_of(context, context.path_id())
    if desk.consent is None:
        raise NoConsent(visit_id=desk.visit.id)
    consent = await check_look(act_of(context), desk.visit, desk.consent.account_id, ConsentScope.FAMILY)
    members = await members_of(context.db, consent.account_id, local_day(context.now))
    if not any(person.id == child_id and held.role is FamilyRole.CHILD for person, held in members):
        raise UnknownPerson
    return consent


def _note(context: Context, action: str, consent: Consent, child_id: UUID) -> None:
    context.journal(
        action,
        subject=("person", child_id),
        account_id=consent.account_id,
        visit_id=consent.visit_id,
        consent_id=consent.id,
    )
