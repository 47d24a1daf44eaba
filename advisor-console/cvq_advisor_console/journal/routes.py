"""The journal as a page and as a file; reading it is written down too."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from sqlalchemy import ColumnElement, func, or_, select

from cvq_advisor_console.journal.words import ACTIONS
from cvq_advisor_console.views.visits_log import LookRow, VisitsLogPage
from cvq_core.clock import PARIS, local, local_day
from cvq_core.errors import N_
from cvq_core.journal import record
from cvq_core.journal.tables import AuditRecord, AuditSeal
from cvq_core.people.arrangements import accounts_within
from cvq_core.people.store import accounts_of
from cvq_core.people.tables import FamilyAccount
from cvq_core.spreadsheets import harmless
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_desk.booking.lookup import look_up
from cvq_desk.booking.tables import Organisation
from cvq_desk.visits.tables import Consent, Visit

routes = Routes("/journal", tag="pages")

ROWS_A_PAGE = 100
ROWS_A_FILE = 20_000
DAYS_SHOWN = 30
COLUMNS = (N_("Quand"), N_("Qui"), N_("Organisme"), N_("Quoi"), N_("Entretien"), N_("Accord"), N_("Refusé"))
# Days beyond these are a slip of the hand, and some cannot be told as an instant.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Asked:
    """The period, and whose account."""

    first: date
    last: date
    query: str
    before: datetime | None


def _asked(context: Context) -> Asked:
    today = local_day(context.now)
    last = _day(context, "until") or today
    first = _day(context, "from") or last - timedelta(days=DAYS_SHOWN)
    try:
        before = datetime.fromisoformat(context.request.query.get("before", ""))
    except ValueError:
        before = None
    return Asked(
        first, last, context.request.query.get("q", "")[:120].strip(), before if before and before.tzinfo else None
    )


def _day(context: Context, name: str) -> date | None:
    try:
        day = date.fromisoformat(context.request.query.get(name, ""))
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


@routes.get("", access=Permission.AUDIT)
async def journal_page(context: Context) -> web.Response:
    """Show who looked at what."""
    asked = _asked(context)
    records = await _records(context, asked, ROWS_A_PAGE)
    await _note(context, asked)
    query = {"q": asked.query, "from": asked.first.isoformat(), "until": asked.last.isoformat()}
    older = urlencode({**query, "before": records[-1].at.isoformat()}) if len(records) == ROWS_A_PAGE else ""
    view = VisitsLogPage(
        url="/journal",
        query=asked.query,
        from_day=asked.first,
        until_day=asked.last,
        rows=tuple(await _rows(context, records)),
        older_url=f"/journal?{older}" if older else "",
        export_url=f"/journal/liste.csv?{urlencode(query)}",
        sealed_until=await context.db.scalar(
            select(func.max(AuditRecord.at)).join(AuditSeal, AuditSeal.record_id == AuditRecord.id)
        ),
    )
    return context.page("visits_log.html", view=view)


@routes.get("/liste.csv", access=Permission.AUDIT)
async def journal_file(context: Context) -> web.Response:
    """Give the same as a file that a spreadsheet opens: semicolons, UTF-8 with its mark."""
    asked = _asked(context)
    rows = await _rows(context, await _records(context, asked, ROWS_A_FILE))
    await _note(context, asked)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow([context._(word) for word in COLUMNS])
    for row in rows:
        writer.writerow(
            [
                local(row.at).strftime("%Y-%m-%d %H:%M:%S"),
                harmless(row.who),
                harmless(row.organisation),
                row.what,
                row.visit_reference,
                row.consent,
                context._("oui") if row.refused else "",
            ]
        )
    return web.Response(
        body=out.getvalue().encode("utf-8-sig"),
        content_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="journal-{asked.first}-{asked.last}.csv"'},
    )


async def _note(context: Context, asked: Asked) -> None:
    """The page was asked for by GET, in a reading transaction; that it was read is recorded in one of its own."""
    async with context.services.database.write() as db:
        record(
            db,
            now=context.now,
            actor=context.principal.actor,
            action="journal-read",
            personal={"query": asked.query, "from": str(asked.first), "until": str(asked.last)},
        )


async def _records(context: Context, asked: Asked, limit: int) -> Sequence[AuditRecord]:
    begins = datetime.combine(asked.first, time(), PARIS)
    ends = datetime.combine(asked.last + timedelta(days=1), time(), PARIS)
    wanted = select(AuditRecord).where(AuditRecord.at >= begins, AuditRecord.at < (asked.before or ends))
    if asked.query:
        wanted = wanted.where(await _about(context, asked.query))
    rows = await context.db.scalars(wanted.order_by(AuditRecord.at.desc(), AuditRecord.id.desc()).limit(limit))
    return rows.all()


async def _about(context: Context, query: str) -> ColumnElement[bool]:
    """Return the condition that a record is about the accounts or visits of those whom the query finds.

    A family account's number finds that account alone, with what was merged into it: what is handed to one parent of
    a shared child then tells nothing of the other's.
    """
    account_id = await context.db.scalar(select(FamilyAccount.id).where(FamilyAccount.number == query))
    if account_id is not None:
        return AuditRecord.account_id.in_(await accounts_within(context.db, account_id))
    async with context.services.database.write() as db:
        matches = await look_up(db, query, actor=context.principal.actor, now=context.now)
    people = [match.person_id for match in matches.people]
    accounts: set[UUID] = set()
    for person_id in people:
        accounts |= {account.id for account in await accounts_of(context.db, person_id, local_day(context.now))}
    visits = select(Visit.id).where(Visit.person_id.in_(people))
    return or_(AuditRecord.account_id.in_(accounts), AuditRecord.visit_id.in_(visits))


async def _rows(context: Context, records: Sequence[AuditRecord]) -> list[LookRow]:
    visit_ids = {row.visit_id for row in records if row.visit_id}
    consent_ids = {row.consent_id for row in records if row.consent_id}
    visits: dict[UUID, tuple[str, str]] = {}
    for visit_id, reference, organisation in await context.db.execute(
        select(Visit.id, Visit.reference, Organisation.short_name)
        .join(Organisation, Organisation.id == Visit.organisation_id)
        .where(Visit.id.in_(visit_ids))
    ):
        visits[visit_id] = (reference, organisation)
    answers = await context.db.execute(select(Consent.id, Consent.manner).where(Consent.id.in_(consent_ids)))
    manners: dict[UUID, str] = dict(iter(answers))
    found = []
    for row in records:
        reference, organisation = visits.get(row.visit_id, ("", "")) if row.visit_id else ("", "")
        found.append(
            LookRow(
                at=row.at,
                who=row.actor_name,
                organisation=organisation,
                what=context._(ACTIONS[row.action]) if row.action in ACTIONS else row.action,
                visit_reference=reference,
                consent=manners.get(row.consent_id, "") if row.consent_id else "",
                refused=row.outcome == "refused",
            )
        )
    return found
