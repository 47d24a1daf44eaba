"""How large a made-up territory is. `parthenay` has the figures that the territory published in 2017-2022."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Preset:
    """How many of each there are. `cards` are active ones; `homes` are INSEE codes, all communes when empty.

    `active_families` have children who eat, stay or play at a service; `families` are all households with children.
    """

    name: str
    people: int
    cards: int
    families: int
    active_families: int
    waste_households: int
    professionals: int
    agents: int
    pool_subscribers: int
    library_subscribers: int
    toy_library_subscribers: int
    squash_subscribers: int
    homes: tuple[str, ...] = ()
    has_heroes: bool = False


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "parthenay": Preset(
            name="parthenay",
            people=39_000,
            cards=33_000,
            families=4_850,
            active_families=4_500,
            waste_households=13_000,
            professionals=350,
            agents=450,
            pool_subscribers=3_500,
            library_subscribers=3_000,
            toy_library_subscribers=600,
            squash_subscribers=200,
        ),
        "demo": Preset(
            name="demo",
            people=400,
            cards=340,
            families=50,
            active_families=46,
            waste_households=130,
            professionals=4,
            agents=6,
            pool_subscribers=36,
            library_subscribers=30,
            toy_library_subscribers=6,
            squash_subscribers=2,
            homes=("79322",),
            has_heroes=True,
        ),
    }
)
