"""What the manager of a service sets of a facility: when it is closed, and how it is reserved."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from cvq_advisor_console.facilities.places import door_choices, doors_act
from cvq_advisor_console.facilities.terms_form import terms_of, terms_view
from cvq_advisor_console.facilities.week import URL, monday_of, name_of, week_url
from cvq_advisor_console.facilities.words import span_words
from cvq_advisor_console.views.facilities import ClosingView, ClosureRow, ConcernedRow, FacilityPage
from cvq_core.clock import local_day
from cvq_core.facilities.manage import close_facility, lift_closure, renew_feed, set_terms
from cvq_core.facilities.refusals import BadTerms, UnknownClosure
from cvq_core.facilities.routes import FEED_URL, doing_of, require_manager
from cvq_core.facilities.rules import Span, civil_span
from cvq_core.facilities.store import closures_to_come, facility_by_id, reservations_between
from cvq_core.facilities.tables import Facility, FacilityClosure
from cvq_core.ids import new_id
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.views import Act

routes = Routes(URL, tag="pages")


class ClosureForm(BaseModel):
    """A closure by its days and hours."""

    id: UUID = Field(default_factory=new_id)
    first: date
    begins: time
    last: date
    ends: time
    reason: str = Field(min_length=1, max_length=200)

    def span(self) -> Span:
        """Return the time; the clock says 24 h as 0 h of the next day."""
        return civil_span(self.first, self.begins, self.ends, last_day=self.last)


class TermsForm(BaseModel):
    """How a facility is reserved, field by field (`terms_form`)."""

    model_config = ConfigDict(extra="allow")

    id: UUID
    valid_from: date


@routes.get("/{id}/reglages", access=Permission.MANAGE_FACILITIES)
async def facility_page(context: Context) -> web.Response:
    """Show closures to come, how the place is reserved, and its calendar's link."""
    facility = await _managed(context)
    return context.page("facility.html", view=await _view(context, facility))


@routes.post("/{id}/fermer", access=Permission.MANAGE_FACILITIES, body=ClosureForm, form=True)
async def ask_to_close(context: Context, form: ClosureForm) -> web.Response:
    """Show what a closure would take away, before it is made."""
    facility = await _managed(context)
    span = form.span()
    concerned = await reservations_between(
        context.db, facility.id, Span(max(span.starts_at, context.now), span.ends_at)
    )
    closing = ClosingView(
        span_words(span, context._, context.language),
        form.reason,
        tuple(
            ConcernedRow(
                span_words(held.span, context._, context.language),
                name_of(held),
                f"{URL}/fiche/{held.reservation.id}",
            )
            for held in concerned
        ),
        Act(f"{URL}/{facility.id}/fermer/oui"),
        tuple((name, str(value)) for name, value in form.model_dump().items()),
    )
    return context.page("facility.html", view=await _view(context, facility, closing=closing))


@routes.post("/{id}/fermer/oui", access=Permission.MANAGE_FACILITIES, body=ClosureForm, form=True)
async def close_it(context: Context, form: ClosureForm) -> web.Response:
    """Close the facility."""
    facility = await _managed(context)
    await close_facility(doing_of(context), form.id, facility.id, form.span(), form.reason)
    return context.redirect(f"{URL}/{facility.id}/reglages")


@routes.post("/fermetures/{id}/lever", access=Permission.MANAGE_FACILITIES)
async def lift(context: Context) -> web.Response:
    """Open the facility again."""
    closure = await context.db.get(FacilityClosure, context.path_id())
    if closure is None:
        raise UnknownClosure
    facility = await facility_by_id(context.db, closure.facility_id)
    await require_manager(context, facility)
    await lift_closure(doing_of(context), closure.id)
    return context.redirect(f"{URL}/{facility.id}/reglages")


@routes.post("/{id}/lien", access=Permission.MANAGE_FACILITIES)
async def renew(context: Context) -> web.Response:
    """Give the calendar another link."""
    facility = await _managed(context)
    await renew_feed(doing_of(context), facility.id)
    return context.redirect(f"{URL}/{facility.id}/reglages")


@routes.post("/{id}/regles", access=Permission.MANAGE_FACILITIES, body=TermsForm, form=True)
async def write_terms(context: Context, form: TermsForm) -> web.Response:
    """Write how the facility is reserved from a day on; what is wrong is said beside its field."""
    facility = await _managed(context)
    sent: dict[str, Any] = dict(form.model_extra or {})
    try:
        terms = terms_of(sent)
        await set_terms(doing_of(context), form.id, facility.id, valid_from=form.valid_from, terms=terms)
    except BadTerms as refusal:
        errors = {name: context._(what) for name, what in refusal.facts.get("fields", {}).items()}
        view = await _view(context, facility, errors=errors)
        return context.page("facility.html", view=view, status=422)
    return context.redirect(f"{URL}/{facility.id}/reglages")


async def _managed(context: Context) -> Facility:
    facility = await facility_by_id(context.db, context.path_id())
    await require_manager(context, facility)
    return facility


async def _view(
    context: Context,
    facility: Facility,
    *,
    closing: ClosingView | None = None,
    errors: dict[str, str] | None = None,
) -> FacilityPage:
    base = str(context.services.settings.public_url).rstrip("/")
    closures = await closures_to_come(context.db, facility.id, context.now)
    today = local_day(context.now)
    return FacilityPage(
        facility.label,
        facility.site,
        week_url(facility, monday_of(today)),
        tuple(
            ClosureRow(
                span_words(Span(each.starts_at, each.ends_at), context._, context.language),
                each.reason,
                Act(f"{URL}/fermetures/{each.id}/lever"),
            )
            for each in closures
        ),
        f"{URL}/{facility.id}/fermer",
        base + FEED_URL.format(token=facility.feed_token),
        Act(f"{URL}/{facility.id}/lien"),
        terms=await terms_view(context, facility, errors or {}),
        closing=closing,
        today=today.isoformat(),
        doors=await door_choices(context, facility),
        save_doors=doors_act(facility),
    )
