"""The overview of imports, and pairs that people decide: one after the other, or from the list."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from cvq_advisor_console.imports.pages import URL, imports_page, looked_at, pair_page, pairs_page
from cvq_advisor_console.imports.reach import batch_here
from cvq_core.imports.deciding import Wanted, decide, next_pair, pair_of
from cvq_core.imports.rules import DecidedMeanwhile
from cvq_core.imports.sides import ToDecide
from cvq_core.imports.tables import ImportBatch, Verdict
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe, wants_page

routes = Routes(URL, tag="pages")

PAGE_DIGITS_MAX = 5


class DecisionForm(BaseModel):
    """What somebody says of a pair; `seen` is what was decided when they looked."""

    low: UUID
    high: UUID
    verdict: Verdict
    seen: Verdict | None = None


@routes.get("", access=Permission.DECIDE_IMPORTS)
async def overview(context: Context) -> web.Response:
    """Show the imports, how far each is, and what to do next."""
    return context.page("imports.html", view=await imports_page(context))


@routes.get("/{id}/ressemblances", access=Permission.DECIDE_IMPORTS)
async def next_one(context: Context) -> web.Response:
    """Show the pair that is to be decided next."""
    batch, _ = await batch_here(context)
    return await _shown(context, batch, await next_pair(context.db, [batch.id]))


@routes.get("/{id}/ressemblances/liste", access=Permission.DECIDE_IMPORTS)
async def all_of_them(context: Context) -> web.Response:
    """Show the pairs of an import, those to decide or those decided."""
    batch, _ = await batch_here(context)
    query = context.request.query
    word, number = query.get("voir", ""), query.get("page", "")
    wanted = Wanted(word) if word in {each.value for each in Wanted} else Wanted.OPEN
    page = int(number) if number.isascii() and number.isdigit() and len(number) <= PAGE_DIGITS_MAX else 1
    return context.page("import_pairs.html", view=await pairs_page(context, batch, wanted, max(1, page)))


@routes.get("/{id}/ressemblances/{low_id}/{high_id}", access=Permission.DECIDE_IMPORTS)
async def one(context: Context) -> web.Response:
    """Show one pair, decided or not."""
    batch, _ = await batch_here(context)
    low, high = context.path_id("low_id"), context.path_id("high_id")
    return await _shown(context, batch, await pair_of(context.db, low, high, [batch.id]))


@routes.post("/{id}/decider", access=Permission.DECIDE_IMPORTS, body=DecisionForm, form=True)
async def decide_it(context: Context, form: DecisionForm) -> web.Response:
    """Write what somebody said of a pair, and go on to the next."""
    batch, _ = await batch_here(context)
    try:
        await decide(
            context.db,
            form.low,
            form.high,
            form.verdict,
            batches=[batch.id],
            by=context.principal.actor,
            now=context.now,
            seen=form.seen,
        )
    except DecidedMeanwhile as refusal:
        if not wants_page(context.request):
            raise
        asked = await pair_of(context.db, form.low, form.high, [batch.id])
        problem = describe(refusal, context.words)
        view = await pair_page(context, batch, asked, error=problem["title"], todo=problem["detail"])
        return context.page("import_pair.html", status=refusal.status, view=view)
    return context.redirect(f"{URL}/{batch.id}/ressemblances")


async def _shown(context: Context, batch: ImportBatch, asked: ToDecide | None) -> web.Response:
    """Show a pair; that somebody of our own base was looked at is recorded."""
    view = await pair_page(context, batch, asked)
    people = looked_at(asked) if asked else []
    if people:
        async with context.acting() as writing:
            for person_id in people:
                writing.journal("import-pair-looked-at", subject=("person", person_id))
    return context.page("import_pair.html", view=view)
