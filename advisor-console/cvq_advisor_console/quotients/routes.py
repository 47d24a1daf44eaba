"""A round of quotients over HTTP: begun, watched, stopped, and the families whose certificate is to be asked for."""

from __future__ import annotations

import asyncio
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from cvq_advisor_console.quotients.pages import by_hand_sheet, round_page, round_view
from cvq_core.clock import local_day
from cvq_core.errors import Forbidden, NotFound
from cvq_core.particulier.rounds import start_refresh, stop_refresh
from cvq_core.particulier.rules import NoParticulier
from cvq_core.particulier.service import QUOTIENT_INQUIRIES
from cvq_core.spreadsheets import to_csv, to_xlsx
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes

routes = Routes(tag="pages")

PAGE, LIST = "/quotients", "/familles/attestations"
FILE_TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class RoundForm(BaseModel):
    """A round to begin; its id was made with the page."""

    id: UUID


@routes.get(PAGE, access=Permission.MANAGE_TARIFFS)
async def rounds(context: Context) -> web.Response:
    """Show the latest round of quotients, and where the next one begins."""
    return context.page("quotients.html", view=await round_page(context, f"{PAGE}/attestations"))


@routes.get(LIST, access=Permission.RECORD_QUOTIENT)
async def certificates(context: Context) -> web.Response:
    """Show the families whose certificate is to be asked for, to whoever welcomes them."""
    return context.page("quotients.html", view=await round_page(context, LIST, back_url="/familles"))


@routes.get(f"{PAGE}/fragments/tour", access=Permission.MANAGE_TARIFFS)
async def round_fragment(context: Context) -> web.Response:
    """Draw the latest round anew."""
    return context.page("fragments/quotient_round.html", view=await round_view(context))


@routes.post(f"{PAGE}/tour", access=Permission.MANAGE_TARIFFS, body=RoundForm, form=True)
async def start(context: Context, form: RoundForm) -> web.Response:
    """Ask anew for all families that agreed, in the background."""
    if not context.request.app[QUOTIENT_INQUIRIES].offered:
        raise NoParticulier
    month = local_day(context.now).replace(day=1)
    await start_refresh(context.db, form.id, month=month, started_by=context.principal.id, now=context.now)
    await context.journal_once("quotients-refreshed", form.id, subject=("quotient_refresh", form.id))
    context.services.jobs.wake()
    return context.redirect(PAGE)


@routes.post(f"{PAGE}/tour/{{id}}/arret", access=Permission.MANAGE_TARIFFS, form=True)
async def stop(context: Context) -> web.Response:
    """Stop a round; what was answered stays."""
    if await stop_refresh(context.db, context.path_id(), by=context.principal.id, now=context.now):
        context.journal("quotients-refresh-stopped", subject=("quotient_refresh", context.path_id()))
    return context.redirect(PAGE)


@routes.get(f"{PAGE}/attestations.{{format}}", access=Permission.MANAGE_TARIFFS)
async def round_file(context: Context) -> web.Response:
    """Give the families whose certificate is to be asked for as CSV or XLSX."""
    return await _file(context)


@routes.get(f"{LIST}.{{format}}", access=Permission.RECORD_QUOTIENT)
async def certificates_file(context: Context) -> web.Response:
    """Give the families whose certificate is to be asked for as CSV or XLSX, to whoever welcomes them."""
    return await _file(context)


async def guard_round(context: Context, what: str) -> None:
    """Let those who begin and stop rounds watch how far one is."""
    if what != "round":
        raise NotFound
    if not context.principal.may(Permission.MANAGE_TARIFFS):
        raise Forbidden


async def _file(context: Context) -> web.Response:
    kind = context.request.match_info["format"]
    if kind not in FILE_TYPES:
        raise NotFound
    sheet = await by_hand_sheet(context)
    async with context.acting() as writing:
        writing.journal("quotients-exported", personal={"families": len(sheet.rows)})
    body = await asyncio.to_thread(to_csv if kind == "csv" else to_xlsx, [sheet])
    name = f"attestations-{local_day(context.now).isoformat()}.{kind}"
    return web.Response(
        body=body,
        content_type=FILE_TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
