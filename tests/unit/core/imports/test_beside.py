"""Two records beside each other: what differs is said and marked, and no more is shown than tells people apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.imports.beside import Line, Standing, Telling, compared, masked_card, masked_email, masked_phone
from cvq_core.imports.likeness import Reason
from cvq_core.imports.sides import Side
from cvq_core.people.rules import FamilyRole

TELLING = Telling(day=date.isoformat, hidden="non montrée")
ONE = Side(
    identity=UUID(int=1),
    base="tallud-cantine",
    title="Cantine 2000",
    commune_insee="79322",
    commune="Le Tallud",
    family="12",
    role=FamilyRole.GUARDIAN,
    family_name="MOREAU",
    usual_name=None,
    given_names="Madeleine Rose",
    birth_date=date(1985, 6, 7),
    birth_place=None,
    address="1 rue de la Gare",
    postcode="79200",
    city="Le Tallud",
    phone="05 36 49 12 34",
    email="madeleine@example.org",
    card_number="4821305773",
    others=("Lucas", "Jade"),
)
OTHER = replace(ONE, identity=UUID(int=2), base="", title="", commune="Pompaire", commune_insee="79213")


def lines(other: Side, *reasons: Reason, whole: tuple[bool, bool] = (True, True)) -> dict[str, Line]:
    return {line.what: line for line in compared(ONE, other, reasons, whole=whole, telling=TELLING)}


def text(line: Line, side: str = "right") -> str:
    return "".join(piece.text for piece in getattr(line, side))


def test_equal_records_are_equal_in_every_line_whatever_their_spelling() -> None:
    other = replace(
        OTHER, family_name="Moreau", given_names="Madeleine Rosé", address="1, r. de la gare", phone="+33536491234"
    )
    found = lines(other)
    assert {line.standing for line in found.values()} == {Standing.SAME}
    assert "Lieu de naissance" not in found


@pytest.mark.parametrize(
    ("what", "change", "reason", "standing"),
    [
        ("Prénoms", {"given_names": "Madeline Rose"}, Reason.GIVEN_NEAR, Standing.NEAR),
        ("Prénoms", {"given_names": "Lucie"}, Reason.GIVEN_DIFFERENT, Standing.DIFFERENT),
        ("Naissance", {"birth_date": date(1985, 7, 6)}, Reason.BORN_SWAPPED, Standing.NEAR),
        ("Naissance", {"birth_date": date(1955, 6, 7)}, Reason.BORN_GENERATION, Standing.DIFFERENT),
        ("Naissance", {"birth_date": None}, Reason.BORN_MISSING, Standing.MISSING),
        ("Nom de naissance", {"usual_name": "Roy"}, Reason.FAMILY_CROSSED, Standing.MISSING),
        ("Téléphone", {"phone": "05 49 00 12 34"}, Reason.FAMILY_EQUAL, Standing.DIFFERENT),
        ("Dans la famille", {"others": ("LUCAS",)}, Reason.FAMILY_EQUAL, Standing.NEAR),
        ("Dans la famille", {"others": ("Paul",)}, Reason.FAMILY_EQUAL, Standing.DIFFERENT),
    ],
)
def test_what_differs_is_said_in_a_word(
    what: str, change: dict[str, object], reason: Reason, standing: Standing
) -> None:
    assert lines(replace(OTHER, **change), reason)[what].standing is standing  # type: ignore[arg-type]


def test_the_letters_that_differ_are_marked_and_no_others() -> None:
    line = lines(replace(OTHER, given_names="Madeline Rose"), Reason.GIVEN_NEAR)["Prénoms"]
    assert "".join(piece.text for piece in line.left if piece.differs) == "e"
    assert not any(piece.differs for piece in line.right)


def test_a_date_is_marked_by_the_word() -> None:
    said = replace(TELLING, day=lambda day: f"{day.day} {('juin', 'juillet')[day.month - 6]} {day.year}")
    other = replace(OTHER, birth_date=date(1985, 7, 7))
    lines = compared(ONE, other, [Reason.BORN_NEAR], whole=(True, True), telling=said)
    [line] = [line for line in lines if line.what == "Naissance"]
    assert [piece.text for piece in (*line.left, *line.right) if piece.differs] == ["juin", "juillet"]


def test_contacts_and_cards_are_told_by_their_ends_and_compared_whole() -> None:
    found = lines(replace(OTHER, phone="05 49 00 12 34", card_number="9999995773", email="m@example.org"))
    shown = " ".join(text(line, side) for line in found.values() for side in ("left", "right"))
    for secret in ("36 49", "4821", "madeleine@"):
        assert secret not in shown
    assert text(found["Téléphone"]) == text(found["Téléphone"], "left") == "•• 34"
    assert found["Téléphone"].standing is found["Carte"].standing is Standing.DIFFERENT


def test_an_address_is_shown_only_of_a_side_that_is_whole_and_compared_all_the_same() -> None:
    line = lines(replace(OTHER, address="7 rue Secrète"), whole=(True, False))["Adresse"]
    assert (text(line, "left"), text(line), line.standing) == ("1 rue de la Gare", "non montrée", Standing.DIFFERENT)


@given(st.text(max_size=30), st.text(max_size=30))
def test_the_pieces_of_a_value_put_together_are_the_value(mine: str, theirs: str) -> None:
    one, other = replace(ONE, given_names=mine), replace(OTHER, given_names=theirs)
    for line in compared(one, other, [Reason.GIVEN_NEAR], whole=(True, True), telling=TELLING):
        if line.what == "Prénoms":
            assert (text(line, "left"), text(line)) == (mine, theirs)


@given(st.text(min_size=5, max_size=20))
def test_a_mask_never_tells_all(value: str) -> None:
    digits = "".join(each for each in value if each.isdigit())
    assert masked_phone(value) == (f"•• {digits[-2:]}" if digits else "")
    assert masked_email(f"{value}@example.org") == f"{value[:1]}•••@example.org"
    assert masked_card(value) == f"•• {value[-4:]}"
