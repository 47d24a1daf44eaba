"""What is expected on an office's account at the Treasury and no line of its statement was matched with yet.

Money that leaves a counter for the bank, and money that the bank brings or takes back by itself, each from the books
that know of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.clock import PARIS, local_day
from cvq_core.debits.tables import DebitItem, DebitMandate, DebitReturn, DebitRun
from cvq_core.offices.remittance_rules import RemittedTo, slip_number
from cvq_core.offices.rules import Means, receipt_number
from cvq_core.offices.tables import CashOffice, Drawer, Receipt, Remittance, SubOffice
from cvq_core.payments.tables import Cart, PaymentAttempt
from cvq_core.text import short_date
from cvq_core.treasury.cheque_rules import deposit_number
from cvq_core.treasury.deposits import cancelled as deposit_cancelled
from cvq_core.treasury.matched import is_matched, undone
from cvq_core.treasury.matching import Item, ItemKey, ItemKind
from cvq_core.treasury.tables import BouncedCheque, ChequeDeposit, TreasuryLine, TreasuryMatchItem

BEFORE = timedelta(days=31)
"""From how long before the first line of the statement movements are expected on it."""

OF_MEANS: Mapping[Means, ItemKind] = {
    Means.CASH: ItemKind.CASH,
    Means.CHEQUE: ItemKind.CHEQUES_REMITTED,
    Means.CESU: ItemKind.CESU,
    Means.ANCV: ItemKind.ANCV,
}
"""What a remittance to the comptable brings by itself; what came online or by debit is expected payment by payment."""


async def expected_since(db: AsyncSession, office_id: UUID) -> date | None:
    """Return from which day on movements are expected: shortly before the statement's first line; None without one."""
    first = await db.scalar(select(func.min(TreasuryLine.day)).where(TreasuryLine.office_id == office_id))
    return first - BEFORE if first is not None else None


async def expected_items(db: AsyncSession, office: CashOffice, today: date) -> list[Item]:
    """Return what is expected and not matched, the oldest first. What a drawer took by card is, once it is closed."""
    since = await expected_since(db, office.id) or today - BEFORE
    begins = datetime.combine(since, time(), PARIS).astimezone(UTC)
    found = [
        *await _remitted(db, office, begins),
        *await _deposits(db, office, begins),
        *await _card(db, office, begins),
        *await _online(db, office, begins),
        *await _debits(db, office, since),
        *await _returned(db, office, begins),
        *await _bounced(db, office, since),
    ]
    return sorted(found, key=lambda item: (item.day, item.kind, item.label, item.id))


async def _remitted(db: AsyncSession, office: CashOffice, begins: datetime) -> list[Item]:
    cancel = aliased(Remittance)
    rows = await db.scalars(
        select(Remittance).where(
            Remittance.office_id == office.id,
            Remittance.to == RemittedTo.TREASURY,
            Remittance.cancels_id.is_(None),
            Remittance.made_at >= begins,
            ~select(cancel.id).where(cancel.cancels_id == Remittance.id).exists(),
        )
    )
    remittances = {remittance.id: remittance for remittance in rows}
    there = await _matched(db, remittances)
    found = []
    for remittance in remittances.values():
        number = slip_number(remittance.printed["series"], remittance.number)
        for means, kind in OF_MEANS.items():
            cents = remittance.printed["means"].get(means.value, 0)
            if cents and (kind, remittance.id) not in there:
                day = local_day(remittance.made_at)
                found.append(Item(kind, remittance.id, day, cents, f"Versement {number}", (number,)))
    return found


async def _deposits(db: AsyncSession, office: CashOffice, begins: datetime) -> list[Item]:
    rows = await db.scalars(
        select(ChequeDeposit).where(
            ChequeDeposit.office_id == office.id,
            ChequeDeposit.cancels_id.is_(None),
            ChequeDeposit.made_at >= begins,
            ~deposit_cancelled(ChequeDeposit.id),
            ~is_matched(ItemKind.DEPOSIT, ChequeDeposit.id),
        )
    )
    found = []
    for each in rows:
        number = deposit_number(each.printed["series"], each.number)
        label = f"Remise {number}, {each.cheques} chèque{'s' if each.cheques > 1 else ''}"
        found.append(Item(ItemKind.DEPOSIT, each.id, local_day(each.made_at), each.total_cents, label, (number,)))
    return found


async def _card(db: AsyncSession, office: CashOffice, begins: datetime) -> list[Item]:
    """Return each closed drawer's card payments; those of one place and day reach the bank as one sum."""
    rows = await db.execute(
        select(Drawer.id, Drawer.opened_at, SubOffice.label, func.sum(Receipt.total_cents))
        .join(Receipt, Receipt.drawer_id == Drawer.id)
        .join(SubOffice, SubOffice.id == Drawer.sub_office_id)
        .where(
            SubOffice.office_id == office.id,
            Receipt.means == Means.CARD,
            Drawer.closed_at.is_not(None),
            Drawer.opened_at >= begins,
            ~is_matched(ItemKind.CARD, Drawer.id),
        )
        .group_by(Drawer.id, Drawer.opened_at, SubOffice.label)
    )
    found = []
    for drawer_id, opened_at, place, cents in rows:
        day = local_day(opened_at)
        if cents:
            label = f"Carte bancaire, {place}, {short_date(day)}"
            found.append(Item(ItemKind.CARD, drawer_id, day, int(cents), label, group=f"{place} {day}"))
    return found


