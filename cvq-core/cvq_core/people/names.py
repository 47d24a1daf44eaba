"""Names as they are compared, listed and said: pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l"})
_NOT_IN_WORDS = re.compile(r"[^a-z0-9]+")
_LINKS = re.compile(r"(?<=[a-z0-9])[-'’](?=[a-z0-9])")
WORD_LENGTH_MAX = 60
NEAR_LENGTH_MIN = 4


def folded(text: str) -> str:
    """Return `text` without accents, capitals and ligatures: "Lœïla" becomes "loeila"."""
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_LIGATURES))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def words_of(text: str) -> list[str]:
    """Return the words of `text`, folded, split at everything that is no letter or digit."""
    return [word[:WORD_LENGTH_MAX] for word in _NOT_IN_WORDS.split(folded(text)) if word]


def search_words(family_name: str, usual_name: str | None, given_names: str) -> frozenset[str]:
    """Return the words under which a person is found.

    "Jean-Pierre" gives jean, pierre and jeanpierre; the family name "Le Goff" gives le, goff and legoff. A single
    letter is no word of its own.
    """
    found: set[str] = set()
    for name in (family_name, usual_name or ""):
        found |= {"".join(words_of(name))[:WORD_LENGTH_MAX]}
    for name in (family_name, usual_name or "", given_names):
        found |= set(words_of(name)) | set(words_of(_LINKS.sub("", folded(name))))
    return frozenset(word for word in found if len(word) > 1)


def search_key(family_name: str, usual_name: str | None, given_names: str) -> str:
    """Return the key by which lists are in order: the name in use, then the given names, folded."""
    return " ".join(words_of(f"{usual_name or family_name} {given_names}"))[:250]


def spoken_name(family_name: str, usual_name: str | None, given_names: str) -> str:
    """Return the name as one says it: "Jeanne Moreau"."""
    return " ".join([*given_names.split()[:1], usual_name or family_name])


def listed_name(family_name: str, usual_name: str | None, given_names: str) -> str:
    """Return the name as it stands in a list, with the name at birth where another one is in use."""
    listed = f"{(usual_name or family_name).upper()} {given_names}".strip()
    return f"{listed} ({family_name.upper()})" if usual_name and usual_name != family_name else listed


def near_words(word: str, known: Iterable[str]) -> list[str]:
    """Return the known words that are one slip of the keys away from `word` (two from eight letters on)."""
    if len(word) < NEAR_LENGTH_MIN:
        return []
    slips_max = 1 if len(word) < 8 else 2
    return [other for other in known if slips(word, other, slips_max) <= slips_max]


def slips(left: str, right: str, most: int) -> int:
    """Return how many letters are missing, added, wrong or swapped with their neighbour; `most` + 1 when more.

    The optimal string alignment distance.
    """
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        current = [i]
        for j, b in enumerate(right, start=1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > most:
            return most + 1
        before, previous = previous, current
    return previous[-1]
