"""The pages of the founding acts, and of each change: its form, its last question, the change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from cvq_advisor_console.acts.forms import (
    AppointForm,
    CollectsForm,
    EndForm,
    Form,
    OfficeLimitsForm,
    PlaceLimitsForm,
    Values,
    order_fields,
    order_of,
    title_of,
)
from cvq_advisor_console.acts.pages import office_page, office_url, offices_page
from cvq_advisor_console.acts.words import diff_of
from cvq_advisor_console.views.acts import ActConfirmPage, ActFormPage
from cvq_core.acts.routes import noted
from cvq_core.acts.store import appointment_by_id, office_by_id, place_by_id
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe

routes = Routes("/regies", tag="pages")

VALUES_MAX = 120
VALUE_LENGTH_MAX = 200


class ChangeForm(BaseModel):
    """A change: `step` is empty for the last question, `edit` to go back to the form, `write` to make it."""

    model_config = ConfigDict(extra="allow")

    key: UUID
    step: str = Field(default="", max_length=10)

    def values(self) -> dict[str, str]:
        """Return the fields of the change itself."""
        extra = list((self.model_extra or {}).items())[:VALUES_MAX]
        return {name: value[:VALUE_LENGTH_MAX] for name, value in extra if isinstance(value, str)}


@routes.get("", access=Permission.SEE_ACTS)
async def all_offices(context: Context) -> web.Response:
    """List the cash offices."""
    return context.page("acts.html", view=await offices_page(context))


@routes.get("/{id}", access=Permission.SEE_ACTS)
async def one_office(context: Context) -> web.Response:
    """Show an office's act as it stands, who is appointed, and every change."""
    office = await office_by_id(context.db, context.path_id())
    return context.page("act.html", view=await office_page(context, office))


async def _collects(context: Context) -> Form:
    return CollectsForm(context, await place_by_id(context.db, context.path_id()))


async def _office_limits(context: Context) -> Form:
    return OfficeLimitsForm(context, await office_by_id(context.db, context.path_id()))


async def _place_limits(context: Context) -> Form:
    return PlaceLimitsForm(context, await place_by_id(context.db, context.path_id()))


async def _appoint(context: Context) -> Form:
    return AppointForm(context, await office_by_id(context.db, context.path_id()))


async def _end(context: Context) -> Form:
    found = await appointment_by_id(context.db, context.path_id())
    return EndForm(context, found, await place_by_id(context.db, found.sub_office_id))


async def _ask(context: Context, form: Form) -> web.Response:
    return context.page("act_form.html", view=await _form_page(context, form, new_id(), await form.initial()))


async def _take(context: Context, form: Form, sent: ChangeForm) -> web.Response:
    """Take what a form sent: ask once more with what would change, go back to the form, or make the change."""
    values = sent.values()
    if sent.step == "edit":
        return context.page("act_form.html", view=await _form_page(context, form, sent.key, values))
    trial = await context.db.begin_nested()
    try:
        change = await form.apply(sent.key, order_of(values), values)
    except Refusal as refusal:
        await trial.rollback()
        page = await _form_page(context, form, sent.key, values, refusal)
        return context.page("act_form.html", view=page, status=refusal.status)
    if sent.step == "write":
        await trial.commit()
        await noted(context, change)
        return context.redirect(office_url(form.office_id))
    view = ActConfirmPage(
        title=title_of(context, form),
        about=form.about,
        url=context.request.path,
        holds_from=change.holds_from,
        order=change.order_reference,
        signed_on=change.order_signed_on,
        lines=diff_of(context, change),
        fields={"key": str(sent.key), **values},
    )
    # What would change is known by changing it, and taking it back.
    await trial.rollback()
    return context.page("act_confirm.html", view=view)


async def _form_page(
    context: Context, form: Form, key: UUID, values: Values, refusal: Refusal | None = None
) -> ActFormPage:
    problem: dict[str, Any] = describe(refusal, context.words) if refusal else {}
    wrong = refusal.facts.get("fields", {}) if refusal else {}
    fields = [*await form.fields(values), *order_fields(context, values)]
    return ActFormPage(
        title=title_of(context, form),
        about=form.about,
        url=context.request.path,
        back_url=office_url(form.office_id),
        key=str(key),
        fields=tuple(
            replace(each, error=context._(wrong[each.name])) if each.name in wrong else each for each in fields
        ),
        refused=problem.get("title", ""),
        refused_todo=problem.get("detail", ""),
    )


def _pages(path: str, form_of: Callable[[Context], Awaitable[Form]], *, ask: str, change: str) -> None:
    """Declare the pages of one change: GET asks for it, POST looks at it and makes it; each says what it does."""

    async def asked(context: Context) -> web.Response:
        return await _ask(context, await form_of(context))

    async def sent(context: Context, form: ChangeForm) -> web.Response:
        return await _take(context, await form_of(context), form)

    asked.__doc__, sent.__doc__ = ask, change
    routes.get(path, access=Permission.ADMINISTER)(asked)
    routes.post(path, access=Permission.ADMINISTER, body=ChangeForm, form=True)(sent)


_pages(
    "/lieux/{id}/acte",
    _collects,
    ask="Ask what a place collects, and how.",
    change="Say what a place collects, and how.",
)
_pages("/{id}/limites", _office_limits, ask="Ask for an office's limits.", change="Set an office's limits.")
_pages(
    "/lieux/{id}/limites",
    _place_limits,
    ask="Ask for a place's float and ceiling.",
    change="Set a place's float and ceiling.",
)
_pages("/{id}/nommer", _appoint, ask="Ask whom to appoint.", change="Appoint somebody.")
_pages("/nominations/{id}/fin", _end, ask="Ask for the last day of an appointment.", change="End an appointment.")
