"""What may be answered, field by field, and what must not even be kept."""

from __future__ import annotations

from datetime import date

import pytest

from cvq_core.nir import NirRefused, looks_like_nir
from cvq_desk.forms.rules import (
    FieldKind,
    FormDefinition,
    FormField,
    Option,
    Section,
    check_complete,
    check_draft,
    parse_date,
)

TODAY = date(2026, 3, 3)
OPTIONS = (Option(value="car", label="Voiture"), Option(value="bus", label="Car"))


def form(*fields: FormField, nir_allowed: bool = False, repeat: int = 1) -> FormDefinition:
    section = Section(title="Vous", name="job", fields=fields, repeat=repeat)
    return FormDefinition(
        code="try", version=1, title="Essai", organisation="msa", sections=(section,), nir_allowed=nir_allowed
    )


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (FieldKind.DATE, ["2019-03-04", "04/03/2019", "4.3.2019"], ["31/02/2019", "hier", "04/03/19"]),
        (FieldKind.YES_NO, ["yes", "no"], ["oui", "1"]),
        (FieldKind.PHONE, ["05 49 64 00 00", "+33 5 49 64 00 00"], ["05 49", "allo"]),
        (FieldKind.EMAIL, ["jeanne@example.org"], ["jeanne", "jeanne@", "a b@example.org", "a@example"]),
        (FieldKind.MONEY, ["12", "12,5", "12.50"], ["-1", "12,505", "douze"]),
        (FieldKind.NUMBER, ["0", "42"], ["-1", "4,2", "1e3", "1000"]),
    ],
)
def test_a_field_takes_what_can_be_right_and_no_other(kind: FieldKind, good: list[str], bad: list[str]) -> None:
    field = FormField(name="it", label="?", kind=kind, max=999)
    assert {value: check_draft(form(field), field, [value], TODAY) for value in good} == dict.fromkeys(good, "")
    assert [value for value in bad if not check_draft(form(field), field, [value], TODAY)] == []


def test_one_choice_is_one_answer_and_several_choices_may_be_more() -> None:
    one = FormField(name="it", label="?", kind=FieldKind.CHOICE, options=OPTIONS)
    more = FormField(name="it", label="?", kind=FieldKind.CHOICES, options=OPTIONS)
    assert check_draft(form(one), one, ["car"], TODAY) == ""
    assert check_draft(form(one), one, ["car", "bus"], TODAY) != ""
    assert check_draft(form(more), more, ["car", "bus"], TODAY) == ""
    assert check_draft(form(more), more, ["car", "plane"], TODAY) != ""


def test_a_date_to_come_is_refused_where_the_past_is_asked_for() -> None:
    field = FormField(name="it", label="?", kind=FieldKind.DATE, past=True)
    assert check_draft(form(field), field, ["03/03/2026"], TODAY) == ""
    assert check_draft(form(field), field, ["04/03/2026"], TODAY) != ""


@pytest.mark.parametrize(
    "text",
    [
        "285057800608436",
        "2850578006084",
        "2 85 05 78 006 084 36",
        "2.85.05.78.006.084-36",
        "2\u00a085\u00a005\u202f78\u00a0006\u00a0084\u00a036",
        "2  85  05  78  006  084",
        "n° 1 85 05 2A 006 084 19 (Corse)",
        "1 85 05 2b 006 084",
        "185052b006084",
        "née en 1941 2 41 05 79 195 012 08 tél. 0549640000",
    ],
)
def test_what_looks_like_a_social_security_number_is_not_kept(text: str) -> None:
    field = FormField(name="it", label="?")
    assert looks_like_nir(text)
    with pytest.raises(NirRefused):
        check_draft(form(field), field, [text], TODAY)
    assert check_draft(form(field, nir_allowed=True), field, [text], TODAY) == ""


@pytest.mark.parametrize(
    "text",
    [
        "05 49 64 00 00",
        "05 49 64 00 00 06 12 34 56 78",
        "FR76 3000 6000 0112 3456 7890 189",
        "12/05/1941",
        "482130577",
        "SIRET 217 902 021 00014",
        "1 place de l’Église 79200 Parthenay",
    ],
)
def test_other_numbers_are_kept(text: str) -> None:
    assert not looks_like_nir(text)


def test_a_form_is_complete_when_what_is_needed_is_there() -> None:
    needed = FormField(name="name", label="Nom", required=True)
    free = FormField(name="note", label="Note")
    assert set(check_complete(form(needed, free), {"name": ["  "]}, TODAY)) == {"name"}
    assert check_complete(form(needed, free), {"name": ["Moreau"]}, TODAY) == {}


def test_a_repeated_section_asks_only_where_something_is_written() -> None:
    needed, free = FormField(name="what", label="Métier", required=True), FormField(name="where", label="Lieu")
    definition = form(needed, free, repeat=3)
    assert check_complete(definition, {"job.count": ["2"]}, TODAY) == {}
    answers = {"job.count": ["2"], "job.2.where": ["Parthenay"]}
    assert set(check_complete(definition, answers, TODAY)) == {"job.2.what"}


def test_a_day_that_the_calendar_does_not_have_is_none() -> None:
    assert parse_date("29/02/2024") == date(2024, 2, 29)
    assert parse_date("29/02/2023") is None
