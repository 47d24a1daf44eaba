"""What an old base says of a family, once it was read: values without any reference to a file's columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.services.rules import ServiceCode


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row of an old base stands: the file's name, and its line counted from 1."""

    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Home:
    """Where somebody lives, as far as it is said."""

    address: str | None = None
    postcode: str | None = None
    city: str | None = None


@dataclass(frozen=True, slots=True)
class OldPerson:
    """A person of an old base. `key` is their number there, or what stands for one, unique within the base."""

    key: str
    role: FamilyRole
    family_name: str
    given_names: str
    usual_name: str | None = None
    birth_date: date | None = None
    birth_place: str | None = None
    address: str | None = None
    postcode: str | None = None
    city: str | None = None
    phone: str | None = None
    email: str | None = None
    card_number: str | None = None
    card_uid: str | None = None
    enrolled: tuple[ServiceCode, ...] = ()
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class OldQuotient:
    """A family quotient in whole euros, with its source; the last day is included."""

    value_euros: int
    source: QuotientSource
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class OldFamily:
    """A family of an old base under its number there. `balances` are in cents, a debt below zero."""

    number: str
    persons: tuple[OldPerson, ...]
    label: str = ""
    email: str | None = None
    home: Home = Home()
    quotient: OldQuotient | None = None
    balances: Mapping[ServiceCode, int] = field(default_factory=dict)
    place: Place = Place()


@dataclass(frozen=True, slots=True, order=True)
class RowFault:
    """What is wrong with a cell or a row: a French sentence with `{places}`, and what fills them.

    `refuses` when the family is left out for it; otherwise only the cell is. `column` is the file's own title.
    """

    file: str
    line: int
    column: str
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    refuses: bool = False
    family: str = ""


_DATES = ("birth_date",)


def person_content(person: OldPerson) -> dict[str, Any]:
    """Return a person as JSON, without what does not hang on them: key and role are columns of their own."""
    content: dict[str, Any] = {
        name: getattr(person, name)
        for name in (
            "family_name",
            "given_names",
            "usual_name",
            "birth_place",
            "address",
            "postcode",
            "city",
            "phone",
            "email",
            "card_number",
            "card_uid",
        )
        if getattr(person, name)
    }
    if person.birth_date is not None:
        content["birth_date"] = person.birth_date.isoformat()
    if person.enrolled:
        content["enrolled"] = [service.value for service in person.enrolled]
    return content


def person_of(key: str, role: FamilyRole, content: Mapping[str, Any], place: Place = Place()) -> OldPerson:
    """Return the person that `person_content` wrote."""
    rest = dict(content)
    born = rest.pop("birth_date", None)
    enrolled = tuple(ServiceCode(word) for word in rest.pop("enrolled", ()))
    return OldPerson(
        key=key,
        role=role,
        birth_date=date.fromisoformat(born) if born else None,
        enrolled=enrolled,
        place=place,
        **rest,
    )


def quotient_content(quotient: OldQuotient) -> dict[str, Any]:
    """Return a quotient as JSON."""
    return {
        "value_euros": quotient.value_euros,
        "source": quotient.source.value,
        "valid_from": quotient.valid_from.isoformat(),
        "valid_until": quotient.valid_until.isoformat() if quotient.valid_until else None,
    }


def quotient_of_content(content: Mapping[str, Any]) -> OldQuotient:
    """Return the quotient that `quotient_content` wrote."""
    until = content["valid_until"]
    return OldQuotient(
        content["value_euros"],
        QuotientSource(content["source"]),
        date.fromisoformat(content["valid_from"]),
        date.fromisoformat(until) if until else None,
    )


def joined(first: OldFamily, second: OldFamily) -> OldFamily:
    """Return one family of two rows that bear the same number; what the first row says comes first."""
    known = {person.key for person in first.persons}
    more = tuple(person for person in second.persons if person.key not in known)
    return replace(
        first,
        persons=first.persons + more,
        label=first.label or second.label,
        email=first.email or second.email,
        home=first.home if first.home != Home() else second.home,
        quotient=first.quotient or second.quotient,
        balances={**second.balances, **first.balances},
    )
