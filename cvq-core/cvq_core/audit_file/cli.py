"""`cvq seal` and `cvq verify`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cvq_core.audit_file.store import Sealed
    from cvq_core.settings import Settings


def seal(
    office: Annotated[str, typer.Argument(help="code de la régie")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="premier jour")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="dernier jour, compris")],
    folder: Annotated[Path, typer.Option("--folder", help="où écrire le fichier")] = Path(),
) -> None:
    """Sceller une période d’une régie dans un fichier que le comptable vérifie sans la base."""
    from cvq_core.audit_file.seals import BadSealKey
    from cvq_core.errors import Refusal
    from cvq_core.settings import Settings
    from cvq_core.settings_file import SettingsError

    try:
        made = asyncio.run(_seal(Settings.load(), office, first, last))
    except (SettingsError, BadSealKey, Refusal) as error:
        raise SystemExit(str(error) or getattr(error, "message", "")) from None
    file = folder / made.file_name
    file.write_bytes(made.content)
    typer.echo(f"{file}\nempreinte du fichier : {made.sha256}\nempreinte de la clé : {made.fingerprint}")


async def _seal(settings: Settings, office: str, first: datetime, last: datetime) -> Sealed:
    from cvq_core.audit_file.seals import load_seal_key
    from cvq_core.audit_file.store import seal_period
    from cvq_core.clock import shifted
    from cvq_core.database import Database

    key = load_seal_key(settings.data_dir / "seal.key")
    database = Database(settings.database_url)
    try:
        async with database.write() as db:
            now = shifted(settings.clock_offset_s)()
            return await seal_period(db, office, first.date(), last.date(), key=key, now=now)
    finally:
        await database.close()


def verify(
    file: Annotated[Path, typer.Argument(help="fichier scellé", exists=True, dir_okay=False)],
    key: Annotated[str | None, typer.Option(help="empreinte de la clé, telle qu’elle fut remise par écrit")] = None,
    receipt: Annotated[str | None, typer.Option(help="montrer le chemin du total à cette quittance")] = None,
) -> None:
    """Vérifier un fichier scellé, du total à la quittance, sans la base ; finit par 1 si quelque chose est faux."""
    from cvq_core.audit_file.check import check, trail
    from cvq_core.audit_file.contents import NotAnAuditFile, digest, unpack
    from cvq_core.audit_file.seals import fingerprint

    content = file.read_bytes()
    try:
        opened = unpack(content)
    except NotAnAuditFile as error:
        raise SystemExit(f"{file} : {error}") from None
    summary = opened.contents.summary
    typer.echo(f"Régie : {summary['regie']['nom']}, du {summary['periode']['du']} au {summary['periode']['au']}")
    typer.echo(f"Empreinte du fichier : {digest(content)}")
    typer.echo(f"Empreinte de la clé : {fingerprint(opened.seal.public_key)}")
    findings = check(opened, key=key)
    for finding in findings:
        typer.echo(f"{'juste' if not finding.troubles else 'FAUX '}  {finding.what}")
        for trouble in finding.troubles:
            typer.echo(f"         {trouble}")
    if receipt is not None:
        lines = trail(opened.contents, receipt)
        typer.echo("\n".join(lines) if lines else f"{receipt} n’est pas dans ce fichier")
    if key is None:
        typer.echo("Sans --key, on ne sait pas qui a scellé ce fichier : comparez l’empreinte de la clé.")
    if any(finding.troubles for finding in findings) or (receipt is not None and not lines):
        raise SystemExit(1)
