"""Drawing French names with their frequencies from `definitions/names.toml`."""

from __future__ import annotations

import random
import tomllib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

DEFINITIONS = Path(__file__).parent / "definitions"


@dataclass(frozen=True, slots=True)
class Names:
    """Family names, the most frequent first; given names, by the first of the years in which they were given."""

    family: tuple[str, ...]
    women: Mapping[int, tuple[str, ...]]
    men: Mapping[int, tuple[str, ...]]
    streets: tuple[str, ...]
    hamlets: tuple[str, ...]


@cache
def known_names() -> Names:
    """Return the names of the territory."""
    read = tomllib.loads((DEFINITIONS / "names.toml").read_text(encoding="utf-8"))
    return Names(
        family=tuple(read["family_names"].split()),
        women={int(year): tuple(names.split()) for year, names in read["women"].items()},
        men={int(year): tuple(names.split()) for year, names in read["men"].items()},
        streets=tuple(read["places"]["streets"].strip().splitlines()),
        hamlets=tuple(read["places"]["hamlets"].strip().splitlines()),
    )


def draw(rng: random.Random, names: Sequence[str], *, flatness: int) -> str:
    """Draw a name; the r-th of the list comes up in proportion to 1 / (r + `flatness`)."""
    totals = _totals(len(names), flatness)
    return names[bisect_right(totals, rng.random() * totals[-1])]


def family_name(rng: random.Random) -> str:
    """Draw a family name: the first of the list is that of about one person in 110."""
    return draw(rng, known_names().family, flatness=50)


def given_name(rng: random.Random, *, woman: bool, born: int) -> str:
    """Draw a given name as it was given in the year `born`."""
    names = known_names()
    table = names.women if woman else names.men
    years = max((first for first in table if first <= born), default=min(table))
    return draw(rng, table[years], flatness=6)


def given_names(rng: random.Random, *, woman: bool, born: int) -> str:
    """Draw one to three given names, the one in use first; the others are a godparent's, of another time."""
    wanted = rng.choices((1, 2, 3), weights=(45, 35, 20))[0]
    found: list[str] = []
    while len(found) < wanted:
        name = given_name(rng, woman=woman, born=born - 25 * len(found))
        if name not in found:
            found.append(name)
    return " ".join(found)


def street_address(rng: random.Random, *, in_town: bool) -> str:
    """Draw the first line of an address: in the country, a hamlet as often as a street."""
    names = known_names()
    if not in_town and rng.random() < 0.5:
        return rng.choice(names.hamlets)
    return f"{rng.randint(1, 80)} {rng.choice(names.streets)}"


@cache
def _totals(count: int, flatness: int) -> tuple[float, ...]:
    return tuple(accumulate(1 / (rank + flatness) for rank in range(1, count + 1)))
