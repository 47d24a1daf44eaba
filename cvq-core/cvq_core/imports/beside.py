"""Two records beside each other: what is equal, near, different or missing, and no more than deciding needs. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from enum import StrEnum

from cvq_core.errors import N_
from cvq_core.imports.likeness import Reason, address_key
from cvq_core.imports.sides import Side
from cvq_core.imports.sounds import name_key
from cvq_core.people.names import words_of

NEAR_ENOUGH = 0.5
"""How much of two texts must agree before single letters are worth marking."""
_WORDS = re.compile(r"\s+|\S+")


class Standing(StrEnum):
    """How two values stand to each other."""

    SAME = "same"
    NEAR = "near"
    DIFFERENT = "different"
    MISSING = "missing"


STANDING_WORDS: dict[Standing, str] = {
    Standing.SAME: N_("identique"),
    Standing.NEAR: N_("proche"),
    Standing.DIFFERENT: N_("différent"),
    Standing.MISSING: N_("manque"),
}


_NEAR_FAMILY = frozenset({Reason.FAMILY_CROSSED, Reason.FAMILY_SOUND, Reason.FAMILY_NEAR})
_NEAR_GIVEN = frozenset(
    {
        *(Reason.GIVEN_EQUAL, Reason.GIVEN_PART, Reason.GIVEN_SOUND),
        *(Reason.GIVEN_NEAR, Reason.GIVEN_OTHER, Reason.GIVEN_INITIAL),
    }
)
_NEAR_BORN = frozenset({Reason.BORN_SWAPPED, Reason.BORN_NEAR})


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a value; `differs` where the other side has something else."""

    text: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that both records may say: what it is, both values, and how they stand to each other."""

    what: str
    left: tuple[Piece, ...]
    right: tuple[Piece, ...]
    standing: Standing


@dataclass(frozen=True, slots=True)
class Telling:
    """How records are told: `day` writes a date, `hidden` stands where an address is not shown."""

    day: Callable[[date], str]
    hidden: str


@dataclass(frozen=True, slots=True)
class _Told:
    """A record as it is told to somebody: `whole` with its address, or without."""

    side: Side
    whole: bool
    telling: Telling


@dataclass(frozen=True, slots=True)
class _Field:
    """One thing a record may say: how it reads, by what it is compared, and which reasons call it near.

    `is_part` where only a part of it is told: marking letters in that would mislead. `by_word` where whole words are
    marked: of a month, or of a commune, single letters say nothing.
    """

    what: str
    read: Callable[[_Told], str]
    key: Callable[[Side], object]
    near: frozenset[Reason] = frozenset()
    is_part: bool = False
    by_word: bool = False


def compared(
    left: Side, right: Side, reasons: Collection[Reason], *, whole: tuple[bool, bool], telling: Telling
) -> list[Line]:
    """Return what both records say, line by line; what neither says is left out.

    Contacts and cards are told by their ends only, an address only of a side that is `whole`; how they stand to each
    other is told of the whole values.
    """
    lines = []
    for each in _FIELDS:
        keys = each.key(left), each.key(right)
        if not any(keys):
            continue
        texts = each.read(_Told(left, whole[0], telling)), each.read(_Told(right, whole[1], telling))
        standing = _standing(*keys, is_near=bool(each.near.intersection(reasons)))
        marked = standing in (Standing.NEAR, Standing.DIFFERENT) and not each.is_part
        lines.append(Line(each.what, *(_pieces(*texts, by_word=each.by_word) if marked else _plain(*texts)), standing))
    return lines


def masked_phone(phone: str | None) -> str:
    """Return the last two digits of a telephone: "•• 34"."""
    digits = "".join(each for each in phone or "" if each.isdigit())
    return f"•• {digits[-2:]}" if digits else ""


def masked_email(email: str | None) -> str:
    """Return the first letter of an address and what it belongs to: "c•••@orange.fr"."""
    name, _, host = (email or "").rpartition("@")
    return f"{name[:1]}•••@{host}" if host else ""


def masked_card(number: str | None) -> str:
    """Return the last four digits of a card's number: "•• 5773"."""
    return f"•• {number[-4:]}" if number else ""


