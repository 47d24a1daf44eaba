"""One service's opening balances row by row: what a cash officer compares, and what was signed.

The sign-off keeps the totals for good; names are read where they stand today, so that a family that was taken back
leaves none behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.imports.openings import ServiceOpening, Totals, opening_of, signing_office
from cvq_core.imports.tables import ImportBatch, ImportFamily, OpeningBalance, OpeningSignOff
from cvq_core.offices.tables import CashOffice
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.spreadsheets import Money, Sheet
from cvq_core.tariffs.words import Say


@dataclass(frozen=True, slots=True)
class Balance:
    """What one family brought along, in cents, a debt below zero; `account` and `label` are "" once it is gone."""

    old_number: str
    account: str
    label: str
    cents: int


@dataclass(frozen=True, slots=True)
class OpeningList:
    """One service's balances of an import, with who took them over, and for which office, once somebody has."""

    batch: ImportBatch
    opening: ServiceOpening
    rows: Sequence[Balance]
    office: CashOffice | None

    @property
    def signed(self) -> OpeningSignOff | None:
        """Return the sign-off, where there is one."""
        return self.opening.signed

    @property
    def totals(self) -> Totals:
        """Return the totals: those that were signed, or those that would be."""
        made = self.signed
        return Totals(made.families, made.credit_cents, made.debt_cents) if made else self.opening.totals


async def opening_list(db: AsyncSession, batch: ImportBatch, service: ServiceCode) -> OpeningList:
    """Return one service's balances of an import, by account.

    Raises:
        NothingToSign
    """
    opening = await opening_of(db, batch, service)
    rows = await db.execute(
        select(ImportFamily.number, FamilyAccount.number, FamilyAccount.label, OpeningBalance.amount_cents)
        .join(OpeningBalance, OpeningBalance.family_id == ImportFamily.id)
        .outerjoin(FamilyAccount, FamilyAccount.id == ImportFamily.account_id)
        .where(OpeningBalance.batch_id == batch.id, OpeningBalance.service_code == service)
        .order_by(FamilyAccount.number, ImportFamily.number, OpeningBalance.id)
    )
    balances = [Balance(old, number or "", label or "", cents) for old, number, label, cents in rows]
    return OpeningList(batch, opening, balances, await _office(db, opening.signed))


def opening_sheet(opening: OpeningList, say: Say) -> Sheet:
    """Return one service's balances for a spreadsheet, credits and debts apart."""
    columns = (
        *(say(N_("Compte")), say(N_("Famille")), say(N_("N° dans l’ancienne base"))),
        *(say(N_("Avoir (€)")), say(N_("Dette (€)"))),
    )
    rows = [
        (row.account, row.label, row.old_number, Money(max(0, row.cents)), Money(max(0, -row.cents)))
        for row in opening.rows
    ]
    return Sheet(say(SERVICE_LABELS[opening.opening.service]), columns, rows)


async def _office(db: AsyncSession, signed: OpeningSignOff | None) -> CashOffice | None:
    """Return the office for which balances were taken over: the one whose officer the signer was on that day."""
    if signed is None:
        return None
    office_id: UUID | None = await signing_office(
        db, signed.service_code, signed.signed_by, local_day(signed.signed_at)
    )
    return await db.get(CashOffice, office_id) if office_id else None
