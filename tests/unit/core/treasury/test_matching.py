"""A line of the statement is matched alone only where there is one way to read it; otherwise the ways are proposed."""

from __future__ import annotations

import random
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.treasury.matching import (
    Item,
    ItemKind,
    Line,
    Reading,
    Reason,
    Undone,
    certain,
    is_named,
    readings_of,
)

DAY = date(2026, 3, 3)
NOTHING = Undone()


def item(
    number: int,
    cents: int,
    kind: ItemKind = ItemKind.DEPOSIT,
    *,
    days: int = 0,
    reference: str = "",
    group: str = "",
) -> Item:
    references = (reference,) if reference else ()
    return Item(kind, UUID(int=number), DAY + timedelta(days=days), cents, "…", references, group)


def line(number: int, cents: int, label: str, *, days: int = 1, reference: str = "") -> Line:
    return Line(UUID(int=1000 + number), DAY + timedelta(days=days), cents, label, reference)


def sure(lines: list[Line], items: list[Item], undone: Undone = NOTHING) -> dict[int, list[int]]:
    found = certain(readings_of(lines, items, undone))
    return {line_id.int - 1000: [each.id.int for each in way.items] for line_id, way in found.items()}


def ways(one: Line, items: list[Item], undone: Undone = NOTHING) -> tuple[Reading, ...]:
    return readings_of([one], items, undone)[one.id]


def test_the_reference_and_the_amount_make_a_match_certain() -> None:
    items = [item(1, 12000, reference="CVQ-C-000007"), item(2, 12000, reference="CVQ-C-000008")]
    assert sure([line(1, 12000, "REMISE CHEQUES CVQC000008")], items) == {1: [2]}


def test_the_bank_s_word_and_the_amount_are_enough_where_nothing_else_fits() -> None:
    card = item(1, 4550, ItemKind.CARD, group="Mairie 2026-03-03")
    assert sure([line(1, 4550, "REMISE CB 03/03")], [card]) == {1: [1]}
    assert sure([line(1, 4550, "VIREMENT")], [card]) == {}
    assert sure([line(1, 4550, "REMISE CB 03/03", days=8)], [card]) == {}


def test_two_that_could_be_it_are_proposed_and_not_chosen() -> None:
    twins = [item(1, 4550, ItemKind.CARD), item(2, 4550, ItemKind.CARD)]
    one = line(1, 4550, "REMISE CB")
    assert sure([one], twins) == {}
    assert [way.items[0].id.int for way in ways(one, twins)] == [1, 2]
    assert all(Reason.NOT_ALONE in way.reasons for way in ways(one, twins))
    assert sure([one, line(2, 4550, "REMISE CB")], twins[:1]) == {}


def test_what_one_place_took_by_card_in_a_day_arrives_as_one_sum() -> None:
    items = [item(n, 1000 * n, ItemKind.CARD, group="Mairie 2026-03-03") for n in (1, 2)]
    assert sure([line(1, 3000, "TELECOLLECTE CB")], items) == {1: [1, 2]}
    # One of them alone is as possible as both together: who decides is the officer.
    assert sure([line(1, 3000, "TELECOLLECTE CB"), line(2, 1000, "CB")], items) == {}


def test_a_sign_that_differs_is_another_movement() -> None:
    bounced = item(1, -2000, ItemKind.BOUNCE, reference="4217001")
    assert sure([line(1, -2000, "REJET CHQ 4217001")], [bounced]) == {1: [1]}
    assert sure([line(1, 2000, "REJET CHQ 4217001")], [bounced]) == {}


def test_a_known_reference_with_another_amount_is_told_and_not_matched() -> None:
    one = line(1, 11000, "REMISE CHEQUES CVQ-C-000007")
    [way] = ways(one, [item(1, 12000, reference="CVQ-C-000007")])
    assert (way.certain, way.differs_cents, way.reasons) == (False, -1000, (Reason.REFERENCE, Reason.OTHER_AMOUNT))


