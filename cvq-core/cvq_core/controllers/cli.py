"""`cvq controller`: the server's list of site controllers, their points, and how they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from cvq_core.controllers.store import ControllerState

controller = typer.Typer(no_args_is_help=True, help="Les contrôleurs de site : leurs points d’accès, leur état.")
Name = Annotated[str, typer.Argument(help="nom du contrôleur")]
Points = Annotated[list[str], typer.Option("--point", help="code d’un point d’accès ; à répéter")]
T = TypeVar("T")


@controller.command()
def add(
    name: Name,
    site: Annotated[str, typer.Option(help="lieu où il se trouve")],
    point: Points,
    list_hours: Annotated[int, typer.Option(help="combien d’heures sa liste vaut sans liaison")] = 72,
) -> None:
    """Inscrire un contrôleur et ses points, et donner le code qui l’installe, une fois, pendant vingt-quatre heures."""

    async def work(db: AsyncSession, now: datetime) -> str:
        from cvq_core.controllers.store import give_points, make_controller
        from cvq_core.devices.store import make_code
        from cvq_core.ids import new_id
        from cvq_core.journal.store import SYSTEM, record

        made = await make_controller(db, new_id(), name=name, site=site, list_hours=list_hours, now=now)
        record(db, now=now, actor=SYSTEM, action="controller-made", subject=("controller", made.id))
        await give_points(db, made.id, await _points(db, point), actor=SYSTEM, now=now)
        return await make_code(db, kind="controller", subject_id=made.id, name=name, now=now)

    typer.echo(_in_transaction(work))


@controller.command()
def points(name: Name, point: Points) -> None:
    """Donner à un contrôleur exactement ces points d’accès."""

    async def work(db: AsyncSession, now: datetime) -> None:
        from sqlalchemy import select

        from cvq_core.controllers.store import UnknownController, give_points
        from cvq_core.controllers.tables import Controller
        from cvq_core.journal.store import SYSTEM

        controller_id = await db.scalar(select(Controller.id).where(Controller.name == name))
        if controller_id is None:
            raise UnknownController
        await give_points(db, controller_id, await _points(db, point), actor=SYSTEM, now=now)

    _in_transaction(work)


@controller.command(name="list")
def show() -> None:
    """Dire comment va chaque contrôleur ; 1 si l’un ne va pas bien."""

    async def work(db: AsyncSession, now: datetime) -> list[ControllerState]:
        from cvq_core.controllers.store import states

        return await states(db, now=now)

    found = _in_transaction(work)
    for state in found:
        report = state.report
        told = f"{report.queued} en attente, vu le {report.reported_at:%d/%m/%Y %H:%M}" if report else "jamais vu"
        good = not state.faults
        typer.secho(
            f"{'ok ' if good else 'NON'}  {state.controller.name:<24} {told} {' '.join(state.faults)}",
            fg=None if good else "red",
        )
    if any(state.faults for state in found):
        raise typer.Exit(1)


async def _points(db: AsyncSession, codes: list[str]) -> list[UUID]:
    from sqlalchemy import select

    from cvq_core.access.tables import AccessPoint

    rows = await db.execute(select(AccessPoint.code, AccessPoint.id).where(AccessPoint.code.in_(codes)))
    known = {row.code: row.id for row in rows}
    if missing := sorted(set(codes) - known.keys()):
        raise SystemExit(f"point d’accès inconnu : {', '.join(missing)}")
    return list(known.values())


def _in_transaction(work: Callable[[AsyncSession, datetime], Awaitable[T]]) -> T:
    from cvq_core.clock import utc_now
    from cvq_core.database import Database
    from cvq_core.errors import Refusal
    from cvq_core.settings import Settings
    from cvq_core.settings_file import SettingsError

    async def run() -> T:
        database = Database(Settings.load().database_url)
        try:
            async with database.write() as db:
                return await work(db, utc_now())
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except (SettingsError, Refusal) as error:
        raise SystemExit(str(error)) from None
