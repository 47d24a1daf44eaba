"""What a paper receipt says, read back from the PDF."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pypdfium2
import pytest

from cvq_core.ids import new_id
from cvq_core.offices.receipt_pdf import LINES_ON_A5, Paper, receipt_pdf
from cvq_core.offices.rules import Means
from cvq_core.offices.tables import Receipt

PAPERS: list[Paper] = ["a5", "strip"]


def line(service: str, cents: int, *, family: str = "Moreau") -> dict[str, Any]:
    return {
        "wallet_id": str(new_id()),
        "service": service,
        "account": "F00001",
        "family": family,
        "amount_cents": cents,
        "balance_cents": 123450,
    }


def receipt(*lines: dict[str, Any], void: bool = False, means: Means = Means.CASH, change: int = 0) -> Receipt:
    total = sum(each["amount_cents"] for each in lines)
    printed = {
        "series": "CVQ",
        "office": "Régie de recettes et d’avances",
        "founding_act": "Délibération du 30 juin 2005",
        "place": "Mairie de Pompaire",
        "address": "Place de la Mairie, 79200 Pompaire",
        "phone": "05 36 49 00 40",
        "collected_by": "Odile Brémaud",
        "title": "mandataire",
        "lines": list(lines),
    } | ({"voids": "CVQ-000041", "reason": "Erreur de compte"} if void else {})
    return Receipt(
        id=new_id(),
        number=42,
        means=means,
        total_cents=total,
        tendered_cents=total + change,
        change_cents=change,
        issued_at=datetime(2026, 3, 3, 9, 30, tzinfo=UTC),
        voids_id=new_id() if void else None,
        printed=printed,
    )


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    texts = [document[number].get_textpage().get_text_range() for number in range(len(document))]
    document.close()
    return [" ".join(text.replace("\u202f", " ").replace("\u00a0", " ").split()) for text in texts]


@pytest.mark.parametrize("paper", PAPERS)
def test_it_says_who_paid_what_for_what_when_and_to_whom(paper: Paper) -> None:
    [text] = pages(receipt_pdf(receipt(line("Piscine", 2000), change=3000), paper=paper))
    for words in (
        "CVQ-000042",
        "mardi 3 mars 2026, 10 h 30",
        "Reçu de : Moreau",
        "Piscine",
        "compte F00001, nouveau solde 1 234,50 €",
        "20,00 €",
        "Remis 50,00 €, rendu 30,00 €",
        "Odile Brémaud, mandataire",
        "Place de la Mairie, 79200 Pompaire",
        "Régie de recettes et d’avances",
    ):
        assert words in text, words
    assert "DUPLICATA" not in text
    assert "ANNULÉE" not in text


def test_the_counterfoil_repeats_the_number_and_the_total() -> None:
    [text] = pages(receipt_pdf(receipt(line("Piscine", 2000))))
    assert "Souche" in text
    assert text.count("CVQ-000042") == 2
    assert text.count("20,00 €") == 3  # the line, its total, the counterfoil's total


@pytest.mark.parametrize("paper", PAPERS)
def test_a_duplicate_is_marked_as_one_and_counted(paper: Paper) -> None:
    [text] = pages(receipt_pdf(receipt(line("Piscine", 2000)), copy=2, paper=paper))
    assert "DUPLICATA N° 2" in text


@pytest.mark.parametrize("paper", PAPERS)
def test_a_voided_receipt_says_so_on_its_duplicate(paper: Paper) -> None:
    [text] = pages(receipt_pdf(receipt(line("Piscine", 2000)), copy=1, voided=True, paper=paper))
    assert "ANNULÉE" in text


@pytest.mark.parametrize("paper", PAPERS)
def test_a_void_names_what_it_voids_and_why(paper: Paper) -> None:
    [text] = pages(receipt_pdf(receipt(line("Piscine", -2000), void=True), paper=paper))
    assert "Quittance d’annulation" in text
    assert "Annule la quittance CVQ-000041. Motif : Erreur de compte" in text
    assert "Rendu à : Moreau" in text
    assert "Total rendu" in text


def test_a_long_receipt_goes_on_over_pages_and_loses_no_line() -> None:
    count = 2 * LINES_ON_A5 + 1
    texts = pages(receipt_pdf(receipt(*(line(f"Service {number}", 100) for number in range(count)))))
    assert len(texts) == 3
    assert all(f"({number}/3)" in text for number, text in enumerate(texts, start=1))
    for number in range(count):
        assert any(f"Service {number}" in text for text in texts)
    assert "Suite à la page suivante" in texts[0]
    assert "Total reçu 11,00 €" in texts[2]


def test_many_families_on_one_receipt_are_counted_not_squeezed() -> None:
    lines = [line("Piscine", 100, family=f"Famille {letter}") for letter in "ABCDE"]
    [text] = pages(receipt_pdf(receipt(*lines)))
    assert "Reçu de : Famille A, Famille B et 3 autres" in text


@pytest.mark.parametrize(
    ("means", "words"), [(Means.CHEQUE, "Payé par chèque"), (Means.CARD, "Payé par carte bancaire")]
)
def test_it_says_by_which_means_it_was_paid(means: Means, words: str) -> None:
    [text] = pages(receipt_pdf(receipt(line("Piscine", 2000), means=means)))
    assert words in text


@pytest.mark.parametrize("paper", PAPERS)
def test_printing_it_again_gives_the_same_bytes(paper: Paper) -> None:
    one = receipt(line("Piscine", 2000))
    assert receipt_pdf(one, paper=paper) == receipt_pdf(one, paper=paper)


@pytest.mark.parametrize("paper", PAPERS)
def test_names_that_are_long_or_strange_break_nothing(paper: Paper) -> None:
    strange = line("S" * 300, 100, family="Łucja Şahin-Ğ" + "x" * 300 + " 東京 <b>&")
    [text] = pages(receipt_pdf(receipt(strange), paper=paper))
    assert "Łucja" in text


@pytest.mark.parametrize("paper", PAPERS)
def test_a_long_name_takes_lines_of_its_own_and_loses_no_letter(paper: Paper) -> None:
    name, family = "Location de la salle des fêtes, un dimanche entier", "de La Rochefoucauld-Montmorency-Desrosiers"
    printed = receipt_pdf(receipt(*(line(name, 1234567, family=family) for _ in range(LINES_ON_A5))), paper=paper)
    text = " ".join(pages(printed)).replace("12 345,67 € ", "")
    assert text.count(name) == LINES_ON_A5
    assert "…" not in text
    assert "Desrosiers" in text
