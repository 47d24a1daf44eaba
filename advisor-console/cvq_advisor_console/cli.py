"""`cvq serve`, `cvq demo` and `cvq bench`."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich import print as say

from cvq_core.logs import configure_logs
from cvq_core.settings import Settings
from cvq_core.settings_file import SettingsError


class BenchName(StrEnum):
    """What `cvq bench` can measure."""

    TAPS = "taps"
    LEDGER = "ledger"
    MONTHS = "months"
    BOOKING = "booking"
    CALL = "call"
    MIRROR = "mirror"
    RESUME = "resume"


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of CVQ_LISTEN_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port, instead of CVQ_LISTEN_PORT; 0 takes a free one.")] = None,
) -> None:
    """Run the server: core, desk, console and background jobs."""
    from aiohttp import web

    from cvq_advisor_console.app import make_app

    overrides = {"listen_host": host, "listen_port": port}
    settings = _settings(**{name: value for name, value in overrides.items() if value is not None})
    configure_logs(settings.log_format, settings.log_level)
    asyncio.run(_check_head(settings))
    web.run_app(
        make_app(settings),
        host=settings.listen_host,
        port=settings.listen_port,
        shutdown_timeout=3.0,
        handle_signals=True,
        print=lambda _: say(f"listening on http://{settings.listen_host}:{settings.listen_port}"),
    )


def demo(
    folder: Annotated[Path, typer.Option(help="Where its database, papers and logs lie.")] = Path("var/demo"),
) -> None:
    """Run a whole village on this machine, with virtual devices; Ctrl-C ends it."""
    from cvq_advisor_console.demo.command import demo_main

    demo_main(folder.resolve())


def check() -> None:
    """Dire si cette installation est saine : base à jour, comptes justes, journal intact, guichets vus."""
    from rich.console import Console

    from cvq_desk.check import Finding, look
    from cvq_migrations import runner

    settings = _settings()
    console = Console()
    at, newest = asyncio.run(_revisions(settings)), runner.head()
    findings = [Finding("révision de la base", at == newest, f"{at or 'vide'} (la plus récente : {newest})")]
    if at == newest:
        findings += asyncio.run(look(settings))
    for finding in findings:
        mark = "[green]ok[/green] " if finding.sound else "[red]NON[/red]"
        console.print(f"{mark} {finding.what:<24} {finding.detail}")
    if not all(finding.sound for finding in findings):
        raise typer.Exit(1)


def bench(
    name: Annotated[BenchName, typer.Argument(help="What to measure.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but the one line of JSON.")] = False,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="How often each side is measured.")] = 5,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=600, help="`taps`, `ledger`: how long a slice of a round is.")
    ] = 3.0,
    preset: Annotated[str, typer.Option(help="`taps`, `ledger`, `months`: the territory to measure on.")] = "parthenay",
    times: Annotated[
        int, typer.Option(min=1, max=200, help="`taps`: how often the territory is there, on PostgreSQL.")
    ] = 1,
    database_url: Annotated[
        str | None, typer.Option(help="An empty database, instead of one that the bench makes for itself.")
    ] = None,
) -> None:
    """Measure taps, ledger, months, booking, call, mirror or resume; the last line is one JSON object."""
    from rich.console import Console

    from cvq_advisor_console.bench.command import CannotMeasure, figures_table, measure
    from cvq_core.bench.harness import BenchOptions

    options = BenchOptions(rounds=rounds, seconds=seconds, database_url=database_url, preset=preset, times=times)
    try:
        found = asyncio.run(measure(name.value, options))
    except CannotMeasure as error:
        raise SystemExit(str(error)) from None
    if not as_json:
        Console().print(figures_table(found))
    typer.echo(json.dumps(found, ensure_ascii=False))


def _settings(**overrides: object) -> Settings:
    try:
        return Settings.load(**overrides)
    except SettingsError as error:
        raise SystemExit(str(error)) from None


async def _check_head(settings: Settings) -> None:
    """A server on a database of another revision would fail at its first query: it does not start."""
    from cvq_migrations import runner

    at, newest = await _revisions(settings), runner.head()
    if at != newest:
        raise SystemExit(f"the database is at {at or 'nothing'}, this version needs {newest}: run `cvq migrate` first")


async def _revisions(settings: Settings) -> str | None:
    """Return the revision that the database is at."""
    from cvq_core.database import Database
    from cvq_migrations import runner

    database = Database(settings.database_url)
    try:
        return await runner.current(database)
    finally:
        await database.close()
