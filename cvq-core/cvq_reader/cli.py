"""`cvq reader`: enrol a site's controller, run it, and look how it is."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import typer

from cvq_core.logs import configure_logs
from cvq_core.settings_file import SettingsError
from cvq_reader.settings import ReaderSettings


class Unbroken(io.TextIOWrapper):
    """A stream that drops what it cannot write, and goes on."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream.buffer, encoding="utf-8", errors="replace", line_buffering=True)

    def write(self, text: str) -> int:
        """Write, if the disk takes it."""
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if the disk takes it."""
        with suppress(OSError):
            super().flush()


reader = typer.Typer(no_args_is_help=True, help="Le contrôleur d’un site : ses lecteurs, sa liste, ses passages.")


@reader.command()
def run(
    port_file: Path | None = typer.Option(None, help="Écrire dans ce fichier le port où les lecteurs appellent."),
) -> None:
    """Faire marcher le contrôleur, jusqu’à Ctrl-C."""
    settings = _settings()
    # A log on a full disk must not close the doors.
    sys.stderr = Unbroken(sys.stderr)
    configure_logs(settings.log_format, settings.log_level)
    from cvq_core.devices.identity import IdentityError

    try:
        asyncio.run(_run(settings, port_file))
    except (IdentityError, SettingsError, OSError) as error:
        raise _end(str(error)) from None


@reader.command()
def enrol(
    code: str = typer.Argument(help="Le code donné par `cvq enrol controller NOM`, valable un jour."),
    again: bool = typer.Option(False, "--again", help="Installer de nouveau une machine qui a déjà une clé."),
) -> None:
    """Faire la clé de cette machine et la faire connaître : elle n’en sort jamais."""
    from cvq_core.devices.identity import IdentityError
    from cvq_core.devices.line import ServerRefused, ServerUnreachable
    from cvq_reader.enrolling import enrol_here

    settings = _settings()
    try:
        welcome = asyncio.run(enrol_here(settings, code, again=again))
    except (IdentityError, ServerRefused, ServerUnreachable, OSError) as error:
        raise _end(str(error)) from None
    typer.echo(f"Ce contrôleur est installé : {welcome.name} ({welcome.site}). Sa clé est dans {settings.key_file}.")


@reader.command(name="new-key")
def new_key() -> None:
    """Changer la clé de cette machine : l’ancienne ne vaut plus rien."""
    from cvq_core.devices.identity import IdentityError
    from cvq_core.devices.line import ServerRefused, ServerUnreachable
    from cvq_reader.enrolling import change_key

    settings = _settings()
    try:
        asyncio.run(change_key(settings))
    except (IdentityError, ServerRefused, ServerUnreachable, OSError) as error:
        raise _end(str(error)) from None
    typer.echo("La clé est changée. Relancez le contrôleur.")


@reader.command()
def status() -> None:
    """Dire comment va le contrôleur qui marche sur cette machine ; 1 si quelque chose ne va pas."""
    settings = _settings()
    found = asyncio.run(_status(settings))
    if found is None:
        raise _end(f"no controller answers on port {settings.listen_port} of this machine")
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    if found["troubles"] or found["lost"] or found["list_until"] is None:
        raise typer.Exit(1)


@reader.command()
def check() -> None:
    """Regarder si cette machine peut servir : réglages, clé, liaison, disque, lecteurs."""
    from cvq_reader.checking import look_at

    settings = _settings()
    findings = asyncio.run(look_at(settings))
    for name, good, detail in findings:
        typer.secho(f"{'ok ' if good else 'NON'}  {name:<18} {detail}", fg=None if good else "red")
    if not all(good for _, good, _ in findings):
        raise typer.Exit(1)


async def _run(settings: ReaderSettings, port_file: Path | None) -> None:
    from cvq_reader.agent import Agent

    agent = Agent(settings, on_ready=lambda port: _write(port_file, str(port)) if port_file else None)
    work = asyncio.create_task(agent.run(), name="agent")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


def _write(file: Path, text: str) -> None:
    partial = file.with_name(f"{file.name}.part")
    partial.write_text(text, encoding="utf-8")
    partial.rename(file)


async def _status(settings: ReaderSettings) -> dict[str, Any] | None:
    from aiohttp import ClientError, ClientSession, ClientTimeout

    try:
        async with ClientSession(timeout=ClientTimeout(total=5)) as session:
            answer = await session.get(f"http://127.0.0.1:{settings.listen_port}/status")
            found: dict[str, Any] = await answer.json()
            return found
    except (ClientError, TimeoutError, OSError, ValueError):
        return None


def _settings() -> ReaderSettings:
    try:
        return ReaderSettings.load()
    except SettingsError as error:
        raise _end(str(error)) from None


def _end(message: str) -> typer.Exit:
    typer.secho(message, err=True, fg="red")
    return typer.Exit(2)
