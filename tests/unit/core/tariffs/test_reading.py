"""A tariff's file: strict, forgiving about spelling amounts, and clear about which line is wrong."""

from __future__ import annotations

from fractions import Fraction
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.tariffs.reading import UnreadableTariff, read_tariff
from cvq_core.tariffs.rules import Facts, PriceUnit, QuotientStanding, Residence, ServiceCode, price
from cvq_core.yaml_nodes import Fault

HEAD = "service: cantine\ntitre: Cantine\ndécision: Délibération du 12 juin\nprestations:\n"
ITEM = HEAD + "  - code: meal\n    nom: Repas\n    unité: repas\n    prix:\n"
DEFINITIONS = files("cvq_core.tariffs") / "definitions"


def faults_of(text: str) -> list[tuple[int, str]]:
    with pytest.raises(UnreadableTariff) as caught:
        read_tariff(text)
    return [(fault.line, fault.sentence.format_map(dict(fault.facts))) for fault in caught.value.faults]


@pytest.mark.parametrize("name", ["canteen", "after_school", "leisure_centre", "pool", "waste_centre"])
def test_each_tariff_that_comes_along_can_be_read(name: str) -> None:
    assert read_tariff((DEFINITIONS / f"{name}.yaml").read_text("utf-8")).service.value == name


def test_the_canteen_charges_by_bracket_place_and_rank() -> None:
    tariff = read_tariff((DEFINITIONS / "canteen.yaml").read_text("utf-8"))
    second = Facts(
        "meal", residence=Residence.INSIDE, sibling_rank=2, standing=QuotientStanding.CURRENT, quotient_euros=742
    )
    assert price(tariff, second).amount_cents == 212
    assert price(tariff, Facts("meal", residence=Residence.OUTSIDE)).amount_cents == 520
    assert price(tariff, Facts("meal_adult")).amount_cents == 560


@pytest.mark.parametrize("written", ["2,35 €", "2.35", "2,35", "'2,35 €'", "2.350"])
def test_an_amount_may_be_written_as_people_write_it(written: str) -> None:
    tariff = read_tariff(ITEM + f"      - montant: {written}  # voté\n")
    assert tariff.service is ServiceCode.CANTEEN
    assert tariff.items[0].unit is PriceUnit.MEAL
    assert tariff.items[0].cases[0].cents == Fraction(235)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", 1, "Ici sont attendues des lignes"),
        ("- cantine\n", 1, "Ici sont attendues des lignes"),
        ("service: cantine\n  titre: x\n", 2, "pas construite comme il faut"),
        ("service: [", 1, "pas construite comme il faut"),
        ("service: &a cantine\ntitre: *a\n", 1, "pas construite comme il faut"),
        ("service: !!python/name:os.system x\n", 1, "pas construite comme il faut"),
        (HEAD.replace("cantine", "cantin") + "  - a\n", 1, "« cantin » n’est pas connu ici"),
        (HEAD.replace("décision", "decision") + "  - a\n", 3, "Vouliez-vous dire « décision » ?"),
        (HEAD + "  rien\n", 5, "une liste"),
        (ITEM + "      - montant: 2,3x\n", 9, "« 2,35 € »"),
        (ITEM + "      - montant: -1\n", 9, "de 0 à 10 000 €"),
        (ITEM + "      - montant: 99999999\n", 9, "de 0 à 10 000 €"),
        (ITEM + "      - {montant: 2,35}\n", 9, "« 35 » n’est pas connu ici"),
        (ITEM + "      - montant: 1\n        montant: 2\n", 10, "« montant » est écrit deux fois"),
        (ITEM + "      - montant: 1\n        taux: 1 %\n", 9, "un seul"),
        (ITEM + "      - montant: 1\n        plafond: 2\n", 10, "« plafond » ne va qu’avec « taux »"),
        (ITEM + "      - taux: 1 %\n        plancher: 1\n", 9, "« plancher » et un « plafond »"),
        (ITEM + "      - taux: 1 %\n        plancher: 2\n        plafond: 1\n", 11, "plus bas que le plancher"),
        (ITEM + "      - taux: 120 %\n        plancher: 2\n        plafond: 3\n", 9, "de 0 à 100 %"),
        (ITEM + "      - montant: 1\n      - montant: 2\n", 10, "ne servira jamais"),
        (ITEM + "      - montant: 1\n        pour: {âge: 9 à 3}\n", 10, "La fin est avant le début"),
        (ITEM + "      - montant: 1\n        pour: {âge: moins de 0}\n", 10, "La fin est avant le début"),
        (ITEM + "      - montant: 1\n        pour: {âge: petit}\n", 10, "On attend « 0 à 400 »"),
        (ITEM + "      - tranches:\n          - {quotient: 0 à 4, montant: 1}\n", 10, "« 5 et plus »"),
        (
            ITEM + "      - tranches:\n          - {quotient: 0 à 4, montant: 1}\n"
            "          - {quotient: 6 et plus, montant: 2}\n",
            11,
            "commencer à 5",
        ),
        (
            ITEM + "      - tranches:\n          - {quotient: 0 à 4, montant: 3}\n"
            "          - {quotient: 5 et plus, montant: 2}\n",
            11,
            "moins chère",
        ),
        (
            ITEM + "      - tranches:\n          - {quotient: 0 et plus, montant: 3}\n"
            "          - {quotient: 5 et plus, montant: 4}\n",
            11,
            "aucune famille",
        ),
        (ITEM + "      - montant: 1\n    fratrie:\n      - {rang: 0 à 2, réduction: 10 %}\n", 11, "à 1, l’aîné"),
        (
            ITEM + "      - montant: 1\n    fratrie:\n      - {rang: 2 et plus, réduction: 10 %}\n"
            "      - {rang: 3, réduction: 20 %}\n",
            11,
            "le même rang",
        ),
        (
            ITEM + "      - montant: 1\n" + ITEM[len(HEAD) :] + "      - montant: 2\n",
            10,
            "déjà celui d’une autre prestation",
        ),
        ("x" * 70_000, 1, "trop long"),
        ("[" * 5_000, 1, "pas construite comme il faut"),
    ],
)
def test_what_is_wrong_is_said_by_line(text: str, line: int, told: str) -> None:
    found = faults_of(text)
    assert any(told in sentence for at, sentence in found if at == line), found


def test_several_faults_are_told_at_once_in_their_order() -> None:
    text = ITEM.replace("meal", "Meal").replace("unité: repas", "unité: plat") + "      - montant: cher\n"
    assert [line for line, _ in faults_of(text)] == [5, 7, 9]


def test_no_truth_value_or_date_is_made_of_words() -> None:
    """YAML alone would take « non » for false and 2026-06-12 for a date."""
    tariff = read_tariff(
        ITEM.replace("titre: Cantine", "titre: non").replace("Délibération du 12 juin", "2026-06-12")
        + "      - montant: 010\n"
    )
    assert (tariff.title, tariff.decision) == ("non", "2026-06-12")
    assert tariff.items[0].cases[0].cents == 1000


@given(st.text(max_size=300))
def test_any_text_at_all_is_a_tariff_or_has_faults(text: str) -> None:
    for candidate in (text, ITEM + text):
        faults = _faults_or_none(candidate)
        assert faults is None or faults


def _faults_or_none(text: str) -> tuple[Fault, ...] | None:
    try:
        read_tariff(text)
    except UnreadableTariff as refusal:
        return refusal.faults
    return None
