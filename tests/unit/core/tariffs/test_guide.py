"""The officials' page about tariffs is true: its examples can be pasted, its words are those that a file may use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cvq_core.tariffs.reading import read_tariff
from cvq_core.tariffs.rules import Facts, QuotientStanding, Residence, ServiceCode, price
from cvq_core.tariffs.words import SERVICE_WORDS, UNIT_WORDS, explanation
from cvq_core.text import translator

GUIDE = (Path(__file__).parents[4] / "docs" / "tariffs.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def say(sentence: str, /, **facts: Any) -> str:
    return translator("fr").gettext(sentence).format_map(facts)


def test_there_are_examples_of_everything() -> None:
    assert len(EXAMPLES) >= 4
    together = "\n".join(EXAMPLES)
    assert [word for word in ("pour", "tranches", "taux", "plancher", "fratrie", "#") if word not in together] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("service: ")[1].split("\n")[0])
def test_each_example_can_be_pasted_as_it_is(example: str) -> None:
    assert read_tariff(example).items


def test_the_explanation_that_it_quotes_is_the_one_that_is_given() -> None:
    canteen = next(each for each in EXAMPLES if "service: cantine" in each)
    facts = Facts(
        "meal", residence=Residence.INSIDE, sibling_rank=2, standing=QuotientStanding.CURRENT, quotient_euros=742
    )
    told = re.sub(r"\s", " ", explanation(price(read_tariff(canteen), facts), say))
    assert told in re.sub(r"\s+", " ", GUIDE)


def test_every_service_and_unit_that_a_file_may_name_is_told() -> None:
    assert set(SERVICE_WORDS) == set(ServiceCode) - {ServiceCode.BUILDING}
    assert [word for word in (*SERVICE_WORDS.values(), *UNIT_WORDS.values()) if f"`{word}`" not in GUIDE] == []
