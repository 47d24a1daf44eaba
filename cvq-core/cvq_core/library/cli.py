"""`cvq library`: which library software may ask about cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cvq_core.commands import act_at_once

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

app = typer.Typer(help="Logiciels de médiathèque qui interrogent la carte par SIP2.", no_args_is_help=True)


@app.command()
def add(
    login: Annotated[str, typer.Argument(help="identifiant du logiciel (CN)")],
    label: Annotated[str, typer.Option(help="nom de la médiathèque")],
    institution: Annotated[str, typer.Option(help="établissement (AO), tel que le logiciel le connaît")],
    *,
    toys: Annotated[bool, typer.Option("--ludotheque", help="la ludothèque, et non la médiathèque")] = False,
    encoding: Annotated[str, typer.Option(help="utf-8, iso-8859-1, cp1252 ou cp850")] = "utf-8",
    fee_limit: Annotated[
        int | None, typer.Option(help="dette, en centimes, au-delà de laquelle on ne prête plus")
    ] = None,
) -> None:
    """Ouvrir un accès ; le mot de passe s’affiche une seule fois."""
    from cvq_core.library.store import add_access
    from cvq_core.services.rules import ServiceCode

    service = ServiceCode.TOY_LIBRARY if toys else ServiceCode.LIBRARY

    async def act(db: AsyncSession, now: datetime) -> str:
        return await add_access(
            db,
            login,
            label=label,
            institution=institution,
            service=service,
            encoding=encoding,
            fee_limit_cents=fee_limit,
            now=now,
        )

    typer.echo(f"identifiant : {login}\nmot de passe : {act_at_once(act)}\nIl ne sera plus montré.")


@app.command()
def revoke(login: Annotated[str, typer.Argument(help="identifiant du logiciel")]) -> None:
    """Fermer un accès, tout de suite et pour de bon."""
    from cvq_core.library.store import revoke_access

    async def act(db: AsyncSession, now: datetime) -> str:
        await revoke_access(db, login, now=now)
        return ""

    act_at_once(act)
    typer.echo(f"{login} : accès fermé.")


@app.command("list")
def show() -> None:
    """Montrer les accès."""
    from cvq_core.library.store import accesses

    async def act(db: AsyncSession, now: datetime) -> str:
        rows = await accesses(db)
        return "\n".join(
            f"{row.login}\t{row.label}\t{row.encoding}\t{'fermé' if row.revoked_at else 'ouvert'}" for row in rows
        )

    typer.echo(act_at_once(act) or "Aucun accès.")
