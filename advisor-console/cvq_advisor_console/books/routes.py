"""The books over HTTP: a period at a glance, its journal, closing a month, editions asked for and taken."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.books.pages import (
    URL,
    Asked,
    book_word,
    books_page,
    chooser,
    editions_view,
    filter_words,
    line_row,
    period_words,
    total_row,
)
from cvq_advisor_console.views.books import JournalPage
from cvq_core.books.balance import balance_of_period
from cvq_core.books.closings import close_month, closing_of, first_month, last_closing
from cvq_core.books.editions import ask_edition, edition_by_id, edition_file
from cvq_core.books.journal import Filter, journal_lines
from cvq_core.books.periods import Period, check_closing, month_of, read_period
from cvq_core.books.rules import (
    FORMAT_FILES,
    BookFormat,
    BookLine,
    BookMissing,
    Total,
    Totals,
    UnknownBook,
    disagreement,
)
from cvq_core.books.scope import Scope, places_of, scope_of, whole_offices
from cvq_core.clock import local_day
from cvq_core.errors import Refusal
from cvq_core.journal import record
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import Means, Officer
from cvq_core.offices.store import sub_offices_of
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe
from cvq_core.web.views import Act

routes = Routes(URL, tag="pages")

LINES_A_PAGE = 200
PAGES_MAX = 100_000


class BookForm(BaseModel):
    """Books and a period, with the id of what is asked for."""

    key: UUID
    livre: str = Field(max_length=80)
    periode: str = Field(max_length=7)


@routes.get("", access=Permission.READ_BOOKS)
async def page(context: Context) -> web.Response:
    """Show a period: what was held, what came, what was paid over, and where it can be looked up."""
    query, readable = context.request.query, await _readable(context)
    asked = _asked(context, readable, query.get("livre", ""), query.get("periode", ""))
    totals = Totals()
    async for lines in journal_lines(context.db, asked.scope, asked.period, context.now):
        for line in lines:
            totals.add(line)
    balance = await balance_of_period(context.db, asked.scope, asked.period)
    today = local_day(context.now)
    first = await first_month(context.db, asked.scope, today)
    closing = await closing_of(context.db, asked.scope.office.id, asked.period, first)
    context.place = asked.scope.label
    view = books_page(
        context,
        asked,
        choices=chooser(context, asked, readable, first, today),
        totals=totals,
        balance=balance,
        editions=await editions_view(context, asked, is_closed=closing is not None),
        closed_on=local_day(closing.closed_at) if closing else None,
        close=await _close(context, asked, first) if closing is None else None,
        disagreement=disagreement(totals, balance),
    )
    return context.page("books.html", view=view)


@routes.get("/fragments/editions", access=Permission.READ_BOOKS)
async def editions_fragment(context: Context) -> web.Response:
    """Draw a period's editions anew."""
    query = context.request.query
    asked = _asked(context, await _readable(context), query.get("livre", ""), query.get("periode", ""))
    first = await first_month(context.db, asked.scope, local_day(context.now))
    closing = await closing_of(context.db, asked.scope.office.id, asked.period, first)
    view = await editions_view(context, asked, is_closed=closing is not None)
    return context.page("fragments/book_editions.html", view=view)


