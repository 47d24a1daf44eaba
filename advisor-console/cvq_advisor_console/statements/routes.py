"""A family's statement in the console, while its consent stands: page, paper, file, and the same as JSON."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from cvq_advisor_console.console.desk import Desk, desk_of
from cvq_advisor_console.views.statements import SectionView, StatementPage, WalletChoice
from cvq_core.clock import local_day
from cvq_core.families.routes.statements import StatementOut, paper, period_of, sheet, wallet_of
from cvq_core.families.statements import FamilyStatement, family_statement, usual_period
from cvq_core.ledger.service import wallet_overviews
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.routes import act_of
from cvq_desk.visits.rules import ConsentScope, NoConsent

routes = Routes(tag="pages")

LINES_SHOWN = 200
"""How many lines of one wallet the page shows, the latest; the paper and the file have all of them."""


@routes.get("/console/{id}/releve", access=Permission.SERVE)
async def statement_page(context: Context) -> web.Response:
    """Show the statement of the family whose consent stands."""
    desk, found = await _found(context)
    base = f"/console/{desk.visit.id}"
    view = await statement_view(context, found, url=f"{base}/releve", files=f"{base}/releve")
    return context.page("statement.html", view=view)


async def statement_view(
    context: Context, found: FamilyStatement, *, url: str, files: str, back_url: str = ""
) -> StatementPage:
    """Return a statement as its page shows it; `files` is where its paper and its file are, without their endings."""
    query = {"first": found.first.isoformat(), "last": found.last.isoformat()}
    chosen = wallet_of(context)
    if chosen is not None:
        query["wallet"] = str(chosen)
    wallets = await wallet_overviews(
        context.db, found.account.id, on=local_day(context.now), movements=1, language=context.language
    )
    return StatementPage(
        url=url,
        account=found.account.label,
        number=found.account.number,
        first=found.first,
        last=found.last,
        wallets=tuple(WalletChoice(str(each.id), each.label, each.id == chosen) for each in wallets),
        sections=tuple(
            SectionView(
                title=section.title,
                is_invoice=section.is_invoice,
                opening_cents=section.opening_cents,
                lines=section.lines[-LINES_SHOWN:],
                closing_cents=section.closing_cents,
                left_out=max(0, len(section.lines) - LINES_SHOWN),
            )
            for section in found.sections
        ),
        pdf_url=f"{files}.pdf?{urlencode(query)}",
        csv_url=f"{files}.csv?{urlencode(query)}",
        back_url=back_url,
    )


@routes.get("/console/{id}/releve.pdf", access=Permission.SERVE)
async def statement_paper(context: Context) -> web.Response:
    """Give the same on paper."""
    _, found = await _found(context)
    return await paper(found)


@routes.get("/console/{id}/releve.csv", access=Permission.SERVE)
async def statement_file(context: Context) -> web.Response:
    """Give the same as a file for a spreadsheet."""
    _, found = await _found(context)
    return sheet(found, context.language)


@routes.get("/api/v1/visits/{id}/statement", access=Permission.SERVE, answer=StatementOut)
async def statement(context: Context) -> StatementOut:
    """Give the statement of the family whose consent stands, for a period, or that of one of its wallets."""
    _, found = await _found(context)
    return StatementOut.of(found)


async def _found(context: Context) -> tuple[Desk, FamilyStatement]:
    """Read the statement under the visit's consent; the look is recorded in a transaction of its own.

    Raises:
        NoConsent, ConsentPaused: the wallets are not open.
    """
    desk = await desk_of(context, context.path_id())
    if desk.consent is None:
        raise NoConsent(visit_id=desk.visit.id)
    consent = await check_look(act_of(context), desk.visit, desk.consent.account_id, ConsentScope.WALLETS)
    first, last = period_of(context, *usual_period(local_day(context.now)))
    found = await family_statement(
        context.db, consent.account_id, first, last, wallet_id=wallet_of(context), language=context.language
    )
    async with context.acting() as writing:
        writing.journal(
            "statement-read",
            subject=("account", found.account.id),
            account_id=found.account.id,
            visit_id=desk.visit.id,
            consent_id=consent.id,
        )
    return desk, found
