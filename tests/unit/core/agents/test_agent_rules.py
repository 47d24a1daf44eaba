"""What a staff list changes, and when it is not believed."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.agents.reading import read_staff_list
from cvq_core.agents.rules import (
    BadStaffList,
    KnownAgent,
    ListRow,
    Schedule,
    StaffListTooShort,
    changes,
    check_leavers,
    doors_to_change,
    same_person,
)

TODAY = date(2026, 3, 3)
HEAD = "Matricule;Nom;Prénom;Né(e) le;Service\n"


def read(text: str, encoding: str = "utf-8") -> list[ListRow]:
    return read_staff_list(text.encode(encoding), today=TODAY)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_list_is_read_whatever_software_wrote_it(encoding: str) -> None:
    [row] = read(f"Mairie de Pompaire\n\n{HEAD}0042;BRÉMAUD;Odile;02/04/1971;Écoles\n;;;;\n", encoding)
    assert row == ListRow("0042", "BRÉMAUD", "Odile", date(1971, 4, 2), "Écoles")
    assert row.group_key == "ecoles"


def test_of_several_contracts_the_one_of_today_counts() -> None:
    head = "matricule,nom,prenom,groupe,date d'entrée,fin de contrat\n"
    rows = read(
        f"{head}1,A,B,Old,2020-01-01,2026-03-02\n1,A,B,New,2026-03-03,\n2,C,D,New,2026-03-04,\n3,E,F,X,,2026-03-03\n"
    )
    assert [(row.number, row.group) for row in rows] == [("1", "New"), ("3", "X")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("nom;prénom\nA;B\n", 1),
        (HEAD, 1),
        (HEAD + "1;A;B;;X\n1;C;D;;X\n", 3),
        (HEAD + ";A;B;;X\n", 2),
        (HEAD + "1;;B;;X\n", 2),
        (HEAD + "1;A;B;31/31/2000;X\n", 2),
        (HEAD + f"{'9' * 41};A;B;;X\n", 2),
        (HEAD + f"1;A;B;;{'x' * 90}\n", 2),
    ],
)
def test_a_list_with_one_line_that_cannot_be_right_is_no_list(text: str, line: int) -> None:
    with pytest.raises(BadStaffList) as refused:
        read(text)
    assert refused.value.facts["line"] == line


@given(st.binary(max_size=300))
def test_whatever_is_dropped_is_a_list_or_refused(content: bytes) -> None:
    with suppress(BadStaffList):
        assert read_staff_list(content, today=TODAY)


def row(number: str, group: str = "a", born: date | None = None) -> ListRow:
    return ListRow(number, "Moreau", "Jeanne", born, group)


def agent(number: str, group: str = "a", born: date | None = None) -> KnownAgent:
    return KnownAgent(UUID(int=int(number)), number, UUID(int=1000 + int(number)), group, born)


def test_a_number_that_went_to_somebody_else_is_a_leaver_and_a_newcomer() -> None:
    before = agent("1", born=date(1970, 1, 1))
    changed = changes([row("1", born=date(1999, 1, 1))], [before])
    assert (changed.left, [each.number for each in changed.new], changed.moved) == ((before,), ["1"], ())
    assert changes([row("1")], [before]).left == (), "without a birth date the number is believed"


numbers = st.dictionaries(st.integers(0, 30).map(str), st.sampled_from("abc"), max_size=12)


@given(numbers, numbers)
def test_everybody_stays_moves_leaves_or_comes(before: dict[str, str], after: dict[str, str]) -> None:
    changed = changes([row(*each) for each in after.items()], [agent(*each) for each in before.items()])
    now = dict(before)
    for each in changed.left:
        del now[each.number]
    for old, new in changed.moved:
        assert old.group != new.group
        now[old.number] = new.group
    now |= {each.number: each.group for each in changed.new}
    assert now == after


@pytest.mark.parametrize(
    ("gone", "known", "believed"), [(2, 3, True), (3, 3, False), (10, 100, True), (11, 100, False)]
)
def test_a_list_that_lacks_too_many_is_not_believed(gone: int, known: int, believed: bool) -> None:
    if believed:
        check_leavers(gone, known, 10)
    else:
        with pytest.raises(StaffListTooShort):
            check_leavers(gone, known, 10)


@pytest.mark.parametrize(
    ("family", "given_names", "same"),
    [
        (("MOREAU", None), "Jeanne, Marie", True),
        (("Durand", "Moréau"), "JEANNE", True),
        (("Moreau", None), "Jean", False),
        (("Moreaux", None), "Jeanne", False),
        (("Moreau", None), "", False),
    ],
)
def test_names_are_compared_without_accents_and_by_the_first_given_name(
    family: tuple[str, str | None], given_names: str, same: bool
) -> None:
    assert same_person(row("1"), family, given_names) is same


def test_only_the_doors_that_differ_change_and_one_closed_by_hand_stays_closed() -> None:
    now, then = Schedule(31, None, None), Schedule(127, None, None)
    door, other, third = (UUID(int=each) for each in (1, 2, 3))
    right, wrong, old = (UUID(int=each) for each in (11, 12, 13))
    held = {door: (right, now), other: (wrong, then), third: (old, now)}
    assert doors_to_change(held, {door, other}, now) == ([wrong, old], [other])
    assert doors_to_change(held, {door}, now)[1] == []
