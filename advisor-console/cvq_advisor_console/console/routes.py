"""The console's pages and fragments, and the few acts that end on a page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from cvq_advisor_console.console import around, work
from cvq_advisor_console.console.desk import Desk, desk_of
from cvq_advisor_console.console.paying import paying_view
from cvq_advisor_console.views.console import ConsolePage, DockPage, VisitRegions
from cvq_advisor_console.views.visit import CallView, VisitBarView
from cvq_advisor_console.wallets.visit import money_view
from cvq_core.errors import NotFound
from cvq_core.journal import record
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import WrongContentType, describe
from cvq_core.web.upload import Upload
from cvq_core.web.views import Explanation, Region
from cvq_desk.dossiers import service as dossiers
from cvq_desk.forms.rules import FormIncomplete
from cvq_desk.visits import service as visits
from cvq_desk.visits.routes import act_of
from cvq_desk.visits.rules import OVER, AlreadyTaken
from cvq_desk.visits.store import live_visits_of
from cvq_desk.visits.summary import summary_of, summary_pdf
from cvq_desk.wire import ConsentState

routes = Routes(tag="pages")
PAGES = ("console", "dock")
NOTHING = Region(url="", topics=())


async def _visit_bar(desk: Desk) -> Any:
    return await around.bar_view(desk)


async def _call(desk: Desk) -> Any:
    return around.call_view(desk)


async def _help(desk: Desk) -> Any:
    return work.help_view(desk)


async def _account(desk: Desk) -> Any:
    view = await work.account_view(desk)
    if view.families and desk.consent is not None:
        # A region is drawn in a reading transaction; the look is recorded in one of its own, before it is shown.
        await record_look(desk)
    return view


FRAGMENTS: dict[str, Callable[[Desk], Awaitable[Any]]] = {
    "visit_bar": _visit_bar,
    "call": _call,
    "machines": around.machines_view,
    "person": around.person_view,
    "consent": around.consent_view,
    "ending": around.ending_view,
    "form": work.form_view,
    "papers": work.papers_view,
    "printing": work.printing_view,
    "account": _account,
    "reason_help": _help,
    "paying": paying_view,
    "money": money_view,
}


@routes.get("/console", access=Permission.SERVE)
async def console(context: Context) -> web.Response:
    """Show the console: the queue, or the visit that one has in hand."""
    return await _home(context, "console")


@routes.get("/dock", access=Permission.SERVE)
async def dock(context: Context) -> web.Response:
    """Show the console folded beside another software."""
    return await _home(context, "dock")


@routes.get("/console/fragments/queue", access=Permission.SERVE)
async def queue_fragment(context: Context) -> web.Response:
    """Draw the queue anew."""
    page = context.request.query.get("page", "console")
    if page not in PAGES:
        raise NotFound
    return context.page("fragments/queue.html", view=await around.queue_view(context, page))


@routes.get("/console/{id}", access=Permission.SERVE)
async def console_of_visit(context: Context) -> web.Response:
    """Show the console with a visit."""
    desk = await desk_of(context, context.path_id())
    regions = VisitRegions(
        form=await work.form_view(desk),
        papers=await work.papers_view(desk),
        printing=await work.printing_view(desk),
        account=await _account(desk) if _has_panel(desk) else None,
        help=work.help_view(desk),
        person=await around.person_view(desk),
        consent=await around.consent_view(desk),
        ending=await around.ending_view(desk),
        paying=await paying_view(desk) if _has_panel(desk) else None,
        money=await money_view(desk) if _has_panel(desk) else None,
    )
    view = ConsolePage(
        queue=await around.queue_view(context),
        bar=await around.bar_view(desk),
        call=around.call_view(desk),
        machines=await around.machines_view(desk),
        visit=regions,
        dock_url=f"/dock/{desk.visit.id}",
    )
    return context.page("console.html", view=view)


@routes.get("/dock/{id}", access=Permission.SERVE)
async def dock_of_visit(context: Context) -> web.Response:
    """Show the dock with a visit."""
    desk = await desk_of(context, context.path_id())
    view = DockPage(
        queue=await around.queue_view(context, "dock"),
        bar=await around.bar_view(desk),
        call=around.call_view(desk),
        machines=await around.machines_view(desk),
        papers=await work.papers_view(desk),
        printing=await work.printing_view(desk),
        ending=await around.ending_view(desk, "dock"),
        console_url=f"/console/{desk.visit.id}",
    )
    return context.page("dock.html", view=view)


@routes.get("/console/{id}/fragments/{name}", access=Permission.SERVE)
async def fragment(context: Context) -> web.Response:
    """Draw one region of a visit anew."""
    draw = FRAGMENTS.get(context.request.match_info["name"])
    if draw is None:
        raise NotFound
    desk = await desk_of(context, context.path_id())
    view = await draw(desk)
    if view is None:
        raise NotFound
    return context.page(f"fragments/{context.request.match_info['name']}.html", view=view)


@routes.post("/console/take/{id}", access=Permission.SERVE, form=True)
async def take(context: Context) -> web.Response:
    """Take somebody from the queue, and go to the visit; if a colleague was faster, say who."""
    page = context.request.query.get("page", "console")
    if page not in PAGES:
        raise NotFound
    try:
        visit = await visits.take(act_of(context), context.path_id())
    except AlreadyTaken as refusal:
        problem = describe(refusal, context.words)
        context.journal("take-refused", outcome="refused", subject=("appointment", context.path_id()))
        view = await around.queue_view(context, page)
        refused = Explanation(title=problem["title"], todo=problem["detail"])
        return context.page("fragments/queue.html", view=replace(view, refused=refused))
    return context.redirect(f"/{page}/{visit.id}")


@routes.post("/console/{id}/complete", access=Permission.SERVE, form=True)
async def complete(context: Context) -> web.Response:
    """Finish the open form, or mark what is missing."""
    desk = await desk_of(context, context.path_id())
    if desk.dossier is None:
        raise NotFound
    try:
        await dossiers.complete(act_of(context), context.services.vault, desk.dossier.id)
    except FormIncomplete:
        desk.dossier.checked = True
        context.journal("form-incomplete", outcome="refused", visit_id=desk.visit.id)
    return context.page("fragments/form.html", view=await work.form_view(desk))


@routes.post("/console/{id}/drop", access=Permission.SERVE, upload=True)
async def drop(context: Context, upload: Upload) -> web.Response:
    """Take a PDF dropped on the page, and print it at the booth."""
    if upload.content_type != "application/pdf" or len(upload.files) != 1:
        raise WrongContentType
    pdf = upload.files[0]
    title = unquote(context.request.headers.get("X-File-Name", "")).replace("\0", "")[:120].removesuffix(".pdf")
    act = act_of(context)
    key = context.request.headers.get("Idempotency-Key", "")
    visit_id = context.path_id()
    document = await dossiers.drop_pdf(act, context.services.vault, visit_id, pdf=pdf, title=title, key=key)
    await dossiers.print_document(act, visit_id, document.id, command_id=document.id)
    return web.Response(status=204)


@routes.get("/console/{id}/resume.pdf", access=Permission.SERVE)
async def read_summary(context: Context) -> web.Response:
    """Give the summary as it stands now, to be read again before it goes home."""
    desk = await desk_of(context, context.path_id())
    if desk.state in OVER:
        raise NotFound
    summary = await summary_of(context.db, desk.visit, advisor=context.principal.name)
    return web.Response(body=await asyncio.to_thread(summary_pdf, summary), content_type="application/pdf")


async def _home(context: Context, page: str) -> web.Response:
    assert context.principal.id is not None
    mine = await live_visits_of(context.db, context.principal.id)
    if mine:
        return context.redirect(f"/{page}/{mine[0].id}")
    queue = await around.queue_view(context, page)
    bar, call = VisitBarView(region=NOTHING), CallView(region=NOTHING)
    if page == "dock":
        empty = DockPage(queue=queue, bar=bar, call=call, machines=None, papers=None, printing=None, ending=None)
        return context.page("dock.html", view=empty)
    return context.page("console.html", view=ConsolePage(queue=queue, bar=bar, call=call, machines=None, visit=None))


def _has_panel(desk: Desk) -> bool:
    """An outside organisation has no account panel until it has asked for consent."""
    return desk.organisation.is_community or desk.consent is not None


async def record_look(desk: Desk) -> None:
    """Record that the account was looked at, each time it is drawn."""
    consent = desk.consent
    assert consent is not None
    assert consent.state == ConsentState.GIVEN
    context = desk.context
    async with context.services.database.write() as db:
        record(
            db,
            now=context.now,
            actor=context.principal.actor,
            action="account-looked-at",
            account_id=consent.account_id,
            visit_id=desk.visit.id,
            consent_id=consent.id,
            personal={"scopes": list(consent.scopes)},
        )
