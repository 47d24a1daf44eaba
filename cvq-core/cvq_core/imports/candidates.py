"""Which records are worth comparing: 39,000 by 39,000 would be a billion and a half pairs. Pure.

Two records are compared when they share one key: a birth date (day and month in either order), a name and a given name
as they sound, a telephone, an e-mail address, a card, or an address with a given name. What differs in all of them
is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from uuid import UUID

from cvq_core.imports.likeness import Level, Likeness, Record, likeness, rarity_of
from cvq_core.imports.sounds import first_given, sounded

BLOCK_MAX = 150
"""A key that more share than this says nothing: a school's telephone, the first of January."""
LIKE_ONE_MAX = 12
"""How many resemblances of one record are kept, the best first: more cannot be decided by people."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that may be one person, the lower identifier first."""

    low: UUID
    high: UUID
    likeness: Likeness


def keys_of(record: Record) -> Iterator[tuple[str, ...]]:
    """Yield the keys under which a record is looked for."""
    given = sounded("".join(first_given(record.given)))
    if record.born is not None:
        day, month = sorted((record.born.day, record.born.month))
        yield "b", str(record.born.year), str(day), str(month)
    for name in record.family:
        yield "n", sounded(name), given
    if record.phone:
        yield "p", record.phone
    if record.email:
        yield "e", record.email
    if record.card:
        yield "c", record.card
    if record.address:
        yield "a", record.where, record.address, given


def pairs_of(new: Sequence[Record], others: Sequence[Record] = ()) -> list[Pair]:
    """Return the pairs of new records, and of a new one with another, that are not unlike, the most alike first."""
    rarity = rarity_of([*new, *others])
    found: dict[int, list[Pair]] = {}
    records = [*new, *others]
    for left, right in _candidates(new, others):
        alike = likeness(records[left], records[right], rarity)
        if alike.level is Level.UNLIKE:
            continue
        low, high = sorted((records[left].id, records[right].id))
        pair = Pair(low, high, alike)
        found.setdefault(left, []).append(pair)
    kept: dict[tuple[UUID, UUID], Pair] = {}
    for mine in found.values():
        mine.sort(key=_best_first)
        kept.update({(pair.low, pair.high): pair for pair in mine[:LIKE_ONE_MAX]})
    return sorted(kept.values(), key=_best_first)


def _best_first(pair: Pair) -> tuple[bool, int, UUID, UUID]:
    return pair.likeness.level is not Level.CERTAIN, -pair.likeness.score, pair.low, pair.high


def _candidates(new: Sequence[Record], others: Sequence[Record]) -> Iterable[tuple[int, int]]:
    """Yield places of pairs in `[*new, *others]`, each pair once and never two of the others."""
    blocks: dict[tuple[str, ...], tuple[list[int], list[int]]] = {}
    for place, record in enumerate(new):
        for key in keys_of(record):
            blocks.setdefault(key, ([], []))[0].append(place)
    for place, record in enumerate(others, start=len(new)):
        for key in keys_of(record):
            if key in blocks:
                blocks[key][1].append(place)
    seen: set[int] = set()
    width = len(new) + len(others)
    for mine, theirs in blocks.values():
        if len(mine) + len(theirs) > BLOCK_MAX:
            continue
        for left, right in (*combinations(dict.fromkeys(mine), 2), *product(mine, theirs)):
            both = left * width + right
            if both not in seen and left != right:
                seen.add(both)
                yield left, right