@routes.get("/journal", access=Permission.READ_BOOKS)
async def journal(context: Context) -> web.Response:
    """Show the lines of a period, or those of a service and a means, some on each page."""
    query = context.request.query
    asked = _asked(context, await _readable(context), query.get("livre", ""), query.get("periode", ""))
    wanted = Filter(query.get("service", "")[:32], _means(query.get("moyen", "")))
    number = _number(query.get("page", ""))
    everything, total = Totals(), Total()
    shown: list[BookLine] = []
    async for lines in journal_lines(context.db, asked.scope, asked.period, context.now):
        for line in lines:
            everything.add(line)
            if wanted.takes(line):
                total.add(line)
                if (total.lines - 1) // LINES_A_PAGE == number - 1:
                    shown.append(line)
    pages = max(1, -(-total.lines // LINES_A_PAGE))
    services, means = filter_words(context, wanted, everything)

    def at(page: int) -> str:
        moyen = wanted.means.value if wanted.means else ""
        return asked.url("/journal", service=wanted.service, moyen=moyen, page=str(page))

    context.place = asked.scope.label
    view = JournalPage(
        label=asked.scope.label,
        period=period_words(context, asked.period),
        url=f"{URL}/journal",
        book=asked.book,
        period_word=asked.period.word,
        services=services,
        means=means,
        rows=tuple(line_row(context, line) for line in shown),
        total=total_row(("",), total, ""),
        back_url=asked.url(),
        page=number,
        pages=pages,
        earlier_url=at(number - 1) if number > 1 else "",
        later_url=at(number + 1) if number < pages else "",
    )
    return context.page("book_journal.html", view=view)


@routes.post("/arreter", access=Permission.COLLECT, body=BookForm, form=True)
async def close_it(context: Context, form: BookForm) -> web.Response:
    """Close a month of an office."""
    asked = _asked(context, await _readable(context), form.livre, form.periode)
    closing = await close_month(
        context.db,
        key=form.key,
        office_id=asked.scope.office.id,
        period=asked.period,
        officer=_officer(context),
        now=context.now,
    )
    await context.journal_once(
        "month-closed", closing.id, subject=("book_closing", closing.id), personal={"period": asked.period.word}
    )
    return context.redirect(asked.url())


@routes.post("/editions", access=Permission.READ_BOOKS, body=BookForm, form=True)
async def ask_for_it(context: Context, form: BookForm) -> web.Response:
    """Ask for an edition; it is made in the background."""
    asked = _asked(context, await _readable(context), form.livre, form.periode)
    edition = await ask_edition(
        context.db,
        key=form.key,
        scope=asked.scope,
        period=asked.period,
        staff_id=_officer(context).staff_id,
        now=context.now,
    )
    await context.journal_once(
        "book-asked", edition.id, subject=("book_edition", edition.id), personal={"period": asked.period.word}
    )
    context.services.jobs.wake()
    return context.redirect(asked.url())


@routes.get("/editions/{id}/{format}", access=Permission.READ_BOOKS)
async def file(context: Context) -> web.Response:
    """Give a file of an edition; that it was taken is written down."""
    edition = await edition_by_id(context.db, context.path_id())
    scope = await scope_of(context.db, edition.office_id, edition.sub_office_id)
    if _key(scope) not in {_key(each) for each in await _readable(context)}:
        raise UnknownBook
    try:
        kind = BookFormat(context.request.match_info["format"])
    except ValueError:
        raise BookMissing from None
    name, content = await edition_file(context.db, context.services.vault, edition, kind)
    # The file was asked for by GET, in a reading transaction; that it was taken is recorded in one of its own.
    async with context.services.database.write() as db:
        record(
            db,
            now=context.now,
            actor=context.principal.actor,
            action="book-taken",
            subject=("book_edition", edition.id),
            personal={"format": kind.value},
        )
    return web.Response(
        body=content,
        content_type=FORMAT_FILES[kind][2],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def guard_books(context: Context, office_id: str) -> None:
    """Let those who may read an office's books, or a place's, know of its editions."""
    if office_id not in {str(scope.office.id) for scope in await _readable(context)}:
        raise UnknownBook


async def _readable(context: Context) -> list[Scope]:
    """Return the books that one may read today: an auditor all, an officer the office's, a mandatary the place's."""
    staff_id, today = _officer(context).staff_id, local_day(context.now)
    if context.principal.may(Permission.AUDIT):
        return [each for whole in await whole_offices(context.db) for each in (whole, *places_of(whole))]
    found: dict[tuple[UUID, UUID | None], Scope] = {}
    for place in await sub_offices_of(context.db, staff_id, today):
        if await is_officer(context.db, place.office_id, staff_id, today):
            whole = await scope_of(context.db, place.office_id)
            found |= {_key(each): each for each in (whole, *places_of(whole))}
        else:
            scope = await scope_of(context.db, place.office_id, place.id)
            found.setdefault(_key(scope), scope)
    return list(found.values())


def _asked(context: Context, readable: Sequence[Scope], book: str, word: str) -> Asked:
    """Return whose books and which period are asked for; the first ones and this month where nothing is."""
    if not readable:
        raise UnknownBook
    wanted = (each for each in readable if book in ("", book_word(*_key(each))))
    scope = next(wanted, None)
    if scope is None:
        raise UnknownBook
    today = local_day(context.now)
    return Asked(scope, read_period(word, today) if word else month_of(today))


async def _close(context: Context, asked: Asked, first: Period) -> Act | None:
    """Return the closing of the month, or why it cannot be yet; nothing to whoever closes none."""
    scope, today = asked.scope, local_day(context.now)
    may = context.principal.may(Permission.COLLECT) and await is_officer(
        context.db, scope.office.id, _officer(context).staff_id, today
    )
    if not may or scope.place is not None or not asked.period.is_month:
        return None
    last = await last_closing(context.db, scope.office.id)
    try:
        check_closing(asked.period, Period(last.first_day, last.last_day) if last else None, first, context.now)
    except Refusal as refusal:
        return Act(f"{URL}/arreter", why_not=describe(refusal, context.words)["title"])
    return Act(f"{URL}/arreter")


def _key(scope: Scope) -> tuple[UUID, UUID | None]:
    return scope.office.id, scope.place.id if scope.place else None


def _officer(context: Context) -> Officer:
    assert context.principal.id is not None
    return Officer(context.principal.id, context.principal.name)


def _means(word: str) -> Means | None:
    return Means(word) if word in {means.value for means in Means} else None


def _number(word: str) -> int:
    return int(word) if word.isascii() and word.isdigit() and 0 < int(word) < PAGES_MAX else 1
