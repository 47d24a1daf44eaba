"""Moving money between two wallets of one family: one entry, once, and never between families."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.rules import AmountOutOfBounds, IdempotencyMismatch, TransactionKind
from cvq_core.ledger.statements import latest_movements
from cvq_core.ledger.store import Posted, postings_of
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.ledger.wallets import UnknownWallet
from cvq_core.wallets.moves import move_money
from cvq_core.wallets.rules import NotEnoughToMove, SameWallet, WalletsOfTwoFamilies
from tests.core_examples import NOW
from tests.integration.core.wallets.conftest import Purse


async def move_between(purse: Purse, cents: int, key: UUID | None = None, **more: Any) -> Posted:
    asked = {
        "family_account_id": purse.family,
        "from_wallet_id": purse.canteen,
        "to_wallet_id": purse.pool,
        "actor": SYSTEM,
        "now": NOW,
        **more,
    }
    async with purse.database.write() as db:
        return await move_money(db, key=key or new_id(), amount_cents=cents, **asked)


async def test_a_move_is_one_entry_that_says_in_french_what_it_is(purse: Purse) -> None:
    answer = await move_between(purse, 400)
    assert answer.balances == {purse.canteen: 600, purse.pool: 3400}
    assert await purse.balances() == (3400, 600)
    async with purse.database.read() as db:
        written = await db.get_one(LedgerTransaction, answer.transaction_id)
        assert [each.amount_cents for each in await postings_of(db, written.id)] == [-400, 400]
        [newest, *_] = (await latest_movements(db, [purse.pool], each=5))[purse.pool]
    assert (written.kind, newest.label) == (TransactionKind.TRANSFER, "Transfert\u00a0: de Cantine vers Piscine")


async def test_the_same_move_asked_again_gets_its_first_answer_even_when_nothing_is_left(purse: Purse) -> None:
    key = new_id()
    answers = [await move_between(purse, 1000, key) for _ in range(3)]
    assert [each.replayed for each in answers] == [False, True, True]
    assert all(each.balances == {purse.canteen: 0, purse.pool: 4000} for each in answers)
    with pytest.raises(IdempotencyMismatch):
        await move_between(purse, 999, key)
    assert await purse.balances() == (4000, 0)


REFUSED: list[tuple[type[Refusal], int, dict[str, str]]] = [
    (NotEnoughToMove, 1001, {}),
    (AmountOutOfBounds, 0, {}),
    (AmountOutOfBounds, -500, {}),
    (WalletsOfTwoFamilies, 100, {"to_wallet_id": "strangers_pool"}),
    (WalletsOfTwoFamilies, 100, {"from_wallet_id": "strangers_pool"}),
    (WalletsOfTwoFamilies, 100, {"family_account_id": "strangers"}),
    (SameWallet, 100, {"to_wallet_id": "canteen"}),
    (UnknownWallet, 100, {"to_wallet_id": "revenue"}),
]


@pytest.mark.parametrize("case", REFUSED, ids=[f"{kind.slug}-{cents}-{more}" for kind, cents, more in REFUSED])
async def test_what_may_not_be_moved_is_refused_and_no_balance_changes(
    purse: Purse, case: tuple[type[Refusal], int, dict[str, str]]
) -> None:
    refusal, cents, more = case
    with pytest.raises(refusal):
        await move_between(purse, cents, **{name: getattr(purse, value) for name, value in more.items()})
    assert await purse.balances() == (3000, 1000)


async def test_a_move_makes_no_debt_though_the_canteen_would_let_the_family_owe(purse: Purse) -> None:
    await purse.spend(purse.canteen, 1500)
    with pytest.raises(NotEnoughToMove):
        await move_between(purse, 1)
    assert await purse.balances() == (3000, -500)
    await move_between(purse, 500, from_wallet_id=purse.pool, to_wallet_id=purse.canteen)
    assert await purse.balances() == (2500, 0)


async def test_forty_that_move_the_same_ten_euros_move_them_once(purse: Purse) -> None:
    key = new_id()
    rivals = [move_between(purse, 1000, key if number % 2 else None) for number in range(40)]
    answers = await asyncio.gather(*rivals, return_exceptions=True)
    done = {each.transaction_id for each in answers if isinstance(each, Posted)}
    refused = [each for each in answers if not isinstance(each, Posted)]
    assert len(done) == 1
    assert all(isinstance(each, NotEnoughToMove) for each in refused)
    assert await purse.balances() == (4000, 0)


async def test_moves_in_opposite_directions_do_not_block_each_other(purse: Purse) -> None:
    back = {"from_wallet_id": purse.pool, "to_wallet_id": purse.canteen}
    await asyncio.gather(*(move_between(purse, 10, **(back if number % 2 else {})) for number in range(40)))
    assert await purse.balances() == (3000, 1000)
    async with purse.database.read() as db:
        moves = select(func.count()).where(LedgerTransaction.kind == TransactionKind.TRANSFER)
        assert await db.scalar(moves) == 40
