"""The reasons of a price as they are kept beside an entry: short, without words, so that any language can say them.

"inside;quotient=742;bracket=3;sibling=2" is kept with the money that moved; what somebody may not know (the quotient)
is left out when it is said, not when it is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any
from urllib.parse import unquote

from cvq_core.services.rules import PriceUnit
from cvq_core.tariffs.rules import Part, PartKind, Priced, Range

KEPT_LENGTH_MAX = 300


def kept(priced: Priced) -> str:
    """Return the reasons of a price as they are kept; "" is one price for everybody."""
    text = ""
    for part in priced.parts:
        longer = f"{text};{_written(part)}" if text else _written(part)
        if len(longer) > KEPT_LENGTH_MAX:
            break
        text = longer
    return text


def parts_of(text: str) -> tuple[Part, ...]:
    """Return the reasons that were kept; what a later version wrote and this one does not know is left out."""
    found = []
    for each in text.split(";"):
        name, _, value = each.partition("=")
        try:
            kind = PartKind(name)
            found.append(Part(kind, _READ[kind](value) if kind in _READ else None))
        except (ValueError, ZeroDivisionError):
            continue
    return tuple(found)


def _written(part: Part) -> str:
    value = part.value
    if value is None:
        return part.kind.value
    if isinstance(value, Range):
        value = f"{value.low}-{'' if value.high is None else value.high}"
    elif isinstance(value, tuple):
        value = f"{value[0]}*{value[1].value}"
    return f"{part.kind.value}={str(value).replace('%', '%25').replace(';', '%3B')}"


def _range(text: str) -> Range:
    low, _, high = text.partition("-")
    return Range(int(low), int(high) if high else None)


def _quantity(text: str) -> tuple[Fraction, PriceUnit]:
    quantity, _, unit = text.partition("*")
    return Fraction(quantity), PriceUnit(unit)


_READ: dict[PartKind, Callable[[str], Any]] = {
    PartKind.QUOTIENT: int,
    PartKind.BRACKET: int,
    PartKind.HIGHEST_BRACKET: int,
    PartKind.SIBLING: int,
    PartKind.RATE: Fraction,
    PartKind.AGE: _range,
    PartKind.CATEGORY: unquote,
    PartKind.QUANTITY: _quantity,
}
