"""The numbers of companies and associations."""

from __future__ import annotations

import pytest

from cvq_core.legal_entities.rules import BadEntity, EntityKind, entity_numbers

COMPANY, ASSOCIATION = EntityKind.COMPANY, EntityKind.ASSOCIATION


def test_numbers_are_kept_without_spaces() -> None:
    found = entity_numbers(COMPANY, "732 829 320 00074", "")
    assert (found.siret, found.rna) == ("73282932000074", None)
    assert entity_numbers(ASSOCIATION, "", "w792 001234").rna == "W792001234"


@pytest.mark.parametrize(
    ("kind", "siret", "rna"),
    [
        (COMPANY, "", ""),
        (ASSOCIATION, "", ""),
        (COMPANY, "73282932000075", ""),
        (COMPANY, "7328293200007", ""),
        (COMPANY, "73282932000074", "W792001234"),
        (ASSOCIATION, "", "W79200123"),
        (ASSOCIATION, "x", "W792001234"),
    ],
)
def test_a_number_that_cannot_be_right_is_refused(kind: EntityKind, siret: str, rna: str) -> None:
    with pytest.raises(BadEntity):
        entity_numbers(kind, siret, rna)
