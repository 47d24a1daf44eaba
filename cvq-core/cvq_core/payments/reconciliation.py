"""The list of what has to be reconciled with the bank, and what is decided about it, in the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import PARIS, local_day
from cvq_core.ids import new_id
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post
from cvq_core.live import publish
from cvq_core.offices.store import appointment_of
from cvq_core.offices.tables import SubOffice
from cvq_core.once import insert_once
from cvq_core.payments.bank import BankRow, Match, OnBooks, match, missing, read_bank_file
from cvq_core.payments.carts import RECONCILIATION_TOPIC, place_of
from cvq_core.payments.rules import Decision, Notice, NotInTheBank, NotToReconcile, Said, Trouble
from cvq_core.payments.store import credit_by_bank, locked_attempt, online_accounts
from cvq_core.payments.tables import BankFile, BankLine, Cart, PaymentAttempt, PaymentDecision

LISTED_MAX = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """An attempt on the list, with what the bank says of it, if anything: cents and day."""

    attempt: PaymentAttempt
    bank: BankRow | None


@dataclass(frozen=True, slots=True)
class BankDay:
    """A day of the bank beside our books: its lines, and what we credited that day without any."""

    rows: tuple[tuple[BankRow, Match], ...]
    missing: tuple[OnBooks, ...]


async def reconciling_place(db: AsyncSession, place_code: str, staff_id: UUID, now: datetime) -> SubOffice:
    """Return the place that collects online, to somebody who is appointed to it today.

    Raises:
        UnknownSubOffice, NotMandatary
    """
    place = await place_of(db, place_code)
    await appointment_of(db, staff_id, place.id, local_day(now))
    return place


async def listed(db: AsyncSession, place: SubOffice) -> list[Listed]:
    """Return what has to be reconciled at a place, the oldest first."""
    decided = select(PaymentDecision.id).where(
        PaymentDecision.attempt_id == PaymentAttempt.id, PaymentDecision.trouble == PaymentAttempt.trouble
    )
    rows = await db.scalars(
        select(PaymentAttempt)
        .join(Cart, Cart.id == PaymentAttempt.cart_id)
        .where(Cart.sub_office_id == place.id, PaymentAttempt.trouble.is_not(None), ~decided.exists())
        .order_by(PaymentAttempt.asked_at, PaymentAttempt.id)
        .limit(LISTED_MAX)
    )
    attempts = rows.all()
    bank = await _bank_rows(db, {attempt.refdet for attempt in attempts})
    return [Listed(attempt, bank.get(attempt.refdet)) for attempt in attempts]


async def import_bank_file(db: AsyncSession, *, name: str, content: bytes, staff_id: UUID, now: datetime) -> BankFile:
    """Take in a bank's file; the same file again is the one that is there.

    Raises:
        BadBankFile: it cannot be read; nothing of it is taken in.
    """
    rows = read_bank_file(content)
    digest = hashlib.sha256(content).digest()
    file_id = new_id()
    row = {"id": file_id, "digest": digest, "name": name[:120], "staff_id": staff_id, "imported_at": now}
    if await insert_once(db, BankFile.__table__, row):
        db.add_all(
            BankLine(
                id=new_id(),
                file_id=file_id,
                position=position,
                day=each.day,
                refdet=each.refdet,
                amount_cents=each.amount_cents,
                bank_number=each.bank_number,
            )
            for position, each in enumerate(rows, start=1)
        )
        await db.flush()
        # Paid, and we do not know it: PayFiP is asked once more, and somebody may decide meanwhile.
        await db.execute(
            update(PaymentAttempt)
            .where(PaymentAttempt.refdet.in_({each.refdet for each in rows}), PaymentAttempt.transaction_id.is_(None))
            .values(trouble=Trouble.IN_THE_BANK, next_ask_at=now)
            .execution_options(synchronize_session=False)
        )
        publish(db, RECONCILIATION_TOPIC, "bank")
    known = await db.scalar(select(BankFile).where(BankFile.digest == digest))
    assert known is not None, "it was inserted, by us or before"
    return known


async def bank_day(db: AsyncSession, place: SubOffice, day: date) -> BankDay:
    """Return what the bank's files say of a day, beside what we credited that day."""
    lines = await db.scalars(
        select(BankLine)
        .join(BankFile, BankFile.id == BankLine.file_id)
        .where(BankLine.day == day)
        .order_by(BankFile.imported_at, BankLine.position)
    )
    rows = [_row(line) for line in lines]
    begins = datetime.combine(day, time(), PARIS)
    here = Cart.sub_office_id == place.id
    credited_then = and_(
        PaymentAttempt.credited_at >= begins,
        PaymentAttempt.credited_at < datetime.combine(day + timedelta(days=1), time(), PARIS),
    )
    known = await db.execute(
        select(PaymentAttempt.refdet, PaymentAttempt.received_cents).where(
            PaymentAttempt.refdet.in_({row.refdet for row in rows})
        )
    )
    books = {row.refdet: OnBooks(row.refdet, row.received_cents) for row in known}
    ours = await db.execute(
        select(PaymentAttempt.refdet, PaymentAttempt.received_cents)
        .join(Cart, Cart.id == PaymentAttempt.cart_id)
        .where(here, credited_then)
        .order_by(PaymentAttempt.credited_at)
    )
    credited = [OnBooks(row.refdet, row.received_cents) for row in ours]
    return BankDay(tuple(zip(rows, match(rows, books), strict=True)), tuple(missing(rows, credited)))


