"""A cheque that the bank sends back: what it had paid is due again, and its receipt stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.ledger.rules import LABEL_LENGTH_MAX, IdempotencyMismatch, NewTransaction, TransactionKind
from cvq_core.ledger.store import post, postings_of
from cvq_core.offices.bank_fees import post_bank_fees
from cvq_core.offices.rules import Means, Officer, receipt_number
from cvq_core.offices.store import treasury_account
from cvq_core.offices.tables import Receipt, SubOffice
from cvq_core.text import money, short_date
from cvq_core.treasury.accounts import locked_account
from cvq_core.treasury.cheque_rules import (
    BOUNCE_WORDS,
    FEES_CENTS_MAX,
    BounceReason,
    ChequeBounced,
    ChequeNotBanked,
    UnknownCheque,
    bounce_postings,
    check_bounce,
)
from cvq_core.treasury.deposits import cancelled, standing_deposit_of
from cvq_core.treasury.tables import BouncedCheque, ChequeDeposit, DepositedCheque

FOUND_MAX = 50
NUMBER_LENGTH_MAX = 9


@dataclass(frozen=True, slots=True)
class BankedCheque:
    """A cheque at the bank, with the deposit that brought it there and what came back of it, if anything."""

    receipt: Receipt
    deposit: ChequeDeposit
    bounced: BouncedCheque | None


async def bounce(
    db: AsyncSession,
    *,
    key: UUID,
    receipt_id: UUID,
    reason: BounceReason,
    bounced_on: date,
    fees_cents: int,
    officer: Officer,
    now: datetime,
) -> BouncedCheque:
    """Note that the bank sent a cheque back; `key` asked again gives the same record.

    Its invoices are due again and its top-ups are taken back, whatever is left of them. The bank's fees are the
    office's expense, to be regularised.

    Raises:
        UnknownCheque, NotTreasuryOfficer, ChequeNotBanked, BadBounceDay, FeesOutOfBounds
        ChequeBounced: it came back before.
        IdempotencyMismatch: this key came before with another content.
    """
    receipt = await db.get(Receipt, receipt_id)
    if receipt is None or receipt.means is not Means.CHEQUE or receipt.voids_id is not None:
        raise UnknownCheque
    place = await db.get_one(SubOffice, receipt.sub_office_id)
    _, office = await locked_account(db, place.office_id, officer, now)
    first = await db.get(BouncedCheque, key)
    if first is not None:
        if (first.receipt_id, first.reason, first.bounced_on, first.fees_cents) != (
            receipt_id,
            reason,
            bounced_on,
            fees_cents,
        ):
            raise IdempotencyMismatch
        return first
    if await db.scalar(select(BouncedCheque.id).where(BouncedCheque.receipt_id == receipt_id)):
        raise ChequeBounced
    banked = await standing_deposit_of(db, receipt_id)
    if banked is None:
        raise ChequeNotBanked
    banked_on = local_day(banked.made_at)
    words = (short_date(banked_on), money(FEES_CENTS_MAX))
    check_bounce(bounced_on, banked_on, local_day(now), fees_cents, words=words)
    treasury_id = await treasury_account(db, office, now)
    number = receipt_number(receipt.printed["series"], receipt.number)
    await post(
        db,
        NewTransaction(
            id=key,
            kind=TransactionKind.BOUNCED,
            label=f"Chèque rejeté ({BOUNCE_WORDS[reason]}), quittance {number}"[:LABEL_LENGTH_MAX],
            occurred_at=now,
            postings=bounce_postings(
                await postings_of(db, receipt.transaction_id), place.cheques_account_id, treasury_id
            ),
            actor_kind="staff",
            actor_id=officer.staff_id,
            reverses_id=receipt.transaction_id,
            reference=number,
        ),
        now=now,
    )
    made = BouncedCheque(
        id=key,
        receipt_id=receipt_id,
        deposit_id=banked.id,
        office_id=office.id,
        amount_cents=receipt.total_cents,
        fees_cents=fees_cents,
        fees_transaction_id=await post_bank_fees(
            db,
            key,
            office,
            what=f"chèque rejeté de la quittance {number}",
            reference=number,
            fees_cents=fees_cents,
            officer=officer,
            now=now,
        ),
        reason=reason,
        bounced_on=bounced_on,
        recorded_at=now,
        staff_id=officer.staff_id,
    )
    db.add(made)
    await db.flush()
    return made


async def bounces_of(db: AsyncSession, office_id: UUID, *, limit: int = 20) -> list[BankedCheque]:
    """Return an office's latest bounced cheques, the newest first."""
    return await _cheques(db, BouncedCheque.office_id == office_id, limit=limit)


async def banked_cheque(db: AsyncSession, receipt_id: UUID) -> BankedCheque:
    """Return a cheque that is, or was, at the bank.

    Raises:
        UnknownCheque: no deposit that stands carries it.
    """
    found = await _cheques(db, Receipt.id == receipt_id)
    if not found:
        raise UnknownCheque
    return found[0]


async def find_banked(
    db: AsyncSession, office_id: UUID, typed: str, amount_cents: int | None = None
) -> list[BankedCheque]:
    """Return cheques at the bank by the cheque's number, the receipt's, the drawer's name or the amount, newest first.

    With nothing typed, nothing is found; `amount_cents` is what was typed, where it is an amount.
    """
    text = typed.strip()
    if not text:
        return []
    cheque = Receipt.printed["cheque"]
    wanted = [
        cheque["number"].as_string() == text,
        cheque["drawer_name"].as_string().icontains(text, autoescape=True),
    ]
    digits = text.rpartition("-")[2].lstrip("0")
    if digits.isascii() and digits.isdigit() and len(digits) <= NUMBER_LENGTH_MAX:
        wanted.append(Receipt.number == int(digits))
    if amount_cents is not None:
        wanted.append(Receipt.total_cents == amount_cents)
    return await _cheques(db, ChequeDeposit.office_id == office_id, or_(*wanted))


async def _cheques(db: AsyncSession, *wanted: ColumnElement[bool], limit: int = FOUND_MAX) -> list[BankedCheque]:
    rows = await db.execute(
        select(Receipt, ChequeDeposit, BouncedCheque)
        .join(DepositedCheque, DepositedCheque.receipt_id == Receipt.id)
        .join(ChequeDeposit, ChequeDeposit.id == DepositedCheque.deposit_id)
        .outerjoin(BouncedCheque, BouncedCheque.receipt_id == Receipt.id)
        .where(*wanted, ~cancelled(ChequeDeposit.id))
        .order_by(ChequeDeposit.number.desc(), Receipt.number.desc())
        .limit(min(limit, FOUND_MAX))
    )
    return [BankedCheque(*row) for row in rows]
