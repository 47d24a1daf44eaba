"""What a slip says, read back from the PDF."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pypdfium2

from cvq_core.ids import new_id
from cvq_core.offices.remittance_pdf import remittance_pdf
from cvq_core.offices.remittance_rules import RemittedTo
from cvq_core.offices.tables import Remittance


def slip(*, cheques: int = 2, cancels: bool = False) -> Remittance:
    receipts: list[dict[str, Any]] = [
        {
            "number": f"CVQ-{number:06d}",
            "means": "cheque",
            "amount_cents": 2000,
            "cheque": {
                "number": f"00042{number:02d}",
                "bank": "Crédit agricole",
                "drawer_name": "Moreau & fils <SARL>",
            },
        }
        for number in range(1, cheques + 1)
    ]
    means = {"cash": 4050, "cheque": 2000 * cheques}
    printed = {
        "series": "CVQ",
        "office": "Régie de recettes & d’avances",
        "founding_act": "Délibération du 30 juin 2005",
        "place": "Mairie de Pompaire",
        "address": "Place de la Mairie",
        "remitted_by": "Odile Brémaud",
        "title": "mandataire",
        "means": means,
        "left_cents": 0,
        "drawers": [
            {
                "opened_at": "2026-03-03T08:00:00+00:00",
                "closed_at": "2026-03-03T11:00:00+00:00",
                "first": "CVQ-000001",
                "last": f"CVQ-{cheques + 1:06d}",
                "receipts": cheques + 1,
                "means": means,
                "difference_cents": -250,
            }
        ],
        "receipts": receipts,
        "sources": [],
    } | ({"cancels": "CVQ-V-000006", "reason": "Mauvais sac"} if cancels else {})
    return Remittance(
        id=new_id(),
        number=7,
        to=RemittedTo.OFFICE,
        made_at=datetime(2026, 3, 3, 16, 5, tzinfo=UTC),
        cancels_id=new_id() if cancels else None,
        cash_cents=4050,
        total_cents=sum(means.values()),
        counted={"2000": 2, "50": 1},
        printed=printed,
    )


def pages(remittance: Remittance, *, cancelled: bool = False) -> list[str]:
    document = pypdfium2.PdfDocument(remittance_pdf(remittance, cancelled=cancelled))
    texts = [document[number].get_textpage().get_text_range() for number in range(len(document))]
    document.close()
    return [" ".join(text.replace("\u202f", " ").replace("\u00a0", " ").split()) for text in texts]


def test_it_says_what_is_paid_over_note_by_note_and_cheque_by_cheque() -> None:
    [text] = pages(slip())
    for words in (
        "n° CVQ-V-000007",
        "Mardi 3 mars 2026, 17 h 05 · versé au régisseur",
        "Espèces 40,50 €",
        "Total versé 80,50 €",
        "20,00 € 2 40,00 €",
        "0,50 € 1 0,50 €",
        "CVQ-000002 n° 0004202, Crédit agricole, tiré par Moreau & fils <SARL> 20,00 €",
        "CVQ-000001 à CVQ-000003 (3)",
        "écart −2,50 €",
        "Versé par Odile Brémaud, mandataire",
    ):
        assert words in text
    assert "ANNULÉ" not in text


def test_a_long_list_goes_on_over_pages_with_its_head_and_loses_no_cheque() -> None:
    found = pages(slip(cheques=90))
    assert len(found) > 2
    assert all(f"Page {number}" in page for number, page in enumerate(found, start=1))
    assert all("Quittance Ce qui est noté Montant" in page for page in found[:-1])
    whole = " ".join(found)
    assert all(f"n° 00042{number:02d}," in whole for number in range(1, 91))
    assert "90 en tout 1 800,00 €" in whole


def test_a_cancellation_names_what_it_cancels_and_what_was_cancelled_says_so() -> None:
    [cancelling] = pages(slip(cancels=True))
    assert "Bordereau d’annulation de versement" in cancelling
    assert "Annule le versement CVQ-V-000006. Motif : Mauvais sac" in cancelling
    [taken_back] = pages(slip(), cancelled=True)
    assert "ANNULÉ" in taken_back


def test_the_same_slip_gives_the_same_bytes() -> None:
    remittance = slip()
    assert remittance_pdf(remittance) == remittance_pdf(remittance)
