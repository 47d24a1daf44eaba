"""A made-up territory many times over, by statements over whole tables, to measure what hangs on how many there are.

Every copy has its own people, households, cards, rights and wallets, with their opening balances booked; services,
points, tariffs and the accounts of the ledger that are nobody's are shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cvq_core.access.tables import Entitlement
from cvq_core.cards.tables import Card
from cvq_core.ledger.rules import AccountKind, TransactionKind
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting, Wallet
from cvq_core.people.tables import FamilyAccount, FamilyQuotient, Membership, Person

_OWN = "(lpad(to_hex({n}), 8, '0') || substr({column}::text, 9))::uuid"
"""Of an identifier, the one of a copy: in the order of the first ones, which keeps the indexes compact."""
_NUMBERED = "'Z' || lpad(to_hex({{n}} * 1000000 + row_number() OVER ()), {digits}, '0')"
_OPENED = "SELECT id FROM first_ledger_transaction"


@dataclass(frozen=True, slots=True)
class _Copied:
    """One table: `own` columns are identifiers that every copy has its own of, `instead` is what others become."""

    table: Table
    own: tuple[str, ...]
    instead: Mapping[str, str] = field(default_factory=dict)
    where: str = "true"
    counts: bool = False

    def first(self) -> str:
        """Return the statement that puts aside what is there."""
        name = self.table.name
        return f"CREATE TEMPORARY TABLE first_{name} AS SELECT * FROM {name} WHERE {self.where} ORDER BY id"  # noqa: S608 - our own names

    def copy(self, number: int) -> str:
        """Return the statement that writes one copy."""
        columns = [column.name for column in self.table.columns if not (self.counts and column.primary_key)]
        values = ", ".join(self._value(column).format(n=number) for column in columns)
        name, names = self.table.name, ", ".join(columns)
        return f"INSERT INTO {name} ({names}) SELECT {values} FROM first_{name}"  # noqa: S608 - our own names

    def _value(self, column: str) -> str:
        if column in self.instead:
            return self.instead[column]
        return _OWN.format(n="{n}", column=column) if column in self.own else column


def _table(kind: Any) -> Table:
    return cast(Table, kind.__table__)


_COPIED = (
    # In an order in which each is put aside by the help of those before it.
    _Copied(_table(LedgerTransaction), ("id",), where=f"kind = '{TransactionKind.OPENING.value}'"),
    _Copied(
        _table(Posting),
        ("transaction_id",),
        {
            "account_id": "CASE WHEN account_id IN (SELECT id FROM first_wallet) "  # noqa: S608 - our own names
            f"THEN {_OWN.format(n='{n}', column='account_id')} ELSE account_id END",
            "balance_after_cents": "CASE WHEN balance_after_cents IS NOT NULL "
            "THEN sum(amount_cents) OVER (PARTITION BY account_id ORDER BY id) END",
        },
        where=f"transaction_id IN ({_OPENED})",
        counts=True,
    ),
    _Copied(_table(Person), ("id",)),
    _Copied(_table(FamilyAccount), ("id", "merged_into_id"), {"number": _NUMBERED.format(digits=11)}),
    _Copied(_table(Membership), ("id", "account_id", "person_id")),
    _Copied(
        _table(Card),
        ("id", "person_id", "replaced_by_id"),
        {"number": _NUMBERED.format(digits=9), "uid": "lpad(upper(to_hex({n})), 4, '0') || substr(uid, 5)"},
    ),
    _Copied(_table(Entitlement), ("id", "person_id", "account_id", "payer_account_id")),
    _Copied(_table(FamilyQuotient), ("id", "account_id")),
    _Copied(
        _table(LedgerAccount), ("id",), {"code": "code || '-' || {n}"}, where=f"kind = '{AccountKind.WALLET.value}'"
    ),
    _Copied(
        _table(Wallet),
        ("id", "family_account_id"),
        {
            "balance_cents": "coalesce((SELECT sum(amount_cents) FROM first_posting "
            "WHERE account_id = first_wallet.id), 0)"
        },
    ),
)


async def multiply(engine: AsyncEngine, times: int) -> None:
    """Make a territory on PostgreSQL `times` as large; the user must be a superuser of the server."""
    async with engine.connect() as opened:
        connection = await opened.execution_options(isolation_level="AUTOCOMMIT")
        # Every copy is sound as the first is: nothing is looked up row by row.
        await connection.execute(text("SET session_replication_role = replica"))
        await connection.execute(text("SET synchronous_commit = off"))
        for copied in _COPIED:
            await connection.execute(text(copied.first()))
        await connection.execute(text("CREATE INDEX ON first_posting (account_id)"))
        await _write_copies(connection, times)
        await connection.execute(text("VACUUM (ANALYZE)"))
        await connection.execute(text("CHECKPOINT"))
        await connection.invalidate()  # its settings go with it


async def _write_copies(connection: AsyncConnection, times: int) -> None:
    for number in range(1, times):
        for copied in reversed(_COPIED):
            await connection.exec_driver_sql(copied.copy(number))
