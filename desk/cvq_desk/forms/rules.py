"""What a form asks, and what may be answered. Pure: definitions and answers in, findings out.

A definition is a YAML file; nothing in the code knows a particular form. A section may stand several times: its
fields are then named `experience.1.job`, `experience.2.job`, and the answer `experience.count` says how often.
Answers are lists of strings, as a page sends them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, model_validator

from cvq_core.errors import N_, BadInput
from cvq_core.nir import NirRefused, looks_like_nir
from cvq_core.text import NO_BREAK_SPACE, short_date

Answers = Mapping[str, Sequence[str]]
NAME = r"^[a-z][a-z0-9_]{0,39}$"


class FieldKind(StrEnum):
    """How a field is filled."""

    TEXT = "text"
    PARAGRAPH = "paragraph"
    DATE = "date"
    CHOICE = "choice"
    CHOICES = "choices"
    YES_NO = "yes_no"
    PHONE = "phone"
    EMAIL = "email"
    MONEY = "money"
    NUMBER = "number"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Option(_Strict):
    """One answer to choose."""

    value: Annotated[str, Field(pattern=NAME)]
    label: str


class FormField(_Strict):
    """One question. `past` refuses a date to come; `min` and `max` bound a number."""

    name: Annotated[str, Field(pattern=NAME)]
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    hint: str = ""
    options: tuple[Option, ...] = ()
    length_max: int = Field(default=200, ge=1, le=2000)
    wide: bool = False
    past: bool = False
    min: int = 0
    max: int = 1_000_000_000

    @model_validator(mode="after")
    def _choices_have_options(self) -> FormField:
        if (self.kind in (FieldKind.CHOICE, FieldKind.CHOICES)) != bool(self.options):
            raise ValueError(f"{self.name}: a choice has options, and nothing else has")
        return self


class Section(_Strict):
    """Questions under one heading; with `repeat` it stands one to `repeat` times."""

    title: str
    fields: tuple[FormField, ...] = Field(min_length=1)
    name: str = ""
    repeat: int = Field(default=1, ge=1, le=20)

    @model_validator(mode="after")
    def _a_repeated_one_has_a_name(self) -> Section:
        if self.repeat > 1 and not re.match(NAME, self.name):
            raise ValueError(f"{self.title}: a section that repeats needs a name")
        return self


class FormDefinition(_Strict):
    """A form. `nir_allowed` only for bodies on the closed list of décret 2019-341."""

    code: Annotated[str, Field(pattern=NAME)]
    version: int = Field(ge=1)
    title: str
    organisation: str
    intro: str = ""
    paper: Literal["plain", "cv"] = "plain"
    nir_allowed: bool = False
    sections: tuple[Section, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> FormDefinition:
        names = [place.name for place in places(self, {})]
        if len(names) != len(set(names)):
            raise ValueError(f"{self.code}: two fields bear one name")
        return self


@dataclass(frozen=True, slots=True)
class Place:
    """A field where it stands: under its full name, in one standing of its section."""

    name: str
    field: FormField
    section: Section
    standing: int


class UnknownField(BadInput):
    """The form has no such field."""

    slug = "unknown-field"
    message = N_("Ce formulaire n’a pas ce champ.")
    what_to_do = ""


class FormIncomplete(BadInput):
    """Answers are missing or cannot be right."""

    slug = "form-incomplete"
    message = N_("Il manque des réponses, ou certaines sont mal écrites.")
    what_to_do = N_("Les champs à revoir sont signalés dans le formulaire.")


MISSING = N_("Il manque cette réponse.")
TOO_LONG = N_("Cette réponse est trop longue.")
BAD_DATE = N_("Écrivez la date comme 04/03/2019.")
DATE_TO_COME = N_("Cette date est dans l’avenir.")
BAD_PHONE = N_("Ce numéro de téléphone n’est pas complet.")
BAD_EMAIL = N_("Cette adresse électronique n’est pas complète.")
BAD_NUMBER = N_("Un nombre entier est attendu.")
OUT_OF_BOUNDS = N_("Ce nombre n’est pas possible ici.")
BAD_CHOICE = N_("Ce choix n’existe pas.")
BAD_MONEY = N_("Écrivez le montant comme 12,50.")

# What every mail server takes: no accents, no quotes, no comments.
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.ASCII | re.IGNORECASE)
_MONEY = re.compile(r"^\d{1,7}([.,]\d{1,2})?$")


def standings(section: Section, answers: Answers) -> int:
    """Return how often a section stands."""
    if section.repeat == 1:
        return 1
    written = next(iter(answers.get(f"{section.name}.count", ())), "1")
    return min(max(int(written) if written.isdigit() else 1, 1), section.repeat)


def places(form: FormDefinition, answers: Answers) -> Iterator[Place]:
    """Yield every field in its places, in the order of the paper."""
    for section in form.sections:
        for standing in range(1, standings(section, answers) + 1):
            for field in section.fields:
                name = field.name if section.repeat == 1 else f"{section.name}.{standing}.{field.name}"
                yield Place(name, field, section, standing)


def find_place(form: FormDefinition, answers: Answers, name: str) -> Place:
    """Return the place of a field.

    Raises:
        UnknownField: the form has none of this name.
    """
    found = next((place for place in places(form, answers) if place.name == name), None)
    if found is None:
        raise UnknownField(field=name)
    return found


def check_draft(form: FormDefinition, field: FormField, values: Sequence[str], today: date) -> str:
    """Return what is wrong with an answer while it is written, "" when nothing is; an empty one is not wrong yet.

    Raises:
        NirRefused: it must not even be kept as a draft.
    """
    if not form.nir_allowed and any(looks_like_nir(value) for value in values):
        raise NirRefused(fields={field.name: NirRefused.message})
    written = [value for value in values if value.strip()]
    if not written:
        return ""
    if any(len(value) > field.length_max for value in written):
        return TOO_LONG
    return _trouble(field, written, today)


def check_complete(form: FormDefinition, answers: Answers, today: date) -> dict[str, str]:
    """Return what is missing or wrong in a whole form: the name of the field, and the sentence for it."""
    troubles: dict[str, str] = {}
    for place in places(form, answers):
        values = answers.get(place.name, ())
        empty = not any(value.strip() for value in values)
        if empty and place.field.required and not _unused(place, answers):
            troubles[place.name] = MISSING
        elif trouble := check_draft(form, place.field, values, today):
            troubles[place.name] = trouble
    return troubles


def _unused(place: Place, answers: Answers) -> bool:
    """A standing of a repeated section in which nothing at all is written asks for nothing."""
    if place.section.repeat == 1:
        return False
    prefix = f"{place.section.name}.{place.standing}."
    return not any(value.strip() for name, values in answers.items() if name.startswith(prefix) for value in values)


def _trouble(field: FormField, values: Sequence[str], today: date) -> str:
    value = values[0].strip()
    match field.kind:
        case FieldKind.DATE:
            day = parse_date(value)
            if day is None:
                return BAD_DATE
            return DATE_TO_COME if field.past and day > today else ""
        case FieldKind.CHOICE | FieldKind.CHOICES:
            known = {option.value for option in field.options}
            one_too_many = field.kind is FieldKind.CHOICE and len(values) > 1
            return "" if set(values) <= known and not one_too_many else BAD_CHOICE
        case FieldKind.YES_NO:
            return "" if value in ("yes", "no") else BAD_CHOICE
        case FieldKind.PHONE:
            return "" if parse_phone(value) else BAD_PHONE
        case FieldKind.EMAIL:
            return "" if looks_like_email(value) else BAD_EMAIL
        case FieldKind.MONEY:
            return "" if _MONEY.match(value) else BAD_MONEY
        case FieldKind.NUMBER:
            if not re.fullmatch(r"\d{1,9}", value):
                return BAD_NUMBER
            return "" if field.min <= int(value) <= field.max else OUT_OF_BOUNDS
        case FieldKind.TEXT | FieldKind.PARAGRAPH:
            return ""


def looks_like_email(text: str) -> bool:
    """Whether a text has the shape of one e-mail address that can be written to."""
    return len(text) <= 254 and bool(_EMAIL.fullmatch(text))


def parse_date(text: str) -> date | None:
    """Return the day that was written as 2019-03-04, 04/03/2019 or 4.3.2019; nothing when it is none."""
    if found := re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", text):
        year, month, day = (int(part) for part in found.groups())
    elif found := re.fullmatch(r"(\d{1,2})[/. ](\d{1,2})[/. ](\d{4})", text):
        day, month, year = (int(part) for part in found.groups())
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def parse_phone(text: str) -> str:
    """Return a French or foreign number in its international form, "" when it cannot be one."""
    try:
        number = phonenumbers.parse(text, "FR")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def spoken(field: FormField, values: Sequence[str], language: str = "fr") -> str:
    """Return an answer as a person reads it: dates in letters, choices by their words."""
    written = [value.strip() for value in values if value.strip()]
    if not written:
        return ""
    value = written[0]
    match field.kind:
        case FieldKind.DATE:
            day = parse_date(value)
            return short_date(day, language) if day else value
        case FieldKind.CHOICE | FieldKind.CHOICES:
            words = {option.value: option.label for option in field.options}
            return ", ".join(words.get(value, value) for value in written)
        case FieldKind.YES_NO:
            return {"yes": "oui", "no": "non"}.get(value, value)
        case FieldKind.MONEY:
            return f"{value}{NO_BREAK_SPACE}€"
        case FieldKind.PHONE:
            return _grouped_phone(value)
        case _:
            return value


def _grouped_phone(text: str) -> str:
    try:
        number = phonenumbers.parse(text, "FR")
    except phonenumbers.NumberParseException:
        return text
    national = number.country_code == 33
    form = phonenumbers.PhoneNumberFormat.NATIONAL if national else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, form) if phonenumbers.is_possible_number(number) else text