async def _online(db: AsyncSession, office: CashOffice, begins: datetime) -> list[Item]:
    rows = await db.execute(
        select(PaymentAttempt.id, PaymentAttempt.refdet, PaymentAttempt.received_cents, PaymentAttempt.credited_at)
        .join(Cart, Cart.id == PaymentAttempt.cart_id)
        .join(SubOffice, SubOffice.id == Cart.sub_office_id)
        .where(
            SubOffice.office_id == office.id,
            PaymentAttempt.transaction_id.is_not(None),
            PaymentAttempt.credited_at >= begins,
            ~is_matched(ItemKind.PAYFIP, PaymentAttempt.id),
        )
    )
    found = []
    for attempt_id, refdet, cents, credited_at in rows:
        assert credited_at is not None, "what is credited has an hour"
        assert cents is not None, "what is credited was received"
        day = local_day(credited_at)
        label = f"Paiement en ligne {refdet}"
        found.append(Item(ItemKind.PAYFIP, attempt_id, day, cents, label, (refdet,), group=f"{day}"))
    return found


async def _debits(db: AsyncSession, office: CashOffice, since: date) -> list[Item]:
    rows = await db.scalars(
        select(DebitRun).where(
            DebitRun.office_id == office.id,
            DebitRun.collection_day >= since,
            ~is_matched(ItemKind.DEBIT_RUN, DebitRun.id),
        )
    )
    return [
        Item(
            ItemKind.DEBIT_RUN,
            run.id,
            run.collection_day,
            run.total_cents,
            f"Prélèvements n° {run.number}, {run.items} famille{'s' if run.items > 1 else ''}",
            group=f"{run.collection_day}",
        )
        for run in rows
    ]


async def _returned(db: AsyncSession, office: CashOffice, begins: datetime) -> list[Item]:
    rows = await db.execute(
        select(DebitReturn, DebitItem.amount_cents, DebitMandate.reference)
        .join(DebitItem, DebitItem.id == DebitReturn.item_id)
        .join(DebitRun, DebitRun.id == DebitItem.run_id)
        .join(DebitMandate, DebitMandate.id == DebitItem.mandate_id)
        .where(DebitRun.office_id == office.id, DebitReturn.recorded_at >= begins)
    )
    returned = rows.all()
    there = await _matched(db, [row.DebitReturn.item_id for row in returned])
    found = []
    for made, cents, mandate in returned:
        label, day = f"Prélèvement rejeté, mandat {mandate}", local_day(made.recorded_at)
        for kind, amount in ((ItemKind.DEBIT_RETURN, cents), (ItemKind.BANK_FEES, made.fee_cents)):
            if amount and (kind, made.item_id) not in there:
                said = label if kind is ItemKind.DEBIT_RETURN else f"Frais du {label[:1].lower()}{label[1:]}"
                found.append(Item(kind, made.item_id, day, -amount, said, (made.item_id.hex, mandate)))
    return found


async def _bounced(db: AsyncSession, office: CashOffice, since: date) -> list[Item]:
    rows = await db.execute(
        select(BouncedCheque, Receipt)
        .join(Receipt, Receipt.id == BouncedCheque.receipt_id)
        .where(BouncedCheque.office_id == office.id, BouncedCheque.bounced_on >= since)
    )
    bounced = rows.all()
    there = await _matched(db, [row.BouncedCheque.id for row in bounced])
    found = []
    for made, receipt in bounced:
        number = receipt_number(receipt.printed["series"], receipt.number)
        cheque = receipt.printed.get("cheque", {}).get("number", "")
        label = f"Chèque {cheque} rejeté, quittance {number}"
        amounts = ((ItemKind.BOUNCE, made.amount_cents), (ItemKind.BANK_FEES, made.fees_cents))
        for kind, cents in amounts:
            if cents and (kind, made.id) not in there:
                said = label if kind is ItemKind.BOUNCE else f"Frais du {label[:1].lower()}{label[1:]}"
                found.append(Item(kind, made.id, made.bounced_on, -cents, said, (cheque, number)))
    return found


async def _matched(db: AsyncSession, item_ids: Collection[UUID]) -> set[ItemKey]:
    """Return which of some movements are matched: one may bring several kinds to the account."""
    rows = await db.execute(
        select(TreasuryMatchItem.kind, TreasuryMatchItem.item_id).where(
            TreasuryMatchItem.item_id.in_(item_ids), ~undone(TreasuryMatchItem.match_id)
        )
    )
    return {(kind, item_id) for kind, item_id in rows}
