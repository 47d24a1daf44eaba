"""Which of a device's own words stand for the few things we ask of it.

SANE leaves the values of `mode` and `source` to each backend: `Flatbed`, `FlatBed`, `Document Table`; `ADF`,
`ADF Front`, `Automatic Document Feeder(left aligned)`; `Gray`, `True Gray`, `Grayscale`, `24bit Color`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

Source = Literal["flatbed", "feeder"]
Mode = Literal["color", "gray"]

USUAL_RESOLUTIONS_DPI: Final = (75, 100, 150, 200, 300, 400, 600)

_FEEDER_WORDS: Final = ("adf", "feeder")
_TWO_SIDED_WORDS: Final = ("duplex", "back")
_FLATBED_WORDS: Final = ("flatbed", "table", "platen", "glass", "normal")
_COLOR_WORDS: Final = ("color", "colour", "rgb")
_GRAY_WORDS: Final = ("gray", "grey")


def source_named(available: Sequence[str], wanted: Source) -> str | None:
    """The device's word for a source, one-sided feeders before others; None where it has no such source."""
    if wanted == "flatbed":
        return _first_with(available, _FLATBED_WORDS)
    one_sided = [name for name in available if not _has(name, _TWO_SIDED_WORDS)]
    return _first_with(one_sided, _FEEDER_WORDS)


def mode_named(available: Sequence[str], wanted: Mode) -> str | None:
    """The device's word for a mode, the plainest first; None where it has no such mode."""
    words = _COLOR_WORDS if wanted == "color" else _GRAY_WORDS
    plain = [name for name in available if name.lower() in words]
    return plain[0] if plain else _first_with(available, words)


def resolution_near(wanted_dpi: int, low: float | None, high: float | None, choices: Sequence[float]) -> float:
    """The resolution to ask for: the least allowed one that is no coarser than wanted, or else the finest.

    All in dots an inch; `choices` goes before the range `low` to `high`.
    """
    if choices:
        fine_enough = [dpi for dpi in choices if dpi >= wanted_dpi]
        return min(fine_enough) if fine_enough else max(choices)
    if low is None or high is None:
        return wanted_dpi
    return min(max(wanted_dpi, low), high)


def resolutions_offered(low: float | None, high: float | None, choices: Sequence[float]) -> tuple[int, ...]:
    """The usual resolutions that a device can do, in dots an inch; its own list where it has one."""
    if choices:
        return tuple(sorted({int(dpi) for dpi in choices if dpi >= 1}))
    if low is None or high is None:
        return ()
    return tuple(dpi for dpi in USUAL_RESOLUTIONS_DPI if low <= dpi <= high)


def _first_with(names: Sequence[str], words: Sequence[str]) -> str | None:
    return next((name for name in names if _has(name, words)), None)


def _has(name: str, words: Sequence[str]) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in words)
