"""The French sentences of the code are the keys of the catalogues; English has one for each of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("cvq-core", "desk", "advisor-console", "booth", "scanning")
ENGLISH = ROOT / "cvq-core/cvq_core/locale/en/LC_MESSAGES/cvq.po"

# What is filled in, and what the pages take as HTML: `%(name)s`, `{name}`, `<b>`, `` `command` ``.
PLACE = re.compile(r"%\(\w+\)s|\{\w*\}|</?\w+>|`[^`]+`")
# Signs that would have a meaning of their own if they stood outside of a place.
MEANINGFUL = re.compile(r"[%{}<>`]")

Sentence = tuple[str, ...]
"""The forms of a sentence: one, or singular and plural."""


def forms(sentence: str | Sequence[str] | None) -> Sentence:
    return (sentence,) if isinstance(sentence, str) else tuple(sentence or ())


@pytest.fixture(scope="module")
def said() -> dict[Sentence, str]:
    """Every sentence that `make messages` finds, and where it is first."""
    with (ROOT / "tools/babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]  # Babel gives it no types
    found: dict[Sentence, str] = {}
    for package in PACKAGES:
        for file_name, line, sentence, _, _ in extract_from_dir(
            ROOT / package, methods, options, keywords=DEFAULT_KEYWORDS | {"N_": None}
        ):
            found.setdefault(forms(sentence), f"{package}/{file_name}:{line}")
    assert len(found) > 500, "extraction looks in the wrong place"
    return found


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with ENGLISH.open("rb") as file:
        return read_po(file, abort_invalid=True)


@pytest.fixture(scope="module")
def english(catalogue: Catalog) -> dict[Sentence, Sentence]:
    return {forms(message.id): forms(message.string) for message in catalogue if message.id}


def test_every_french_sentence_has_an_english_one(said: dict[Sentence, str], english: dict[Sentence, Sentence]) -> None:
    missing = {where: french for french, where in said.items() if french not in english or not all(english[french])}
    assert not missing, "run `make messages`, then translate these"


def test_no_english_sentence_is_left_of_a_french_one_that_is_gone(
    said: dict[Sentence, str], catalogue: Catalog, english: dict[Sentence, Sentence]
) -> None:
    assert not [sentence for sentence in english if sentence not in said]
    assert not list(catalogue.obsolete)


def test_an_english_sentence_has_the_places_and_the_tags_of_the_french_one(english: dict[Sentence, Sentence]) -> None:
    """Pages take a translation as HTML, and put facts in its places: neither may be lost, nor come in by it."""
    different = [
        (french, translated)
        for sentence, words in english.items()
        for french, translated in zip(sentence, words, strict=True)
        if Counter(PLACE.findall(french)) != Counter(PLACE.findall(translated))
        or MEANINGFUL.search(PLACE.sub("", translated))
    ]
    assert not different


def test_no_english_sentence_is_a_guess(catalogue: Catalog) -> None:
    assert not [message.id for message in catalogue if message.id and message.fuzzy]


def test_english_has_two_plural_forms(catalogue: Catalog) -> None:
    assert (catalogue.num_plurals, catalogue.plural_expr) == (2, "(n != 1)")
    assert catalogue.locale_identifier == "en"


def test_the_head_of_the_catalogue_names_the_product_and_nobody(catalogue: Catalog) -> None:
    head = dict(catalogue.mime_headers)
    assert head["Project-Id-Version"].startswith("CVQ ")
    assert not [value for value in head.values() if "@" in value]
    assert "@" not in catalogue.header_comment
