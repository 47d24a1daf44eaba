"""Proving that slips at the Treasury have no gap and say what the ledger says; `cvq check` tells what this finds."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerTransaction, Posting
from cvq_core.ledger.verify import gaps, legs, sentences
from cvq_core.offices.tables import CashOffice, Receipt, Remittance, SubOffice
from cvq_core.treasury.deposits import cancelled
from cvq_core.treasury.matched import undone
from cvq_core.treasury.tables import (
    BouncedCheque,
    ChequeDeposit,
    DepositedCheque,
    TreasuryAccount,
    TreasuryLine,
    TreasuryMatch,
    TreasuryMatchItem,
    TreasuryMatchLine,
)
from cvq_core.treasury.unpaid_tables import UnpaidItem, UnpaidSeries, UnpaidState


async def verify_treasury(db: AsyncSession) -> list[str]:
    """Return what is wrong at the Treasury, one English sentence each; empty when everything holds.

    Deposits run without a gap, say what left the account of cheques and add up to their cheques; a cheque is in one
    deposit that stands; no account of cheques holds less than nothing; a bounced cheque took back all that it had paid;
    a line or a movement is in one match that stands, whose two sides add up to the same; none of it was taken back;
    the comptable's lists run without a gap and add up to their debts.
    """
    return [
        *await _verify_deposits(db),
        *await _verify_bounces(db),
        *await _verify_matches(db),
        *await _verify_unpaid(db),
    ]


async def _verify_deposits(db: AsyncSession) -> list[str]:
    left = legs(AccountKind.CHEQUES).where(Posting.transaction_id.in_(select(ChequeDeposit.id))).subquery("left")
    carried = (
        select(
            DepositedCheque.deposit_id,
            func.count(Receipt.id).label("cheques"),
            func.sum(Receipt.total_cents).label("cents"),
        )
        .join(Receipt, Receipt.id == DepositedCheque.receipt_id)
        .group_by(DepositedCheque.deposit_id)
        .subquery("carried")
    )
    cents = func.coalesce(left.c.cents, 0)
    held = (
        select(SubOffice.label, func.sum(Posting.amount_cents).label("cents"))
        .join(Posting, Posting.account_id == SubOffice.cheques_account_id)
        .group_by(SubOffice.id, SubOffice.label)
        .subquery("held")
    )
    return [
        *await gaps(
            db,
            "deposits of {} count to {}, and there are {} up to number {}",
            select(CashOffice.code, TreasuryAccount.last_deposit).join(
                TreasuryAccount, TreasuryAccount.office_id == CashOffice.id
            ),
            key=CashOffice.id,
            of_series=ChequeDeposit.office_id,
            number=ChequeDeposit.number,
        ),
        *await sentences(
            db,
            "deposit {} says {} cents, its transaction banked {}",
            select(ChequeDeposit.number, ChequeDeposit.total_cents, cents)
            .outerjoin(left, left.c.transaction_id == ChequeDeposit.id)
            .where(ChequeDeposit.total_cents != cents),
        ),
        *await sentences(
            db,
            "deposit {} says {} cheques of {} cents, and carries {} of {}",
            select(
                ChequeDeposit.number,
                ChequeDeposit.cheques,
                ChequeDeposit.total_cents,
                func.coalesce(carried.c.cheques, 0),
                func.coalesce(carried.c.cents, 0),
            )
            .outerjoin(carried, carried.c.deposit_id == ChequeDeposit.id)
            .where(
                ChequeDeposit.cancels_id.is_(None),
                or_(
                    ChequeDeposit.cheques != func.coalesce(carried.c.cheques, 0),
                    ChequeDeposit.total_cents != func.coalesce(carried.c.cents, 0),
                ),
            ),
        ),
        *await sentences(
            db,
            "the cheque of receipt {} is in {} deposits that stand",
            select(Receipt.number, func.count(DepositedCheque.deposit_id))
            .join(DepositedCheque, DepositedCheque.receipt_id == Receipt.id)
            .where(~cancelled(DepositedCheque.deposit_id))
            .group_by(Receipt.id, Receipt.number)
            .having(func.count(DepositedCheque.deposit_id) > 1),
        ),
        *await sentences(
            db,
            "the cheques of {} are {} cents",
            select(held.c.label, -held.c.cents).where(held.c.cents > 0),
        ),
    ]


async def _verify_bounces(db: AsyncSession) -> list[str]:
    payers = (AccountKind.WALLET, AccountKind.RECEIVABLE)
    taken = legs(*payers).where(Posting.transaction_id.in_(select(BouncedCheque.id))).subquery("taken")
    cents = func.coalesce(taken.c.cents, 0)
    entry = aliased(LedgerTransaction)
    return [
        *await sentences(
            db,
            "the bounced cheque of receipt {} was of {} cents, {} were taken back",
            select(Receipt.number, Receipt.total_cents, -cents)
            .join(BouncedCheque, BouncedCheque.receipt_id == Receipt.id)
            .outerjoin(taken, taken.c.transaction_id == BouncedCheque.id)
            .where(or_(Receipt.total_cents != -cents, BouncedCheque.amount_cents != Receipt.total_cents)),
        ),
        *await sentences(
            db,
            "the bounced cheque of receipt {} does not undo its payment",
            select(Receipt.number)
            .join(BouncedCheque, BouncedCheque.receipt_id == Receipt.id)
            .outerjoin(entry, and_(entry.id == BouncedCheque.id, entry.reverses_id == Receipt.transaction_id))
            .where(entry.id.is_(None)),
        ),
    ]


async def _verify_matches(db: AsyncSession) -> list[str]:
    lines = (
        select(TreasuryMatchLine.match_id, func.sum(TreasuryLine.amount_cents).label("cents"))
        .join(TreasuryLine, TreasuryLine.id == TreasuryMatchLine.line_id)
        .group_by(TreasuryMatchLine.match_id)
        .subquery("lines")
    )
    items = (
        select(TreasuryMatchItem.match_id, func.sum(TreasuryMatchItem.amount_cents).label("cents"))
        .group_by(TreasuryMatchItem.match_id)
        .subquery("items")
    )
    taken_back = aliased(Remittance)
    return [
        *await sentences(
            db,
            "match {} puts {} cents of the statement and {} cents together",
            select(TreasuryMatch.id, lines.c.cents, items.c.cents)
            .join(lines, lines.c.match_id == TreasuryMatch.id)
            .join(items, items.c.match_id == TreasuryMatch.id)
            .where(lines.c.cents != items.c.cents),
        ),
        *await sentences(
            db,
            "line {} of a statement is in {} matches that stand",
            select(TreasuryMatchLine.line_id, func.count())
            .where(~undone(TreasuryMatchLine.match_id))
            .group_by(TreasuryMatchLine.line_id)
            .having(func.count() > 1),
        ),
        *await sentences(
            db,
            "the movement {} {} is in {} matches that stand",
            select(TreasuryMatchItem.kind, TreasuryMatchItem.item_id, func.count())
            .where(~undone(TreasuryMatchItem.match_id))
            .group_by(TreasuryMatchItem.kind, TreasuryMatchItem.item_id)
            .having(func.count() > 1),
        ),
        *await sentences(
            db,
            "slip {} was taken back, and a line of the statement is matched with it",
            select(Remittance.number)
            .join(taken_back, taken_back.cancels_id == Remittance.id)
            .join(TreasuryMatchItem, TreasuryMatchItem.item_id == Remittance.id)
            .where(~undone(TreasuryMatchItem.match_id)),
        ),
    ]


async def _verify_unpaid(db: AsyncSession) -> list[str]:
    owed = (
        select(UnpaidItem.state_id, func.sum(UnpaidItem.amount_cents).label("cents"))
        .group_by(UnpaidItem.state_id)
        .subquery("owed")
    )
    cents = func.coalesce(owed.c.cents, 0)
    return [
        *await gaps(
            db,
            "lists of unpaid debts of {} count to {}, and there are {} up to number {}",
            select(CashOffice.code, UnpaidSeries.last_number).join(
                UnpaidSeries, UnpaidSeries.office_id == CashOffice.id
            ),
            key=CashOffice.id,
            of_series=UnpaidState.office_id,
            number=UnpaidState.number,
        ),
        *await sentences(
            db,
            "list {} says {} cents, its debts add up to {}",
            select(UnpaidState.number, UnpaidState.total_cents, cents)
            .outerjoin(owed, owed.c.state_id == UnpaidState.id)
            .where(UnpaidState.withdraws_id.is_(None), UnpaidState.total_cents != cents),
        ),
    ]
