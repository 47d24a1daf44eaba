"""The drawer at the sub-office's page: the place, the opening, the count that closes it."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.cash.amounts import required_cents
from cvq_advisor_console.cash.counter import (
    PLACE_COOKIE,
    Counter,
    count_view,
    counter_of,
    empty_search,
    means_totals,
    opening_view,
)
from cvq_advisor_console.cash.forms import CountForm, counted_pieces, open_counter
from cvq_advisor_console.cash.safe import held_view
from cvq_advisor_console.views.cash import CashPage, CountedView
from cvq_core.clock import local_day
from cvq_core.errors import NotFound
from cvq_core.offices.drawer_pdf import closed_drawer, drawer_pdf
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import NotMandatary
from cvq_core.offices.store import drawer_by_id, drawer_totals
from cvq_core.offices.tables import Drawer, SubOffice
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe

routes = Routes("/caisse", tag="pages")


class OpenForm(BaseModel):
    """A drawer to open; its id was made with the form."""

    drawer_id: UUID
    float: str = Field(max_length=20)


class PlaceForm(BaseModel):
    """The place where one goes on."""

    place: UUID


@routes.get("", access=Permission.COLLECT)
async def cash_page(context: Context) -> web.Response:
    """Show the first step: open a drawer, or choose who pays."""
    try:
        counter = await counter_of(context)
    except NotMandatary as refusal:
        problem = describe(refusal, context.words)
        view = CashPage(place="", office="", refused=problem["title"], refused_todo=problem["detail"])
        return context.page("cash.html", view=view)
    if counter.drawer is not None:
        return context.redirect("/caisse/qui")
    view = await counter.page(opening=opening_view(counter), held=await held_view(counter))
    return context.page("cash.html", view=view)


@routes.post("/lieu", access=Permission.COLLECT, body=PlaceForm, form=True)
async def choose_place(context: Context, form: PlaceForm) -> web.Response:
    """Go on at another place where one may collect; each has a drawer of its own."""
    counter = await counter_of(context)
    if form.place not in {place.id for place in counter.places}:
        raise NotMandatary
    response = context.redirect("/caisse")
    response.set_cookie(
        PLACE_COOKIE,
        str(form.place),
        httponly=True,
        samesite="Strict",
        secure=context.services.settings.secure_cookies,
        path="/caisse",
    )
    return response


@routes.get("/qui", access=Permission.COLLECT)
async def payer_page(context: Context) -> web.Response:
    """Ask who pays."""
    counter = await counter_of(context)
    if counter.drawer is None:
        return context.redirect("/caisse")
    return context.page("cash.html", view=await counter.page(search=empty_search()))


@routes.post("/ouvrir", access=Permission.COLLECT, body=OpenForm, form=True)
async def open_it(context: Context, form: OpenForm) -> web.Response:
    """Open a drawer with its float."""
    counter = await counter_of(context)
    drawer = await open_drawer(
        context.db,
        form.drawer_id,
        sub_office_id=counter.sub_office.id,
        officer=counter.officer,
        float_cents=required_cents("float", form.float),
        now=context.now,
    )
    await context.journal_once("drawer-opened", drawer.id, subject=("drawer", drawer.id))
    return context.redirect("/caisse/qui")


@routes.get("/compter", access=Permission.COLLECT)
async def count_page(context: Context) -> web.Response:
    """Show the count that closes the drawer."""
    counter = await open_counter(context)
    return context.page("cash.html", view=await counter.page(count=count_view(counter)))


@routes.post("/fermer", access=Permission.COLLECT, body=CountForm, form=True)
async def close_it(context: Context, form: CountForm) -> web.Response:
    """Close the drawer on its count; a difference is written, never hidden."""
    counter = await open_counter(context)
    assert counter.drawer is not None
    counted = counted_pieces(form)
    drawer = await close_drawer(
        context.db, counter.drawer.id, counted=counted, officer=counter.officer, now=context.now
    )
    await context.journal_once(
        "drawer-closed", drawer.id, subject=("drawer", drawer.id), personal={"difference": drawer.difference_cents}
    )
    return context.redirect(f"/caisse/arretes/{drawer.id}")


@routes.get("/arretes/{id}.pdf", access=Permission.COLLECT)
async def counted_file(context: Context) -> web.Response:
    """Give the paper of a closed drawer, to be signed."""
    counter = await counter_of(context)
    closed = await closed_drawer(context.db, await _closed_drawer(counter))
    return web.Response(
        body=drawer_pdf(closed),
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="arrete-{closed.place.code}-{closed.drawer.id}.pdf"',
            "Cache-Control": "no-store",
        },
    )


@routes.get("/arretes/{id}", access=Permission.COLLECT)
async def counted_page(context: Context) -> web.Response:
    """Show a drawer that was closed: what should be there, what was, and the difference."""
    counter = await counter_of(context)
    drawer = await _closed_drawer(counter)
    return context.page(
        "cash.html", view=await counter.page(counted=await _counted(counter, drawer), held=await held_view(counter))
    )


async def _closed_drawer(counter: Counter) -> Drawer:
    """Return the closed drawer in the path, to whoever held it and to the office's officer."""
    context = counter.context
    drawer = await drawer_by_id(context.db, context.path_id())
    mine = drawer.staff_id == counter.officer.staff_id
    office_id = (await context.db.get_one(SubOffice, drawer.sub_office_id)).office_id
    if not mine and not await is_officer(context.db, office_id, counter.officer.staff_id, local_day(context.now)):
        raise NotFound
    if drawer.closed_at is None:
        raise NotFound
    return drawer


async def _counted(counter: Counter, drawer: Drawer) -> CountedView:
    assert drawer.closed_at is not None
    totals = await drawer_totals(counter.context.db, drawer)
    return CountedView(
        closed_at=drawer.closed_at,
        expected_cents=drawer.expected_cents or 0,
        counted_cents=drawer.counted_cents or 0,
        difference_cents=drawer.difference_cents or 0,
        by_means=means_totals(counter, totals),
        float_cents=drawer.float_cents,
        minute_url=f"/caisse/arretes/{drawer.id}.pdf",
        next_url="/caisse",
    )
