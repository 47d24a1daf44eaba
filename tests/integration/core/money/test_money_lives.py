"""Random lives of a family and its cash office: whatever happens and is lost, the books say what arithmetic says.

Drawers open, take money for wallets and invoices by several means below a ceiling, void and close; cards are presented
at a turnstile and children ticked at the canteen; money moves between wallets; carts are paid at PayFiP, whose answers
come late, twice or never; what is in the safe is remitted, taken back, integrated, sent back and passed on to the
comptable. Every step is committed; a connection may be lost before its commit, in the middle of it, or after it and
before the answer. `life.Life.compare` is what holds after every step, and all that `cvq check` proves holds at the end.
"""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import func, make_url, select

from cvq_core.database import Database
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.ledger.verify import verify
from cvq_core.offices.verify import verify_offices
from cvq_core.payments.verify import verify_payments
from cvq_core.treasury.verify import verify_treasury
from tests.integration.core.money.at_the_counter import coins
from tests.integration.core.money.online import PublicMoney
from tests.integration.core.money.town import build_town, close_town
from tests.rounds import MONEY_LIVES, MONEY_STEPS

LIVES_A_SLICE = 500


def live(database_url: str, *, lives: int, steps: int, chance: int) -> None:
    """Live so many lives in one database, and prove at the end all that `cvq check` proves."""
    with asyncio.Runner() as runner:
        database = Database(database_url)
        town = runner.run(build_town(database, runner))

        async def prove() -> list[str]:
            async with database.read() as db:
                assert await db.scalar(select(func.count()).select_from(LedgerTransaction))
                proofs = (verify, verify_offices, verify_payments, verify_treasury)
                return [trouble for proof in proofs for trouble in await proof(db)]

        try:
            machine = seed(chance)(type("PublicMoneyLives", (PublicMoney,), {"town": town}))
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=lives,
                    stateful_step_count=steps,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck),
                ),
            )
            assert runner.run(prove()) == []
        finally:
            runner.run(close_town(town))


def test_whatever_happens_to_public_money_and_whatever_is_lost_the_books_balance(database_url: str) -> None:
    lives = MONEY_LIVES[make_url(database_url).get_backend_name()].test
    live(database_url, lives=lives, steps=MONEY_STEPS.test, chance=1)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("chance", range(MONEY_LIVES["sqlite"].night // LIVES_A_SLICE))
def test_the_books_balance_through_ten_thousand_long_lives(database_url: str, chance: int) -> None:
    live(database_url, lives=LIVES_A_SLICE, steps=MONEY_STEPS.night, chance=100 + chance)


@pytest.mark.parametrize("cents", [0, 1, 99, 50000, 123456])
def test_the_coins_of_these_tests_add_up(cents: int) -> None:
    assert sum(coin * number for coin, number in coins(cents).items()) == cents
