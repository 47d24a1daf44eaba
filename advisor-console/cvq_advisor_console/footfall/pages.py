"""From figures to what the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from babel.dates import format_date

from cvq_advisor_console.books.pages import period_words
from cvq_advisor_console.footfall.words import refusal_words
from cvq_advisor_console.views.books import Choice
from cvq_advisor_console.views.footfall import Chart, Column, FootfallPage, PointLine, Share
from cvq_core.books.periods import Period, month_of
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.footfall.rules import Bar, Summary
from cvq_core.services.tables import Service
from cvq_core.spreadsheets import Cell, Sheet
from cvq_core.text import percent, short_date, whole
from cvq_core.web import Context

URL = "/frequentation"
MONTHS_SHOWN, YEARS_SHOWN = 13, 5
CHART_WIDTH, CHART_HEIGHT = 960, 240
LEFT, TOP, FLOOR = 56, 16, 208
"""Where a chart's columns begin, and between which heights they stand."""
LABELS_MAX = 16
SCALE_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose figures, of which period, among which services one may choose, and what its points are called."""

    service: Service
    services: Sequence[Service]
    period: Period
    labels: Mapping[UUID, str]


def footfall_page(context: Context, asked: Asked, found: Summary, before: Summary) -> FootfallPage:
    """Return the page of a service's figures; `before` are those of the same period a year earlier."""
    service, period = asked.service, asked.period
    query = f"service={service.code}&periode={period.word}"
    today = local_day(context.now)
    return FootfallPage(
        url=URL,
        services=tuple(Choice(each.code, context._(each.label), each.code == service.code) for each in asked.services),
        periods=tuple(
            Choice(each.word, period_words(context, each), each == period) for each in periods(today, period)
        ),
        service=context._(service.label),
        period=period_words(context, period),
        allowed=found.allowed,
        refused=found.refused,
        before=_compared(context, found, before),
        days=_drawn(context, found.bars, by_months=found.by_months),
        hours=_drawn(context, found.hours, by_months=False),
        refusals=tuple(
            Share(context._(refusal_words(reason)), number, round(100 * number / found.refused))
            for reason, number in found.refusals
        ),
        points=tuple(PointLine(asked.labels[point], allowed, refused) for point, allowed, refused in found.points),
        exports=(
            (context._(N_("Tableur (XLSX)")), f"{URL}/frequentation.xlsx?{query}"),
            (context._(N_("CSV")), f"{URL}/frequentation.csv?{query}"),
        ),
    )


def periods(today: date, chosen: Period) -> list[Period]:
    """Return the months and years that one may choose, the newest first; what was chosen is among them."""
    months, month = [], month_of(today)
    for _ in range(MONTHS_SHOWN):
        months.append(month)
        month = month_of(month.first - timedelta(days=1))
    years = [Period(date(year, 1, 1), date(year, 12, 31)) for year in range(today.year, today.year - YEARS_SHOWN, -1)]
    found = months + years
    return found if chosen in found else [chosen, *found]


def sheets(context: Context, found: Summary, labels: Mapping[UUID, str]) -> list[Sheet]:
    """Return the figures as the parts of a file."""
    let_in, refused = context._(N_("Passages")), context._(N_("Refus"))

    def rows(bars: Sequence[Bar], *, by_months: bool) -> list[Sequence[Cell]]:
        return [(_name(context, bar, by_months=by_months), bar.allowed, bar.refused) for bar in bars]

    when = context._(N_("Mois")) if found.by_months else context._(N_("Jour"))
    return [
        Sheet(when, (when, let_in, refused), rows(found.bars, by_months=found.by_months)),
        Sheet(context._(N_("Heures")), (context._(N_("Heure")), let_in, refused), rows(found.hours, by_months=False)),
        Sheet(
            refused,
            (context._(N_("Pourquoi")), refused),
            [(context._(refusal_words(reason)), number) for reason, number in found.refusals],
        ),
        Sheet(
            context._(N_("Lieux")),
            (context._(N_("Lieu")), let_in, refused),
            [(labels[point], allowed, turned_away) for point, allowed, turned_away in found.points],
        ),
    ]


def _compared(context: Context, found: Summary, before: Summary) -> str:
    if not before.allowed:
        return ""
    change = round(100 * (found.allowed - before.allowed) / before.allowed)
    if not change:
        return context._(N_("autant que l’année d’avant"))
    if change > 0:
        return context._(N_("{share} de plus que l’année d’avant"), share=percent(change, context.language))
    return context._(N_("{share} de moins que l’année d’avant"), share=percent(-change, context.language))


def _drawn(context: Context, bars: Sequence[Bar], *, by_months: bool) -> Chart | None:
    names = [_name(context, bar, by_months=by_months) for bar in bars]
    return chart(bars, [_label(context, bar, by_months=by_months) for bar in bars], names)


def chart(bars: Sequence[Bar], labels: Sequence[str], names: Sequence[str]) -> Chart | None:
    """Return the columns of some bars to one scale, with what stands below each; None where nobody came."""
    highest = max((bar.allowed + bar.refused for bar in bars), default=0)
    if not highest:
        return None
    step = _step(highest)
    top = -(-highest // step) * step
    pitch = (CHART_WIDTH - LEFT) / len(bars)
    width = max(2, min(48, round(pitch * 0.7)))
    every = -(-len(bars) // LABELS_MAX)
    columns = []
    for place, bar in enumerate(bars):
        allowed, refused = (round((FLOOR - TOP) * part / top) for part in (bar.allowed, bar.refused))
        columns.append(
            Column(
                label="" if place % every else labels[place],
                name=names[place],
                allowed=bar.allowed,
                refused=bar.refused,
                x=round(LEFT + pitch * (place + 0.5) - width / 2),
                width=width,
                allowed_y=FLOOR - allowed,
                allowed_height=allowed,
                refused_y=FLOOR - allowed - refused,
                refused_height=refused,
            )
        )
    lines = tuple((FLOOR - round((FLOOR - TOP) * value / top), whole(value)) for value in range(0, top + 1, step))
    return Chart(CHART_WIDTH, CHART_HEIGHT, FLOOR, tuple(columns), lines)


def _step(highest: int) -> int:
    """Return between which round numbers a scale's lines stand: about four of them."""
    power = 1
    while True:
        for factor in SCALE_STEPS:
            if factor * power * 5 >= highest:
                return factor * power
        power *= 10


def _label(context: Context, bar: Bar, *, by_months: bool) -> str:
    if bar.first is None:
        return context._(N_("{hour} h"), hour=bar.hour)
    if by_months:
        return str(format_date(bar.first, "LLL", locale=context.language))
    return str(bar.first.day)


def _name(context: Context, bar: Bar, *, by_months: bool) -> str:
    if bar.first is None:
        return context._(N_("de {hour} h à {next} h"), hour=bar.hour, next=(bar.hour or 0) + 1)
    if by_months:
        return str(format_date(bar.first, "LLLL y", locale=context.language))
    return short_date(bar.first, context.language)
