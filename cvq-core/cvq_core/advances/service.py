"""Paying from an advance, taking an expense back, stating expenses, and receiving what the comptable gives.

Locks are taken in this order, everywhere: the advance's row, then a wallet, then what the ledger locks. An expense
takes its money from the fund and waits there to be given back; the refund of a wallet takes the same sum from the
wallet in the same entry, against the account of what was refunded.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.advances.rules import (
    MOVED_WORDS,
    PURPOSE_WORDS,
    AdvanceReasonMissing,
    Expense,
    ExpenseCancelled,
    ExpenseStated,
    Moved,
    NoAdvance,
    NotAdvanceOfficer,
    NothingToState,
    PaidBy,
    Terms,
    check_cents,
    check_expense,
    check_given_back,
    check_granting,
    check_held,
    check_refund,
    check_terms,
    voucher_number,
)
from cvq_core.advances.store import (
    ACCOUNTS,
    HELD_IN,
    account_id,
    expense_line,
    fund_of,
    services_of,
    statement_line,
    terms_on,
    unstated,
)
from cvq_core.advances.tables import (
    Advance,
    AdvanceExpense,
    AdvanceMovement,
    AdvanceStatement,
    AdvanceStatementLine,
    AdvanceTerms,
)
from cvq_core.clock import local_day
from cvq_core.debits.rules import checked_iban
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import post, reverse
from cvq_core.ledger.tables import LedgerAccount, Wallet
from cvq_core.ledger.wallets import UnknownWallet
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import CashOffice
from cvq_core.once import insert_once
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import SERVICE_LABELS


async def set_terms(
    db: AsyncSession, terms_id: UUID, *, office: CashOffice, terms: Terms, staff_id: UUID, now: datetime
) -> AdvanceTerms:
    """Write what the act grants from a day on; the same id with the same content gives the same row.

    Raises:
        BadAdvanceTerms, IdempotencyMismatch
    """
    known = await db.get(AdvanceTerms, terms_id)
    content = {
        "office_id": office.id,
        "valid_from": terms.valid_from,
        "granted_cents": terms.granted_cents,
        "payment_max_cents": terms.payment_max_cents,
        "purposes": sorted(terms.purposes),
        "paid_by": sorted(terms.paid_by),
        "act": terms.act.strip(),
    }
    if known is not None:
        if any(getattr(known, name) != value for name, value in content.items()):
            raise IdempotencyMismatch
        return known
    check_terms(terms, local_day(now))
    row = {"office_id": office.id, "opened_at": now, "last_voucher": 0, "last_statement": 0}
    if await insert_once(db, Advance.__table__, row):
        for kind, words in ACCOUNTS.items():
            account = {
                "id": account_id(office.id, kind),
                "code": f"{kind}:{office.code}",
                "kind": kind,
                "label": f"{words}, {office.label}"[:160],
                "opened_at": now,
            }
            await insert_once(db, LedgerAccount.__table__, account)
    written = AdvanceTerms(id=terms_id, recorded_at=now, recorded_by=staff_id, **content)
    db.add(written)
    await db.flush()
    return written


async def pay(
    db: AsyncSession, *, key: UUID, office: CashOffice, expense: Expense, officer: Officer, now: datetime
) -> AdvanceExpense:
    """Pay an expense from the advance and give its numbered voucher; `key` asked again gives the same one.

    Raises:
        NotAdvanceOfficer, NoAdvance, UnknownWallet, BadIban
        and everything of `rules.check_expense` and `rules.check_refund`.
        IdempotencyMismatch: this key came before with another content.
    """
    advance = await _lock(db, office, officer, now)
    asked = _plain(expense)
    first = await db.get(AdvanceExpense, key)
    if first is not None:
        if (first.staff_id, first.office_id, _asked(first)) != (officer.staff_id, office.id, asked):
            raise IdempotencyMismatch
        return first
    terms = await terms_on(db, office.id, local_day(now))
    check_expense(terms, await fund_of(db, office.id), asked, cash_max_cents=office.cash_payment_max_cents)
    refunded = await _refunded(db, office, asked, local_day(now)) if asked.wallet_id else None
    await post(
        db,
        NewTransaction(
            id=key,
            kind=TransactionKind.EXPENSE,
            label=f"Dépense sur l’avance ({PURPOSE_WORDS[asked.purpose]})",
            occurred_at=now,
            postings=_legs(office.id, asked),
            actor_kind="staff",
            actor_id=officer.staff_id,
        ),
        now=now,
    )
    printed = _head(office, officer) | {"act": terms.act, "refunded": refunded}
    return await _issue(db, advance, key, asked, officer, now=now, printed=printed)


async def cancel_expense(
    db: AsyncSession, *, key: UUID, office: CashOffice, expense_id: UUID, reason: str, officer: Officer, now: datetime
) -> AdvanceExpense:
    """Take an expense back by its counter-entry, with a voucher of its own; `key` asked again gives it.

    Only until it stands on a statement: what the payee gave back is in the fund again.

    Raises:
        NotAdvanceOfficer, UnknownExpense, ExpenseCancelled, ExpenseStated, AdvanceReasonMissing, IdempotencyMismatch
    """
    advance = await _lock(db, office, officer, now)
    first = await db.get(AdvanceExpense, key)
    if first is not None:
        if (first.cancels_id, first.staff_id) != (expense_id, officer.staff_id):
            raise IdempotencyMismatch
        return first
    line = await expense_line(db, office.id, expense_id)
    expense, plain = line.expense, reason.strip()[:200]
    if expense.cancels_id is not None or line.cancelled_by_id is not None:
        raise ExpenseCancelled
    if line.statement_id is not None:
        raise ExpenseStated
    if len(plain) < 3:
        raise AdvanceReasonMissing
    await reverse(
        db,
        expense.transaction_id,
        reversal_id=key,
        label=f"Annulation de la dépense {line.number}",
        actor_kind="staff",
        actor_id=officer.staff_id,
        now=now,
    )
    printed = {**expense.printed, **_head(office, officer), "cancels": line.number, "reason": plain}
    return await _issue(db, advance, key, _asked(expense), officer, now=now, printed=printed, cancels_id=expense.id)


async def state_expenses(
    db: AsyncSession, *, key: UUID, office: CashOffice, officer: Officer, now: datetime
) -> AdvanceStatement:
    """Put every expense that stands on no statement yet on one, for the comptable; `key` asked again gives it.

    Raises:
        NotAdvanceOfficer, NothingToState, IdempotencyMismatch
    """
    advance = await _lock(db, office, officer, now)
    first = await db.get(AdvanceStatement, key)
    if first is not None:
        if (first.office_id, first.staff_id) != (office.id, officer.staff_id):
            raise IdempotencyMismatch
        return first
    lines = await unstated(db, office.id)
    total = sum(line.expense.amount_cents for line in lines)
    # Expenses that were all taken back have left nothing to be given back: they wait for the next ones.
    if total <= 0:
        raise NothingToState
    fund = await fund_of(db, office.id)
    advance.last_statement += 1
    statement = AdvanceStatement(
        id=key,
        office_id=office.id,
        number=advance.last_statement,
        total_cents=total,
        staff_id=officer.staff_id,
        made_at=now,
        printed=_head(office, officer)
        | {
            "granted_cents": fund.granted_cents,
            "cash_cents": fund.cash_cents,
            "account_cents": fund.account_cents,
            "awaiting_cents": fund.awaiting_cents,
            "expenses": [_printed_expense(line.expense) for line in lines],
        },
    )
    db.add(statement)
    await db.flush()
    db.add_all(AdvanceStatementLine(expense_id=line.expense.id, statement_id=key) for line in lines)
    await db.flush()
    return statement


async def move(
    db: AsyncSession,
    *,
    key: UUID,
    office: CashOffice,
    kind: Moved,
    place: PaidBy,
    amount_cents: int,
    reference: str,
    officer: Officer,
    now: datetime,
    statement_id: UUID | None = None,
) -> AdvanceMovement:
    """Receive the advance or its replenishment, withdraw cash from its account, or give it back; once for each `key`.

    `place` is where money comes to, or leaves from; a withdrawal always goes from the account to the cash box.

    Raises:
        NotAdvanceOfficer, NoAdvance, AmountOutOfBounds, MoreThanGranted, UnknownStatement, MoreThanStated, FundTooLow
        IdempotencyMismatch: this key came before with another content.
    """
    await _lock(db, office, officer, now)
    place = PaidBy.TRANSFER if kind is Moved.WITHDRAWN else place
    statement_id = statement_id if kind is Moved.REPLENISHED else None
    content = (office.id, kind, place, amount_cents, reference.strip()[:80], statement_id, officer.staff_id)
    first = await db.get(AdvanceMovement, key)
    if first is not None:
        written = (first.office_id, first.kind, first.place, first.amount_cents, first.reference, first.statement_id)
        if (*written, first.staff_id) != content:
            raise IdempotencyMismatch
        return first
    check_cents(amount_cents)
    await _check_move(db, office, kind, place, amount_cents, statement_id=statement_id, now=now)
    from_kind, to_kind = _direction(kind, place)
    await post(
        db,
        NewTransaction(
            id=key,
            kind=TransactionKind.ADVANCE,
            label=MOVED_WORDS[kind].capitalize(),
            occurred_at=now,
            postings=(
                NewPosting(account_id(office.id, from_kind), amount_cents),
                NewPosting(account_id(office.id, to_kind), -amount_cents),
            ),
            actor_kind="staff",
            actor_id=officer.staff_id,
            reference=content[4] or None,
        ),
        now=now,
    )
    movement = AdvanceMovement(
        id=key,
        office_id=office.id,
        kind=kind,
        place=place,
        amount_cents=amount_cents,
        reference=content[4],
        statement_id=statement_id,
        transaction_id=key,
        staff_id=officer.staff_id,
        made_at=now,
    )
    db.add(movement)
    await db.flush()
    return movement


def _direction(kind: Moved, place: PaidBy) -> tuple[AccountKind, AccountKind]:
    """Return the accounts that a movement credits and debits."""
    match kind:
        case Moved.GRANTED:
            return AccountKind.ADVANCE, HELD_IN[place]
        case Moved.RETURNED:
            return HELD_IN[place], AccountKind.ADVANCE
        case Moved.WITHDRAWN:
            return AccountKind.ADVANCE_ACCOUNT, AccountKind.ADVANCE_CASH
        case Moved.REPLENISHED:
            return AccountKind.EXPENSES, HELD_IN[place]


async def _check_move(
    db: AsyncSession,
    office: CashOffice,
    kind: Moved,
    place: PaidBy,
    amount_cents: int,
    *,
    statement_id: UUID | None,
    now: datetime,
) -> None:
    fund = await fund_of(db, office.id)
    if kind is Moved.GRANTED:
        check_granting(await terms_on(db, office.id, local_day(now)), fund, amount_cents)
    elif kind is Moved.REPLENISHED:
        line = await statement_line(db, office.id, statement_id or UUID(int=0))
        check_given_back(line.due_cents, amount_cents)
    else:
        check_held(fund, place, amount_cents)


def _legs(office_id: UUID, expense: Expense) -> tuple[NewPosting, ...]:
    cents = expense.amount_cents
    legs = [
        NewPosting(account_id(office_id, AccountKind.EXPENSES), -cents),
        NewPosting(account_id(office_id, HELD_IN[expense.paid_by]), cents),
    ]
    if expense.wallet_id is not None:
        legs += [
            NewPosting(expense.wallet_id, -cents),
            NewPosting(account_id(office_id, AccountKind.REFUNDS), cents),
        ]
    return tuple(legs)


async def _refunded(db: AsyncSession, office: CashOffice, expense: Expense, today: date) -> dict[str, str]:
    """Return what the voucher says of the wallet that is refunded; it stays locked.

    Raises:
        UnknownWallet, RefundNotInAct, AccountNotClosed, NothingToRefund
    """
    wallet = await db.scalar(
        select(Wallet).where(Wallet.id == expense.wallet_id).with_for_update().execution_options(populate_existing=True)
    )
    if wallet is None:
        raise UnknownWallet
    account = await db.get_one(FamilyAccount, wallet.family_account_id)
    check_refund(
        wallet.balance_cents,
        expense,
        service=wallet.service_code,
        services=await services_of(db, office.id, today),
        is_closed=account.closed_on is not None,
    )
    return {"account": account.number, "service": SERVICE_LABELS[wallet.service_code]}


async def _lock(db: AsyncSession, office: CashOffice, officer: Officer, now: datetime) -> Advance:
    """Hold an office's advance for its officer until the transaction ends.

    Raises:
        NotAdvanceOfficer, NoAdvance
    """
    if not await is_officer(db, office.id, officer.staff_id, local_day(now)):
        raise NotAdvanceOfficer
    advance: Advance | None = await db.scalar(
        select(Advance)
        .where(Advance.office_id == office.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if advance is None:
        raise NoAdvance
    return advance


async def _issue(
    db: AsyncSession,
    advance: Advance,
    key: UUID,
    expense: Expense,
    officer: Officer,
    *,
    now: datetime,
    printed: dict[str, Any],
    cancels_id: UUID | None = None,
) -> AdvanceExpense:
    """Give the next number; the advance's row is held to the end of the transaction, so a rollback leaves no gap."""
    advance.last_voucher += 1
    row = AdvanceExpense(
        id=key,
        office_id=advance.office_id,
        number=advance.last_voucher,
        purpose=expense.purpose,
        paid_by=expense.paid_by,
        amount_cents=-expense.amount_cents if cancels_id else expense.amount_cents,
        payee=expense.payee,
        document=expense.document,
        iban=expense.iban,
        wallet_id=expense.wallet_id,
        transaction_id=key,
        cancels_id=cancels_id,
        staff_id=officer.staff_id,
        paid_at=now,
        printed=printed,
    )
    db.add(row)
    await db.flush()
    return row


