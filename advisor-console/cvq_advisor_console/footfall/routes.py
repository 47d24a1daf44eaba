"""A service's figures over HTTP: the page, and the same as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from aiohttp import web
from sqlalchemy import select

from cvq_advisor_console.footfall.pages import URL, Asked, footfall_page, sheets
from cvq_core.access.tables import AccessPoint
from cvq_core.books.periods import Period, month_of, read_period
from cvq_core.clock import local_day
from cvq_core.errors import NotFound
from cvq_core.footfall.rules import Summary, summary
from cvq_core.footfall.store import figures
from cvq_core.services.tables import Service
from cvq_core.spreadsheets import Sheet, to_csv, to_xlsx
from cvq_core.staff import Permission, Scope
from cvq_core.web import Context, Routes

routes = Routes(URL, tag="pages")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@routes.get("", access=Permission.SEE_SERVICE)
async def footfall(context: Context) -> web.Response:
    """Show who came to a service in a month or a year, at what hour, and why others did not pass."""
    asked = await _asked(context)
    found = await _summary(context, asked.labels, asked.period)
    before = await _summary(context, asked.labels, _year_before(asked.period))
    return context.page("footfall.html", view=footfall_page(context, asked, found, before))


@routes.get("/frequentation.csv", access=Permission.SEE_SERVICE)
async def footfall_csv(context: Context) -> web.Response:
    """Give the figures as a CSV file."""
    asked, parts = await _parts(context)
    return _file(asked, "csv", "text/csv; charset=utf-8", to_csv(parts))


@routes.get("/frequentation.xlsx", access=Permission.SEE_SERVICE)
async def footfall_xlsx(context: Context) -> web.Response:
    """Give the figures as a workbook."""
    asked, parts = await _parts(context)
    return _file(asked, "xlsx", XLSX, to_xlsx(parts))


async def _parts(context: Context) -> tuple[Asked, list[Sheet]]:
    asked = await _asked(context)
    return asked, sheets(context, await _summary(context, asked.labels, asked.period), asked.labels)


def _file(asked: Asked, suffix: str, content_type: str, body: bytes) -> web.Response:
    name = f"frequentation-{asked.service.code}-{asked.period.word}.{suffix}"
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return web.Response(body=body, headers=headers)


async def _asked(context: Context) -> Asked:
    services = await _services(context)
    service = _chosen(context, services)
    return Asked(service, services, _period(context), await _points(context, service))


async def _services(context: Context) -> Sequence[Service]:
    """Return the services with access points that whoever asks may see."""
    rows = await context.db.scalars(
        select(Service).where(Service.code.in_(select(AccessPoint.service_code).distinct())).order_by(Service.position)
    )
    return [each for each in rows if context.principal.may(Permission.SEE_SERVICE, Scope("service", each.id))]


def _chosen(context: Context, services: Sequence[Service]) -> Service:
    asked = context.request.query.get("service", "")
    found = next((each for each in services if each.code == asked or not asked), None)
    if found is None:
        raise NotFound
    return found


def _period(context: Context) -> Period:
    today = local_day(context.now)
    asked = context.request.query.get("periode", "")
    return read_period(asked, today) if asked else month_of(today)


def _year_before(period: Period) -> Period:
    first = period.first.replace(year=period.first.year - 1)
    return month_of(first) if period.is_month else Period(first, date(first.year, 12, 31))


async def _points(context: Context, service: Service) -> dict[UUID, str]:
    rows = await context.db.execute(
        select(AccessPoint.id, AccessPoint.label).where(AccessPoint.service_code == service.code)
    )
    return {row.id: row.label for row in rows}


async def _summary(context: Context, points: Mapping[UUID, str], period: Period) -> Summary:
    last = min(period.last, local_day(context.now))
    cells = await figures(context.db, points, period.first, period.last, now=context.now)
    return summary(cells, period.first, max(period.first, last), by_months=not period.is_month)
