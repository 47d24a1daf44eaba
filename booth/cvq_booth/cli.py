"""`cvq booth`: run a booth's agent, enrol a booth, and look whether its machines answer."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import typer

from cvq_booth.settings import BoothSettings
from cvq_core.logs import configure_logs
from cvq_core.settings_file import SettingsError

booth = typer.Typer(no_args_is_help=True, help="One booth: its screens, its machines and its line to the desk.")


@booth.command()
def run(
    addresses: Path | None = typer.Option(
        None, help="Write the two screens' addresses, with the key that opens them, into this file."
    ),
) -> None:
    """Run the booth's agent until Ctrl-C: screens, scanner, printer, card reader, line to the desk."""
    settings = _settings()
    configure_logs(settings.log_format, settings.log_level)
    from cvq_booth.spool import SpoolError
    from cvq_core.devices.identity import IdentityError

    try:
        asyncio.run(_run(settings, addresses))
    except (IdentityError, SpoolError, SettingsError, OSError) as error:
        raise _end(str(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@booth.command()
def enrol(
    code: str = typer.Argument(help="The one-time code that the administrator's page or `cvq enrol` gave."),
    again: bool = typer.Option(False, "--again", help="Enrol anew a booth that has a key already."),
) -> None:
    """Make this booth's key and have the desk know it. The key stays on this machine."""
    from cvq_booth.desk import DeskRefused, DeskUnreachable
    from cvq_core.devices.identity import IdentityError

    settings = _settings()
    try:
        name = asyncio.run(_enrol(settings, code, again=again))
    except (IdentityError, DeskRefused, DeskUnreachable, OSError) as error:
        raise _end(str(error)) from None
    typer.echo(f"Ce guichet est enregistré : {name}. Sa clé est dans {settings.key_file}.")


@booth.command()
def check() -> None:
    """Look whether this booth can work: key, desk, spool, scanner, printer, card reader, camera, display."""
    settings = _settings()
    findings = asyncio.run(_check(settings))
    for name, good, detail in findings:
        typer.secho(f"{'ok ' if good else 'NON'}  {name:<18} {detail}", fg=None if good else "red")
    if not all(good for _, good, _ in findings):
        raise typer.Exit(1)


async def _run(settings: BoothSettings, addresses: Path | None) -> None:
    from aiohttp import ClientSession

    from cvq_booth.agent import Agent
    from cvq_booth.desk import ENROL
    from cvq_core.devices.identity import Identity, IdentityError

    identity = Identity.load(settings.key_file, enrol=ENROL)
    if identity.device_id is None:
        raise IdentityError(f"{settings.key_file}: this booth is not enrolled yet; use `cvq booth enrol CODE`")
    async with ClientSession() as session:
        agent = Agent(
            settings,
            identity,
            session,
            software=f"cvq {version('cvq')}",
            on_ready=lambda found: _write_private(addresses, json.dumps(found)) if addresses else None,
        )
        work = asyncio.create_task(agent.run(), name="agent")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, work.cancel)
        with suppress(asyncio.CancelledError):
            await work


def _write_private(file: Path, text: str) -> None:
    """Write a file whole or not at all, for nobody else's eyes."""
    partial = file.with_name(f"{file.name}.part")
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8")
    partial.rename(file)


async def _enrol(settings: BoothSettings, code: str, *, again: bool) -> str:
    from aiohttp import ClientSession

    from cvq_booth.desk import ENROL
    from cvq_booth.desk import enrol as exchange
    from cvq_core.devices.identity import Identity, IdentityError

    # A key that was made and then refused, or whose answer got lost, is used again: nobody else has ever had it.
    known = Identity.load(settings.key_file, enrol=ENROL) if settings.key_file.exists() else Identity.new()
    if known.device_id is not None:
        if not again:
            raise IdentityError(f"{settings.key_file}: this booth is enrolled already; --again makes a new key")
        known = Identity.new()
    else:
        known.save(settings.key_file)
    async with ClientSession() as session:
        identity = await exchange(session, settings.desk, code, known)
    identity.save(settings.key_file)
    return identity.name


async def _check(settings: BoothSettings) -> list[tuple[str, bool, str]]:
    from cvq_booth.check import look_at

    return await look_at(settings)


def _settings() -> BoothSettings:
    try:
        return BoothSettings.load()
    except SettingsError as error:
        raise _end(str(error)) from None


def _end(message: str) -> typer.Exit:
    typer.secho(message, err=True, fg="red")
    return typer.Exit(2)