def _head(office: CashOffice, officer: Officer) -> dict[str, Any]:
    return {
        "series": office.code,
        "office": office.label,
        "founding_act": office.founding_act,
        "address": office.address,
        "officer": officer.name,
    }


def _printed_expense(expense: AdvanceExpense) -> dict[str, Any]:
    return {
        "number": voucher_number(expense.printed["series"], expense.number),
        "paid_at": expense.paid_at.isoformat(),
        "purpose": expense.purpose.value,
        "paid_by": expense.paid_by.value,
        "payee": expense.payee,
        "document": expense.document,
        "amount_cents": expense.amount_cents,
        "cancels": expense.printed.get("cancels", ""),
    }


def _plain(expense: Expense) -> Expense:
    """Return an expense as it is written: without spaces around its words, and with a sound account number."""
    return Expense(
        purpose=expense.purpose,
        paid_by=expense.paid_by,
        amount_cents=expense.amount_cents,
        payee=expense.payee.strip(),
        document=expense.document.strip(),
        wallet_id=expense.wallet_id,
        iban=checked_iban(expense.iban) if expense.iban.strip() else "",
    )


def _asked(row: AdvanceExpense) -> Expense:
    return Expense(
        row.purpose, row.paid_by, abs(row.amount_cents), row.payee, row.document, row.wallet_id, iban=row.iban
    )
