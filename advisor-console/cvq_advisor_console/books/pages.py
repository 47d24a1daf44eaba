"""What the pages of the books show, made of the journal and the balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode
from uuid import UUID

from babel.dates import format_date

from cvq_advisor_console.views.books import (
    AccountRow,
    BookChooser,
    BooksPage,
    Choice,
    EditionRow,
    EditionsView,
    Figure,
    FileLink,
    HeldRow,
    LineRow,
    TotalRow,
)
from cvq_core.books.editions import TOPIC, editions_of, heading_of
from cvq_core.books.journal import Filter
from cvq_core.books.periods import Period, month_after
from cvq_core.books.rules import (
    FORMAT_FILES,
    LINE_WORDS,
    MOVEMENT_WORDS,
    OTHER_PLACES_WORDS,
    Balance,
    BookFormat,
    BookLine,
    EditionState,
    Heading,
    Movement,
    Total,
    Totals,
    service_word,
)
from cvq_core.books.scope import Scope
from cvq_core.books.tables import BookEdition
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.offices.rules import MEANS_WORDS
from cvq_core.web import Context
from cvq_core.web.views import Act, Region

URL = "/livres"
STATE_WORDS = {
    EditionState.MAKING: (N_("en préparation"), "sun"),
    EditionState.READY: (N_("prête"), "ok"),
    EditionState.FAILED: (N_("n’a pas pu être faite : signalez-le"), "alert"),
    EditionState.GONE: (N_("retirée depuis"), "off"),
}
FORMAT_WORDS = {
    BookFormat.JOURNAL_PDF: N_("Journal (PDF)"),
    BookFormat.BALANCE_PDF: N_("Balance (PDF)"),
    BookFormat.JOURNAL_CSV: N_("Journal (CSV)"),
    BookFormat.BALANCE_CSV: N_("Balance (CSV)"),
    BookFormat.XLSX: N_("Journal et balance (XLSX)"),
}
MARK_WORDS = {"": "", "provisional": N_("provisoire"), "copy": N_("duplicata n° {copy}")}


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose books, and which period."""

    scope: Scope
    period: Period

    @property
    def book(self) -> str:
        """The books' name in an address: the office's id, and the place's where it is one alone."""
        return book_word(self.scope.office.id, self.scope.place.id if self.scope.place else None)

    def url(self, path: str = "", **more: str) -> str:
        """Return an address of these books."""
        query = {"livre": self.book, "periode": self.period.word, **{name: word for name, word in more.items() if word}}
        return f"{URL}{path}?{urlencode(query)}"


def book_word(office_id: UUID, place_id: UUID | None) -> str:
    """Return how an address names books."""
    return f"{office_id}.{place_id}" if place_id else str(office_id)


def period_words(context: Context, period: Period) -> str:
    """Return "mars 2026", or "2026"."""
    if not period.is_month:
        return f"{period.first:%Y}"
    return str(format_date(period.first, "LLLL y", locale=context.language))


def chooser(context: Context, asked: Asked, readable: Sequence[Scope], first: Period, today: date) -> BookChooser:
    """Return the choice of books and periods, the newest period first."""
    months: list[Period] = []
    month = first
    while month.first <= today and len(months) < 12 * 11:
        months.append(month)
        month = month_after(month)
    if asked.period.is_month and asked.period not in months:
        months.append(asked.period)
    years = [Period(date(year, 1, 1), date(year, 12, 31)) for year in range(first.first.year, today.year + 1)]
    periods = [*reversed(months), *reversed(years)]
    return BookChooser(
        url=URL,
        books=tuple(
            Choice(
                word := book_word(scope.office.id, scope.place.id if scope.place else None),
                scope.label if scope.place else context._(N_("Toute la régie : {label}"), label=scope.label),
                word == asked.book,
            )
            for scope in readable
        ),
        periods=tuple(
            Choice(
                each.word,
                period_words(context, each) if each.is_month else context._(N_("année {year}"), year=each.word),
                each == asked.period,
            )
            for each in periods
        ),
    )


def _figures(context: Context, balance: Balance, totals: Totals) -> tuple[Figure, ...]:
    """Return what stays in sight."""
    wanted = (
        (N_("À l’ouverture"), balance.opening_cents),
        (N_("Encaissé"), totals.all.received_cents),
        (N_("Annulé ou revenu"), totals.all.taken_back_cents),
        (N_("Versé"), balance.moved(Movement.REMITTED)),
        (N_("À la clôture"), balance.closing_cents),
    )
    return tuple(Figure(context._(label), cents) for label, cents in wanted)


