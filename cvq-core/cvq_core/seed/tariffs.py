"""The made-up territory's tariffs: those that come along with the room, in force since the school year began."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from importlib.resources import files
from uuid import UUID, uuid5

from cvq_core.seed.territory import Row
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.reading import read_tariff

PRICED = (
    ServiceCode.CANTEEN,
    ServiceCode.AFTER_SCHOOL,
    ServiceCode.CRECHE,
    ServiceCode.LEISURE_CENTRE,
    ServiceCode.POOL,
    ServiceCode.SQUASH,
    ServiceCode.HALL,
    ServiceCode.WASTE_CENTRE,
)
_NAMESPACE = UUID("0b9d5a52-0d5c-4a3e-9a52-5f1d7a3c8e41")
_BY = "Conseil communautaire"


def tariff_text(service: ServiceCode) -> str:
    """Return the file of a service's tariff."""
    return (files("cvq_core.tariffs") / "definitions" / f"{service.value}.yaml").read_text("utf-8")


def version_rows(proposed_at: datetime) -> Iterator[Row]:
    """Yield a first version for each service that has prices."""
    for service in PRICED:
        text = tariff_text(service)
        yield {
            "id": uuid5(_NAMESPACE, service),
            "service_code": service,
            "number": 1,
            "title": read_tariff(text).title,
            "text": text,
            "format": 1,
            "proposed_by": None,
            "proposed_by_name": _BY,
            "proposed_at": proposed_at,
        }


def adoption_rows(valid_from: date, proposed_at: datetime) -> Iterator[Row]:
    """Yield the adoption of each of them."""
    for service in PRICED:
        yield {
            "version_id": uuid5(_NAMESPACE, service),
            "service_code": service,
            "valid_from": valid_from,
            "adopted_by": None,
            "adopted_by_name": _BY,
            "adopted_at": proposed_at + timedelta(days=1),
        }
