"""Banking cheques with a numbered slip, and taking a slip back, in the caller's transaction.

The cheques that can be banked lie at the office's own counter: those of its closed drawers, and those of the places
whose remittance the officer has integrated.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.clock import local_day
from cvq_core.ledger.rules import IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post, reverse
from cvq_core.offices.remittance_rules import RemittedTo, check_reason
from cvq_core.offices.rules import Cheque, Means, Officer, receipt_number
from cvq_core.offices.store import treasury_account
from cvq_core.offices.tables import (
    Drawer,
    Integration,
    Receipt,
    Remittance,
    RemittanceDrawer,
    RemittanceSource,
    SubOffice,
)
from cvq_core.treasury.accounts import locked_account, own_counter, title_of
from cvq_core.treasury.cheque_rules import (
    DepositAtTheBank,
    DepositCancelled,
    HeldCheque,
    UnknownDeposit,
    chosen,
    deposit_number,
)
from cvq_core.treasury.matched import is_matched
from cvq_core.treasury.matching import ItemKind
from cvq_core.treasury.tables import BouncedCheque, ChequeDeposit, DepositedCheque, TreasuryAccount

LISTED_MAX = 1000
SLIPS_MAX = 200


@dataclass(frozen=True, slots=True)
class DepositLine:
    """A deposit with the id of the one that cancels it, if any."""

    deposit: ChequeDeposit
    cancelled_by_id: UUID | None

    @property
    def stands(self) -> bool:
        """Whether its cheques are at the bank by it."""
        return self.deposit.cancels_id is None and self.cancelled_by_id is None


async def held_cheques(db: AsyncSession, office_id: UUID, *, limit: int = LISTED_MAX) -> list[HeldCheque]:
    """Return the cheques that lie at an office's own counter, the oldest first.

    Raises:
        NotTreasuryOfficer: the office has no counter of its own.
    """
    main = await own_counter(db, office_id)
    void = aliased(Receipt)
    rows = await db.execute(
        select(Receipt, SubOffice.label)
        .join(Drawer, Drawer.id == Receipt.drawer_id)
        .join(SubOffice, SubOffice.id == Receipt.sub_office_id)
        .where(
            SubOffice.office_id == office_id,
            Receipt.means == Means.CHEQUE,
            Receipt.voids_id.is_(None),
            ~select(void.id).where(void.voids_id == Receipt.id).exists(),
            Drawer.closed_at.is_not(None),
            or_(Receipt.sub_office_id == main.id, _integrated(Receipt.drawer_id)),
            ~_banked(Receipt.id),
            ~_paid_over(Receipt.drawer_id),
        )
        .order_by(Receipt.issued_at, Receipt.number)
        .limit(limit)
    )
    return [_held(receipt, place) for receipt, place in rows]


async def deposit(
    db: AsyncSession, *, key: UUID, office_id: UUID, receipt_ids: Collection[UUID], officer: Officer, now: datetime
) -> ChequeDeposit:
    """Bank cheques, each named by its receipt; `key` asked again gives the same slip.

    Raises:
        NotTreasuryOfficer, NothingToBank, ChequeNotToBank
        IdempotencyMismatch: this key came before with another content.
    """
    account, office = await locked_account(db, office_id, officer, now)
    first = await db.get(ChequeDeposit, key)
    if first is not None:
        if (first.office_id, first.staff_id, await _receipts_of(db, key)) != (
            office_id,
            officer.staff_id,
            set(receipt_ids),
        ):
            raise IdempotencyMismatch
        return first
    cheques = chosen(await held_cheques(db, office_id), receipt_ids)
    main = await own_counter(db, office_id)
    total = sum(each.amount_cents for each in cheques)
    await post(
        db,
        NewTransaction(
            id=key,
            kind=TransactionKind.DEPOSITED,
            label=f"Remise de chèques, {office.label}",
            occurred_at=now,
            postings=(
                NewPosting(main.cheques_account_id, total),
                NewPosting(await treasury_account(db, office, now), -total),
            ),
            actor_kind="staff",
            actor_id=officer.staff_id,
        ),
        now=now,
    )
    made = ChequeDeposit(
        id=key,
        office_id=office_id,
        number=_next_number(account),
        staff_id=officer.staff_id,
        made_at=now,
        cheques=len(cheques),
        total_cents=total,
        printed={
            "series": office.code,
            "office": office.label,
            "founding_act": office.founding_act,
            "address": office.address,
            "phone": office.phone,
            "deposited_by": officer.name,
            "title": await title_of(db, office_id, officer, local_day(now)),
            "cheques": [_printed(each) for each in cheques],
        },
    )
    db.add(made)
    await db.flush()
    db.add_all(DepositedCheque(deposit_id=key, receipt_id=each.receipt_id) for each in cheques)
    await db.flush()
    return made


async def cancel_deposit(
    db: AsyncSession, *, key: UUID, deposit_id: UUID, reason: str, officer: Officer, now: datetime
) -> ChequeDeposit:
    """Take a deposit back that has not left yet, with a slip of its own; `key` asked again gives it.

    Raises:
        UnknownDeposit, NotTreasuryOfficer, ReasonMissing
        DepositCancelled: it was taken back, or is a cancellation.
        DepositAtTheBank: the bank has it.
        IdempotencyMismatch: this key came before with another content.
    """
    plain = check_reason(reason)
    known = await db.get(ChequeDeposit, deposit_id)
    if known is None:
        raise UnknownDeposit
    account, _ = await locked_account(db, known.office_id, officer, now)
    first = await db.get(ChequeDeposit, key)
    if first is not None:
        if (first.cancels_id, first.staff_id) != (deposit_id, officer.staff_id):
            raise IdempotencyMismatch
        return first
    if not (await deposit_line(db, deposit_id)).stands:
        raise DepositCancelled
    came_back = select(BouncedCheque.id).where(BouncedCheque.deposit_id == deposit_id).exists()
    if await db.scalar(select(or_(came_back, is_matched(ItemKind.DEPOSIT, deposit_id)))):
        raise DepositAtTheBank
    number = number_of(known)
    await reverse(
        db,
        deposit_id,
        reversal_id=key,
        label=f"Annulation de la remise de chèques {number}",
        actor_kind="staff",
        actor_id=officer.staff_id,
        now=now,
    )
    made = ChequeDeposit(
        id=key,
        office_id=known.office_id,
        number=_next_number(account),
        staff_id=officer.staff_id,
        cancels_id=deposit_id,
        made_at=now,
        cheques=known.cheques,
        total_cents=-known.total_cents,
        printed=known.printed | {"deposited_by": officer.name, "cancels": number, "reason": plain},
    )
    db.add(made)
    await db.flush()
    return made


async def deposit_line(db: AsyncSession, deposit_id: UUID) -> DepositLine:
    """Return a deposit with what became of it.

    Raises:
        UnknownDeposit: there is none.
    """
    found = await _lines(db, ChequeDeposit.id == deposit_id)
    if not found:
        raise UnknownDeposit
    return found[0]


async def deposits_of(db: AsyncSession, office_id: UUID, *, limit: int = 20) -> list[DepositLine]:
    """Return an office's latest deposits, the newest first."""
    return await _lines(db, ChequeDeposit.office_id == office_id, limit=limit)


