"""The desk's part of a made-up territory: town halls with booths, organisations, reasons, and the people who work."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time
from importlib.resources import files
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.devices.store import make_code
from cvq_core.offices.rules import MandateTitle
from cvq_core.offices.tables import Mandatary, SubOffice
from cvq_core.services.tables import Service
from cvq_core.staff import Role, Scope
from cvq_core.staff.rules import ROLE_SCOPE
from cvq_core.staff.store import add_staff, grant
from cvq_desk.booking.tables import Booth, OpeningHours, Organisation, Reason, TownHall

NAMESPACE = UUID("6f1d1c5e-5a0e-4d0e-9c53-6d1f5b7f8a10")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def seeded_id(*names: str) -> UUID:
    """Return the identifier of something that the definition names, the same in every run."""
    return uuid5(NAMESPACE, "/".join(names))


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody of the demonstration's staff."""

    login: str
    name: str
    roles: tuple[str, ...]
    what: str


def definition() -> dict[str, Any]:
    """Return the desk's made-up part as it is written down."""
    return tomllib.loads((files("cvq_desk") / "definitions" / "desk.toml").read_text("utf-8"))


def workers() -> list[Worker]:
    """Return the people who work in the demonstration."""
    return [Worker(row["login"], row["name"], tuple(row["roles"]), row["what"]) for row in definition()["staff"]]


async def seed_desk(db: AsyncSession, *, now: datetime, password: str | None, every_town_hall: bool) -> None:
    """Write town halls, booths, organisations and reasons; with a `password` also the staff who use them.

    `every_town_hall` false keeps those of the demonstration's village and its neighbour.
    """
    made = definition()
    for place in made["town_halls"]:
        if place.get("demo", False) or every_town_hall:
            await _add_town_hall(db, place)
    for position, organisation in enumerate(made["organisations"]):
        await _add_organisation(db, organisation, position)
    if password is not None:
        await _add_staff(db, made["staff"], password=password, now=now)


async def _add_town_hall(db: AsyncSession, place: dict[str, Any]) -> None:
    town_hall_id = seeded_id("town_hall", place["code"])
    db.add(
        TownHall(
            id=town_hall_id,
            name=place["name"],
            address=place["address"],
            phone=place["phone"],
            commune_insee=place["insee"],
        )
    )
    await db.flush()
    for weekday, spans in place["hours"].items():
        for span in spans:
            opens, closes = (time.fromisoformat(part) for part in span.split("-"))
            db.add(
                OpeningHours(
                    id=seeded_id("hours", place["code"], weekday, span),
                    town_hall_id=town_hall_id,
                    weekday=WEEKDAYS.index(weekday),
                    opens_at=opens,
                    closes_at=closes,
                )
            )
    db.add(Booth(id=seeded_id("booth", place["code"]), town_hall_id=town_hall_id, name=place["booth"]))


async def _add_organisation(db: AsyncSession, row: dict[str, Any], position: int) -> None:
    organisation_id = seeded_id("organisation", row["code"])
    db.add(
        Organisation(
            id=organisation_id,
            code=row["code"],
            name=row["name"],
            short_name=row["short_name"],
            address=row.get("address", ""),
            phone=row.get("phone", ""),
            email=row.get("email", ""),
            is_community=row.get("is_community", False),
            position=position,
        )
    )
    await db.flush()
    for place, reason in enumerate(row["reasons"]):
        db.add(
            Reason(
                id=seeded_id("reason", row["code"], reason["code"]),
                organisation_id=organisation_id,
                code=reason["code"],
                label=reason["label"],
                minutes=reason.get("minutes", 30),
                bring=reason.get("bring", []),
                forms=reason.get("forms", []),
                help_text=reason.get("help", ""),
                position=place,
            )
        )


async def _add_staff(db: AsyncSession, rows: list[dict[str, Any]], *, password: str, now: datetime) -> None:
    for row in rows:
        staff = await add_staff(
            db,
            login=row["login"],
            display_name=row["name"],
            password=password,
            now=now,
            staff_id=seeded_id("staff", row["login"]),
        )
        for written in row["roles"]:
            name, _, where = written.partition(" ")
            role = Role(name)
            await db.flush()
            grant(db, staff.id, role, Scope(ROLE_SCOPE[role], await _scope_id(db, role, where)), now=now)
        for code in row.get("mandatary_of", []):
            office = await db.scalar(select(SubOffice).where(SubOffice.code == code))
            assert office is not None, code
            db.add(
                Mandatary(
                    id=seeded_id("mandatary", row["login"], code),
                    staff_id=staff.id,
                    sub_office_id=office.id,
                    title=MandateTitle(row.get("mandate", MandateTitle.MANDATARY)),
                    valid_from=date(2020, 1, 1),
                    valid_until=None,
                )
            )


async def _scope_id(db: AsyncSession, role: Role, where: str) -> UUID | None:
    match ROLE_SCOPE[role]:
        case "town_hall":
            return seeded_id("town_hall", where)
        case "organisation":
            return seeded_id("organisation", where)
        case "office":
            return await db.scalar(select(SubOffice.id).where(SubOffice.code == where))
        case "service":
            return await db.scalar(select(Service.id).where(Service.code == where))
        case _:
            return None


async def enrolment_code(db: AsyncSession, *, booth_id: UUID, now: datetime) -> str:
    """Return a one-time code for a booth's machine."""
    booth = await db.get_one(Booth, booth_id)
    return await make_code(db, kind="booth", subject_id=booth.id, name=booth.name, now=now)
