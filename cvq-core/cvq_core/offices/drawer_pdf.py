"""The paper of a closed drawer (arrêté de caisse): what it took, what was counted, the difference; A4, to be signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from xml.sax.saxutils import escape

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.offices.paper_parts import (
    HEADING,
    MARK,
    SMALL,
    TEXT,
    TITLE,
    capital,
    sheet,
    signatures,
    table,
    text,
)
from cvq_core.offices.rules import MEANS_WORDS, receipt_number
from cvq_core.offices.store import DrawerTotals, drawer_totals
from cvq_core.offices.tables import CashOffice, Drawer, Receipt, ReceiptSeries, SubOffice
from cvq_core.staff.tables import Staff
from cvq_core.text import hour, long_date, money


@dataclass(frozen=True, slots=True)
class ClosedDrawer:
    """A closed drawer as it is printed; `first` and `last` are its receipts' numbers, empty where it has none."""

    drawer: Drawer
    place: SubOffice
    office: CashOffice
    held_by: str
    totals: DrawerTotals
    first: str
    last: str


async def closed_drawer(db: AsyncSession, drawer: Drawer) -> ClosedDrawer:
    """Return a closed drawer with what its paper says."""
    assert drawer.closed_at is not None, "an open drawer has no such paper"
    place = await db.get_one(SubOffice, drawer.sub_office_id)
    first, last = await _numbers(db, drawer.id)
    series = (await db.get_one(ReceiptSeries, place.series_id)).code
    return ClosedDrawer(
        drawer=drawer,
        place=place,
        office=await db.get_one(CashOffice, place.office_id),
        held_by=(await db.get_one(Staff, drawer.staff_id)).display_name,
        totals=await drawer_totals(db, drawer),
        first=receipt_number(series, first) if first else "",
        last=receipt_number(series, last) if last else "",
    )


def drawer_pdf(closed: ClosedDrawer) -> bytes:
    """Return the PDF of a closed drawer's paper."""
    title = "Arrêté de caisse"
    parts = [*_head(closed, title), *_collected(closed), *_cash(closed), *_signatures(closed)]
    return sheet(parts, title=title, author=closed.office.label)


def _head(closed: ClosedDrawer, title: str) -> list[Flowable]:
    drawer, place, office = closed.drawer, closed.place, closed.office
    assert drawer.closed_at is not None
    where = " · ".join(part for part in (place.label, place.address or office.address) if part)
    return [
        text(f"<b>{escape(office.label)}</b>", TEXT),
        text(escape(office.founding_act), SMALL),
        text(escape(where), SMALL),
        Spacer(0, 5 * mm),
        text(title, TITLE),
        text(f"Caisse tenue par {escape(closed.held_by)}", TEXT),
        text(f"Ouverte {_when(drawer.opened_at)}, fermée {_when(drawer.closed_at)}", TEXT),
    ]


def _collected(closed: ClosedDrawer) -> list[Flowable]:
    totals = closed.totals
    if not totals.by_means:
        return [text("Ce qui a été encaissé", HEADING), text("Rien : aucune quittance.", TEXT)]
    rows = [(capital(MEANS_WORDS[each.means]), f"{each.receipts}", money(each.total_cents)) for each in totals.by_means]
    number = sum(each.receipts for each in totals.by_means)
    rows.append(("<b>En tout</b>", f"<b>{number}</b>", f"<b>{money(totals.collected_cents)}</b>"))
    head = ("Moyen", "Quittances", "Montant")
    return [
        text("Ce qui a été encaissé", HEADING),
        table(rows, (0.5, 0.2, 0.3), head=head),
        text(f"Quittances {closed.first} à {closed.last}, annulations déduites.", SMALL),
    ]


def _cash(closed: ClosedDrawer) -> list[Flowable]:
    drawer = closed.drawer
    counts: Sequence[tuple[int, int]] = sorted(
        ((int(cents), number) for cents, number in (drawer.counted or {}).items()), reverse=True
    )
    rows = [(money(cents), f"{number}", money(cents * number)) for cents, number in counts]
    rows.append(("<b>Compté</b>", "", f"<b>{money(drawer.counted_cents or 0)}</b>"))
    held = [
        ("Fonds de caisse à l’ouverture", money(drawer.float_cents)),
        ("Devait y être", money(drawer.expected_cents or 0)),
        ("Compté", money(drawer.counted_cents or 0)),
        ("<b>Écart</b>", f"<b>{money(drawer.difference_cents or 0)}</b>"),
    ]
    parts: list[Flowable] = [
        KeepTogether(
            [text("Espèces comptées", HEADING), table(rows, (0.4, 0.3, 0.3), ("Billets et pièces", "Nombre", "Somme"))]
        ),
        KeepTogether([text("Espèces", HEADING), table(held, (0.7, 0.3))]),
    ]
    if drawer.difference_cents:
        word = "Il manque" if drawer.difference_cents < 0 else "Il y a en trop"
        mark = f"{word} {money(abs(drawer.difference_cents))}. Explication :"
        parts += [Spacer(0, 4 * mm), text(mark, MARK), Spacer(0, 12 * mm)]
    return parts


def _signatures(closed: ClosedDrawer) -> list[Flowable]:
    return signatures(f"Compté par {escape(closed.held_by)}", "Vu par le régisseur, le")


def _when(instant: datetime) -> str:
    return f"le {long_date(local_day(instant))} à {hour(instant)}"


async def _numbers(db: AsyncSession, drawer_id: UUID) -> tuple[int, int]:
    row = (
        await db.execute(
            select(func.min(Receipt.number), func.max(Receipt.number)).where(Receipt.drawer_id == drawer_id)
        )
    ).one()
    return int(row[0] or 0), int(row[1] or 0)
