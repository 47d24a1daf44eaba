"""What somebody pays, and why: the same facts always the same price, fair in the quotient, within its bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.services.rules import PriceUnit, ServiceCode
from cvq_core.tariffs.rules import (
    Bracket,
    Case,
    Conditions,
    Facts,
    Item,
    NoCaseFits,
    NoSuchItem,
    PartKind,
    Quotient,
    QuotientStanding,
    Range,
    Rate,
    Residence,
    SiblingRule,
    Tariff,
    UserKind,
    age_on,
    price,
    sibling_rank,
    to_cents,
)
from cvq_core.tariffs.words import explanation
from cvq_core.text import translator

KNOWN = QuotientStanding.CURRENT
NBSP = "\u00a0"


def say(sentence: str, /, **facts: Any) -> str:
    text = translator("fr").gettext(sentence)
    return text.format_map(facts) if facts else text


def tariff(*cases: Case, siblings: tuple[SiblingRule, ...] = ()) -> Tariff:
    item = Item("meal", "Repas", PriceUnit.MEAL, cases, siblings)
    return Tariff(ServiceCode.CANTEEN, "Cantine", "Délibération", (item,))


def of_quotient(euros: int, **others: Any) -> Facts:
    return Facts("meal", standing=KNOWN, quotient_euros=euros, **others)


@st.composite
def bracket_cases(draw: st.DrawFn) -> Case:
    """Brackets that follow one another, never cheaper as the quotient rises."""
    ends = sorted(draw(st.sets(st.integers(1, 3000), max_size=6)))
    prices = sorted(draw(st.lists(cents, min_size=len(ends) + 1, max_size=len(ends) + 1)))
    lows = [0, *(end + 1 for end in ends)]
    highs = [*ends, None]
    return Case(
        brackets=tuple(Bracket(Range(low, high), amount) for low, high, amount in zip(lows, highs, prices, strict=True))
    )


cents = st.fractions(min_value=0, max_value=10_000, max_denominator=100)
shares = st.fractions(min_value=0, max_value=1, max_denominator=1000)
rate_cases = st.tuples(shares, cents, cents).map(
    lambda drawn: Case(rate=Rate(drawn[0], min(drawn[1:]), max(drawn[1:])))
)
sibling_rules = st.one_of(
    st.just(()),
    shares.map(lambda off: (SiblingRule(Range(2), share_off=off),)),
    cents.map(lambda off: (SiblingRule(Range(2, 3), cents_off=off),)),
)
quotients = st.integers(0, 5000)
ranks = st.integers(0, 6)


@given(st.one_of(bracket_cases(), rate_cases), sibling_rules, st.lists(quotients, min_size=2, max_size=10), ranks)
def test_a_higher_quotient_never_pays_less_and_an_unknown_one_pays_most(
    case: Case, siblings: tuple[SiblingRule, ...], drawn: list[int], rank: int
) -> None:
    subject = tariff(case, siblings=siblings)
    amounts = [price(subject, of_quotient(euros, sibling_rank=rank)).amount_cents for euros in sorted(drawn)]
    assert all(lower <= higher for lower, higher in pairwise(amounts))
    for standing in (QuotientStanding.MISSING, QuotientStanding.OUT_OF_DATE):
        unknown = price(subject, Facts("meal", standing=standing, quotient_euros=0, sibling_rank=rank))
        assert unknown.amount_cents >= amounts[-1]
        kinds = {part.kind for part in unknown.parts}
        assert kinds & {PartKind.QUOTIENT_MISSING, PartKind.QUOTIENT_OUT_OF_DATE}
        assert kinds & {PartKind.HIGHEST_BRACKET, PartKind.CEILING}


@given(rate_cases, sibling_rules, quotients, ranks)
def test_a_rate_stays_within_its_floor_and_ceiling_whatever_the_reduction(
    case: Case, siblings: tuple[SiblingRule, ...], euros: int, rank: int
) -> None:
    assert case.rate is not None
    amount = price(tariff(case, siblings=siblings), of_quotient(euros, sibling_rank=rank)).amount_cents
    assert to_cents(case.rate.floor_cents) <= amount <= to_cents(case.rate.ceiling_cents)


@given(st.one_of(bracket_cases(), rate_cases), sibling_rules, quotients, ranks, st.sampled_from(list(Residence)))
def test_the_explanation_names_every_rule_that_applied_and_the_amount(
    case: Case, siblings: tuple[SiblingRule, ...], euros: int, rank: int, residence: Residence
) -> None:
    lived = replace(case, conditions=Conditions(residence=residence, ages=Range(3, 11), user=UserKind.HOUSEHOLD))
    facts = of_quotient(euros, sibling_rank=rank, residence=residence, age=7)
    priced = price(tariff(lived, siblings=siblings), facts)
    kinds = [part.kind for part in priced.parts]
    assert len(kinds) == len(set(kinds)), "each reason once"
    wanted = {PartKind.AGE, PartKind.HOUSEHOLD, PartKind.QUOTIENT}
    wanted.add(PartKind.INSIDE if residence is Residence.INSIDE else PartKind.OUTSIDE)
    if siblings and siblings[0].ranks.holds(rank):
        wanted.add(PartKind.SIBLING)
    if case.brackets:
        wanted.add(PartKind.BRACKET)
        assert case.brackets[priced.bracket - 1].quotients.holds(euros)
    else:
        wanted.add(PartKind.RATE)
    assert wanted <= set(kinds)
    told = explanation(priced, say)
    assert f"QF {euros}" in told
    assert told.endswith("€")
    assert price(tariff(lived, siblings=siblings), replace(facts)) == priced


@given(cents)
def test_cents_are_rounded_once_half_up(amount: Fraction) -> None:
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    assert to_cents(amount) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def test_the_rounding_comes_after_the_quantity_and_not_before() -> None:
    """Three times 0,125 € are 0,38 € and not three times 0,13 €."""
    assert price(tariff(Case(cents=Fraction("12.5"))), Facts("meal", quantity=Fraction(3))).amount_cents == 38
    assert price(tariff(Case(cents=Fraction("12.5"))), Facts("meal")).amount_cents == 13


def test_the_explanation_reads_like_a_sentence() -> None:
    three = (
        Bracket(Range(0, 400), Fraction(100)),
        Bracket(Range(401, 700), Fraction(175)),
        Bracket(Range(701), Fraction(261)),
    )
    subject = tariff(Case(brackets=three), siblings=(SiblingRule(Range(2), share_off=Fraction(1, 10)),))
    told = explanation(price(subject, of_quotient(742, sibling_rank=2)), say)
    assert told == f"QF 742, tranche 3, deuxième enfant{NBSP}: 2,35{NBSP}€"
    assert explanation(price(subject, Facts("meal", sibling_rank=1)), say) == (
        f"quotient familial non connu, tranche la plus haute (3){NBSP}: 2,61{NBSP}€"
    )
    assert (
        explanation(price(tariff(Case(cents=Fraction(310))), Facts("meal")), say) == f"prix unique{NBSP}: 3,10{NBSP}€"
    )


def test_a_floor_that_a_reduction_meets_is_said_once() -> None:
    subject = tariff(
        Case(rate=Rate(Fraction(1, 100), Fraction(200), Fraction(900))),
        siblings=(SiblingRule(Range(2), share_off=Fraction(1, 2)),),
    )
    told = explanation(price(subject, of_quotient(300, sibling_rank=2)), say)
    assert told == f"QF 300, taux de 1\u202f%, deuxième enfant, plancher{NBSP}: 2,00{NBSP}€"
    assert "plafond" in explanation(price(subject, of_quotient(4000)), say)


def test_the_first_case_that_fits_decides() -> None:
    subject = tariff(
        Case(Conditions(ages=Range(0, 3)), cents=Fraction(0)),
        Case(Conditions(residence=Residence.INSIDE), cents=Fraction(310)),
        Case(Conditions(residence=Residence.OUTSIDE), cents=Fraction(420)),
    )
    assert price(subject, Facts("meal", age=2, residence=Residence.OUTSIDE)).amount_cents == 0
    assert price(subject, Facts("meal", age=9, residence=Residence.INSIDE)).amount_cents == 310
    unknown = price(subject, Facts("meal"))
    assert unknown.amount_cents == 420
    assert "commune non connue" in explanation(unknown, say)


def test_categories_of_professionals_have_their_own_price() -> None:
    subject = tariff(
        Case(Conditions(user=UserKind.PROFESSIONAL, category="gravats"), cents=Fraction(2250)),
        Case(Conditions(user=UserKind.PROFESSIONAL), cents=Fraction(1500)),
    )
    rubble = Facts("meal", quantity=Fraction(5, 2), user=UserKind.PROFESSIONAL, category="gravats")
    assert explanation(price(subject, rubble), say) == f"professionnel, gravats, 2,5 × repas{NBSP}: 56,25{NBSP}€"
    assert price(subject, replace(rubble, category=None)).amount_cents == 3750
    with pytest.raises(NoCaseFits):
        price(subject, replace(rubble, user=UserKind.HOUSEHOLD))
    with pytest.raises(NoSuchItem):
        price(subject, replace(rubble, item="hour"))


def test_ranks_go_by_birth_dates_and_what_is_not_known_gives_no_reduction() -> None:
    born = {"a": date(2018, 5, 1), "b": date(2015, 1, 1), "c": None, "d": date(2018, 5, 1)}
    assert [sibling_rank(born, child) for child in "abcdx"] == [2, 1, 1, 3, 0]


def test_a_quotient_holds_on_its_last_day_and_not_on_the_next() -> None:
    quotient = Quotient(742, date(2026, 1, 1), date(2026, 12, 31))
    assert quotient.standing(date(2026, 12, 31)) is QuotientStanding.CURRENT
    assert quotient.standing(date(2027, 1, 1)) is QuotientStanding.OUT_OF_DATE
    assert quotient.standing(date(2025, 12, 31)) is QuotientStanding.MISSING


def test_an_age_grows_on_the_birthday() -> None:
    assert age_on(date(2015, 3, 4), date(2026, 3, 3)) == 10
    assert age_on(date(2015, 3, 4), date(2026, 3, 4)) == 11


def test_only_brackets_rates_and_ranks_need_to_know_the_family() -> None:
    plain = Case(Conditions(ages=Range(3)), cents=Fraction(310))
    assert not tariff(plain).items[0].hangs_on_family
    assert tariff(plain, siblings=(SiblingRule(Range(2), share_off=Fraction(1, 2)),)).items[0].hangs_on_family
    assert tariff(plain, Case(rate=Rate(Fraction(1, 100), Fraction(0), Fraction(500)))).items[0].hangs_on_family
