"""The parts of the pages of inactive values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from cvq_advisor_console.cash.counter import Counter
from cvq_advisor_console.views.advances import Choice
from cvq_advisor_console.views.cash import StepLink
from cvq_advisor_console.views.values import (
    CountedValuesView,
    CountValuesView,
    KindTotal,
    MoveView,
    SellView,
    StockRow,
    StockView,
    ValueMovementRow,
    ValuesPage,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput
from cvq_core.ids import new_id
from cvq_core.inactive_values.rules import WHEREABOUTS_WORDS, Holder, Span, Whereabouts, written
from cvq_core.inactive_values.service import source_of, span_of, target_of
from cvq_core.inactive_values.store import StockLine, kinds_of, movements_of, stock_of, undone_by
from cvq_core.inactive_values.tables import ValueCount, ValueKind, ValueMovement
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import COUNTER_MEANS, MEANS_WORDS, VOUCHERS, Means
from cvq_core.offices.tables import Mandatary, Receipt, SubOffice
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.staff.tables import Staff
from cvq_core.text import money
from cvq_core.web.views import Act

URL = "/caisse/valeurs"
STOCK = N_("Stock")
MOVE = N_("Recevoir, confier, rendre")
SELL = N_("Vendre")
COUNT = N_("Compter")
AT = N_("au lieu : {place}")
WITH = N_("confié à {name}")
SPOILED_AT = N_("gâché, à rendre ({place})")
MISSING_AT = N_("manquant, retrouvé ({place})")
BLANK_CARD = N_("aucun : c’est une carte vierge")
FROM_TO = N_("{source} → {target}")


@dataclass(frozen=True, slots=True)
class Stock:
    """Where somebody stands, with the stock they may see: the office's for its officer, the place's for others."""

    counter: Counter
    officer_here: bool
    lines: tuple[StockLine, ...]
    kinds: tuple[ValueKind, ...]

    def page(self, **step: Any) -> ValuesPage:
        """Return the page with one step on it, what is in stock here beside."""
        counter, path = self.counter, self.counter.context.request.path
        here = [line for line in self.lines if line.in_stock and line.holder.place_id == counter.sub_office.id]
        totals = []
        for kind in self.kinds:
            mine = [line for line in here if line.kind.id == kind.id]
            totals.append(KindTotal(kind.label, sum(line.quantity for line in mine), sum(line.cents for line in mine)))
        steps = (
            (STOCK, URL, "1", "list-check"),
            (MOVE, f"{URL}/mouvement", "2", "arrow-right"),
            (SELL, f"{URL}/vente", "3", "cash"),
            (COUNT, f"{URL}/comptage", "4", "calculator"),
        )
        return ValuesPage(
            place=counter.sub_office.label,
            office=counter.office.label,
            links=counter.links(),
            steps=tuple(StepLink(counter.say(label), url, key, icon, path == url) for label, url, key, icon in steps),
            totals=tuple(totals),
            total_cents=sum(total.cents for total in totals),
            **step,
        )


async def stock_here(counter: Counter) -> Stock:
    """Return the stock that somebody at this counter may see."""
    context = counter.context
    today = local_day(context.now)
    officer = await is_officer(context.db, counter.office.id, counter.officer.staff_id, today)
    lines = await stock_of(context.db, counter.office.id, place_id=None if officer else counter.sub_office.id)
    return Stock(counter, officer, tuple(lines), tuple(await kinds_of(context.db, counter.office.id)))


async def stock_view(stock: Stock) -> StockView:
    """Return the stock account with the latest movements."""
    counter = stock.counter
    labels = {kind.id: kind.label for kind in stock.kinds}
    names = await _names(stock)
    rows = []
    for movement in await movements_of(counter.context.db, labels, limit=15):
        touched = {movement.from_place_id, movement.to_place_id}
        if not stock.officer_here and counter.sub_office.id not in touched:
            continue
        rows.append(
            ValueMovementRow(
                movement.moved_at,
                labels[movement.kind_id],
                written([span_of(movement)]),
                counter.say(
                    FROM_TO,
                    source=_holder_words(counter, source_of(movement), names),
                    target=_holder_words(counter, target_of(movement), names),
                ),
                movement.reason,
                await _undo(stock, movement),
            )
        )
    return StockView(
        rows=tuple(_row(counter, line) for line in stock.lines),
        movements=tuple(rows),
        csv_url=f"{URL}/compte.csv",
        pdf_url=f"{URL}/compte.pdf",
        new_kind=Act(counter.here(f"{URL}/sortes")) if stock.officer_here else None,
        key=str(new_id()),
        services=(
            Choice("", counter.say(BLANK_CARD)),
            *(
                Choice(code.value, counter.say(SERVICE_LABELS[code]))
                for code in ServiceCode
                if code in counter.act.services
            ),
        ),
    )


async def move_view(stock: Stock) -> MoveView:
    """Return numbers to move, between those holders that this person may move them between."""
    counter = stock.counter
    people = await _people(stock)
    places = await _places(stock) if stock.officer_here else [counter.sub_office]
    held = [Choice(f"place:{place.id}", counter.say(AT, place=place.label)) for place in places]
    held += [
        Choice(f"person:{place_id}:{staff_id}", counter.say(WITH, name=name)) for place_id, staff_id, name in people
    ]
    sources, targets = list(held), list(held)
    if stock.officer_here:
        sources.insert(0, Choice("comptable", counter.say(WHEREABOUTS_WORDS[Whereabouts.COMPTABLE])))
        lost = {line.holder for line in stock.lines if line.holder.where is Whereabouts.MISSING}
        labels = {place.id: place.label for place in places}
        sources += [
            Choice(value_of(each), counter.say(MISSING_AT, place=str(labels.get(each.place_id or new_id(), ""))))
            for each in lost
        ]
        spoiled = {line.holder for line in stock.lines if line.holder.where is Whereabouts.SPOILED}
        sources += [
            Choice(value_of(each), counter.say(SPOILED_AT, place=str(labels.get(each.place_id or new_id(), ""))))
            for each in spoiled
        ]
        targets.append(Choice("returned", counter.say(WHEREABOUTS_WORDS[Whereabouts.RETURNED])))
    return MoveView(
        counter.here(f"{URL}/mouvements"), str(new_id()), _kinds(counter, stock.kinds), tuple(sources), tuple(targets)
    )


def sell_view(stock: Stock) -> SellView:
    """Return values to sell; those that are no tickets of a service are not sold."""
    counter = stock.counter
    sold = [kind for kind in stock.kinds if kind.service_code in counter.act.services]
    ways = [means for means in Means if means in (COUNTER_MEANS - VOUCHERS) & counter.act.means]
    means = tuple(Choice(each.value, counter.say(MEANS_WORDS[each]), each is ways[0]) for each in ways)
    return SellView(counter.here(f"{URL}/ventes"), str(new_id()), _kinds(counter, sold), means)


async def count_values_view(stock: Stock) -> CountValuesView:
    """Return a stock to count; what should be there is not shown."""
    counter = stock.counter
    places = await _places(stock) if stock.officer_here else [counter.sub_office]
    holders = [Choice(f"place:{place.id}", counter.say(AT, place=place.label)) for place in places]
    holders += [
        Choice(f"person:{place_id}:{staff_id}", counter.say(WITH, name=name))
        for place_id, staff_id, name in await _people(stock)
    ]
    return CountValuesView(
        counter.here(f"{URL}/comptages"), str(new_id()), _kinds(counter, stock.kinds), tuple(holders)
    )


async def counted_view(stock: Stock, row: ValueCount) -> CountedValuesView:
    """Return what a count found."""
    kind = next(kind for kind in stock.kinds if kind.id == row.kind_id)
    where = Whereabouts.PERSON if row.staff_id else Whereabouts.PLACE
    holder = Holder(where, row.place_id, row.staff_id)

    def spans(name: str) -> str:
        return written(Span(first, last) for first, last in row.found[name])

    return CountedValuesView(
        label=kind.label,
        holder=_holder_words(stock.counter, holder, await _names(stock)),
        counted=spans("counted"),
        missing=spans("missing"),
        unexpected=spans("unexpected"),
        explanation=row.explanation,
        next_url=URL,
    )


def value_of(holder: Holder) -> str:
    """Return a holder as a form sends it: "place:<id>", "person:<place>:<staff>", "comptable", …"""
    parts = [holder.where.value, *(str(each) for each in (holder.place_id, holder.staff_id) if each)]
    return ":".join(parts)


def holder_of(value: str) -> Holder:
    """Return the holder that a form sent.

    Raises:
        BadInput: it is none.
    """
    word, *ids = value.split(":")
    try:
        return Holder(Whereabouts(word), *(UUID(each) for each in ids[:2]))
    except ValueError:
        raise BadInput from None


async def _undo(stock: Stock, movement: ValueMovement) -> Act | None:
    """Return how a sale is taken back: by whoever sold it, as long as the drawer is open."""
    counter = stock.counter
    if movement.receipt_id is None or counter.drawer is None or movement.moved_by != counter.officer.staff_id:
        return None
    receipt = await counter.context.db.get_one(Receipt, movement.receipt_id)
    if receipt.drawer_id != counter.drawer.id or await undone_by(counter.context.db, movement.id) is not None:
        return None
    return Act(f"{URL}/ventes/{movement.id}/reprendre?key={new_id()}")


def _row(counter: Counter, line: StockLine) -> StockRow:
    return StockRow(
        line.kind.label,
        counter.say(WHEREABOUTS_WORDS[line.holder.where]),
        line.holder_name,
        written(line.spans),
        line.quantity,
        line.cents,
        "alert" if line.holder.where is Whereabouts.MISSING else "ok" if line.in_stock else "off",
    )


def _kinds(counter: Counter, kinds: Iterable[ValueKind]) -> tuple[Choice, ...]:
    language = counter.context.language
    return tuple(Choice(str(kind.id), f"{kind.label} ({money(kind.face_cents, language)})") for kind in kinds)


def _holder_words(counter: Counter, holder: Holder, names: dict[UUID, str]) -> str:
    said = [counter.say(WHEREABOUTS_WORDS[holder.where])]
    said += [names[each] for each in (holder.place_id, holder.staff_id) if each in names]
    return ", ".join(said)


async def _places(stock: Stock) -> list[SubOffice]:
    rows = await stock.counter.context.db.scalars(
        select(SubOffice).where(SubOffice.office_id == stock.counter.office.id).order_by(SubOffice.label)
    )
    return list(rows)


async def _people(stock: Stock) -> list[tuple[UUID, UUID, str]]:
    """Return who is appointed today where this person may move things: place, staff and name."""
    counter, today = stock.counter, local_day(stock.counter.context.now)
    wanted = (
        [SubOffice.office_id == counter.office.id]
        if stock.officer_here
        else [
            SubOffice.id == counter.sub_office.id,
            Staff.id == counter.officer.staff_id,
        ]
    )
    rows = await counter.context.db.execute(
        select(Mandatary.sub_office_id, Staff.id, Staff.display_name, SubOffice.label, Mandatary.valid_until)
        .join(Staff, Staff.id == Mandatary.staff_id)
        .join(SubOffice, SubOffice.id == Mandatary.sub_office_id)
        .where(*wanted, Mandatary.valid_from <= today)
        .order_by(Staff.display_name, SubOffice.label)
    )
    found = {
        (place_id, staff_id): f"{name}, {label}"
        for place_id, staff_id, name, label, until in rows
        if until is None or until >= today
    }
    return [(place_id, staff_id, name) for (place_id, staff_id), name in found.items()]


async def _names(stock: Stock) -> dict[UUID, str]:
    names = {place.id: place.label for place in await _places(stock)}
    rows = await stock.counter.context.db.execute(
        select(Staff.id, Staff.display_name)
        .join(Mandatary, Mandatary.staff_id == Staff.id)
        .where(Mandatary.sub_office_id.in_(names))
    )
    return names | {row.id: row.display_name for row in rows}
