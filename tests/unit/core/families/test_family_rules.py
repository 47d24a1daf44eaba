"""What moves when two accounts become one, as pure functions."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.families.rules import (
    BadFamilyDay,
    Held,
    WalletStanding,
    What,
    check_death,
    member_moves,
    wallet_moves,
    what_is_left,
)
from cvq_core.ledger.rules import WalletLevel, moved
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import ServiceCode

POOL, CANTEEN = ServiceCode.POOL, ServiceCode.CANTEEN
ANNA, TOM = UUID(int=1), UUID(int=2)


def wallet(service: ServiceCode, cents: int, floor: int | None = 0) -> WalletStanding:
    return WalletStanding(UUID(int=list(ServiceCode).index(service) + 100), service, WalletLevel(cents, floor))


def test_an_empty_wallet_does_not_move() -> None:
    assert wallet_moves([wallet(POOL, 0)], {}, ()) == ([], [])


def test_a_debt_moves_where_the_service_lets_people_owe() -> None:
    [move], prevented = wallet_moves([wallet(CANTEEN, -470, None)], {}, {CANTEEN})
    assert (move.amount_cents, prevented) == (-470, [])


def test_an_old_debt_that_the_other_wallet_cannot_take_prevents_the_merger() -> None:
    moves, [stuck] = wallet_moves([wallet(POOL, -300, -300)], {POOL: WalletLevel(200, 0)}, ())
    assert (moves, stuck.amount_cents) == ([], -300)
    assert wallet_moves([wallet(POOL, -300, -300)], {POOL: WalletLevel(300, 0)}, ())[1] == []


@given(
    st.lists(st.tuples(st.sampled_from(ServiceCode), st.integers(-5000, 5000)), unique_by=lambda each: each[0]),
    st.dictionaries(st.sampled_from(ServiceCode), st.integers(0, 5000)),
    st.sets(st.sampled_from(ServiceCode)),
)
def test_what_is_said_to_move_the_ledger_takes(
    merged: list[tuple[ServiceCode, int]], kept: dict[ServiceCode, int], owing: set[ServiceCode]
) -> None:
    there = {service: WalletLevel(cents, None if service in owing else 0) for service, cents in kept.items()}
    moves, prevented = wallet_moves([wallet(service, cents) for service, cents in merged], there, owing)
    assert sum(move.amount_cents for move in (*moves, *prevented)) == sum(cents for _, cents in merged)
    for move in moves:
        level = there.get(move.service, WalletLevel(0, None if move.service in owing else 0))
        moved(level, move.amount_cents)


def test_a_role_that_is_there_already_is_not_given_twice() -> None:
    merged = [Held(UUID(int=5), ANNA, FamilyRole.GUARDIAN, None), Held(UUID(int=6), TOM, FamilyRole.CHILD, 50)]
    kept = [Held(UUID(int=7), ANNA, FamilyRole.GUARDIAN, None)]
    assert [(move.person_id, move.already) for move in member_moves(merged, kept)] == [(ANNA, True), (TOM, False)]


def test_what_a_closed_account_holds_is_refunded_and_what_it_owes_is_claimed() -> None:
    assert [what_is_left(cents) for cents in (500, 0, -1)] == [What.REFUND, None, What.DEBT]


@pytest.mark.parametrize("on", [date(2026, 3, 4), date(1940, 1, 1)])
def test_nobody_dies_tomorrow_nor_before_they_were_born(on: date) -> None:
    with pytest.raises(BadFamilyDay):
        check_death(on, date(2026, 3, 3), date(1941, 5, 12))
