"""The papers on A4: what a resident holds says which page it is, and no heading stands alone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pypdfium2

from cvq_desk.forms.catalogue import form_by_code
from cvq_desk.forms.paper import PaperFacts, form_pdf
from cvq_desk.forms.rules import Answers, FieldKind, FormDefinition, places
from cvq_desk.visits.summary import Summary, summary_pdf

FACTS = PaperFacts("261124-K7M2QX-1", date(2026, 11, 24), "mairie du Tallud", "Nadia Benali")
LONG = "Conduite de tracteurs et de machines agricoles, entretien du matériel. " * 9


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    texts = [document[number].get_textpage().get_text_range() for number in range(len(document))]
    document.close()
    return [" ".join(text.replace("\u202f", " ").replace("\u00a0", " ").split()) for text in texts]


def summary(*lines: str) -> Summary:
    return Summary(
        reference="261124-K7M2QX",
        day=date(2026, 11, 24),
        began_at=datetime(2026, 11, 24, 9, 3, tzinfo=UTC),
        place="mairie du Tallud",
        place_phone="05 49 64 00 00",
        advisor="Nadia Benali",
        organisation="Mutualité sociale agricole",
        organisation_contact="2 rue de la Citadelle, 79200 Parthenay · 05 49 94 00 00",
        lines=lines,
    )


def filled(form: FormDefinition) -> Answers:
    """Return answers as long as the form takes them."""
    answers: dict[str, tuple[str, ...]] = {}
    for place in places(form, answers):
        if place.field.kind in (FieldKind.TEXT, FieldKind.PARAGRAPH):
            answers[place.name] = (LONG[: place.field.length_max],)
    return answers


def test_each_page_says_which_of_how_many_it_is() -> None:
    texts = pages(summary_pdf(summary(*(f"Papier classé : « Facture {number} »." for number in range(60)))))
    assert len(texts) > 1
    for number, text in enumerate(texts, start=1):
        assert f"261124-K7M2QX Page {number} sur {len(texts)}" in text


def test_the_summary_names_each_way_to_ask_in_a_line_of_its_own() -> None:
    [text] = pages(summary_pdf(summary("Un échange, sans formulaire ni papier.")))
    assert "Donnez la référence. Mutualité sociale agricole 2 rue de la Citadelle, 79200 Parthenay" in text
    assert "05 49 94 00 00 Ou la mairie du Tallud, 05 49 64 00 00." in text


def test_a_curriculum_vitae_of_one_page_carries_no_number_and_a_longer_one_does() -> None:
    form = form_by_code("cv")
    [short] = pages(form_pdf(form, {"full_name": ("Jeanne Moreau",)}, FACTS))
    assert "Page" not in short
    long = pages(form_pdf(form, filled(form), FACTS))
    assert [f"Page {number} sur {len(long)}" in text for number, text in enumerate(long, start=1)] == [True] * len(long)


def test_no_heading_of_a_curriculum_vitae_stands_alone_at_the_foot_of_a_page() -> None:
    form = form_by_code("cv")
    titles = tuple(section.title for section in form.sections)
    for text in pages(form_pdf(form, filled(form), FACTS)):
        assert not text.partition(" Page ")[0].strip().endswith(titles)