def books_page(
    context: Context,
    asked: Asked,
    *,
    choices: BookChooser,
    totals: Totals,
    balance: Balance,
    editions: EditionsView,
    closed_on: date | None,
    close: Act | None,
    disagreement: str,
) -> BooksPage:
    """Return a period at a glance."""
    movements = balance.movements()
    accounts, cash = balance.accounts, balance.cash
    return BooksPage(
        label=asked.scope.label,
        period=period_words(context, asked.period),
        chooser=choices,
        figures=_figures(context, balance, totals),
        closed_on=closed_on,
        editions=editions,
        movements=tuple(context._(MOVEMENT_WORDS[each]) for each in movements),
        held=tuple(
            HeldRow(
                context._(MEANS_WORDS[line.means]),
                line.opening_cents,
                tuple(line.moved.get(each, 0) for each in movements),
                line.closing_cents,
            )
            for line in balance.held
        ),
        held_total=HeldRow(
            context._(N_("En tout")),
            balance.opening_cents,
            tuple(balance.moved(each) for each in movements),
            balance.closing_cents,
        ),
        cash=tuple(
            Figure(context._(label), cents)
            for label, cents in (
                (N_("Au coffre"), cash.safe_cents),
                (N_("Dans les caisses ouvertes"), cash.drawers_cents),
                (N_("En route vers le régisseur"), cash.on_its_way_cents),
                (N_("dont fonds de caisse"), cash.float_cents),
                (N_("À verser"), cash.beyond_float_cents),
            )
        ),
        totals=tuple(
            total_row(
                (service_words(context, service), context._(MEANS_WORDS[means])),
                totals.by_both[service, means],
                asked.url("/journal", service=service, moyen=means.value),
            )
            for service in totals.services()
            for means in totals.means()
            if (service, means) in totals.by_both
        ),
        totals_sum=total_row((context._(N_("En tout")), ""), totals.all, asked.url("/journal")),
        accounts=tuple(
            AccountRow(line.label, line.opening_cents, line.debit_cents, line.credit_cents, line.closing_cents)
            for line in accounts
        ),
        accounts_sum=AccountRow(
            context._(N_("En tout")),
            sum(line.opening_cents for line in accounts),
            sum(line.debit_cents for line in accounts),
            sum(line.credit_cents for line in accounts),
            sum(line.closing_cents for line in accounts),
        ),
        to_classify_cents=balance.to_classify_cents,
        close=close,
        close_key=str(new_id()),
        disagreement=disagreement,
    )


def service_words(context: Context, service: str) -> str:
    """Return what a line is for, in the language of the person who asks."""
    return context._(OTHER_PLACES_WORDS.get(service) or service_word(service))


def total_row(words: tuple[str, ...], total: Total, url: str) -> TotalRow:
    """Return a total as a row of a table."""
    return TotalRow(
        words,
        total.received_cents,
        total.taken_back_cents,
        total.cents,
        total.lines,
        total.first,
        total.last,
        url,
    )


def line_row(context: Context, line: BookLine) -> LineRow:
    """Return a line of the journal as a row of its table."""
    return LineRow(
        row=line.row,
        kind=context._(LINE_WORDS[line.kind]),
        number=line.number,
        at=line.at,
        place=line.place,
        by=line.by,
        account=line.account,
        service=service_words(context, line.service),
        means=context._(MEANS_WORDS[line.means]),
        amount_cents=line.amount_cents,
        voids=line.voids,
        slip=line.slip,
        treasury_slip="" if line.treasury_slip == line.slip else line.treasury_slip,
    )


async def editions_view(context: Context, asked: Asked, *, is_closed: bool) -> EditionsView:
    """Return a period's editions."""
    rows = []
    for edition in await editions_of(context.db, asked.scope, asked.period):
        rows.append(_edition_row(context, edition, await heading_of(context.db, edition)))
    return EditionsView(
        region=Region(asked.url("/fragments/editions"), (f"{TOPIC}:{asked.scope.office.id}",)),
        rows=tuple(rows),
        ask=Act(f"{URL}/editions"),
        key=str(new_id()),
        book=asked.book,
        period=asked.period.word,
        is_closed=is_closed,
    )


def _edition_row(context: Context, edition: BookEdition, heading: Heading) -> EditionRow:
    word, tone = STATE_WORDS[edition.state]
    mark = "provisional" if edition.number is None else "copy" if edition.copy else ""
    said = context._(MARK_WORDS[mark], copy=edition.copy) if mark else ""
    ready = edition.state is EditionState.READY
    return EditionRow(
        title=", ".join(part for part in (heading.number_word, said) if part),
        asked_at=edition.asked_at,
        state=context._(word),
        tone=tone,
        files=tuple(
            FileLink(context._(FORMAT_WORDS[kind]), f"{URL}/editions/{edition.id}/{kind.value}")
            for kind in FORMAT_FILES
        )
        if ready
        else (),
        is_making=edition.state is EditionState.MAKING,
        done=edition.done,
        payments=edition.payments,
    )


def filter_words(context: Context, asked: Filter, totals: Totals) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
    """Return what a journal can be narrowed to: its services, and its means."""
    services = tuple(
        Choice(service, service_words(context, service), service == asked.service) for service in totals.services()
    )
    means = tuple(Choice(each.value, context._(MEANS_WORDS[each]), each is asked.means) for each in totals.means())
    return services, means
