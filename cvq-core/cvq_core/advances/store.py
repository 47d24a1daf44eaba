"""Reading an advance: its terms, where its money is, expenses, statements and movements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cvq_core.advances.rules import (
    Fund,
    Moved,
    NoAdvance,
    PaidBy,
    Purpose,
    Terms,
    UnknownExpense,
    UnknownStatement,
    statement_number,
    terms_in_force,
    voucher_number,
)
from cvq_core.advances.tables import (
    Advance,
    AdvanceExpense,
    AdvanceMovement,
    AdvanceStatement,
    AdvanceStatementLine,
    AdvanceTerms,
)
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import Wallet
from cvq_core.offices.tables import CollectableService, SubOffice
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode

LISTED_MAX = 200

ACCOUNTS: dict[AccountKind, str] = {
    AccountKind.ADVANCE: "Avance reçue du comptable",
    AccountKind.ADVANCE_CASH: "Caisse d’avance",
    AccountKind.ADVANCE_ACCOUNT: "Compte de l’avance",
    AccountKind.EXPENSES: "Dépenses à reconstituer",
    AccountKind.REFUNDS: "Comptes de service remboursés",
}
HELD_IN = {PaidBy.CASH: AccountKind.ADVANCE_CASH, PaidBy.TRANSFER: AccountKind.ADVANCE_ACCOUNT}


def account_id(office_id: UUID, kind: AccountKind) -> UUID:
    """Return the ledger account of one part of an office's advance."""
    return uuid5(office_id, kind)


async def has_advance(db: AsyncSession, office_id: UUID) -> bool:
    """Whether an office ever had an advance."""
    return await db.get(Advance, office_id) is not None


async def terms_on(db: AsyncSession, office_id: UUID, on: date) -> Terms:
    """Return what the act grants on a day.

    Raises:
        NoAdvance: nothing.
    """
    rows = await db.scalars(
        select(AdvanceTerms).where(AdvanceTerms.office_id == office_id).order_by(AdvanceTerms.recorded_at)
    )
    return terms_in_force([_terms(row) for row in rows], on)


async def fund_of(db: AsyncSession, office_id: UUID) -> Fund:
    """Return where an office's advance is.

    Raises:
        NoAdvance: it never had one.
    """
    if not await has_advance(db, office_id):
        raise NoAdvance
    kinds = (AccountKind.ADVANCE, AccountKind.ADVANCE_CASH, AccountKind.ADVANCE_ACCOUNT, AccountKind.EXPENSES)
    return Fund(*[await balance_of(db, account_id(office_id, kind)) for kind in kinds])


@dataclass(frozen=True, slots=True)
class ExpenseLine:
    """An expense with what became of it: who cancels it, and the statement it stands on."""

    expense: AdvanceExpense
    cancelled_by_id: UUID | None
    statement_id: UUID | None

    @property
    def number(self) -> str:
        """Its number as it is printed."""
        return voucher_number(self.expense.printed["series"], self.expense.number)

    @property
    def may_be_cancelled(self) -> bool:
        """Whether it still may be taken back."""
        return self.expense.cancels_id is None and self.cancelled_by_id is None and self.statement_id is None


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A statement with what the comptable gave back on it."""

    statement: AdvanceStatement
    received_cents: int

    @property
    def number(self) -> str:
        """Its number as it is printed."""
        return statement_number(self.statement.printed["series"], self.statement.number)

    @property
    def due_cents(self) -> int:
        """What is still to be given back."""
        return self.statement.total_cents - self.received_cents


async def expense_line(db: AsyncSession, office_id: UUID, expense_id: UUID) -> ExpenseLine:
    """Return one expense of an office.

    Raises:
        UnknownExpense: it has none of this id.
    """
    found = await expense_lines(db, office_id, AdvanceExpense.id == expense_id)
    if not found:
        raise UnknownExpense
    return found[0]


async def expense_lines(
    db: AsyncSession, office_id: UUID, *wanted: ColumnElement[bool], limit: int | None = LISTED_MAX
) -> list[ExpenseLine]:
    """Return an office's expenses, the newest first."""
    cancel = aliased(AdvanceExpense)
    rows = await db.execute(
        select(AdvanceExpense, cancel.id, AdvanceStatementLine.statement_id)
        .outerjoin(cancel, cancel.cancels_id == AdvanceExpense.id)
        .outerjoin(AdvanceStatementLine, AdvanceStatementLine.expense_id == AdvanceExpense.id)
        .where(AdvanceExpense.office_id == office_id, *wanted)
        .order_by(AdvanceExpense.number.desc())
        .limit(limit)
    )
    return [ExpenseLine(*row) for row in rows]


