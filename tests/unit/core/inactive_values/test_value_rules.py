"""Where each number of a value is: the rules of spans and holdings, beside a plain model."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.inactive_values.rules import (
    COMPTABLE,
    BadSpan,
    Counted,
    Holder,
    Holding,
    NotEnoughInStock,
    NumbersElsewhere,
    NumbersKnown,
    Span,
    Whereabouts,
    compare,
    joined,
    moved,
    next_span,
    quantity,
    spans_of,
    without,
    written,
)

HERE = Holder(Whereabouts.PLACE, UUID(int=1))
THERE = Holder(Whereabouts.PLACE, UUID(int=2))
ODILE = Holder(Whereabouts.PERSON, UUID(int=1), UUID(int=3))
SOLD = Holder(Whereabouts.SOLD)
HOLDERS = st.sampled_from((COMPTABLE, HERE, THERE, ODILE, SOLD))
SPANS = st.tuples(st.integers(1, 40), st.integers(0, 12)).map(lambda each: Span(each[0], each[0] + each[1]))


def numbers(spans: list[Span] | tuple[Span, ...]) -> set[int]:
    return {number for span in spans for number in range(span.first, span.last + 1)}


@given(moves=st.lists(st.tuples(SPANS, HOLDERS, HOLDERS.filter(lambda each: each != COMPTABLE)), max_size=30))
def test_each_number_is_in_one_place_and_a_refused_move_changes_nothing(
    moves: list[tuple[Span, Holder, Holder]],
) -> None:
    stock: list[Holding] = []
    model: dict[int, Holder] = {}
    for span, source, target in moves:
        there = [model.get(number) for number in sorted(numbers([span]))]
        possible = set(there) == {None if source == COMPTABLE else source}
        try:
            stock = moved(stock, span, source, target)
        except (NumbersElsewhere, NumbersKnown):
            assert not possible
            continue
        assert possible
        model.update(dict.fromkeys(numbers([span]), target))
        assert {number: each.holder for each in stock for number in numbers([each.span])} == model
        assert quantity(each.span for each in stock) == len(model)
        assert all(
            left.span.last + 1 < right.span.first or left.holder != right.holder for left, right in pairwise(stock)
        )


@given(st.lists(SPANS), st.lists(SPANS))
def test_a_count_finds_exactly_what_is_missing_and_what_is_too_much(expected: list[Span], counted: list[Span]) -> None:
    found = compare(expected, counted)
    assert numbers(found.missing) == numbers(expected) - numbers(counted)
    assert numbers(found.unexpected) == numbers(counted) - numbers(expected)
    assert found.differs == (numbers(expected) != numbers(counted))
    assert numbers(without(expected, counted)) == numbers(found.missing)


@given(st.lists(SPANS))
def test_what_is_written_is_read_again(spans: list[Span]) -> None:
    assert spans_of(written(joined(spans))) == joined(spans)


@pytest.mark.parametrize("typed", ["0", "9-3", "1-200000", "douze", "1-5, 4-9", "1000000000", "3 4", "-5"])
def test_numbers_that_cannot_be_are_refused(typed: str) -> None:
    with pytest.raises(BadSpan):
        spans_of(typed)


def test_numbers_are_read_as_people_write_them() -> None:
    assert spans_of(" 101-150, 160 ;170 à 171\n\n") == [Span(101, 150), Span(160, 160), Span(170, 171)]
    assert spans_of("1-5, 6-9") == [Span(1, 9)]
    assert written(spans_of("101-150, 160")) == "101–150, 160"
    assert not compare(spans_of("1-5"), spans_of("1-5")).differs
    assert compare(spans_of("1-5"), []) == Counted((Span(1, 5),), ())


def test_the_lowest_numbers_in_a_row_go_first() -> None:
    assert next_span([Span(20, 29), Span(3, 4)], 2) == Span(3, 4)
    assert next_span([Span(20, 29), Span(3, 4)], 3) == Span(20, 22)
    for wanted in (11, 0, -1):
        with pytest.raises(NotEnoughInStock):
            next_span([Span(20, 29), Span(3, 4)], wanted)
