"""What the made-up territory's waste centres take, and how often a household may come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from uuid import UUID, uuid5

from cvq_core.access.facts import PointKind
from cvq_core.seed.territory import Row
from cvq_core.services.rules import ServiceCode

VISITS_A_YEAR = 24
_QUOTA = UUID("5b1c8f0e-6d0b-4b43-9a3e-0d6f2c7a91e4")
_PRICE = "visit"
_TAKEN = (
    ("gravats", "Gravats", _PRICE),
    ("vegetaux", "Déchets verts", _PRICE),
    ("encombrants", "Encombrants", _PRICE),
    ("bois", "Bois", _PRICE),
    ("dangereux", "Produits dangereux", _PRICE),
    ("cartons", "Cartons", None),
    ("metaux", "Métaux", None),
    ("electrique", "Appareils électriques", None),
    ("verre", "Verre", None),
)
"""Code, label, and the tariff's item; what is sorted for recycling costs nobody anything."""


def tablet_rows(points: Iterable[Row]) -> Iterator[Row]:
    """Yield the attendant's tablet that stands beside each waste centre's gate."""
    for gate in points:
        if gate["service_code"] is ServiceCode.WASTE_CENTRE:
            yield gate | {
                "id": uuid5(gate["id"], "tablet"),
                "code": f"{gate['code']}-tablette",
                "label": "Tablette du gardien",
                "kind": PointKind.TABLET,
            }


def category_rows() -> Iterator[Row]:
    """Yield what is taken."""
    for position, (code, label, price_code) in enumerate(_TAKEN):
        yield {"code": code, "label": label, "price_code": price_code, "position": position, "taken": True}


def quota_rows(valid_from: date, recorded_at: datetime) -> Iterator[Row]:
    """Yield how often a household may come a year."""
    yield {
        "id": _QUOTA,
        "valid_from": valid_from,
        "visits_a_year": VISITS_A_YEAR,
        "recorded_at": recorded_at,
        "recorded_by": None,
    }