def _standing(mine: object, theirs: object, *, is_near: bool) -> Standing:
    if not mine or not theirs:
        return Standing.MISSING
    if mine == theirs:
        return Standing.SAME
    if isinstance(mine, frozenset) and isinstance(theirs, frozenset):
        is_near = bool(mine & theirs)
    return Standing.NEAR if is_near else Standing.DIFFERENT


def _plain(left: str, right: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    return (Piece(left),) if left else (), (Piece(right),) if right else ()


def _pieces(left: str, right: str, *, by_word: bool) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Return both texts in parts, those that the other does not have marked; wholly other ones are marked whole."""
    mine, theirs = (_WORDS.findall(text) if by_word else list(text) for text in (left, right))
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    if matcher.ratio() < NEAR_ENOUGH:
        return (Piece(left, differs=True),), (Piece(right, differs=True),)
    found = [
        (Piece("".join(mine[start:end]), tag != "equal"), Piece("".join(theirs[other_start:other_end]), tag != "equal"))
        for tag, start, end, other_start, other_end in matcher.get_opcodes()
    ]
    ours, others = zip(*found, strict=True) if found else ((), ())
    return tuple(each for each in ours if each.text), tuple(each for each in others if each.text)


def _family(side: Side) -> str:
    return side.usual_name or side.family_name


def _birth_name(side: Side) -> str:
    return side.family_name if side.usual_name else ""


def _address(told: _Told) -> str:
    if not told.side.address:
        return ""
    return told.side.address if told.whole else told.telling.hidden


def _phone_key(side: Side) -> str:
    return "".join(each for each in side.phone or "" if each.isdigit())[-9:]


_FIELDS = (
    _Field(N_("Nom"), lambda told: _family(told.side), lambda side: name_key(_family(side)), _NEAR_FAMILY),
    _Field(
        N_("Nom de naissance"),
        lambda told: _birth_name(told.side),
        lambda side: name_key(_birth_name(side)),
        _NEAR_FAMILY,
    ),
    _Field(
        N_("Prénoms"),
        lambda told: told.side.given_names,
        lambda side: " ".join(words_of(side.given_names)),
        _NEAR_GIVEN,
    ),
    _Field(
        N_("Naissance"),
        lambda told: told.telling.day(told.side.birth_date) if told.side.birth_date else "",
        lambda side: side.birth_date,
        _NEAR_BORN,
        by_word=True,
    ),
    _Field(
        N_("Lieu de naissance"),
        lambda told: told.side.birth_place or "",
        lambda side: name_key(side.birth_place or ""),
        frozenset({Reason.PLACE_EQUAL}),
    ),
    _Field(
        N_("Adresse"), _address, lambda side: address_key(side.address or ""), frozenset({Reason.ADDRESS_NEAR}), True
    ),
    _Field(
        N_("Commune"),
        lambda told: " ".join(each for each in (told.side.postcode, told.side.city) if each),
        lambda side: name_key(side.city or "") or side.postcode,
        by_word=True,
    ),
    _Field(N_("Téléphone"), lambda told: masked_phone(told.side.phone), _phone_key, is_part=True),
    _Field(
        N_("Courriel"),
        lambda told: masked_email(told.side.email),
        lambda side: (side.email or "").lower(),
        is_part=True,
    ),
    _Field(N_("Carte"), lambda told: masked_card(told.side.card_number), lambda side: side.card_number, is_part=True),
    _Field(
        N_("Dans la famille"),
        lambda told: ", ".join(told.side.others),
        lambda side: frozenset(" ".join(words_of(each)) for each in side.others),
        is_part=True,
    ),
)
