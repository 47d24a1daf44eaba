"""`cvq agents`: staff lists, the doors of their groups, and what each list changed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cvq_core.commands import act_at_once

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from cvq_core.agents.service import Report
    from cvq_core.agents.tables import StaffRun

HELP = """Listes du personnel : qui y est ouvre les portes de son groupe, qui n’y est plus ne les ouvre plus.

`set-list` et `set-group` règlent une liste ; `check` dit ce qu’un fichier changerait, `apply` l’applique, `undo` défait
le dernier. Le serveur lit lui-même les fichiers déposés dans `agents_folder`.
"""
app = typer.Typer(help=HELP, no_args_is_help=True)
DAYS = "LMMJVSD"


@app.command("set-list")
def set_list(
    code: Annotated[str, typer.Argument(help="code de la liste, et nom de son dossier")],
    label: Annotated[str, typer.Option(help="nom de l’employeur")],
    leavers: Annotated[
        int, typer.Option(help="part, en %, d’agents manquants au-delà de laquelle on n’y croit pas")
    ] = 10,
) -> None:
    """Ajouter une liste, ou changer son nom et sa limite."""
    from cvq_core.agents.store import add_list
    from cvq_core.journal.store import SYSTEM

    async def act(db: AsyncSession, now: datetime) -> str:
        await add_list(db, code, label=label, leavers_percent_max=leavers, actor=SYSTEM, now=now)
        return f"liste {code} : au plus {leavers} % de départs à la fois"

    typer.echo(act_at_once(act))


@app.command("set-group")
def set_group(
    code: Annotated[str, typer.Argument(help="code de la liste")],
    group: Annotated[str, typer.Argument(help="nom du groupe, tel que la liste l’écrit")],
    *,
    doors: Annotated[list[str] | None, typer.Option("--door", help="code d’un point d’accès")] = None,
    days: Annotated[str, typer.Option(help="sept signes, du lundi au dimanche : 1 ouvert, 0 fermé")] = "1111100",
    opens: Annotated[datetime | None, typer.Option(formats=["%H:%M"], help="première heure")] = None,
    closes: Annotated[datetime | None, typer.Option(formats=["%H:%M"], help="heure de fin")] = None,
) -> None:
    """Dire quelles portes un groupe ouvre, et quand ; la lecture suivante de la liste en tient compte."""
    from cvq_core.agents.store import set_group as set_it
    from cvq_core.journal.store import SYSTEM

    if len(days) != len(DAYS) or set(days) - {"0", "1"}:
        raise typer.BadParameter("sept signes, 1 ou 0", param_hint="--days")

    async def act(db: AsyncSession, now: datetime) -> str:
        await set_it(
            db,
            code,
            group,
            point_codes=doors or [],
            weekdays=sum(1 << day for day, sign in enumerate(days) if sign == "1"),
            opens_at=opens.time() if opens else None,
            closes_at=closes.time() if closes else None,
            actor=SYSTEM,
            now=now,
        )
        return f"{group}, portes : {len(doors or [])}"

    typer.echo(act_at_once(act))


@app.command()
def check(
    code: Annotated[str, typer.Argument(help="code de la liste")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
) -> None:
    """Dire ce qu’un fichier changerait, sans rien changer."""
    _apply(code, file.name, _content(file), dry=True, even_so=False)


@app.command()
def apply(
    code: Annotated[str, typer.Argument(help="code de la liste")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    *,
    even_so: Annotated[bool, typer.Option("--even-so", help="croire une liste où il manque beaucoup de monde")] = False,
) -> None:
    """Appliquer un fichier tout de suite."""
    _apply(code, file.name, _content(file), dry=False, even_so=even_so)


@app.command()
def read(
    code: Annotated[str, typer.Argument(help="code de la liste, et de son annuaire dans les réglages")],
    *,
    now_: Annotated[bool, typer.Option("--apply", help="appliquer ce que l’annuaire répond")] = False,
    even_so: Annotated[bool, typer.Option("--even-so", help="croire une liste où il manque beaucoup de monde")] = False,
) -> None:
    """Interroger l’annuaire (LDAP) d’un employeur et dire ce qu’il changerait, ou l’appliquer tout de suite."""
    from cvq_core.agents.directory_rules import DirectoryTrouble
    from cvq_core.settings import Settings

    directory = Settings.load().staff_directories.get(code)
    if directory is None:
        raise SystemExit(f"Aucun annuaire {code} dans les réglages (staff_directories).")
    try:
        from cvq_core.agents.directory import read_directory

        content = read_directory(directory)
    except ImportError:
        raise SystemExit("Il manque une bibliothèque : installez cvq[ldap].") from None
    except DirectoryTrouble as trouble:
        raise SystemExit(f"L’annuaire ne donne pas de liste : {trouble.slug}. {trouble.__cause__ or ''}") from None
    _apply(code, directory.host, content, dry=not (now_ or even_so), even_so=even_so)


@app.command()
def runs(code: Annotated[str, typer.Argument(help="code de la liste")]) -> None:
    """Montrer ce qui fut fait d’une liste, le dernier d’abord."""
    from cvq_core.agents.store import list_of, runs_of
    from cvq_core.clock import local

    async def act(db: AsyncSession, now: datetime) -> str:
        found = await list_of(db, code)
        lines = []
        for run in await runs_of(db, found.id):
            told = ", ".join(f"{name} {len(run.report.get(name, []))}" for name in ("joined", "moved", "left"))
            lines.append(f"{run.id}\t{local(run.at):%d/%m/%Y %H:%M}\t{run.outcome} {run.slug}\t{run.file_name}\t{told}")
        return "\n".join(lines) or "Rien encore."

    typer.echo(act_at_once(act))


@app.command()
def undo(
    code: Annotated[str, typer.Argument(help="code de la liste")],
    run: Annotated[UUID, typer.Argument(help="la dernière application, telle que `runs` la nomme")],
) -> None:
    """Défaire la dernière liste appliquée ; son fichier ne sera plus appliqué de lui-même."""
    from cvq_core.agents.service import undo_run
    from cvq_core.journal.store import SYSTEM

    async def act(db: AsyncSession, now: datetime) -> str:
        await undo_run(db, code, run, actor=SYSTEM, now=now)
        return "défait"

    typer.echo(act_at_once(act))


def _content(file: Path) -> bytes:
    from cvq_core.agents.rules import BYTES_MAX

    with file.open("rb") as opened:
        return opened.read(BYTES_MAX + 1)


def _apply(code: str, name: str, content: bytes, *, dry: bool, even_so: bool) -> None:
    from cvq_core.agents.service import apply_list
    from cvq_core.journal.store import SYSTEM

    async def act(db: AsyncSession, now: datetime) -> str:
        done = await apply_list(
            db, code, file_name=name, content=content, actor=SYSTEM, now=now, even_so=even_so, dry=dry
        )
        if done.refusal is not None:
            told = f"{done.refusal}\n{done.refusal.what_to_do}"
            # What was refused is written down; the command itself fails.
            return f"!{told}"
        return _said(done.report) if done.settled is None else _settled(done.settled)

    told = act_at_once(act)
    if told.startswith("!"):
        raise SystemExit(told[1:])
    typer.echo(told)


def _settled(run: StaffRun) -> str:
    from cvq_core.agents.rules import RunOutcome
    from cvq_core.clock import local

    how = "défait" if run.outcome is RunOutcome.UNDOING else f"refusé ({run.slug})"
    return (
        f"Rien n’est changé : ce même fichier fut {how} le {local(run.at):%d/%m/%Y à %H:%M}.\n"
        "Corrigez-le, ou appliquez-le tout de même avec --even-so."
    )


def _said(report: Report) -> str:
    opened, closed = report.doors
    lines = [
        f"{word} : {len(found)}" + (f" ({', '.join(found[:20])})" if found else "")
        for word, found in (
            ("arrivés", report.numbers("joined")),
            ("changent de groupe", report.numbers("moved")),
            ("partis", report.numbers("left")),
            ("inconnus dans la base, sans porte", report.unknown),
            ("groupes sans porte", report.without_doors),
        )
    ]
    return "\n".join([*lines, f"portes ouvertes : {opened}, fermées : {closed}"])
