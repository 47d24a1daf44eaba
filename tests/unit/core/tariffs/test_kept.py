"""The reasons of a price as they are kept beside what was charged."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from cvq_core.errors import N_
from cvq_core.services.rules import PriceUnit
from cvq_core.tariffs.kept import KEPT_LENGTH_MAX, kept, parts_of
from cvq_core.tariffs.rules import Case, Item, Part, PartKind, Priced, Range
from cvq_core.tariffs.words import kept_reasons

ITEM = Item("meal", "Repas", PriceUnit.MEAL, (Case(cents=Fraction(235)),))
VALUES = {
    PartKind.QUOTIENT: st.integers(0, 20_000),
    PartKind.BRACKET: st.integers(1, 40),
    PartKind.HIGHEST_BRACKET: st.integers(1, 40),
    PartKind.SIBLING: st.integers(1, 12),
    PartKind.RATE: st.fractions(0, 1, max_denominator=100_000),
    PartKind.AGE: st.builds(Range, st.integers(0, 20), st.one_of(st.none(), st.integers(20, 99))),
    PartKind.CATEGORY: st.text(min_size=1, max_size=30),
    PartKind.QUANTITY: st.tuples(st.fractions(1, 100, max_denominator=4), st.sampled_from(PriceUnit)),
}
PARTS = st.sampled_from(PartKind).flatmap(lambda kind: st.builds(Part, st.just(kind), VALUES.get(kind, st.none())))


def say(sentence: str, **places: object) -> str:
    return sentence.format_map(places)


@given(st.lists(PARTS, max_size=5))
def test_what_is_kept_is_read_again(parts: list[Part]) -> None:
    text = kept(Priced(235, ITEM, tuple(parts), 1))
    assert len(text) <= KEPT_LENGTH_MAX
    read = parts_of(text)
    assert read == tuple(parts)[: len(read)]
    assert len(text) > KEPT_LENGTH_MAX / 2 or len(read) == len(parts)


@given(st.text(max_size=60))
def test_anything_can_be_read(text: str) -> None:
    parts_of(text)


def test_it_is_told_with_the_quotient_or_without_it() -> None:
    text = "inside;quotient=742;bracket=3;sibling=2"
    assert kept_reasons(text, say) == "habitant du territoire, QF 742, tranche 3, deuxième enfant"
    assert kept_reasons(text, say, with_quotient=False) == "habitant du territoire, tranche 3, deuxième enfant"


def test_a_rate_would_tell_the_quotient_and_is_left_out_with_it() -> None:
    assert kept_reasons("quotient=742;rate=23/2000;sibling=2", say, with_quotient=False) == "deuxième enfant"


def test_a_price_for_everybody_has_no_reasons() -> None:
    assert kept_reasons(None, say) == ""
    assert kept(Priced(310, ITEM, (), 1)) == ""


def test_the_words_are_known_to_the_catalogues() -> None:
    assert N_("QF {value}")
