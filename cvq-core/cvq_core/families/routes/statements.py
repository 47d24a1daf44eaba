"""A family's statement over HTTP, on paper and as a file."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from cvq_core.clock import local_day
from cvq_core.errors import NotFound
from cvq_core.families.statement_pdf import statement_pdf
from cvq_core.families.statements import (
    BadPeriod,
    FamilyStatement,
    family_statement,
    file_name,
    statement_csv,
    usual_period,
)
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="families")


class LineOut(BaseModel):
    """One movement: plus is what came in."""

    model_config = ConfigDict(from_attributes=True)

    day: date
    label: str
    amount_cents: int
    balance_cents: int
    why: str


class SectionOut(BaseModel):
    """One wallet or invoice over the period."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    is_invoice: bool
    opening_cents: int
    lines: list[LineOut]
    closing_cents: int


class StatementOut(BaseModel):
    """A family's statement."""

    account_id: UUID
    number: str
    first: date
    last: date
    sections: list[SectionOut]

    @classmethod
    def of(cls, found: FamilyStatement) -> StatementOut:
        """Return a statement as it is sent."""
        return cls(
            account_id=found.account.id,
            number=found.account.number,
            first=found.first,
            last=found.last,
            sections=[SectionOut.model_validate(section) for section in found.sections],
        )


@routes.get("/family-accounts/{id}/statement", access=Permission.FAMILIES, answer=StatementOut)
async def statement(context: Context) -> StatementOut:
    """Give a family's statement for a period, or that of one of its wallets."""
    return StatementOut.of(await read_statement(context))


@routes.get("/family-accounts/{id}/statement.pdf", access=Permission.FAMILIES)
async def statement_paper(context: Context) -> web.Response:
    """Give a family's statement on paper."""
    return await paper(await read_statement(context))


@routes.get("/family-accounts/{id}/statement.csv", access=Permission.FAMILIES)
async def statement_file(context: Context) -> web.Response:
    """Give a family's statement as a file for a spreadsheet."""
    return sheet(await read_statement(context), context.language)


async def paper(found: FamilyStatement) -> web.Response:
    """Return a statement's PDF, laid out beside the event loop."""
    return web.Response(
        body=await asyncio.to_thread(statement_pdf, found),
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{file_name(found, "pdf")}"',
            "Cache-Control": "no-store",
        },
    )


def sheet(found: FamilyStatement, language: str) -> web.Response:
    """Return a statement's file for a spreadsheet."""
    return web.Response(
        body=statement_csv(found, language),
        content_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{file_name(found, "csv")}"',
            "Cache-Control": "no-store",
        },
    )


def period_of(context: Context, first: date, last: date) -> tuple[date, date]:
    """Return the days `first` and `last` of the query, those given where it names none.

    Raises:
        BadPeriod: one of them is no day.
    """
    query = context.request.query
    try:
        return (
            date.fromisoformat(query["first"]) if query.get("first") else first,
            date.fromisoformat(query["last"]) if query.get("last") else last,
        )
    except ValueError:
        raise BadPeriod from None


def wallet_of(context: Context) -> UUID | None:
    """Return the wallet that the query asks for, None for all of them."""
    asked = context.request.query.get("wallet")
    try:
        return UUID(asked) if asked else None
    except ValueError:
        raise NotFound from None


async def read_statement(context: Context) -> FamilyStatement:
    """Read a statement; that it was read is recorded in a transaction of its own, since reading opens none to write."""
    first, last = period_of(context, *usual_period(local_day(context.now)))
    found = await family_statement(
        context.db,
        context.path_id(),
        first,
        last,
        wallet_id=wallet_of(context),
        language=context.language,
        with_quotient=True,
    )
    async with context.acting() as writing:
        writing.journal("statement-read", subject=("account", found.account.id), account_id=found.account.id)
    return found