async def standing_deposit_of(db: AsyncSession, receipt_id: UUID) -> ChequeDeposit | None:
    """Return the deposit by which a cheque is at the bank."""
    found: ChequeDeposit | None = await db.scalar(
        select(ChequeDeposit)
        .join(DepositedCheque, DepositedCheque.deposit_id == ChequeDeposit.id)
        .where(DepositedCheque.receipt_id == receipt_id, ~cancelled(ChequeDeposit.id))
    )
    return found


def number_of(made: ChequeDeposit) -> str:
    """Return a deposit's number as it is printed."""
    return deposit_number(made.printed["series"], made.number)


def cancelled(deposit_id: Any) -> ColumnElement[bool]:
    """Whether a deposit was taken back."""
    cancel = aliased(ChequeDeposit)
    return select(cancel.id).where(cancel.cancels_id == deposit_id).exists()


def _banked(receipt_id: Any) -> ColumnElement[bool]:
    return (
        select(DepositedCheque.receipt_id)
        .where(DepositedCheque.receipt_id == receipt_id, ~cancelled(DepositedCheque.deposit_id))
        .exists()
    )


def _integrated(drawer_id: Any) -> ColumnElement[bool]:
    """Whether the officer has integrated the remittance that carries a drawer."""
    return (
        select(RemittanceDrawer.drawer_id)
        .join(Integration, Integration.remittance_id == RemittanceDrawer.remittance_id)
        .where(RemittanceDrawer.drawer_id == drawer_id, Integration.accepted)
        .exists()
    )


