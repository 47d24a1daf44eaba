"""How names are compared, listed and said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.people.names import folded, listed_name, near_words, search_key, search_words, slips, spoken_name


def test_accents_capitals_and_ligatures_make_no_difference() -> None:
    assert folded("Éloïse CŒURDACIER-Nuñez") == "eloise coeurdacier-nunez"


def test_a_compound_given_name_is_found_by_each_part_and_in_one_word() -> None:
    assert {"jean", "pierre", "jeanpierre"} <= search_words("Moreau", None, "Jean-Pierre")


def test_a_particle_is_found_with_and_without_its_space() -> None:
    assert {"le", "goff", "legoff"} <= search_words("Le Goff", None, "Anne")


def test_an_apostrophe_of_either_kind_is_no_obstacle() -> None:
    assert search_words("D'Artagnan", None, "") == search_words("D’Artagnan", None, "") == {"artagnan", "dartagnan"}


def test_a_person_is_found_by_the_name_at_birth_and_by_the_name_in_use() -> None:
    assert {"moreau", "dupont", "jeanne"} <= search_words("Dupont", "Moreau", "Jeanne")


def test_lists_are_in_the_order_of_the_name_in_use() -> None:
    assert search_key("Dupont", "Moreau", "Jeanne Marie") == "moreau jeanne marie"


def test_one_says_the_first_given_name_and_the_name_in_use() -> None:
    assert spoken_name("Dupont", "Moreau", "Jeanne Marie") == "Jeanne Moreau"


def test_a_list_tells_the_name_at_birth_where_another_is_in_use() -> None:
    assert listed_name("Dupont", "Moreau", "Jeanne") == "MOREAU Jeanne (DUPONT)"
    assert listed_name("Moreau", None, "Jeanne") == "MOREAU Jeanne"


@pytest.mark.parametrize(
    ("left", "right", "count"),
    [("moreau", "moreau", 0), ("moreau", "morreau", 1), ("moreau", "moraeu", 1), ("moreau", "mreau", 1)],
)
def test_a_missing_added_or_swapped_letter_is_one_slip(left: str, right: str, count: int) -> None:
    assert slips(left, right, 2) == count


def test_short_words_have_no_near_ones_because_everything_would_be_near() -> None:
    assert near_words("ali", ["ami", "ada"]) == []


def test_a_long_word_forgives_two_slips_and_a_short_one_one() -> None:
    assert near_words("chevallier", ["chevalier", "chevaliers", "cheval"]) == ["chevalier", "chevaliers"]
    assert near_words("moreau", ["moreaux", "moro"]) == ["moreaux"]


@given(st.text(alphabet="abc", max_size=8), st.text(alphabet="abc", max_size=8))
def test_slips_do_not_depend_on_which_word_comes_first(left: str, right: str) -> None:
    assert slips(left, right, 8) == slips(right, left, 8)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_at_all_gives_words_that_fit_the_database(family: str, given_names: str) -> None:
    for word in search_words(family, None, given_names):
        assert 2 <= len(word) <= 60
        assert word.isascii()
        assert word.isalnum()
    assert len(search_key(family, None, given_names)) <= 250