async def decide(
    db: AsyncSession,
    decision_id: UUID,
    attempt_id: UUID,
    decision: Decision,
    *,
    place: SubOffice,
    reason: str,
    staff_id: UUID,
    now: datetime,
) -> PaymentAttempt:
    """Take an attempt off the list: credited on the bank's word, or filed with a reason; the same id is the same act.

    What waits of a payment that is filed is classified: it goes to the comptable with the next slip, who does with it
    what the reason says.

    Raises:
        UnknownAttempt, IdempotencyMismatch
        NotToReconcile: it is not on the list of this place, or was decided before.
        NotInTheBank: it is to be credited, and no line of the bank says that it was paid.
    """
    cart, attempt = await locked_attempt(db, attempt_id)
    first = await db.get(PaymentDecision, decision_id)
    if first is not None:
        if (first.attempt_id, first.decision, first.staff_id) != (attempt_id, decision, staff_id):
            raise IdempotencyMismatch
        return attempt
    trouble = attempt.trouble
    if trouble is None or cart.sub_office_id != place.id:
        raise NotToReconcile
    row = {
        "id": decision_id,
        "attempt_id": attempt_id,
        "trouble": trouble,
        "decision": decision,
        "reason": reason.strip()[:200],
        "staff_id": staff_id,
        "decided_at": now,
    }
    if not await insert_once(db, PaymentDecision.__table__, row):
        raise NotToReconcile
    if decision is Decision.CREDITED:
        bank = (await _bank_rows(db, {attempt.refdet})).get(attempt.refdet)
        if bank is None or attempt.transaction_id is not None:
            raise NotInTheBank
        notice = Notice(Said.PAID, attempt.refdet, bank.amount_cents, bank.bank_number)
        await credit_by_bank(db, cart, attempt, notice, now=now)
    elif attempt.waiting_cents:
        await _classify(db, decision_id, attempt, place, staff_id=staff_id, now=now)
    publish(db, RECONCILIATION_TOPIC, "decided")
    return attempt


async def _classify(
    db: AsyncSession, decision_id: UUID, attempt: PaymentAttempt, place: SubOffice, *, staff_id: UUID, now: datetime
) -> None:
    accounts = await online_accounts(db, place, now)
    cents = attempt.waiting_cents
    await post(
        db,
        NewTransaction(
            id=decision_id,
            kind=TransactionKind.CLASSIFIED,
            label=f"Recette classée {attempt.refdet}",
            occurred_at=now,
            postings=(
                NewPosting(accounts[AccountKind.TO_CLASSIFY], -cents),
                NewPosting(accounts[AccountKind.CLASSIFIED], cents),
            ),
            actor_kind="staff",
            actor_id=staff_id,
            reference=attempt.refdet,
        ),
        now=now,
    )


async def _bank_rows(db: AsyncSession, references: Collection[str]) -> dict[str, BankRow]:
    lines = await db.scalars(
        select(BankLine).where(BankLine.refdet.in_(references)).order_by(BankLine.day.desc(), BankLine.id.desc())
    )
    return {line.refdet: _row(line) for line in lines}


def _row(line: BankLine) -> BankRow:
    return BankRow(line.day, line.refdet, line.amount_cents, line.bank_number)