def _paid_over(drawer_id: Any) -> ColumnElement[bool]:
    """Whether a drawer's cheques went to the comptable with the cash, as they did before they were banked apart."""
    cancel, passed = aliased(Remittance), aliased(RemittanceDrawer)
    by_place = select(passed.drawer_id).where(
        passed.remittance_id == RemittanceSource.source_id, passed.drawer_id == drawer_id
    )
    with_cheques = and_(
        Remittance.to == RemittedTo.TREASURY,
        Remittance.printed["means"][Means.CHEQUE.value].as_string().is_not(None),
        ~select(cancel.id).where(cancel.cancels_id == Remittance.id).exists(),
    )
    direct = (
        select(Remittance.id)
        .join(RemittanceDrawer, RemittanceDrawer.remittance_id == Remittance.id)
        .where(with_cheques, RemittanceDrawer.drawer_id == drawer_id)
        .exists()
    )
    through_place = (
        select(Remittance.id)
        .join(RemittanceSource, RemittanceSource.remittance_id == Remittance.id)
        .where(with_cheques, by_place.exists())
        .exists()
    )
    return or_(direct, through_place)


async def _lines(db: AsyncSession, *wanted: ColumnElement[bool], limit: int = SLIPS_MAX) -> list[DepositLine]:
    cancel = aliased(ChequeDeposit)
    rows = await db.execute(
        select(ChequeDeposit, cancel.id)
        .outerjoin(cancel, cancel.cancels_id == ChequeDeposit.id)
        .where(*wanted)
        .order_by(ChequeDeposit.number.desc())
        .limit(min(limit, SLIPS_MAX))
    )
    return [DepositLine(*row) for row in rows]


async def _receipts_of(db: AsyncSession, deposit_id: UUID) -> set[UUID]:
    rows = await db.scalars(select(DepositedCheque.receipt_id).where(DepositedCheque.deposit_id == deposit_id))
    return set(rows)


def _next_number(account: TreasuryAccount) -> int:
    """Give the next number: the account's row is held to the end of the transaction, so a rollback leaves no gap."""
    account.last_deposit += 1
    return account.last_deposit


def _held(receipt: Receipt, place: str) -> HeldCheque:
    cheque = receipt.printed.get("cheque")
    return HeldCheque(
        receipt_id=receipt.id,
        receipt_number=receipt_number(receipt.printed["series"], receipt.number),
        collected_on=local_day(receipt.issued_at),
        place=place,
        family=families_of(receipt),
        amount_cents=receipt.total_cents,
        cheque=Cheque(**cheque) if cheque else None,
    )


def families_of(receipt: Receipt) -> str:
    """Return for whom a receipt is."""
    return ", ".join(dict.fromkeys(str(line["family"]) for line in receipt.printed["lines"]))


def _printed(held: HeldCheque) -> dict[str, Any]:
    cheque = held.cheque
    return {
        "receipt": held.receipt_number,
        "collected_on": held.collected_on.isoformat(),
        "place": held.place,
        "number": cheque.number if cheque else "",
        "bank": cheque.bank if cheque else "",
        "drawer_name": cheque.drawer_name if cheque else "",
        "amount_cents": held.amount_cents,
    }
