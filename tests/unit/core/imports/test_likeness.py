"""Who looks like whom: twins, namesakes of two generations, married names, swapped days, hyphens and accents."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.imports.candidates import pairs_of
from cvq_core.imports.clusters import Clusters
from cvq_core.imports.likeness import (
    AGAINST,
    REASON_WORDS,
    Level,
    Likeness,
    Rarity,
    Reason,
    Record,
    likeness,
    make_record,
    rarity_of,
)
from cvq_core.imports.sounds import Alike, compare_given, sounded

BORN = date(2016, 3, 4)
TERRITORY = Rarity(39_000, {"moreau": 350, "dupont": 40}, {"jean": 400, "lucas": 300})


def person(number: int = 1, **values: Any) -> Record:
    known: dict[str, Any] = {
        "family_name": "Moreau",
        "usual_name": None,
        "given_names": "Lucas",
        "birth_date": BORN,
        "address": "12 rue de la Gare",
        "postcode": "79200",
        "phone": "05 36 49 12 34",
    }
    return make_record(UUID(int=number), **{**known, **values})


def compared(one: Record, other: Record) -> Likeness:
    return likeness(one, replace(other, id=UUID(int=2)), TERRITORY)


@pytest.mark.parametrize(
    "other",
    [
        person(given_names="LUCAS", family_name="MOREAU"),
        person(given_names="Lucas Jean Marie"),
        person(address="12, R. DE LA GARE"),
        person(address=None, phone=None),
        person(phone="+33 5 36 49 12 34"),
    ],
    ids=["capitals", "more given names", "address", "nothing else known", "telephone from abroad"],
)
def test_the_same_person_written_otherwise_is_certain(other: Record) -> None:
    assert compared(person(), other).level is Level.CERTAIN


@pytest.mark.parametrize(
    ("one", "other"),
    [("Jean-Pierre", "Jean Pierre"), ("Hélène", "HELENE"), ("Anne-Lise Marie", "Anne Lise"), ("Loïc", "Loic")],
)
def test_hyphens_and_accents_make_no_difference(one: str, other: str) -> None:
    assert compare_given(one, other) is compare_given(other, one) is Alike.EQUAL
    assert compared(person(given_names=one), person(given_names=other)).level is Level.CERTAIN


@pytest.mark.parametrize(
    ("one", "other"),
    [("Lucas", "Louis"), ("Emma", "Léa"), ("Julien", "Julie"), ("Jean", "Jean-Pierre"), ("Lena", "Lina")],
)
@pytest.mark.parametrize("card", [None, "4821305779"])
def test_twins_are_never_certain_whatever_they_share(one: str, other: str, card: str | None) -> None:
    found = compared(
        person(given_names=one, card_number=card, email="famille@example.org"),
        person(given_names=other, card_number=card, email="famille@example.org"),
    )
    assert found.level is not Level.CERTAIN
    assert Reason.TWINS in found.reasons


def test_twins_with_plainly_different_names_are_not_even_asked_about() -> None:
    assert compared(person(given_names="Lucas"), person(given_names="Emma")).level is Level.UNLIKE


@pytest.mark.parametrize("years", [18, 25, 31, 47])
def test_a_father_and_his_son_of_the_same_name_are_two(years: int) -> None:
    found = compared(person(), person(birth_date=BORN.replace(year=BORN.year - years)))
    assert found.level is Level.UNLIKE
    assert Reason.BORN_GENERATION in found.reasons


def test_a_century_mistyped_is_no_generation() -> None:
    found = compared(person(birth_date=date(1916, 3, 4)), person())
    assert Reason.BORN_GENERATION not in found.reasons


def test_a_name_before_and_after_marriage_is_asked_about_or_certain() -> None:
    maiden = person(family_name="Dupont", given_names="Claire", birth_date=date(1985, 6, 7))
    both = person(family_name="Dupont", usual_name="Moreau", given_names="Claire", birth_date=date(1985, 6, 7))
    married = person(family_name="Moreau", given_names="Claire", birth_date=date(1985, 6, 7))
    assert compared(maiden, both).level is Level.CERTAIN
    assert compared(married, both).level is Level.CERTAIN
    crossed = compared(married, both)
    assert Reason.FAMILY_CROSSED in crossed.reasons
    # With nothing in common but the day and the given name, only people can tell.
    assert compared(maiden, married).level is Level.DOUBTFUL


def test_day_and_month_swapped_are_asked_about_and_said() -> None:
    found = compared(person(birth_date=date(2016, 4, 3)), person())
    assert found.level is Level.DOUBTFUL
    assert Reason.BORN_SWAPPED in found.reasons


@pytest.mark.parametrize(("one", "other"), [("Moreau", "Moraud"), ("Renault", "Renaud"), ("Guérin", "Guerrin")])
def test_names_that_sound_alike_are_asked_about(one: str, other: str) -> None:
    assert compared(person(family_name=one), person(family_name=other)).level is Level.DOUBTFUL


def test_other_given_names_that_differ_are_said_and_keep_it_from_being_certain() -> None:
    found = compared(person(given_names="Lucas Jean"), person(given_names="Lucas Paul"))
    assert Reason.FURTHER_DIFFERENT in found.reasons
    assert found.level is Level.DOUBTFUL


def test_strangers_are_not_asked_about() -> None:
    stranger = person(
        family_name="Giraud", given_names="Paul", birth_date=date(1961, 2, 3), address="Les Forges", phone=None
    )
    assert compared(person(), stranger).level is Level.UNLIKE


names = st.text("abcdefgilmnoprstuvéèï -’", min_size=1, max_size=14)
days = st.dates(date(1920, 1, 1), date(2026, 1, 1))
records = st.builds(
    lambda family, usual, given_names, born, phone, address: make_record(
        UUID(int=1),
        family_name=family,
        usual_name=usual,
        given_names=given_names,
        birth_date=born,
        phone=phone,
        address=address,
        postcode="79200",
    ),
    names,
    st.none() | names,
    names,
    st.none() | days,
    st.none() | st.just("05 36 49 12 34"),
    st.none() | names,
)


@given(records, records)
def test_likeness_is_the_same_whichever_comes_first(one: Record, other: Record) -> None:
    there, back = likeness(one, other, TERRITORY), likeness(other, one, TERRITORY)
    assert (there.score, there.level, set(there.reasons)) == (back.score, back.level, set(back.reasons))
    assert 0 <= there.score <= 100


@given(records, records)
def test_nothing_certain_has_a_reason_against_it_nor_another_day(one: Record, other: Record) -> None:
    found = likeness(one, other, TERRITORY)
    if found.level is Level.CERTAIN:
        assert not set(found.reasons) & AGAINST
        assert one.born == other.born
        assert compare_given(one.given, other.given) is Alike.EQUAL


@pytest.mark.parametrize(
    ("one", "other"), [("renault", "reno"), ("philippe", "filipe"), ("quentin", "kentin"), ("thibault", "tibo")]
)
def test_names_that_are_said_alike_sound_alike(one: str, other: str) -> None:
    assert sounded(one) == sounded(other)


def test_every_reason_has_its_words_and_names_nobody() -> None:
    assert set(REASON_WORDS) == set(Reason)
    assert not any("{" in words for words in REASON_WORDS.values())


@given(st.lists(records, min_size=2, max_size=8))
def test_whoever_is_certain_when_all_are_compared_is_found_by_the_keys(people: list[Record]) -> None:
    people = [replace(each, id=UUID(int=number)) for number, each in enumerate(people, start=1)]
    rarity = rarity_of(people)
    every = {
        (one.id, other.id)
        for one in people
        for other in people
        if one.id < other.id and likeness(one, other, rarity).level is Level.CERTAIN
    }
    found = {(pair.low, pair.high) for pair in pairs_of(people) if pair.likeness.level is Level.CERTAIN}
    assert found == every


def test_two_others_are_never_compared_with_each_other() -> None:
    ours = [person(10), person(11)]
    assert pairs_of([], ours) == []
    assert {(pair.low.int, pair.high.int) for pair in pairs_of([person(1)], ours)} == {(1, 10), (1, 11)}


def test_a_telephone_that_a_whole_school_shares_is_no_reason_to_compare() -> None:
    syllables = ("ba", "di", "fo", "gu", "ja", "ki", "lo", "mu", "ra", "vi")
    pupils = [
        person(number, family_name="".join(syllables[int(digit)] for digit in str(number)), birth_date=None, address="")
        for number in range(1, 400)
    ]
    assert pairs_of(pupils) == []


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20))
def test_clusters_are_what_is_reached_by_the_decisions(decided: list[tuple[int, int]]) -> None:
    same = [(UUID(int=one), UUID(int=other)) for one, other in decided]
    clusters = Clusters(same)
    for start in range(9):
        reached, frontier = {start}, {start}
        while frontier:
            frontier = {b for a, b in decided if a in frontier} | {a for a, b in decided if b in frontier}
            frontier -= reached
            reached |= frontier
        assert {each.int for each in clusters.of(UUID(int=start))} == reached


def test_decisions_that_contradict_each_other_are_found() -> None:
    one, two, three = (UUID(int=number) for number in (1, 2, 3))
    clusters = Clusters([(one, two), (two, three)])
    assert clusters.contradicted(one, [(one, three)])
    assert not clusters.contradicted(one, [(one, UUID(int=9))])
