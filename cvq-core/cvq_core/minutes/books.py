"""Reading what the books say of a place at one instant."""

from __future__ import annotations

from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.advances.rules import NoAdvance, voucher_number
from cvq_core.advances.store import fund_of
from cvq_core.advances.tables import Advance
from cvq_core.inactive_values.rules import written
from cvq_core.inactive_values.store import stock_of
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerAccount
from cvq_core.minutes.rules import BookLine, Books, Unit
from cvq_core.offices.remittance_rules import slip_number
from cvq_core.offices.remittance_store import is_carried, remittances_of, to_integrate
from cvq_core.offices.rules import MEANS_WORDS, VOUCHERS, Means, receipt_number
from cvq_core.offices.tables import CashOffice, Drawer, Receipt, ReceiptSeries, RemittanceSeries, SubOffice
from cvq_core.staff.tables import Staff
from cvq_core.text import money
from cvq_core.treasury.deposits import held_cheques

CHEQUES_MAX = 100_000


async def books_of(db: AsyncSession, place: SubOffice, office: CashOffice) -> Books:
    """Return what the books say of a place now, its open drawers included; of the office's own counter, its advance."""
    lines = [BookLine("safe", "Espèces au coffre", Unit.CASH, await balance_of(db, place.safe_account_id))]
    for drawer, name in await _open_drawers(db, place.id):
        label = f"Espèces dans la caisse ouverte de {name}"
        lines.append(BookLine(f"drawer:{drawer.id}", label, Unit.CASH, await balance_of(db, drawer.id)))
    lines += [
        BookLine("cheques", "Chèques", Unit.CENTS, await balance_of(db, place.cheques_account_id)),
        BookLine("cheque_count", "Nombre de chèques", Unit.THINGS, await _cheques(db, place)),
        *await _vouchers(db, place),
        BookLine("card", "Tickets du terminal de carte", Unit.CENTS, await balance_of(db, place.card_account_id)),
    ]
    if place.is_main:
        lines += await _advance(db, office.id)
    for stock in await stock_of(db, office.id, place_id=place.id):
        holder = f", confié : {stock.holder_name}" if stock.holder.staff_id else ""
        code = f"value:{stock.kind.id}:{stock.holder.staff_id or ''}"
        lines.append(BookLine(code, f"{stock.kind.label}{holder}", Unit.THINGS, stock.quantity))
    last = await db.scalar(select(func.max(Receipt.number)).where(Receipt.sub_office_id == place.id))
    return Books(tuple(lines), tuple(await _facts(db, place, office)), int(last or 0))


async def _open_drawers(db: AsyncSession, place_id: UUID) -> list[tuple[Drawer, str]]:
    rows = await db.execute(
        select(Drawer, Staff.display_name)
        .join(Staff, Staff.id == Drawer.staff_id)
        .where(Drawer.sub_office_id == place_id, Drawer.closed_at.is_(None))
        .order_by(Drawer.id)
    )
    return [(row[0], row[1]) for row in rows]


async def _cheques(db: AsyncSession, place: SubOffice) -> int:
    """Return how many cheques lie at a place: those of open drawers, and those that nobody has carried away or banked.

    Those of voided receipts were given back.
    """
    void = aliased(Receipt)
    here = (
        select(func.count(Receipt.id))
        .join(Drawer, Drawer.id == Receipt.drawer_id)
        .where(
            Receipt.sub_office_id == place.id,
            Receipt.means == Means.CHEQUE,
            Receipt.voids_id.is_(None),
            ~select(void.id).where(void.voids_id == Receipt.id).exists(),
        )
    )
    if place.is_main:
        in_drawers = await db.scalar(here.where(Drawer.closed_at.is_(None)))
        return int(in_drawers or 0) + len(await held_cheques(db, place.office_id, limit=CHEQUES_MAX))
    return int(await db.scalar(here.where(~is_carried(Receipt.drawer_id))) or 0)


async def _vouchers(db: AsyncSession, place: SubOffice) -> list[BookLine]:
    lines = []
    for means in sorted(VOUCHERS):
        account = uuid5(place.id, f"{AccountKind.VOUCHERS}:{means}")
        if await db.get(LedgerAccount, account) is not None:
            label = f"Titres ({MEANS_WORDS[means]})"
            lines.append(BookLine(means.value, label, Unit.CENTS, await balance_of(db, account)))
    return lines


async def _advance(db: AsyncSession, office_id: UUID) -> list[BookLine]:
    try:
        fund = await fund_of(db, office_id)
    except NoAdvance:
        return []
    return [
        BookLine("advance_cash", "Espèces en caisse d’avance", Unit.CASH, fund.cash_cents),
        BookLine("advance_account", "Compte de l’avance, d’après son relevé", Unit.CENTS, fund.account_cents),
        BookLine("advance_awaiting", "Pièces de dépense à reconstituer", Unit.CENTS, fund.awaiting_cents),
    ]


async def _facts(db: AsyncSession, place: SubOffice, office: CashOffice) -> list[tuple[str, str]]:
    """Return what is stated and not counted: what is on its way, and the last numbers of each series."""
    if place.is_main:
        pending = await to_integrate(db, office.id)
    else:
        pending = [line for line in await remittances_of(db, place.id, limit=200) if line.is_pending]
    on_its_way = sum(line.remittance.total_cents for line in pending)
    facts = [
        ("Fonds de caisse du lieu", money(place.float_cents)),
        ("Versements en cours, à intégrer", f"{len(pending)} pour {money(on_its_way)}" if pending else "aucun"),
    ]
    series = await db.get_one(ReceiptSeries, place.series_id, populate_existing=True)
    last = receipt_number(series.code, series.last_number) if series.last_number else "aucune"
    facts.append(("Dernière quittance de la série", last))
    slips = await db.get(RemittanceSeries, office.id, populate_existing=True)
    if slips is not None:
        facts.append(("Dernier bordereau de versement", slip_number(office.code, slips.last_number)))
    if place.is_main:
        advance = await db.get(Advance, office.id, populate_existing=True)
        if advance is not None:
            facts.append(("Dernière pièce de dépense", voucher_number(office.code, advance.last_voucher)))
    for stock in await stock_of(db, office.id, place_id=place.id):
        said = f"{stock.kind.label}, {stock.holder_name}"
        facts.append((said, f"n° {written(stock.spans)}, {money(stock.cents)}"))
    return facts
