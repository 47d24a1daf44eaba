"""Services, readers and cash offices, from `definitions/territory.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from cvq_core.access.facts import Assurance, PointKind, PointMode
from cvq_core.people.names import folded
from cvq_core.seed.draw import Draw
from cvq_core.seed.names import DEFINITIONS
from cvq_core.services.rules import SERVICE_LABELS, FundingPolicy, ServiceCode

Row = dict[str, Any]

# Policies hold since the card's first days, so that no late tap finds a day without one.
SINCE = date(2005, 2, 1)
SCHOOL_SERVICES = (ServiceCode.CANTEEN, ServiceCode.AFTER_SCHOOL)


@cache
def definition() -> dict[str, Any]:
    """Return the territory as it is written down."""
    return tomllib.loads((DEFINITIONS / "territory.toml").read_text(encoding="utf-8"))


@dataclass(slots=True)
class Territory:
    """The rows of what does not depend on how many people there are, and the readers by what they stand for."""

    draw: Draw
    services: list[Row] = field(default_factory=list)
    policies: list[Row] = field(default_factory=list)
    points: list[Row] = field(default_factory=list)
    doors: dict[str, list[UUID]] = field(default_factory=dict)
    """The doors of each building."""
    schools: dict[str, list[dict[ServiceCode, UUID]]] = field(default_factory=dict)
    """The tablets of each school, by the commune whose children go there."""
    by_code: dict[str, UUID] = field(default_factory=dict)

    @classmethod
    def of(cls, draw: Draw) -> Territory:
        """Return the territory of `definitions/territory.toml`."""
        made = cls(draw)
        made._make_services()
        for building in definition()["buildings"]:
            site = building["site"]
            made.doors[site] = [
                made._add_point(f"{_slug(site)}-{_slug(door)}", door.capitalize(), site, PointKind.DOOR)
                for door in building["doors"]
            ]
        for point in definition()["points"]:
            made._add_point(
                point["code"],
                point["label"],
                point["site"],
                PointKind(point["kind"]),
                service=ServiceCode(point["service"]),
                price_code=point.get("price"),
                shows_balance=point.get("shows_balance", False),
                reserved_only=point.get("reserved_only", False),
            )
        made._make_schools()
        return made

    def policy(self, code: ServiceCode) -> FundingPolicy:
        """Return the funding policy of a service."""
        return next(FundingPolicy(row["policy"]) for row in self.policies if row["service_code"] is code)

    def _make_services(self) -> None:
        for position, service in enumerate(definition()["services"]):
            code = ServiceCode(service["code"])
            self.services.append(
                {"code": code, "id": self.draw.id(), "label": SERVICE_LABELS[code], "position": position}
            )
            self.policies.append(
                {"service_code": code, "valid_from": SINCE, "policy": FundingPolicy(service["policy"])}
            )

    def _make_schools(self) -> None:
        tablets = {
            ServiceCode.CANTEEN: ("cantine", "Tablette de la cantine", "meal"),
            ServiceCode.AFTER_SCHOOL: ("garderie", "Tablette de la garderie", "evening"),
        }
        for school in definition()["schools"]:
            points = {
                service: self._add_point(
                    f"{word}-{school['code']}",
                    label,
                    school["label"],
                    PointKind.TABLET,
                    service=service,
                    price_code=price,
                )
                for service, (word, label, price) in tablets.items()
            }
            for insee in school["communes"]:
                self.schools.setdefault(insee, []).append(points)

    def _add_point(
        self,
        code: str,
        label: str,
        site: str,
        kind: PointKind,
        *,
        service: ServiceCode = ServiceCode.BUILDING,
        price_code: str | None = None,
        shows_balance: bool = False,
        reserved_only: bool = False,
    ) -> UUID:
        point_id = self.draw.id()
        self.by_code[code] = point_id
        self.points.append(
            {
                "id": point_id,
                "code": code,
                "label": label,
                "site": site,
                "kind": kind,
                "service_code": service,
                "price_code": price_code,
                "assurance": Assurance.AUTHENTICATED if kind is PointKind.DOOR else Assurance.UID,
                "mode": PointMode.NORMAL,
                "shows_balance": shows_balance,
                "reserved_only": reserved_only,
            }
        )
        return point_id


def office_places() -> Iterator[dict[str, Any]]:
    """Yield the places of the cash office as they are written down."""
    yield from definition()["office"]["places"]


def _slug(text: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in folded(text)).split()
    return "-".join(word for word in words if word not in {"de", "du", "des", "la", "le", "l", "d"})[:28]
