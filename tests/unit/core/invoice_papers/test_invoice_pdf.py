"""An invoice on paper: its addressee in the envelope's window, its codes read back from the page, its copies marked."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date

import pypdfium2
import pytest
import zxingcpp

from cvq_core.invoice_papers.paper import (
    ADDRESS_LINES_MAX,
    Counter,
    InvoicePaper,
    Issuer,
    PaperLine,
    Resident,
    addressee,
)
from cvq_core.invoice_papers.pdf import invoice_pdf
from cvq_core.invoice_papers.proximity import Codes, code_of
from tests.core_examples import text_of_pdf

POINTS_A_MM = 72 / 25.4
URL = "https://guichet.parthenay-gatine.fr/f/abcdefghjkmn"
CODE = code_of(
    Codes(emitter="940033", collectivity="RS", product="087", post="079033"), year=2026, number=42, due_cents=2890
)
assert CODE is not None
PAPER = InvoicePaper(
    issuer=Issuer(
        "Communauté de communes de Parthenay-Gâtine",
        ("7, rue Béranger", "79200 Parthenay"),
        siret="73282932000074",
        phone="05 49 94 90 00",
        email="facturation@exemple.fr",
        legal="TVA non applicable, article 256 B du code général des impôts.",
    ),
    addressee=("Claire Moreau", "Julien Moreau", "Appartement 12", "12, rue du Moulin", "La Roche", "79130 LE TALLUD"),
    number="2026-000042",
    account="F00001",
    label="Novembre 2026",
    issued_on=date(2026, 12, 1),
    due_on=date(2026, 12, 31),
    as_of=date(2026, 12, 5),
    lines=(
        PaperLine("Cantine", "Repas de Léa <b>&", 14, 235, 3290, "QF 742, tranche 3 : 2,35 €"),
        PaperLine("Piscine", "Entrées", 2, 300, 600),
    ),
    total_cents=3890,
    due_cents=2890,
    online_url=URL,
    counters=(Counter("Mairie de Pompaire", "1, place de la Mairie, 05 49 00 00 00", ("espèces", "chèque")),),
    proximity_code=CODE,
)


def codes_on(content: bytes, page: int = 0) -> dict[str, str]:
    """What a reader finds on a page as it is printed at 300 dots an inch."""
    with closing(pypdfium2.PdfDocument(content)) as pdf:
        image = pdf[page].render(scale=300 / 72).to_pil().convert("L")
    return {str(code.format): code.text for code in zxingcpp.read_barcodes(image)}


def text_in(content: bytes, across: tuple[float, float], down: tuple[float, float]) -> str:
    """What stands in a part of the first page; in millimetres from its left and its top."""
    with closing(pypdfium2.PdfDocument(content)) as pdf:
        height = pdf[0].get_height()
        box = (across[0], height / POINTS_A_MM - down[1], across[1], height / POINTS_A_MM - down[0])
        return str(pdf[0].get_textpage().get_text_bounded(*(each * POINTS_A_MM for each in box)))


def test_both_codes_are_read_back_from_the_page_as_they_were_given() -> None:
    assert codes_on(invoice_pdf(PAPER)) == {"QR Code": URL, "Data Matrix": CODE}


def test_only_the_addressee_stands_in_the_window_of_the_envelope() -> None:
    for paper in (PAPER, replace(PAPER, copy=3, due_cents=0)):
        content = invoice_pdf(paper)
        always = text_in(content, (109, 190), (57, 79)).split("\r\n")
        assert tuple(line.strip() for line in always) == PAPER.addressee
        assert text_in(content, (90, 209), (43, 102)) == text_in(content, (109, 190), (57, 79))
    assert len(PAPER.addressee) == ADDRESS_LINES_MAX


def test_it_says_who_asks_for_what_and_why_and_how_one_pays_or_contests() -> None:
    text = text_of_pdf(invoice_pdf(PAPER))
    for words in (
        "Communauté de communes de Parthenay-Gâtine",
        "SIRET 732 829 320 00074",
        "n° 2026-000042",
        "À payer avant le 31 décembre 2026",
        "Repas de Léa <b>&",
        "QF 742, tranche 3 : 2,35 €",
        "Total de la facture 38,90 €",
        "Déjà payé au 5 décembre 2026 −10,00 €",
        "Reste à payer 28,90 €",
        "Payable auprès d’un buraliste agréé : en espèces jusqu’à 300 €",
        "Mairie de Pompaire, 1, place de la Mairie, 05 49 00 00 00 : espèces, chèque",
        "article L. 1617-5 du code général des collectivités territoriales",
        "TVA non applicable",
        "Page 1 sur 1",
    ):
        assert words in text, words
    assert "DUPLICATA" not in text


def test_a_duplicate_and_what_is_paid_are_marked_and_what_is_paid_bears_no_code() -> None:
    paid = replace(PAPER, copy=2, due_cents=0, online_url="", proximity_code="", counters=())
    text = text_of_pdf(invoice_pdf(paid))
    assert "DUPLICATA N° 2" in text
    assert "PAYÉE" in text
    assert "Comment payer" not in text
    assert codes_on(invoice_pdf(paid)) == {}


def test_the_same_invoice_gives_the_same_bytes() -> None:
    assert invoice_pdf(PAPER) == invoice_pdf(PAPER)


def test_the_longest_issuer_leaves_the_number_and_the_window_alone() -> None:
    issuer = Issuer(
        ("Communauté d’agglomération " * 4)[:80],
        tuple(f"{number}, rue de la Très-Longue-Muraille-Sud"[:38] for number in range(1, 5)),
        siret="73282932000074",
        phone="0" * 38,
        email="m" * 80,
    )
    content = invoice_pdf(replace(PAPER, issuer=issuer))
    assert text_in(content, (90, 209), (43, 102)) == text_in(content, (109, 190), (57, 79))
    last = text_in(content, (0, 90), (100, 105))
    assert "À payer avant" not in last, "it stands above the lines"
    assert "n° 2026-000042" in text_in(content, (0, 90), (50, 100))


@pytest.mark.parametrize("count", [8, 9, 10, 11, 12, 40, 200])
def test_a_long_one_goes_on_over_pages_that_are_counted_and_loses_no_line(count: int) -> None:
    lines = tuple(PaperLine("Cantine", f"Repas numéro {each:03d}.", 1, 100, 100, "Pourquoi") for each in range(count))
    content = invoice_pdf(replace(PAPER, lines=lines, total_cents=100 * count, due_cents=100 * count))
    text = text_of_pdf(content)
    assert [f"Repas numéro {each:03d}." in text for each in range(count)] == [True] * count
    with closing(pypdfium2.PdfDocument(content)) as pdf:
        pages = len(pdf)
    assert f"Page {pages} sur {pages}" in text
    assert "article L. 1617-5" in text
    assert (
        codes_on(content, pages - 1).get("Data Matrix") == CODE or codes_on(content, pages - 2)["Data Matrix"] == CODE
    )


def test_it_is_sent_where_somebody_lives_who_pays_and_to_those_who_live_there_too() -> None:
    claire = Resident("Claire Moreau", "12, rue du Moulin\nLa Roche", "79130", "Le Tallud")
    paul = Resident("Paul Moreau", "", "", "")
    julien = replace(claire, name="Julien Moreau")
    elsewhere = Resident("Jeanne Roy", "3, place de la Mairie", "79200", "Pompaire")
    town = ("12, rue du Moulin", "La Roche", "79130 LE TALLUD")
    assert addressee([paul, claire, elsewhere, julien], "Moreau") == ("Claire Moreau", "Julien Moreau", *town)
    assert addressee([paul], "Moreau") == ("Paul Moreau",)
    assert addressee([], "Famille Moreau") == ("Famille Moreau",)
    long = replace(claire, address="\n".join(f"Ligne {each}" for each in range(9)))
    assert len(addressee([long, replace(long, name="B"), replace(long, name="C")], "")) == ADDRESS_LINES_MAX


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"address": ("a",) * 5}, {"siret": "73282932000075"}, {"legal": "x" * 401}, {"phone": "1" * 39}],
)
def test_an_issuer_that_has_no_room_or_no_such_number_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"name|address|legal|siret"):
        replace(PAPER.issuer, **wrong)
