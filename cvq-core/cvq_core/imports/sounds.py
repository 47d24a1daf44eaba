"""French names as they sound and as they are mistyped: pure functions over folded words (`people.names.folded`)."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from rapidfuzz.distance import OSA, JaroWinkler

from cvq_core.people.names import words_of

# One after the other: capitals are sounds that are settled, small letters are still to be read.
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"(.)\1+", r"\1"),
        (r"ph", "f"),
        (r"sch|sh|ch", "C"),
        (r"th", "t"),
        (r"h", ""),
        (r"eaux|eau|ault|auld|au[dtx]$|au", "O"),
        (r"ou", "U"),
        (r"oi|oy", "W"),
        (r"ill", "Y"),
        (r"(?:ai|ei|y|i)[nm](?![aeiouyAEIOUY])", "I"),
        (r"(?:a|e)[nm](?![aeiouyAEIOUY])", "A"),
        (r"o[nm](?![aeiouyAEIOUY])", "N"),
        (r"ai|ei|ay|ey", "e"),
        (r"qu|q|k|c(?![eiy])", "K"),
        (r"c", "s"),
        (r"gu(?=[eiy])", "G"),
        (r"g(?=[eiy])", "j"),
        (r"g", "G"),
        (r"z", "s"),
        (r"y", "i"),
        (r"w", "v"),
        (r"x", "Ks"),
        (r"(?<=.)[estdpr]+$", ""),
        (r"o", "O"),
        (r"(.)\1+", r"\1"),
    )
)
NEAR_LENGTH_MIN = 4
NEAR_SIMILARITY = 0.92


class Alike(StrEnum):
    """How two names stand to each other, the closest first."""

    EQUAL = "equal"
    PART = "part"
    SOUND = "sound"
    NEAR = "near"
    OTHER = "other"
    INITIAL = "initial"
    UNKNOWN = "unknown"
    DIFFERENT = "different"


@lru_cache(maxsize=200_000)
def sounded(word: str) -> str:
    """Return how a folded word sounds, roughly: "renault", "reno" and "renaud" are one."""
    for pattern, sound in _SOUNDS:
        word = pattern.sub(sound, word)
    return word


def name_key(name: str) -> str:
    """Return a family name as one folded word: hyphens, accents, apostrophes and spaces make no difference."""
    return "".join(words_of(name))


def first_given(given_names: str) -> tuple[str, ...]:
    """Return the words of the given name in use: "Jean-Pierre Marie" gives jean, pierre; the others come after it.

    A compound without its hyphen cannot be told from two given names: both words of a "Jean Pierre" are looked at
    where they are compared.
    """
    return next((tuple(words) for each in given_names.split() if (words := words_of(each))), ())


def nearly(left: str, right: str) -> bool:
    """Whether two folded words differ by a slip of the keys or two."""
    if min(len(left), len(right)) < NEAR_LENGTH_MIN:
        return False
    most = 1 if min(len(left), len(right)) < 8 else 2
    if OSA.distance(left, right, score_cutoff=most) <= most:
        return True
    return min(len(left), len(right)) >= 6 and JaroWinkler.similarity(left, right) >= NEAR_SIMILARITY


def compare_family(left: str, right: str) -> Alike:
    """Return how two family names, as `name_key` gives them, stand to each other."""
    if left == right:
        return Alike.EQUAL
    if sounded(left) == sounded(right) and min(len(left), len(right)) >= 3:
        return Alike.SOUND
    return Alike.NEAR if nearly(left, right) else Alike.DIFFERENT


def compare_given(left: str, right: str) -> Alike:
    """Return how two persons' given names stand to each other.

    Only the whole given name in use is EQUAL. "Jean" is a PART of "Jean-Pierre", who may be his twin; OTHER: one bears
    the other's among the further ones; an initial says little.
    """
    mine, theirs = words_of(left), words_of(right)
    if not mine or not theirs:
        return Alike.UNKNOWN
    first, second = first_given(left), first_given(right)
    if first == second or _whole(first, theirs) or _whole(second, mine):
        return Alike.EQUAL
    if first[0] == second[0]:
        return Alike.PART
    one, other = "".join(first), "".join(second)
    if min(len(one), len(other)) == 1:
        return Alike.INITIAL if one[0] == other[0] else Alike.DIFFERENT
    if sounded(one) == sounded(other):
        return Alike.SOUND
    if nearly(one, other):
        return Alike.NEAR
    return Alike.OTHER if one in theirs or other in mine else Alike.DIFFERENT


def _whole(compound: tuple[str, ...], words: list[str]) -> bool:
    """Whether a compound stands in front of the other's words without its hyphen: "jean pierre" in Jean Pierre."""
    return len(compound) > 1 and tuple(words[: len(compound)]) == compound
