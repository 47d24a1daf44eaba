"""Random lives of an advance, beside a model of it: after every step, what was granted is held or awaited."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cvq_core.advances.rules import Moved, PaidBy, Purpose
from cvq_core.advances.service import cancel_expense, state_expenses
from cvq_core.advances.store import expense_lines, statement_lines
from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.ledger.tables import Wallet
from tests.apart import run_apart
from tests.core_examples import NOW
from tests.integration.core.advances.conftest import IBAN, Till, make_till

CENTS = st.integers(1, 250_00)
WAYS = st.sampled_from(PaidBy)
STEPS = st.one_of(
    st.tuples(st.just("pay"), CENTS, WAYS),
    st.tuples(st.just("refund"), CENTS, WAYS),
    st.tuples(st.just("cancel"), st.integers(0, 5), WAYS),
    st.tuples(st.just("state"), CENTS, WAYS),
    st.tuples(st.just("replenish"), CENTS, WAYS),
    st.tuples(st.just("withdraw"), CENTS, WAYS),
    st.tuples(st.just("return"), CENTS, WAYS),
    st.tuples(st.just("grant"), CENTS, WAYS),
)


@dataclass(slots=True)
class Life:
    """An advance with what a plain model says of it."""

    till: Till

    async def step(self, what: str, number: int, way: PaidBy) -> None:
        """Do one thing; a refusal changes nothing."""
        before = await self.till.fund()
        try:
            await self._do(what, number, way)
        except Refusal:
            assert await self.till.fund() == before
        fund = await self.till.fund()
        assert fund.gap_cents == 0
        assert min(fund.cash_cents, fund.account_cents, fund.awaiting_cents) >= 0

    async def _do(self, what: str, number: int, way: PaidBy) -> None:
        iban = IBAN if way is PaidBy.TRANSFER else ""
        match what:
            case "pay":
                await self.till.pay(number, paid_by=way, iban=iban)
            case "refund":
                changes: dict[str, Any] = {"purpose": Purpose.OVERPAID, "wallet_id": self.till.pool}
                await self.till.pay(number, paid_by=way, iban=iban, **changes)
            case "cancel":
                await self._cancel(number)
            case "state":
                async with self.till.database.write() as db:
                    asked = {"key": new_id(), "office": self.till.office, "officer": self.till.benoit}
                    await state_expenses(db, now=NOW, **asked)
            case "replenish":
                async with self.till.database.read() as db:
                    statements = await statement_lines(db, self.till.office.id)
                statement_id = statements[-1].statement.id if statements else None
                await self.till.move(Moved.REPLENISHED, number, place=way, statement_id=statement_id)
            case "withdraw":
                await self.till.move(Moved.WITHDRAWN, number)
            case "return":
                await self.till.move(Moved.RETURNED, number, place=way)
            case "grant":
                await self.till.move(Moved.GRANTED, number, place=way)

    async def _cancel(self, number: int) -> None:
        async with self.till.database.write() as db:
            lines = await expense_lines(db, self.till.office.id)
            if lines:
                await cancel_expense(
                    db,
                    key=new_id(),
                    office=self.till.office,
                    expense_id=lines[number % len(lines)].expense.id,
                    reason="Une erreur",
                    officer=self.till.benoit,
                    now=NOW,
                )

    async def close(self) -> None:
        """Look at the whole base, and at the wallet."""
        assert await self.till.troubles() == []
        async with self.till.database.read() as db:
            assert (await db.get_one(Wallet, self.till.pool)).balance_cents >= 0


async def live(url: str, steps: list[tuple[str, int, PaidBy]]) -> None:
    database = Database(url)
    try:
        life = Life(await make_till(database))
        for what, number, way in steps:
            await life.step(what, number, way)
        await life.close()
    finally:
        await database.close()


def run_life(template: Path, steps: list[tuple[str, int, PaidBy]]) -> None:
    with TemporaryDirectory() as folder:
        file = shutil.copyfile(template, Path(folder) / "cvq.sqlite")
        run_apart(live(f"sqlite:///{file}", steps))


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=6, max_size=14))
def test_at_any_time_what_was_granted_is_held_or_awaited(
    sqlite_template: Path, steps: list[tuple[str, int, PaidBy]]
) -> None:
    run_life(sqlite_template, steps)


@pytest.mark.nightly
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=10, max_size=50))
def test_at_any_time_what_was_granted_is_held_or_awaited_in_long_lives(
    sqlite_template: Path, steps: list[tuple[str, int, PaidBy]]
) -> None:
    run_life(sqlite_template, steps)
