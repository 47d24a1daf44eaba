"""The desk's commands."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

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
    from cvq_desk.seed import seed_desk

    async def add_desk(db: AsyncSession, draw: Draw, made: Preset) -> None:
        await seed_desk(db, now=utc_now(), password=staff_password, every_town_hall=preset is PresetName.PARTHENAY)

    run(SeedOptions(preset.value, number, school_year, database_url, force, digest), more=add_desk)


def enrol(
    kind: Annotated[DeviceKind, typer.Argument(help="guichet ou lecteur")],
    name: Annotated[str, typer.Argument(help="nom du guichet, ou code du point d’accès")],
) -> None:
    """Donner le code qui installe un guichet ou un lecteur, une fois, pendant vingt-quatre heures."""
    from cvq_core.settings import SettingsError, load_settings

    try:
        settings = load_settings()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    typer.echo(asyncio.run(_enrol(settings.database_url, kind, name)))


async def _enrol(database_url: str, kind: DeviceKind, name: str) -> str:
    from sqlalchemy import select

    from cvq_core.access.tables import AccessPoint
    from cvq_core.clock import utc_now
    from cvq_core.database import Database
    from cvq_core.devices.store import make_code
    from cvq_desk.booking.tables import Booth

    wanted = (
        select(Booth.id, Booth.name).where(Booth.name == name)
        if kind is DeviceKind.BOOTH
        else select(AccessPoint.id, AccessPoint.label).where(AccessPoint.code == name)
    )
    database = Database(database_url)
    try:
        async with database.write() as db:
            found = (await db.execute(wanted)).first()
            if found is None:
                known = select(Booth.name) if kind is DeviceKind.BOOTH else select(AccessPoint.code)
                names = ", ".join(sorted(await db.scalars(known.limit(200))))
                raise SystemExit(f"« {name} » n’existe pas. Il y a : {names}")
            return await make_code(db, kind=kind.value, subject_id=found[0], name=found[1], now=utc_now())
    finally:
        await database.close()
