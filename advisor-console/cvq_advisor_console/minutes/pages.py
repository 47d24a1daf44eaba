"""The parts of the pages of minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from cvq_advisor_console.cash.counter import Counter
from cvq_advisor_console.inactive_values.pages import count_values_view, stock_here
from cvq_advisor_console.views.advances import Choice
from cvq_advisor_console.views.cash import StepLink
from cvq_advisor_console.views.minutes import (
    ComparedRow,
    ComparingView,
    CountingView,
    DestroyView,
    LineField,
    MinuteRow,
    MinutesPage,
    MinutesView,
    MinuteView,
    PieceField,
)
from cvq_core.acts.store import Appointed
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.minutes.paper import amount_words, difference_words
from cvq_core.minutes.rules import MINUTE_WORDS, BookLine, Books, Compared, MinuteKind, Unit
from cvq_core.minutes.service import minutes_of, number_of
from cvq_core.minutes.tables import Minute
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import DENOMINATIONS_CENTS, MANDATE_TITLE_WORDS
from cvq_core.offices.tables import SubOffice

URL = "/caisse/pv"
LARGEST_COIN_CENTS = 200
MINUTES = N_("Procès-verbaux")
DESTROY = N_("Détruire des valeurs")
TITLE = N_("Procès-verbal : {kind}")
ENDS = N_("La nomination de celui qui part prend fin ce jour : {order}.")


def page(counter: Counter, **step: Any) -> MinutesPage:
    """Return the page with one step on it."""
    path = counter.context.request.path
    steps = [(MINUTES, URL, "1", "shield-check")]
    if counter.sub_office.is_main:
        steps.append((DESTROY, f"{URL}/destruction", "2", "trash"))
    return MinutesPage(
        place=counter.sub_office.label,
        office=counter.office.label,
        links=counter.links(),
        steps=tuple(StepLink(counter.say(label), url, key, icon, path == url) for label, url, key, icon in steps),
        **step,
    )


async def places_of(counter: Counter) -> list[SubOffice]:
    """Return the places whose minutes this person may record: all of the office for its officer."""
    db, today = counter.context.db, local_day(counter.context.now)
    if not await is_officer(db, counter.office.id, counter.officer.staff_id, today):
        return [counter.sub_office]
    rows = await db.scalars(
        select(SubOffice).where(SubOffice.office_id == counter.office.id).order_by(SubOffice.is_main.desc())
    )
    return list(rows)


async def minutes_view(counter: Counter) -> MinutesView:
    """Return the latest minutes, and what begins one."""
    places = await places_of(counter)
    return MinutesView(
        begin_url=f"{URL}/constat",
        kinds=tuple(
            Choice(kind.value, counter.say(MINUTE_WORDS[kind])) for kind in (MinuteKind.AUDIT, MinuteKind.HANDOVER)
        ),
        places=tuple(Choice(str(each.id), each.label, each.id == counter.sub_office.id) for each in places),
        minutes=tuple(_row(counter, each) for each in await minutes_of(counter.context.db, [p.id for p in places])),
    )


def counting_view(
    counter: Counter, kind: MinuteKind, place: SubOffice, books: Books, appointed: Sequence[Appointed]
) -> CountingView:
    """Return the count of a place; what the books say is not shown."""
    people = [
        Choice(str(each.id), f"{each.name}, {counter.say(MANDATE_TITLE_WORDS[each.appointment.title])}")
        for each in appointed
    ]
    names = [Choice(each.name, each.name) for each in appointed]
    is_handover = kind is MinuteKind.HANDOVER
    return CountingView(
        url=f"{URL}/comparer",
        title=title_of(counter, kind),
        place=place.label,
        is_handover=is_handover,
        fields={
            "key": str(new_id()),
            "place_id": str(place.id),
            "kind": kind.value,
            "digest": books.digest,
        },
        lines=tuple(_field(f"l{index}", line) for index, line in enumerate(books.lines)),
        outgoing=tuple(people if is_handover else names),
        incoming=tuple(reversed(people)),
    )


def comparing_view(
    counter: Counter,
    kind: MinuteKind,
    place: SubOffice,
    compared: Sequence[Compared],
    fields: Mapping[str, str],
    *,
    parties: tuple[str, str],
    ends: str = "",
) -> ComparingView:
    """Return books beside count, each difference with a field to explain it."""
    rows = []
    for index, each in enumerate(compared):
        rows.append(
            ComparedRow(
                each.line.label,
                amount_words(each.line.unit, each.line.amount),
                amount_words(each.line.unit, each.seen.amount),
                difference_words(each.line.unit, each.difference),
                f"e{index}" if each.difference else "",
            )
        )
    return ComparingView(
        url=f"{URL}/signer",
        title=title_of(counter, kind),
        place=place.label,
        parties=parties,
        rows=tuple(rows),
        fields=fields,
        back_url=f"{URL}/constat?sorte={kind}&endroit={place.id}",
        ends=counter.say(ENDS, order=ends) if ends else "",
    )


def minute_view(counter: Counter, minute: Minute) -> MinuteView:
    """Return a minute as it was written."""
    printed = minute.printed
    rows = [
        ComparedRow(
            each["label"],
            amount_words(each["unit"], each["books"]),
            amount_words(each["unit"], each["counted"]),
            difference_words(each["unit"], each["difference"]),
            explanation=each["explanation"],
        )
        for each in printed.get("lines", [])
    ]
    facts = [(name, value) for name, value in printed.get("facts", [])]
    gone = printed.get("destroyed")
    if gone:
        facts = [(gone["label"], f"n° {gone['numbers']}"), (printed["reason"], amount_words("cents", gone["cents"]))]
    return MinuteView(
        id=str(minute.id),
        title=title_of(counter, minute.kind),
        number=number_of(minute),
        made_at=minute.made_at,
        place=printed["place"],
        parties=tuple(f"{name}, {capacity}" for name, capacity in _parties(printed)),
        rows=tuple(rows),
        facts=tuple(facts),
        pdf_url=f"{URL}/{minute.id}.pdf",
        back_url=URL,
        ends=counter.say(ENDS, order=printed["ends"]) if printed.get("ends") else "",
    )


async def destroy_view(counter: Counter) -> DestroyView:
    """Return values to destroy."""
    counting = await count_values_view(await stock_here(counter))
    return DestroyView(f"{URL}/destructions", str(new_id()), counting.kinds, counting.holders)


def title_of(counter: Counter, kind: MinuteKind) -> str:
    """Return what a minute is called."""
    return counter.say(TITLE, kind=counter.say(MINUTE_WORDS[kind]))


def _parties(printed: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(each[0], each[1]) for each in (printed["first_party"], printed["second_party"])]


def _row(counter: Counter, minute: Minute) -> MinuteRow:
    printed = minute.printed
    return MinuteRow(
        number_of(minute),
        minute.made_at,
        counter.say(MINUTE_WORDS[minute.kind]),
        printed["place"],
        " · ".join(name for name, _ in _parties(printed)),
        f"{URL}/{minute.id}",
        any(each["difference"] for each in printed.get("lines", [])),
    )


def _field(name: str, line: BookLine) -> LineField:
    pieces = [PieceField(f"{name}d{cents}", cents) for cents in DENOMINATIONS_CENTS] if line.unit is Unit.CASH else []
    return LineField(
        name,
        line.label,
        line.unit.value,
        tuple(each for each in pieces if each.cents > LARGEST_COIN_CENTS),
        tuple(each for each in pieces if each.cents <= LARGEST_COIN_CENTS),
    )
