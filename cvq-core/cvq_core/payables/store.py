"""Reading what is to be paid."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.invoices.store import InvoiceStanding, invoices_by_id
from cvq_core.invoices.tables import InvoiceLine
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.wallets import wallets_by_id
from cvq_core.payables.rules import Payable, PayableKind, PayableLine, check_payables
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service


async def payable_lines(db: AsyncSession, payables: Sequence[Payable]) -> list[PayableLine]:
    """Return what people read of each payable, in the order given.

    Raises:
        NothingToPay, AmountOutOfBounds: see `rules.check_payables`.
        UnknownWallet, UnknownInvoice: one of them does not exist.
    """
    check_payables(payables)
    wallets = await wallets_by_id(db, [each.id for each in payables if each.kind is PayableKind.WALLET])
    invoices = await invoices_by_id(db, [each.id for each in payables if each.kind is PayableKind.INVOICE])
    families = await _families(db, wallets, invoices)
    services = await _services(db, invoices)
    labels = {row.code: row.label for row in await db.execute(select(Service.code, Service.label))}
    lines = []
    for each in payables:
        if each.kind is PayableKind.WALLET:
            wallet = wallets[each.id]
            family = families[wallet.family_account_id]
            code = wallet.service_code
            lines.append(
                PayableLine(
                    each, family.id, family.number, family.label, labels[code], code, frozenset({code}), due_cents=None
                )
            )
        else:
            standing = invoices[each.id]
            family = families[standing.family_account_id]
            paid_for = services[each.id]
            lines.append(
                PayableLine(
                    each,
                    family.id,
                    family.number,
                    family.label,
                    f"Facture {standing.number}",
                    next(iter(paid_for)) if len(paid_for) == 1 else None,
                    paid_for,
                    due_cents=standing.due_cents,
                )
            )
    return lines


async def _families(
    db: AsyncSession, wallets: dict[UUID, Wallet], invoices: dict[UUID, InvoiceStanding]
) -> dict[UUID, FamilyAccount]:
    wanted = {wallet.family_account_id for wallet in wallets.values()}
    wanted |= {standing.family_account_id for standing in invoices.values()}
    rows = await db.scalars(select(FamilyAccount).where(FamilyAccount.id.in_(wanted)))
    return {family.id: family for family in rows}


async def _services(db: AsyncSession, invoices: dict[UUID, InvoiceStanding]) -> dict[UUID, frozenset[ServiceCode]]:
    rows = await db.execute(
        select(InvoiceLine.invoice_id, InvoiceLine.service_code).where(InvoiceLine.invoice_id.in_(invoices)).distinct()
    )
    found: dict[UUID, set[ServiceCode]] = {}
    for row in rows:
        found.setdefault(row.invoice_id, set()).add(row.service_code)
    return {invoice_id: frozenset(codes) for invoice_id, codes in found.items()}