def test_a_reference_that_comes_late_is_proposed() -> None:
    one = line(1, 12000, "REM CHQ CVQC000007", days=60)
    [way] = ways(one, [item(1, 12000, reference="CVQ-C-000007")])
    assert (way.certain, Reason.LATE in way.reasons) == (False, True)


def test_of_thousands_of_one_amount_each_is_known_by_its_reference_alone() -> None:
    many = range(1, 3001)
    items = [item(n, 2000, ItemKind.PAYFIP, reference=f"CVQPAYMENT{n:06d}", group="day") for n in many]
    lines = [line(n, 2000, f"VIR PAYFIP CVQPAYMENT{n:06d}" if n % 2 else "VIR PAYFIP") for n in many]
    assert sure(lines, items) == {n: [n] for n in many if n % 2}


def test_what_was_undone_is_not_matched_alone_again() -> None:
    one, deposit = line(1, 12000, "REMISE CHEQUES CVQC000007"), item(1, 12000, reference="CVQ-C-000007")
    undone = Undone(frozenset({(one.id, frozenset({deposit.key}))}))
    assert sure([one], [deposit], undone) == {}
    assert Reason.UNDONE in ways(one, [deposit], undone)[0].reasons


@pytest.mark.parametrize(
    ("text", "reference", "named"),
    [
        ("REMISE CVQ-C-000007", "CVQ-C-000007", True),
        ("REMISE CVQC000007 DU 03/03", "CVQ-C-000007", True),
        ("REMISE CVQC0000071", "CVQ-C-000007", False),
        ("CHQ 0004217", "4217", False),
        ("REJET CHEQUE 4217001", "4217001", True),
        ("REJET CHEQUE 04217001", "4217001", True),
        ("REJET 14217001", "4217001", False),
        ("VIR CVQAGUADZ3QAB2SZKC5KE3NOTEPXQ", "CVQAGUADZ3QAB2SZKC5KE3NOTEPXQ", True),
    ],
)
def test_a_reference_is_found_as_banks_write_it_and_not_within_a_longer_one(
    text: str, reference: str, *, named: bool
) -> None:
    assert is_named(line(1, 100, text), reference) is named


LABELS = (
    "REMISE CB",
    "REMISE CHEQUES",
    "VIR PAYFIP",
    "VERSEMENT ESPECES",
    "FRAIS",
    "CVQC000001",
    "CHQ CVQC000002",
    "X",
)
items_drawn = st.lists(
    st.builds(
        lambda number, kind, cents, days, reference, group: item(
            number, cents, kind, days=days, reference=reference, group=group
        ),
        st.integers(1, 400),
        st.sampled_from(ItemKind),
        st.sampled_from((100, 200, 300, -100)),
        st.integers(-5, 25),
        st.sampled_from(("", "CVQ-C-000001", "CVQ-C-000002", "CVQ-C-000003")),
        st.sampled_from(("", "a", "b")),
    ),
    max_size=14,
    unique_by=lambda each: each.id,
)
lines_drawn = st.lists(
    st.builds(
        lambda number, cents, label, days: line(number, cents, label, days=days),
        st.integers(1, 400),
        st.sampled_from((100, 200, 300, 400, -100)),
        st.sampled_from(LABELS),
        st.integers(-5, 25),
    ),
    max_size=10,
    unique_by=lambda each: each.id,
)


@given(lines_drawn, items_drawn, st.randoms(use_true_random=False))
def test_what_is_matched_alone_is_of_the_same_sum_shares_nothing_and_hangs_on_no_order(
    lines: list[Line], items: list[Item], luck: random.Random
) -> None:
    found = certain(readings_of(lines, items))
    by_id = {each.id: each for each in lines}
    taken = [each.key for way in found.values() for each in way.items]
    assert len(taken) == len(set(taken))
    assert all(way.amount_cents == by_id[line_id].amount_cents for line_id, way in found.items())
    luck.shuffle(lines)
    luck.shuffle(items)
    again = certain(readings_of(lines, items))
    assert {key: {each.key for each in way.items} for key, way in again.items()} == {
        key: {each.key for each in way.items} for key, way in found.items()
    }
