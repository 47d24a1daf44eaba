"""A mapping as an official writes it: what it says, and what is wrong in it by line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cvq_core.imports.mapping import UnreadableMapping, read_mapping
from cvq_core.seed.old_bases import MAPPING_NAME, write_old_bases
from cvq_core.services.rules import ServiceCode

SOUND = """
base: parthenay-cantine
commune: "79202"
logiciel: Cantine 2000
soldes au: 31/08/2026
fichiers:
  - nom: familles*.csv
    dates: [JJ/MM/AAAA, AAAA-MM-JJ]
    famille:
      numéro: N° famille
    personnes:
      - rôle: {colonne: Type, valeurs: {R: responsable, E: enfant}}
        nom: Nom
        nom d'usage: Nom marital
        prénoms: Prénom
        inscriptions:
          cantine: Inscrit
    soldes:
      cantine: Solde
"""


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(UnreadableMapping) as caught:
        read_mapping(text)
    return [(fault.line, fault.sentence.format(**fault.facts)) for fault in caught.value.faults]


def test_a_mapping_says_which_column_is_what() -> None:
    mapping = read_mapping(SOUND)
    assert (mapping.base, mapping.commune, mapping.balances_on) == ("parthenay-cantine", "79202", date(2026, 8, 31))
    [file] = mapping.files
    assert file.dates == ("%d/%m/%Y", "%Y-%m-%d")
    assert file.columns() == {"N° famille", "Type", "Nom", "Nom marital", "Prénom", "Inscrit", "Solde"}
    [block] = file.persons
    assert block.fields["rôle"].values == {"r": "responsable", "e": "enfant"}
    assert set(block.enrolments) == {ServiceCode.CANTEEN}


def test_every_mapping_of_the_samples_is_sound(tmp_path: Path) -> None:
    made = write_old_bases(tmp_path, "demo")
    assert made.folders
    for folder in made.folders:
        read_mapping((folder / MAPPING_NAME).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("wrong", "right", "line", "told"),
    [
        ("commune: 7920", 'commune: "79202"', 3, "cinq caractères"),
        ("base: Parthenay Cantine", "base: parthenay-cantine", 2, "sans accent"),
        ("    famile:", "    famille:", 9, "Vouliez-vous dire « famille »"),
        ("E: enfnt", "E: enfant", 12, "« enfnt » n’est pas connu"),
        ("dates: [JJ/JJ/AAAA, AAAA-MM-JJ]", "dates: [JJ/MM/AAAA, AAAA-MM-JJ]", 8, "JJ/MM/AAAA"),
        ("logiciel: &a Cantine", "logiciel: Cantine 2000", 4, "pas construite"),
        ("  cantne: Solde", "  cantine: Solde", 19, "Vouliez-vous dire « cantine »"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(wrong: str, right: str, line: int, told: str) -> None:
    assert right in SOUND
    found = faults(SOUND.replace(right, wrong))
    assert any(at == line and told in sentence for at, sentence in found), found


def test_balances_without_their_date_are_refused() -> None:
    assert "soldes au" in faults(SOUND.replace("soldes au: 31/08/2026\n", ""))[0][1]


def test_a_mapping_without_people_is_refused() -> None:
    before, _, after = SOUND.partition("    personnes:")
    assert "Aucun fichier" in faults(before + after[after.index("    soldes:") :])[0][1]