async def unstated(db: AsyncSession, office_id: UUID) -> list[ExpenseLine]:
    """Return every expense that stands on no statement yet, cancelled ones with what cancels them, the oldest first."""
    lines = await expense_lines(db, office_id, AdvanceStatementLine.statement_id.is_(None), limit=None)
    return lines[::-1]


async def expenses_of_statement(db: AsyncSession, statement: AdvanceStatement) -> list[ExpenseLine]:
    """Return the expenses of a statement, the oldest first."""
    wanted = AdvanceStatementLine.statement_id == statement.id
    return (await expense_lines(db, statement.office_id, wanted, limit=None))[::-1]


async def statement_line(db: AsyncSession, office_id: UUID, statement_id: UUID) -> StatementLine:
    """Return one statement of an office.

    Raises:
        UnknownStatement: it has none of this id.
    """
    found = await statement_lines(db, office_id, AdvanceStatement.id == statement_id)
    if not found:
        raise UnknownStatement
    return found[0]


async def statement_lines(db: AsyncSession, office_id: UUID, *wanted: ColumnElement[bool]) -> list[StatementLine]:
    """Return an office's statements, the newest first."""
    received = (
        select(AdvanceMovement.statement_id, func.sum(AdvanceMovement.amount_cents).label("cents"))
        .where(AdvanceMovement.kind == Moved.REPLENISHED)
        .group_by(AdvanceMovement.statement_id)
        .subquery("received")
    )
    rows = await db.execute(
        select(AdvanceStatement, func.coalesce(received.c.cents, 0))
        .outerjoin(received, received.c.statement_id == AdvanceStatement.id)
        .where(AdvanceStatement.office_id == office_id, *wanted)
        .order_by(AdvanceStatement.number.desc())
        .limit(LISTED_MAX)
    )
    return [StatementLine(statement, int(cents)) for statement, cents in rows]


async def movements_of(db: AsyncSession, office_id: UUID, *, limit: int = 20) -> Sequence[AdvanceMovement]:
    """Return the latest movements of a fund that are no expenses, the newest first."""
    rows = await db.scalars(
        select(AdvanceMovement)
        .where(AdvanceMovement.office_id == office_id)
        .order_by(AdvanceMovement.made_at.desc(), AdvanceMovement.id.desc())
        .limit(min(limit, LISTED_MAX))
    )
    return rows.all()


async def services_of(db: AsyncSession, office_id: UUID, on: date) -> frozenset[ServiceCode]:
    """Return the services for which an office collects on a day, at any of its places."""
    rows = await db.scalars(
        select(CollectableService.service_code)
        .join(SubOffice, SubOffice.id == CollectableService.sub_office_id)
        .where(
            SubOffice.office_id == office_id,
            CollectableService.valid_from <= on,
            or_(CollectableService.valid_until.is_(None), CollectableService.valid_until >= on),
        )
    )
    return frozenset(rows)


@dataclass(frozen=True, slots=True)
class Refundable:
    """A service's account that holds money, with the family account it belongs to."""

    wallet: Wallet
    account: FamilyAccount


async def refundable(
    db: AsyncSession, office_id: UUID, on: date, *, number: str | None = None, limit: int = 20
) -> list[Refundable]:
    """Return the wallets that an office may refund: those of one account by its number, or of all closed ones."""
    chosen = FamilyAccount.closed_on.is_not(None) if number is None else FamilyAccount.number == number.strip().upper()
    rows = await db.execute(
        select(Wallet, FamilyAccount)
        .join(FamilyAccount, FamilyAccount.id == Wallet.family_account_id)
        .where(Wallet.balance_cents > 0, Wallet.service_code.in_(await services_of(db, office_id, on)), chosen)
        .order_by(FamilyAccount.closed_on.desc(), FamilyAccount.number, Wallet.service_code)
        .limit(min(limit, LISTED_MAX))
    )
    return [Refundable(*row) for row in rows]


def _terms(row: AdvanceTerms) -> Terms:
    return Terms(
        valid_from=row.valid_from,
        granted_cents=row.granted_cents,
        payment_max_cents=row.payment_max_cents,
        purposes=frozenset(Purpose(word) for word in row.purposes),
        paid_by=frozenset(PaidBy(word) for word in row.paid_by),
        act=row.act,
    )
