"""The desk's commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from cvq_core.seed.draw import Draw
    from cvq_core.seed.presets import Preset


class PresetName(StrEnum):
    """The territories that can be made up."""

    DEMO = "demo"
    PARTHENAY = "parthenay"


class DeviceKind(StrEnum):
    """What can enrol."""

    BOOTH = "booth"
    READER = "reader"
    CONTROLLER = "controller"
    ENCODER = "encoder"


def seed(
    *,
    preset: Annotated[PresetName, typer.Option(help="un village, ou le territoire entier")] = PresetName.DEMO,
    number: Annotated[int, typer.Option("--seed", help="le même nombre donne le même territoire")] = 1,
    school_year: Annotated[
        int | None, typer.Option(help="année où commence son année scolaire ; celle en cours par défaut", min=2006)
    ] = None,
    database_url: Annotated[str | None, typer.Option(help="à la place de celle des réglages")] = None,
    force: Annotated[bool, typer.Option("--force", help="l’ajouter à une base qui n’est pas vide")] = False,
    digest: Annotated[bool, typer.Option("--digest", help="afficher l’empreinte de tout ce qui a été écrit")] = False,
    staff_password: Annotated[
        str | None, typer.Option(help="ajouter aussi les agents inventés, avec ce mot de passe")
    ] = None,
) -> None:
    """Remplir une base vide d’un territoire inventé."""
    from cvq_core.clock import utc_now
    from cvq_core.seed.command import SeedOptions, run
    from cvq_core.seed.facilities import seed_facilities
    from cvq_desk.seed import seed_desk

    async def add_desk(db: AsyncSession, draw: Draw, made: Preset) -> None:
        now = utc_now()
        await seed_desk(db, now=now, password=staff_password, every_town_hall=preset is PresetName.PARTHENAY)
        # Without reservations: they hang on the day, and the territory is the same whenever it is made.
        await seed_facilities(db, now=now, with_reservations=False)

    run(SeedOptions(preset.value, number, school_year, database_url, force, digest), more=add_desk)


Kind = Annotated[DeviceKind, typer.Argument(help="guichet, lecteur, contrôleur de site ou encodeur de cartes")]
Name = Annotated[
    str, typer.Argument(help="nom du guichet ou du contrôleur, code du point d’accès, ou du lieu de l’encodeur")
]


def enrol(kind: Kind, name: Name) -> None:
    """Donner le code qui installe un guichet, un lecteur ou un contrôleur, une fois, pendant vingt-quatre heures."""
    from cvq_core.clock import utc_now
    from cvq_core.devices.store import make_code

    async def make(db: AsyncSession, subject_id: UUID) -> str:
        return await make_code(db, kind=kind.value, subject_id=subject_id, name=name, now=utc_now())

    typer.echo(asyncio.run(_with_device(kind, name, make)))


def revoke(kind: Kind, name: Name) -> None:
    """Retirer sa clé à un guichet, à un contrôleur, ou aux lecteurs d’un point d’accès : volés, perdus ou remplacés."""
    from cvq_core.clock import utc_now
    from cvq_core.devices.store import revoke_of

    async def take_away(db: AsyncSession, subject_id: UUID) -> str:
        count = await revoke_of(db, kind.value, subject_id, now=utc_now())
        return f"clés retirées : {count}"

    typer.echo(asyncio.run(_with_device(kind, name, take_away)))


async def _with_device(kind: DeviceKind, name: str, work: Callable[[AsyncSession, UUID], Awaitable[str]]) -> str:
    """Do some work for a booth, a controller or an access point, given by the name that people know."""
    from sqlalchemy import select

    from cvq_core.access.tables import AccessPoint
    from cvq_core.controllers.tables import Controller
    from cvq_core.database import Database
    from cvq_core.offices.tables import SubOffice
    from cvq_core.settings import Settings
    from cvq_core.settings_file import SettingsError
    from cvq_desk.booking.tables import Booth

    try:
        settings = Settings.load()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    subject, names = {
        DeviceKind.BOOTH: (Booth.id, Booth.name),
        DeviceKind.READER: (AccessPoint.id, AccessPoint.code),
        DeviceKind.CONTROLLER: (Controller.id, Controller.name),
        DeviceKind.ENCODER: (SubOffice.id, SubOffice.code),
    }[kind]
    database = Database(settings.database_url)
    try:
        async with database.write() as db:
            subject_id = await db.scalar(select(subject).where(names == name))
            if subject_id is None:
                known = ", ".join(sorted(await db.scalars(select(names).limit(200))))
                raise SystemExit(f"« {name} » n’existe pas. Il y a : {known}")
            return await work(db, subject_id)
    finally:
        await database.close()
