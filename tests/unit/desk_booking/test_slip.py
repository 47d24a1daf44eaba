"""The slip that a resident takes home: what stands on it, what never does, and that it is readable everywhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pypdfium2
import pytest

from cvq_desk.booking.slip import Slip, slip_pdf

SLIP = Slip(
    place="Mairie du Tallud",
    address="1 place de l’Église\n79200 Le Tallud",
    starts_at=datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
    organisation="Mutualité sociale agricole (MSA)",
    bring=("Une pièce d’identité", "Le dernier relevé de carrière"),
    phone="05 49 64 00 00",
)


def pages_of(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [
            " ".join(document[number].get_textpage().get_text_range().replace("\u00a0", " ").split())
            for number in range(len(document))
        ]
    finally:
        document.close()


def test_it_says_where_when_with_whom_and_what_to_bring() -> None:
    (text,) = pages_of(slip_pdf(SLIP))
    for words in (
        "décembre 2026",
        "10 h 30",
        "Mairie du Tallud",
        "1 place de l’Église",
        "Mutualité sociale agricole (MSA)",
        "Une pièce d’identité",
        "Le dernier relevé de carrière",
        "05 49 64 00 00",
    ):
        assert words in text


def test_the_day_stands_with_its_month_in_letters_on_the_clocks_of_the_place() -> None:
    in_summer = Slip("Mairie", "", datetime(2026, 7, 21, 8, 0, tzinfo=UTC), "CAF", (), "")
    (text,) = pages_of(slip_pdf(in_summer))
    assert "Mardi 21 juillet 2026" in text
    assert "10 h 00" in text


def test_it_has_no_place_for_a_name_or_a_reason() -> None:
    assert set(Slip.__dataclass_fields__) == {
        "place",
        "address",
        "starts_at",
        "organisation",
        "bring",
        "phone",
        "language",
    }


def test_it_is_one_page_that_needs_no_font_of_the_printer() -> None:
    pdf = slip_pdf(SLIP)
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    assert [round(side) for side in document[0].get_size()] == [420, 595]
    document.close()
    assert b"Helvetica" not in pdf
    assert pdf.count(b"/FontFile2") >= 2


@pytest.mark.parametrize("papers", [0, 1, 12, 40])
def test_a_long_list_of_papers_stays_on_the_page(papers: int) -> None:
    bring = tuple(f"Le papier numéro {number}, avec son enveloppe et toutes ses pages" for number in range(papers))
    slip = Slip("Mairie de Saint-Aubin-le-Cloud", "", SLIP.starts_at, "Caisse d’allocations familiales", bring, "17")
    (text,) = pages_of(slip_pdf(slip))
    assert text.count("Le papier numéro") == min(papers, 12)
    assert "17" in text


def test_what_was_typed_into_the_settings_is_text_and_no_markup() -> None:
    slip = Slip("Mairie <b>du</b> Tallud & Cie", "", SLIP.starts_at, "CAF", ("<img src=x>",), "")
    (text,) = pages_of(slip_pdf(slip))
    assert "Mairie <b>du</b> Tallud & Cie" in text
    assert "<img src=x>" in text


def test_it_speaks_english_where_that_was_chosen() -> None:
    (text,) = pages_of(slip_pdf(Slip("Town hall", "", SLIP.starts_at, "CAF", (), "", "en")))
    assert "10:30" in text
    assert "December" in text
